//! Paths of the source in the output of `assemble`, as the user calls them.

use serde_json::json;

use crate::support::builder::Builder;
use crate::support::exit_status::USAGE;
use crate::support::json_messages::assert_schema;
use crate::support::project::Project;
use crate::support::run::Run;

/// A build by a user in the folder above the source, which is called `source` there.
fn build(project: &Project, builder: &Builder) -> Run {
    project.build(builder).current_dir(project.temp_dir()).source("source")
}

/// A builder whose `assemble` prints what the source has in `said`, byte by byte.
fn saying_builder() -> Builder {
    Builder::assembling("cat /tmp/src/said")
}

#[test]
fn paths_are_shown_as_the_source_was_typed() {
    let builder = saying_builder();
    let said = "/tmp/src/lib/a.py:3:7: x /app/lib/a.py\n/tmp/src/lib/b.py /tmp/src/lib/a.pyc\n  File \"/tmp/src/said\", line 12\n";
    let project = Project::new().file("lib/a.py", "1").file("said", said);
    let plain = build(&project, &builder).success();
    assert_eq!(plain.middle_lines(), said.lines().collect::<Vec<_>>());
    let mapped = [
        "source/lib/a.py:3:7: x source/lib/a.py",
        "/tmp/src/lib/b.py /tmp/src/lib/a.pyc",
        "  File \"source/said\", line 12",
    ];
    assert_eq!(build(&project, &builder).arg("--map-paths").success().middle_lines(), mapped);
    let inside = project.build(&builder).current_dir(&project.path()).source(".").arg("--map-paths").success();
    assert_eq!(inside.middle_lines()[0], "lib/a.py:3:7: x lib/a.py");
    let context = build(&project, &builder).args(&["--map-paths", "--context-dir", "lib"]);
    project.write("lib/said", "/tmp/src/a.py\n");
    assert_eq!(context.success().middle_lines(), ["source/lib/a.py"]);
}

#[test]
fn another_destination_is_known() {
    let builder = Builder::new()
        .instruction("LABEL io.openshift.s2i.destination=/opt/in")
        .folder("opt/in", 0, 0)
        .script("assemble", "#!/bin/sh\necho /opt/in/src/a.py /tmp/src/a.py\n")
        .make();
    let project = Project::new().file("a.py", "1");
    let outcome = build(&project, &builder).arg("--map-paths").success();
    assert_eq!(outcome.middle_lines(), ["source/a.py /tmp/src/a.py"]);
}

#[test]
fn colours_and_bytes_that_are_no_text_stay() {
    let builder = saying_builder();
    let project = Project::new().file("a.py", "1").file("said", "\u{1b}[1m\u{1b}[31m/tmp/src/a.py\u{1b}[0m:3 ");
    let said = [&std::fs::read(project.path().join("said")).unwrap()[..], b"\xff\xfe\n"].concat();
    std::fs::write(project.path().join("said"), said).unwrap();
    let stderr = build(&project, &builder).args(&["--map-paths", "--color", "always"]).raw_stderr();
    let expected = b"\n\x1b[1m\x1b[31msource/a.py\x1b[0m:3 \xff\xfe\n";
    assert!(stderr.windows(expected.len()).any(|part| part == expected), "{}", stderr.escape_ascii());
}

#[test]
fn rules_of_the_user_are_added() {
    let builder = saying_builder();
    let project = Project::new().file("said", "/opt/built/js/a.js:3 /tmp/src/said\n");
    let outcome = build(&project, &builder).arg("--map-path=/opt/built=web").success();
    assert_eq!(outcome.middle_lines(), ["web/js/a.js:3 source/said"]);
    let refused = build(&project, &builder).arg("--map-path=built=web").run().status(USAGE);
    refused.says("error: `--map-path built=web` cannot be used").says("hint: ");
}

#[test]
fn json_has_the_paths_beside_the_text() {
    let builder = saying_builder();
    let text = "\u{1b}[1m/tmp/src/a.py\u{1b}[0m:3:7 /app/a.py";
    let project = Project::new().file("a.py", "1").file("said", &format!("{text}\nnone\n"));
    let outcome = build(&project, &builder).args(&["--message-format", "json"]).success();
    let objects = outcome.json();
    assert_schema(&objects);
    let lines: Vec<_> = objects.iter().filter(|object| object["reason"] == "output").collect();
    assert_eq!(lines[0]["text"], text);
    let paths = json!([
        {"container": "/tmp/src/a.py", "source": "source/a.py", "line": 3, "column": 7},
        {"container": "/app/a.py", "source": "source/a.py", "line": null, "column": null},
    ]);
    assert_eq!(lines[0]["paths"], paths);
    assert_eq!(lines[1].get("paths"), None);
}

#[test]
fn a_watch_knows_the_files_of_each_save() {
    let builder = Builder::assembling("for file in /tmp/src/*; do echo $file; done");
    let project = Project::new().file("a.py", "1");
    let watch = project.watch(&builder).arg("--map-paths").start_watch();
    project.write("b.py", "2");
    watch.wait_for_build(2);
    let told = watch.wait_for_message("output", "/tmp/src/b.py");
    let expected = format!("{}/b.py", project.path().display());
    assert_eq!((&told["build"], &told["paths"][0]["source"]), (&2.into(), &expected.into()));
    watch.stop("INT");
}
