//! Maven's repository, with `--cache auto`.

use std::fs;

use super::fixtures::plain_builder;
use crate::support::builder::Builder;
use crate::support::caches::in_cache_of;
use crate::support::project::Project;

/// A builder that has a program of Maven's name.
fn maven_builder(assemble: &str) -> Builder {
    plain_builder(assemble).file("usr/bin/mvn", 0o755, "#!/bin/sh\n")
}

#[test]
fn a_home_that_java_takes_from_passwd_and_not_from_its_variable_has_the_repository() {
    let builder = maven_builder("cd /srv/java/.m2/repository; echo \"seen: $(ls)\"; touch jar")
        .file("etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\napp:x:1001:0::/srv/java:/bin/sh\n")
        .folder("srv/java", 1001, 0)
        .make();
    let project = Project::new().file("a", "1");
    project.build(&builder).arg("--cache=auto").success();
    project.build(&builder).arg("--cache=auto").success().says("seen: jar\n");
    assert_eq!(project.image().files("/srv/java").len(), 1);
    assert_eq!(project.image().files("/home/app").len(), 1);
}

#[test]
fn what_was_not_found_once_and_which_snapshot_was_the_newest_is_asked_again() {
    // What is there stands for an answer that Maven would take from its repository.
    let assemble = "mkdir -p ~/.m2/repository/org/lib; cd ~/.m2/repository; \
                    for it in org/lib/*; do echo \"known: $it\"; done; \
                    touch org/lib/lib.jar org/lib/lib.jar.lastUpdated org/lib/resolver-status.properties; \
                    ! [ -f /tmp/src/fail ]";
    let builder = maven_builder(assemble).make();
    let project = Project::new().file("a", "1").file("fail", "");
    project.build(&builder).arg("--cache=auto").run().status(1);
    fs::remove_file(project.path().join("fail")).unwrap();
    for _ in 0..2 {
        let built = project.build(&builder).arg("--cache=auto").success();
        built.says("known: org/lib/lib.jar\n").never_says("lastUpdated").never_says("resolver-status");
    }
    assert_eq!(
        in_cache_of(builder.name(), "ls /cache/0/maven/org/lib"),
        "lib.jar\nlib.jar.lastUpdated\nresolver-status.properties"
    );
}
