//! A builder with installed modules.

use super::application::{Application, core_builder};
use crate::support::builder::shared_builder;
use crate::support::project::Project;

const ONE: &str = "{\n  \"dependencies\": {\n    \"left\": \"1.0\"\n  }\n}\n";

const TWO: &str = "{\n  \"dependencies\": {\n    \"left\": \"1.0\",\n    \"right\": \"2.0\"\n  }\n}\n";

fn nodejs() -> Application {
    let builder = shared_builder("nodejs", || core_builder("nodejs").make());
    let project = Project::new().file("package.json", ONE).file("views/index", "hello\n").file(".npmrc", "");
    Application { builder, project, folders: &["/opt/app-root", "/tmp"] }
}

#[test]
fn modules_go_from_build_to_build() {
    let application = nodejs();
    application.build().says("(clean)").says("adding left 1.0\n");
    application.project.write("package.json", TWO);
    application.build().says("restoring").says("reusing left 1.0\nadding right 2.0\n");
    application.project.write("views/index", "hello again\n");
    application.build().says("reusing left 1.0\nreusing right 2.0\n").never_says("adding");
    assert_eq!(application.project.image().run(&[]), "left 1.0\nright 2.0");
    application.assert_core_configuration();
    application.assert_files([
        ("/opt/app-root/src/node_modules/.bin/left", 0o777, (1001, 0), "../left/bin/cli"),
        ("/opt/app-root/src/node_modules/left/bin/cli", 0o775, (1001, 0), "#!/bin/sh\necho left 1.0\n"),
    ]);
    application.assert_equal_to_clean_build();
}

#[test]
fn without_modules_nothing_is_saved_and_builds_succeed() {
    let application = nodejs();
    application.project.write("package.json", "{}\n");
    for _ in ["clean", "on nothing"] {
        application.build().never_says("restoring");
    }
    assert!(!application.project.image().has("/tmp/artifacts"));
    application.project.write("package.json", ONE);
    application.build().says("adding left 1.0\n");
}

#[test]
fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
    nodejs().build_after_save("package.json", TWO).says("restoring").says("reusing left 1.0\nadding right 2.0\n");
}
