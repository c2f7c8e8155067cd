//! What a watch notices: every way of saving, whole trees that come and go, rules that change, events that get lost.
//!
//! What it then does is in `decisions`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use crate::support::git::git;
use crate::support::holding_builder::shared_holding_builder;
use crate::support::project::Project;
use crate::support::wait::wait_for;
use crate::support::watch_session::WatchSession;

/// Saves as editors do.
#[derive(Clone, Copy, Debug)]
enum Editor {
    InPlace,
    /// A temporary file takes the place of the old one.
    Rename,
    /// The old file becomes a backup, a new one is written, and the backup is removed.
    Vim,
    JetBrains,
}

impl Editor {
    fn save(self, path: &Path, text: &str) {
        let beside = |end: &str| path.with_file_name(format!("{}{end}", path.file_name().unwrap().to_str().unwrap()));
        match self {
            Editor::InPlace => fs::write(path, text).unwrap(),
            Editor::Rename => {
                fs::write(beside(".tmp"), text).unwrap();
                fs::rename(beside(".tmp"), path).unwrap();
            }
            Editor::Vim => {
                fs::rename(path, beside("~")).unwrap();
                fs::write(path, text).unwrap();
                fs::remove_file(beside("~")).unwrap();
            }
            Editor::JetBrains => {
                fs::write(beside("___jb_tmp___"), text).unwrap();
                fs::rename(path, beside("___jb_old___")).unwrap();
                fs::rename(beside("___jb_tmp___"), path).unwrap();
                fs::remove_file(beside("___jb_old___")).unwrap();
            }
        }
    }
}

/// How many inotify watches the process has.
fn inotify_watches(watch: &WatchSession) -> usize {
    let folder = format!("/proc/{}/fdinfo", watch.id());
    let infos = fs::read_dir(folder).unwrap().flatten();
    let texts = infos.filter_map(|info| fs::read_to_string(info.path()).ok());
    texts.map(|text| text.lines().filter(|line| line.starts_with("inotify wd:")).count()).sum()
}

/// The paths below `/app` of the project's image.
fn paths(project: &Project) -> Vec<String> {
    project.app_files().into_keys().filter(|path| !path.is_empty()).collect()
}

#[test]
fn every_way_of_saving_is_one_build() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a.py", "0").file("b", "b");
    let watch = project.watch(&builder).start_watch();
    let editors = [Editor::InPlace, Editor::Rename, Editor::Vim, Editor::JetBrains];
    for (number, editor) in editors.into_iter().enumerate() {
        let text = format!("{editor:?}");
        watch.build_after(|| editor.save(&project.path().join("a.py"), &text));
        assert_eq!(project.image_file("a.py"), text);
        let started = watch.with_reason("build-started").pop().unwrap();
        assert_eq!(started["changed"], serde_json::json!(["a.py"]), "{editor:?}\n{watch}");
        assert_eq!(started["changed_more"], 0, "{editor:?}\n{watch}");
        assert_eq!(watch.wait_until_idle(&project, "b"), number + 2, "{editor:?}\n{watch}");
    }
    assert_eq!(paths(&project), ["a.py", "b"]);
    watch.stop("INT");
}

#[test]
fn a_folder_made_and_filled_in_one_go_is_seen_and_watched() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    watch.build_after(|| project.write("x/y/z/deep", "1"));
    assert_eq!(project.image_file("x/y/z/deep"), "1");
    watch.build_after(|| project.write("x/y/z/deep", "2"));
    assert_eq!(project.image_file("x/y/z/deep"), "2");
    // A folder that was moved is watched in its new place.
    watch.build_after(|| fs::rename(project.path().join("x/y"), project.path().join("moved")).unwrap());
    assert_eq!(paths(&project), ["a", "moved", "moved/z", "moved/z/deep", "x"]);
    watch.build_after(|| project.write("moved/z/deep", "3"));
    assert_eq!(project.image_file("moved/z/deep"), "3");
    assert_eq!(watch.wait_until_idle(&project, "a"), 5);
    watch.stop("INT");
}

