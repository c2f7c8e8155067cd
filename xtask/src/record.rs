//! A recording of a real watch for the README: the sample pair, three saves, one of which fails.
//!
//! The watch runs on a terminal of its own (`script`), what it prints is read by a terminal's model (`vt100`), and the screen
//! becomes a picture whose lines appear in the order in which they were printed.

mod screen;
mod svg;
mod watch;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::private_engine::Purpose;
use crate::{base_image, demo, engine_choice, process, program, sample_builder, signals, workspace};
use screen::Screen;
use watch::Watch;

/// The images of the recording, and the names that the picture has for them.
const BUILDER: (&str, &str) = ("minis2i-record-builder", "builder");
const IMAGE: (&str, &str) = ("minis2i-record-app", "img");

const PICTURE: &str = "docs/watch.svg";

/// A script of the source's own: checks a file and goes on as the builder does.
const ASSEMBLE: &str = "#!/bin/sh\nset -e\nsh -n /tmp/src/start.sh\nexec /usr/libexec/s2i/assemble\n";

/// What `start.sh` holds at first, and after each save; the second one is not complete.
const SAVES: [&str; 4] = [
    "echo starting\n",
    "echo starting; date\n",
    "if [ -f input.txt ]; then\n  echo starting\n",
    "if [ -f input.txt ]; then\n  echo starting\nfi\n",
];

/// Makes `docs/watch.svg`. It needs the engine, or one of its own where that makes commits wait, and `script` of util-linux.
///
/// # Errors
/// When the engine or `script` fails, or the watch does not do what the recording is about.
pub fn record(args: &[String]) -> Result<()> {
    if !args.iter().any(|arg| arg == engine_choice::AS_IS) {
        // The engine is removed after Ctrl-C, too.
        signals::catch()?;
        if engine_choice::run_on_private_engine(&["record"], args, Purpose::Realistic)? {
            return Ok(());
        }
    }
    base_image::ensure()?;
    let recorded = record_watch(args.iter().any(|arg| arg == demo::DEBUG));
    let _ = process::output(&["docker", "image", "rm", "--force", IMAGE.0, BUILDER.0]);
    let picture = svg::picture(&recorded?.rows(&[BUILDER, IMAGE]));
    fs::write(workspace::root().join(PICTURE), picture).context("cannot write the picture")?;
    eprintln!("wrote {PICTURE}");
    Ok(())
}

fn record_watch(debug: bool) -> Result<Screen> {
    let program = workspace::root().join(program::build(debug)?);
    sample_builder::build(BUILDER.0)?;
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("testapp");
    make_source(&source)?;
    let line = format!("minis2i watch --map-paths testapp {} {}", BUILDER.0, IMAGE.0);
    let mut watch = Watch::start(&program, &line, folder.path())?;
    watch.wait_for("build ok:", 1)?;
    for (number, text) in SAVES.iter().enumerate().skip(1) {
        watch.pause();
        fs::write(source.join("start.sh"), text)?;
        watch.wait_for_builds(number + 1)?;
    }
    watch.pause();
    watch.quit()
}

fn make_source(source: &Path) -> Result<()> {
    fs::create_dir_all(source.join(".s2i/bin"))?;
    fs::copy(workspace::root().join("testapp/input.txt"), source.join("input.txt"))?;
    fs::write(source.join("start.sh"), SAVES[0])?;
    let script = source.join(".s2i/bin/assemble");
    fs::write(&script, ASSEMBLE)?;
    fs::set_permissions(script, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
