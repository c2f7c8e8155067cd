//! A builder with downloaded packages, and an archive of zeros where there are none.

use super::application::{Application, core_builder};
use crate::support::builder::shared_builder;
use crate::support::project::Project;

const NONE: &str = "{\n  \"require\": {\n  }\n}\n";

const ONE: &str = "{\n  \"require\": {\n    \"log\": \"1\"\n  }\n}\n";

const TWO: &str = "{\n  \"require\": {\n    \"log\": \"1\",\n    \"mail\": \"2\"\n  }\n}\n";

fn php() -> Application {
    let builder = shared_builder("php", || core_builder("php").make());
    let project = Project::new().file("composer.json", NONE).file("index.php", "<?php\n");
    Application { builder, project, folders: &["/opt/app-root", "/tmp"] }
}

#[test]
fn an_archive_of_zeros_is_no_artifacts_at_all() {
    let application = php();
    application.build();
    // The next builds get blocks of zeros, and an exit status of 0.
    let look = "/usr/libexec/s2i/save-artifacts >/tmp/z 2>/tmp/e && [ -s /tmp/z ] && tr -d '\\0' </tmp/z | wc -c";
    let zeros = application.project.image().run(&["sh", "-c", look]);
    assert_eq!(zeros, "0");
    application.build().never_says("restoring");
    application.project.write("composer.json", ONE);
    application.build().never_says("restoring").says("fetching log 1\n");
    application.project.write("composer.json", TWO);
    application.build().says("restoring").says("reusing log 1\nfetching mail 2\n");
    application.build().says("restoring").says("reusing log 1\nreusing mail 2\n").never_says("fetching");
    assert_eq!(application.project.image().run(&[]), "log 1\nmail 2");
    application.assert_files([("/opt/app-root/src/vendor/log", 0o664, (1001, 0), "log 1\n")]);
    application.assert_core_configuration();
    application.assert_equal_to_clean_build();
}

#[test]
fn a_container_waits_without_artifacts_after_an_archive_of_zeros() {
    php().build_after_save("composer.json", ONE).never_says("restoring").says("fetching log 1\n");
}
