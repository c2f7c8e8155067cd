//! Random changes of a tree: when a watch is idle again, the image has what a clean build of the tree has, with a
//! standby and without, and wherever the source is.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::engine::unique_name;
use crate::support::holding_builder::shared_holding_builder;
use crate::support::project::Project;
use crate::support::watch_session::WatchSession;

/// How many changes there are in all. `change_tree` chooses among 20 cases, so each comes about ten times.
const CHANGES: usize = 200;

/// How many changes come before the image is compared again: from one burst, which is one build, to several builds.
const BETWEEN_CHECKS: std::ops::Range<u64> = 8..48;

/// A few names only, so that changes concern the same paths.
const NAMES: [&str; 7] = ["a", "b", "c.log", "d", "e", "f", "g.tmp"];
const RULES: [&str; 4] = ["*.log\n", "*.tmp\n!g.tmp\n", "a/\n", "\n"];

/// Random numbers that are the same for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // SplitMix64, whose constants these are.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    /// A path, up to three names deep, that may be there or not.
    fn path(&mut self) -> PathBuf {
        (0..=self.below(3)).map(|_| self.pick(&NAMES)).collect()
    }
}

/// Tries one random change of the tree, and describes it and its result.
fn change_tree(root: &Path, random: &mut Random, number: usize) -> String {
    let relative = random.path();
    let path = root.join(&relative);
    let shown = relative.display();
    match random.below(20) {
        0..=5 => {
            let _ = fs::create_dir_all(path.parent().unwrap());
            format!("write {shown}: {:?}", fs::write(&path, format!("{number}")))
        }
        6 => format!("write the same again {shown}: {:?}", fs::read(&path).and_then(|text| fs::write(&path, text))),
        7..=9 => {
            let to = random.path();
            format!("rename {shown} to {}: {:?}", to.display(), fs::rename(&path, root.join(&to)))
        }
        10..=11 => format!("remove {shown}: {:?}", fs::remove_file(&path)),
        12 => format!("remove all of {shown}: {:?}", fs::remove_dir_all(&path)),
        13..=14 => format!("mkdir {shown}: {:?}", fs::create_dir_all(&path)),
        15 => {
            let modes = [0o644, 0o755, 0o600, 0o711];
            let mode = modes[usize::try_from(random.below(4)).unwrap()] | if path.is_dir() { 0o700 } else { 0 };
            // Setting the mode of a link would set that of its target, which may be outside.
            let link = path.is_symlink();
            let done = (!link).then(|| fs::set_permissions(&path, fs::Permissions::from_mode(mode)));
            format!("chmod {mode:o} {shown}: {done:?}")
        }
        16 => format!("symlink {shown}: {:?}", symlink(random.pick(&NAMES), &path)),
        17 => {
            let to = random.path();
            format!("link {shown} to {}: {:?}", to.display(), fs::hard_link(&path, root.join(&to)))
        }
        _ => {
            let file = path.parent().unwrap().join(random.pick(&[".gitignore", ".s2iignore", ".ignore"]));
            format!("rules in {}: {:?}", file.display(), fs::write(&file, random.pick(&RULES)))
        }
    }
}

#[test]
fn an_idle_watch_has_the_image_of_a_clean_build() {
    let given = std::env::var("MINIS2I_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed =
        given.unwrap_or_else(|| u64::from(std::process::id()) << 20 | Instant::now().elapsed().subsec_nanos() as u64);
    println!("to run the same again: MINIS2I_SEED={seed}");
    let mut random = Random(seed);
    let builder = shared_holding_builder();
    // Three watches of one tree, side by side.
    let project = Project::new().file("still", "1").file("a", "1").file("d/e", "1");
    let mut without = Project::new();
    without.tag = unique_name("without");
    let mut in_memory = Project::new();
    in_memory.tag = unique_name("in-memory");
    let beside = |other: &Project, option: &str| {
        other.watch(&builder).source(project.path().to_str().unwrap()).arg(option).start_watch()
    };
    let watches: [WatchSession; 3] = [
        project.watch(&builder).start_watch(),
        beside(&without, "--no-standby"),
        beside(&in_memory, "--source-in=memory"),
    ];
    let mut log = Vec::new();
    let mut check_at = 0;
    for number in 0..CHANGES {
        log.push(change_tree(&project.path(), &mut random, number));
        // The next change comes at once, before the watch has looked, or in the middle of a build.
        match random.below(12) {
            0 => std::thread::sleep(Duration::from_millis(random.below(300))),
            1..=3 => std::thread::sleep(Duration::from_millis(random.below(20))),
            _ => {}
        }
        if number < check_at && number + 1 < CHANGES {
            continue;
        }
        check_at = number
            + usize::try_from(BETWEEN_CHECKS.start + random.below(BETWEEN_CHECKS.end - BETWEEN_CHECKS.start)).unwrap();
        for watch in &watches {
            watch.wait_until_idle(&project, "still");
        }
        let fresh = project.app_files_of_clean_build(&builder);
        let done = || log.join("\n");
        for (it, watch) in [&project, &without, &in_memory].into_iter().zip(&watches) {
            let app = it.app_files();
            let paths: BTreeSet<&String> = app.keys().chain(fresh.keys()).collect();
            let differ = paths.into_iter().filter(|path| app.get(*path) != fresh.get(*path));
            let differ: Vec<_> = differ.map(|path| (path, app.get(path), fresh.get(path))).collect();
            assert!(differ.is_empty(), "here, fresh: {differ:#?}\nseed {seed}\n{}\n{watch}", done());
        }
        log.push("-- idle --".to_owned());
    }
    let used = watches[0].with_reason("build-finished").iter().filter(|end| end["standby"] == "used").count();
    assert!(used > 0, "no standby was ever used");
    for watch in watches {
        watch.stop("INT");
    }
}
