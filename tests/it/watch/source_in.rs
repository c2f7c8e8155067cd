//! Where a watch has the source: in the layer at first, later in memory if that is faster, and works.

use crate::support::builder::{Builder, shared_builder};
use crate::support::project::Project;
use crate::support::watch_session::WatchSession;
use std::sync::Arc;

const LABEL: &str = "io.github.minis2i.source-in";

/// Said when a build is made again.
const AGAIN: &str = "runs again with the source in the container's layer";

/// A builder in which a removal takes longer than a commit varies, as it does with tens of thousands of files. Its `assemble` runs the
/// file `how` of the source, and says on which file system that is.
fn builder() -> Arc<Builder> {
    shared_builder("slow-removal", || {
        Builder::new()
            .script("assemble", "#!/bin/sh\nset -e\ncd /tmp/src\necho \"on $(stat -f -c %T .)\"\n. ./how\n")
            .file("usr/local/sbin/rm", 0o755, "#!/bin/sh\nsleep 0.05\nexec /bin/rm \"$@\"\n")
            .make()
    })
}

fn project() -> Project {
    Project::new().file("how", "cp -a . /app\n").file("sub/a", "1").file("sub/b", "2")
}

/// In how many builds so far `assemble` found its source in memory.
fn in_memory(watch: &WatchSession) -> usize {
    watch.with_reason("output").iter().filter(|it| it.to_string().contains("on tmpfs")).count()
}

fn again(watch: &WatchSession) -> usize {
    watch.with_reason("note").iter().filter(|it| it.to_string().contains(AGAIN)).count()
}

/// Saves `how` in a watch that has the source in memory; the image has to be that of a fresh build. Whether the build was made again in the
/// layer.
#[track_caller]
fn is_made_again(how: &str) -> bool {
    let (builder, project) = (builder(), project());
    let watch = project.watch(&builder).start_watch();
    assert_eq!(in_memory(&watch), 0, "{watch}");
    watch.build_after(|| project.write("how", how));
    assert_eq!(in_memory(&watch), 1, "{watch}");
    let again = again(&watch);
    watch.stop("INT");
    assert_eq!(project.app_files(), project.app_files_of_clean_build(&builder), "{how}");
    again == 1
}

#[test]
fn a_source_whose_removal_takes_long_is_in_memory_from_the_second_build_on() {
    let (builder, project) = (builder(), project());
    let watch = project.watch(&builder).start_watch();
    assert_eq!(project.image().label(LABEL).as_deref(), Some("memory"));
    assert!(!project.image().has("/tmp/src"));
    let end = watch.build_after(|| project.write("sub/a", "new"));
    assert_eq!((&end["standby"], in_memory(&watch)), (&"used".into(), 1), "{watch}");
    assert_eq!(project.image_file("sub/a"), "new");
    assert_eq!(project.image().files("/tmp/src").len(), 1);
    watch.stop("INT");
    // The next one knows it from the image.
    let watch = project.watch(&builder).start_watch();
    watch.build_after(|| project.write("sub/a", "newer"));
    assert_eq!(in_memory(&watch), watch.builds_started(), "{watch}");
    watch.stop("INT");
}

#[test]
fn builders_that_leave_the_folder_have_the_same_image_with_the_source_in_memory() {
    for how in [
        "cat sub/a >/app/a\n",
        "mv * /app/\n",
        "mv sub /app/; cp how /app/\n",
        "echo x >new; mkdir d; cp -a . /app\n",
        "chmod 700 .; stat -c %a . sub >/app/modes\n",
        "find . -xdev -type f | sort >/app/list\n",
        "cd -P .; pwd -P >/app/where; cp -a \"$(pwd -P)\" /app/copy\n",
    ] {
        assert!(!is_made_again(how), "{how}");
    }
}

#[test]
fn builders_that_take_the_folder_or_link_out_of_it_are_run_again_and_have_the_same_image() {
    for how in
        ["cp -a . /app; cd /; rm -rf /tmp/src\n", "cd /; mv /tmp/src /app/src\n", "ln sub/a /app/a; cp how /app/\n"]
    {
        assert!(is_made_again(how), "{how}");
    }
}

#[test]
fn a_builder_that_failed_in_memory_is_not_tried_there_again() {
    let (builder, project) = (builder(), project());
    let watch = project.watch(&builder).start_watch();
    watch.build_after(|| project.write("how", "ln sub/a /app/a\n"));
    assert_eq!(project.image().label(LABEL).as_deref(), Some("layer"));
    watch.wait_for_standby();
    watch.build_after(|| project.write("sub/a", "new"));
    assert_eq!((in_memory(&watch), again(&watch)), (1, 1), "{watch}");
    watch.stop("INT");
    let watch = project.watch(&builder).start_watch();
    assert_eq!(in_memory(&watch), 0, "{watch}");
    watch.stop("INT");
}

#[test]
fn a_fault_of_the_source_is_tried_in_both_places_once() {
    let (builder, project) = (builder(), project());
    let watch = project.watch(&builder).start_watch();
    for (build, again_by_then) in [(2, 1), (3, 1)] {
        watch.wait_for_standby();
        project.write("how", &format!("exit {build}\n"));
        let end = watch.wait_for_build(build);
        assert_eq!((&end["status"], again(&watch)), (&"failed".into(), again_by_then), "{watch}");
        assert_eq!(end["assemble_status"], build);
    }
    watch.wait_for_standby();
    // The words of an error that memory may be the cause of.
    project.write("how", "echo 'rm: Device or resource busy'; exit 4\n");
    watch.wait_for_build(4);
    assert_eq!(again(&watch), 2, "{watch}");
    watch.wait_for_standby();
    watch.build_after(|| project.write("how", "cp -a . /app # again\n"));
    assert_eq!(in_memory(&watch), 4, "{watch}");
    watch.stop("INT");
}

#[test]
fn what_speaks_against_memory_keeps_the_source_in_the_layer() {
    let builder = builder();
    let cases: [(&[&str], &[&str]); 4] = [
        (&["--source-in=layer"], &[]),
        (&["--keep-source"], &[]),
        (&[], &["--memory=512m"]),
        (&["--add-host=a:127.0.0.1"], &["--tmpfs=/tmp/src/mounted"]),
    ];
    for (options, engine_options) in cases {
        let project = project();
        let watch = project.watch(&builder).args(options).engine_options(engine_options).start_watch();
        watch.build_after(|| project.write("new", ""));
        assert_eq!(in_memory(&watch), 0, "{options:?} {engine_options:?} {watch}");
        watch.stop("INT");
    }
}

#[test]
fn a_build_takes_what_a_watch_found_if_it_is_asked_to() {
    let (builder, project) = (builder(), project());
    project.build(&builder).success();
    assert_eq!(project.image().label(LABEL).as_deref(), Some("memory"));
    assert!(!project.build(&builder).success().stderr.contains("on tmpfs"));
    assert!(project.build(&builder).arg("--source-in=auto").success().stderr.contains("on tmpfs"));
    project.write("how", "cd /; mv /tmp/src /app/src\n");
    project.build(&builder).arg("--source-in=auto").success().says(AGAIN);
    assert_eq!(project.image().label(LABEL).as_deref(), Some("layer"));
    project.write("how", "exit 7\n");
    project.build(&builder).arg("--source-in=memory").run().status(7);
    let refused = project.build(&builder).args(&["--source-in=memory", "--keep-source"]).run().status(2);
    refused.says("leave one of `--source-in memory` and `--keep-source` out");
}
