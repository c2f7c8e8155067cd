//! A builder with downloaded packages, and an archive of zeros where there are none.

use super::application::{Shape, on_the_core};
use crate::support::builder::shared;
use crate::support::project::Project;

const NONE: &str = "{\n  \"require\": {\n  }\n}\n";

const ONE: &str = "{\n  \"require\": {\n    \"log\": \"1\"\n  }\n}\n";

const TWO: &str = "{\n  \"require\": {\n    \"log\": \"1\",\n    \"mail\": \"2\"\n  }\n}\n";

fn php() -> Shape {
    let builder = shared("php", || on_the_core("php").make());
    let project = Project::new().file("composer.json", NONE).file("index.php", "<?php\n");
    Shape { builder, project, folders: &["/opt/app-root", "/tmp"] }
}

#[test]
fn an_archive_of_zeros_is_no_artifacts_at_all() {
    let shape = php();
    shape.build();
    // What the next builds are given: blocks of zeros, and a status that says that all is well.
    let look = "/usr/libexec/s2i/save-artifacts >/tmp/z 2>/tmp/e && [ -s /tmp/z ] && tr -d '\\0' </tmp/z | wc -c";
    let zeros = shape.project.image().run(&["sh", "-c", look]);
    assert_eq!(zeros, "0");
    shape.build().never_says("restoring");
    shape.project.write("composer.json", ONE);
    shape.build().never_says("restoring").says("fetching log 1\n");
    shape.project.write("composer.json", TWO);
    shape.build().says("restoring").says("reusing log 1\nfetching mail 2\n");
    shape.build().says("restoring").says("reusing log 1\nreusing mail 2\n").never_says("fetching");
    assert_eq!(shape.project.image().run(&[]), "log 1\nmail 2");
    shape.has([("/opt/app-root/src/vendor/log", 0o664, (1001, 0), "log 1\n")]);
    shape.keeps_the_cores_configuration();
    shape.is_what_a_clean_build_makes();
}

#[test]
fn a_container_waits_without_artifacts_after_an_archive_of_zeros() {
    php().a_save("composer.json", ONE).never_says("restoring").says("fetching log 1\n");
}