#[test]
fn many_files_in_a_short_time_are_few_builds() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).start_watch();
    for number in 0..500 {
        project.write(&format!("f/{number}"), &number.to_string());
        std::thread::sleep(Duration::from_micros(400));
    }
    let builds = watch.wait_until_idle(&project, "a");
    assert!((2..=4).contains(&builds), "{builds} builds\n{watch}");
    let app = project.app_files();
    assert_eq!(app.len(), 503);
    assert!((0..500).all(|number| app[&format!("f/{number}")].content == number.to_string()));
    watch.stop("INT");
}

#[test]
fn a_checkout_of_many_files_is_one_build() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let root = project.path();
    let fill = |text: &str| (0..2000).for_each(|number| project.write(&format!("{}/{number}", number % 20), text));
    git(&root, &["init", "--quiet", "--initial-branch=one"]);
    fill("one");
    git(&root, &["add", "."]);
    git(&root, &["commit", "--quiet", "--message", "one"]);
    git(&root, &["checkout", "--quiet", "-b", "two"]);
    fill("two");
    git(&root, &["commit", "--quiet", "--all", "--message", "two"]);
    let watch = project.watch(&builder).start_watch();
    let end = watch.build_after(|| drop(git(&root, &["checkout", "--quiet", "one"])));
    assert_eq!(watch.wait_until_idle(&project, "a"), 2, "{end}");
    let app = project.app_files();
    assert!((0..2000).all(|number| app[&format!("{}/{number}", number % 20)].content == "one"));
    assert!(!app.contains_key(".git"));
    let started = watch.with_reason("build-started").pop().unwrap();
    assert_eq!((started["changed"].as_array().unwrap().len(), &started["changed_more"]), (3, &1997.into()));
    watch.stop("INT");
}

#[test]
fn nothing_is_built_while_git_holds_its_index() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("b", "1").file(".git/HEAD", "ref: refs/heads/main\n");
    let watch = project.watch(&builder).start_watch();
    watch.build_after(|| {
        project.write(".git/index.lock", "");
        project.write("a", "2");
        // A save that no lock holds up would be noticed in a tenth of that.
        std::thread::sleep(Duration::from_millis(1500));
        assert_eq!(watch.builds_started(), 1, "{watch}");
        project.write("b", "2");
        watch.wait_for_message("note", "rm ");
        fs::remove_file(project.path().join(".git/index.lock")).unwrap();
    });
    assert_eq!(watch.with_reason("build-started")[1]["changed"], serde_json::json!(["a", "b"]));
    assert_eq!(watch.wait_until_idle(&project, "a"), 2);
    watch.stop("INT");
}

#[test]
fn lost_events_are_noticed() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file(".s2iignore", "*.tmp\n");
    let watch = project.watch(&builder).start_watch();
    watch.build_after(|| {
        watch.signal("STOP");
        // More than the 16,384 events that the queue of inotify holds.
        for number in 0..20_000 {
            fs::write(project.path().join(format!("{number}.tmp")), "").unwrap();
        }
        project.write("a", "2");
        project.write("new/b", "1");
        watch.signal("CONT");
    });
    watch.wait_for_message("note", "events were lost");
    assert_eq!((project.image_file("a"), project.image_file("new/b")), ("2".to_owned(), "1".to_owned()));
    watch.build_after(|| project.write("new/b", "2"));
    assert_eq!(project.image_file("new/b"), "2");
    watch.stop("INT");
}

#[test]
fn a_source_that_is_removed_and_made_again_is_watched_on() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("old", "1");
    let watch = project.watch(&builder).start_watch();
    let before = project.id();
    fs::remove_dir_all(project.path()).unwrap();
    watch.wait_for_message("warning", "is gone");
    assert_eq!(project.id(), before);
    watch.build_after(|| project.write("a", "2"));
    watch.wait_for_message("note", "is back");
    watch.wait_until_idle(&project, "a");
    assert_eq!(project.image_file("a"), "2");
    assert_eq!(paths(&project), ["a"]);
    watch.build_after(|| project.write("a", "3"));
    assert_eq!(project.image_file("a"), "3");
    watch.stop("INT");
}

#[test]
fn a_source_that_another_folder_takes_the_place_of_is_watched_on() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("old", "1");
    let watch = project.watch(&builder).start_watch();
    let other = project.temp_dir().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("a"), "2").unwrap();
    watch.build_after(|| {
        fs::rename(project.path(), project.temp_dir().join("away")).unwrap();
        fs::rename(&other, project.path()).unwrap();
    });
    watch.wait_for_message("note", "another folder is in its place");
    watch.wait_until_idle(&project, "a");
    assert_eq!((paths(&project), project.image_file("a")), (vec!["a".to_owned()], "2".to_owned()));
    watch.build_after(|| project.write("a", "3"));
    assert_eq!(project.image_file("a"), "3");
    watch.stop("INT");
}

#[test]
fn a_link_to_the_source_that_leads_elsewhere_is_followed() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("old", "1");
    let (link, other) = (project.temp_dir().join("current"), project.temp_dir().join("r2"));
    symlink(project.path(), &link).unwrap();
    fs::create_dir(&other).unwrap();
    fs::write(other.join("a"), "22").unwrap();
    let watch = project.watch(&builder).source(link.to_str().unwrap()).start_watch();
    let retarget = |to: &Path| {
        symlink(to, project.temp_dir().join("new")).unwrap();
        fs::rename(project.temp_dir().join("new"), &link).unwrap();
    };
    watch.build_after(|| retarget(&other));
    watch.wait_for_message("note", "is now the folder");
    assert_eq!((paths(&project), project.image_file("a")), (vec!["a".to_owned()], "22".to_owned()));
    watch.wait_for_standby();
    let end = watch.build_after(|| fs::write(other.join("a"), "333").unwrap());
    assert_eq!((project.image_file("a"), &end["standby"]), ("333".to_owned(), &"used".into()), "{watch}");
    // What is saved in the folder that was left is none of its business; a link to nowhere keeps the image.
    project.write("a", "55555");
    retarget(&project.temp_dir().join("none"));
    watch.wait_for_message("warning", "is gone");
    watch.build_after(|| retarget(&project.path()));
    assert_eq!(project.image_file("a"), "55555");
    assert_eq!(watch.builds_started(), 4, "{watch}");
    watch.stop("INT");
}

#[test]
fn edited_rules_take_effect() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    for hidden in ["nested/n", "p", "e", "i", "s"] {
        project.write(hidden, "1");
    }
    let above = project.temp_dir().to_owned();
    git(&above, &["init", "--quiet"]);
    let watch = project.watch(&builder).start_watch();
    let source = project.path();
    let rules = [
        (source.join("nested/.gitignore"), "nested/n"),
        (above.join(".gitignore"), "p"),
        (above.join(".git/info/exclude"), "e"),
        (source.join(".ignore"), "i"),
        (source.join(".s2iignore"), "s"),
    ];
    for (file, hidden) in &rules {
        let name = Path::new(hidden).file_name().unwrap().to_str().unwrap();
        watch.build_after(|| fs::write(file, format!("{name}\n")).unwrap());
        assert!(!paths(&project).iter().any(|path| path == hidden), "{} has no effect", file.display());
    }
    let builds = watch.wait_until_idle(&project, "a");
    // An ignored file triggers no build as long as it is ignored.
    rules.iter().for_each(|(_, hidden)| project.write(hidden, "2"));
    assert_eq!(watch.wait_until_idle(&project, "a"), builds, "{watch}");
    for (file, hidden) in &rules {
        watch.build_after(|| fs::write(file, "\n").unwrap());
        assert!(paths(&project).iter().any(|path| path == hidden), "{} has an effect still", file.display());
    }
    watch.stop("INT");
}

#[test]
fn options_decide_what_triggers() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file(".gitignore", "*.tmp\n").file("a.log", "1").file("keep.tmp", "1");
    let watch = project.watch(&builder).args(&["--exclude", "*.log", "--include", "keep.tmp"]).start_watch();
    project.write("a.log", "2");
    project.write("other.tmp", "1");
    assert_eq!(watch.wait_until_idle(&project, "a"), 1, "{watch}");
    watch.build_after(|| project.write("keep.tmp", "2"));
    assert_eq!(project.image_file("keep.tmp"), "2");
    assert_eq!(paths(&project), [".gitignore", "a", "keep.tmp"]);
    watch.stop("INT");
}

#[test]
fn ignored_folders_cost_no_watch() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a/b/c", "1").file(".gitignore", "node_modules\n").file(".git/x/y/HEAD", "");
    for number in 0..300 {
        project.write(&format!("node_modules/{number}/index.js"), "1");
    }
    let watch = project.watch(&builder).start_watch();
    let folders = watch.with_reason("watch-started")[0]["folders"].as_u64().unwrap();
    assert_eq!(folders, 3, "{watch}");
    let count = inotify_watches(&watch);
    assert!((3..10).contains(&count), "{count} watches");
    project.write("node_modules/7/index.js", "2");
    assert_eq!(watch.wait_until_idle(&project, "a/b/c"), 1, "{watch}");
    watch.stop("INT");
}

#[test]
fn saving_an_ignored_file_again_and_again_is_told_once() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("sub/.gitignore", "# nothing\n*.log\n");
    let watch = project.watch(&builder).start_watch();
    let mut number = 0;
    let mut save = || {
        number += 1;
        project.write("sub/my.log", &number.to_string());
    };
    wait_for("the note", || {
        save();
        watch.with_reason("note").iter().any(|note| note.to_string().contains("sub/my.log"))
    });
    let note = watch.wait_for_message("note", "again and again");
    assert!(note["message"].as_str().unwrap().contains("sub/.gitignore:2: *.log"), "{note}");
    for _ in 0..5 {
        save();
        watch.wait_until_idle(&project, "a");
    }
    let notes = watch.with_reason("note");
    assert_eq!(notes.iter().filter(|note| note.to_string().contains("again and again")).count(), 1, "{watch}");
    assert_eq!(watch.builds_started(), 1);
    watch.stop("INT");
}

#[test]
fn a_source_can_be_polled() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    let watch = project.watch(&builder).arg("--poll=50ms").start_watch();
    assert_eq!(watch.with_reason("watch-started")[0]["poll"], 0.05);
    assert_eq!(inotify_watches(&watch), 0);
    watch.build_after(|| project.write("a", "2"));
    assert_eq!(project.image_file("a"), "2");
    watch.build_after(|| project.write("x/y/b", "1"));
    assert_eq!(project.image_file("x/y/b"), "1");
    watch.build_after(|| fs::remove_dir_all(project.path().join("x")).unwrap());
    assert_eq!(paths(&project), ["a"]);
    watch.stop("INT");
}

#[cfg(target_os = "linux")]
#[test]
fn a_source_that_the_system_can_not_watch_is_polled() {
    let builder = shared_holding_builder();
    for (limit, most, cure) in
        [("watches", 5, "fs.inotify.max_user_watches"), ("instances", 0, "fs.inotify.max_user_instances")]
    {
        let mut project = Project::new();
        for folder in 0..20 {
            project = project.file(&format!("folder{folder}/a"), "1");
        }
        let lower = format!("echo {most} >/proc/sys/user/max_inotify_{limit}");
        let watch = project.watch(&builder).after_in_user_namespace(&lower).start_watch();
        let warnings: Vec<_> =
            watch.with_reason("warning").into_iter().filter(|it| it.to_string().contains(cure)).collect();
        assert_eq!(warnings.len(), 1, "{watch}");
        watch.build_after(|| project.write("folder19/a", "2"));
        assert_eq!(project.image_file("folder19/a"), "2");
        watch.build_after(|| project.write("folder0/a", "2"));
        let warnings = watch.with_reason("warning").into_iter().filter(|it| it.to_string().contains("inotify")).count();
        assert_eq!(warnings, 1, "{watch}");
        watch.stop("INT");
    }
}
