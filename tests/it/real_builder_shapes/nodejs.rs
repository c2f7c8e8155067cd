//! A builder with installed modules.

use super::application::{Shape, on_the_core};
use crate::support::builder::shared;
use crate::support::project::Project;

const ONE: &str = "{\n  \"dependencies\": {\n    \"left\": \"1.0\"\n  }\n}\n";

const TWO: &str = "{\n  \"dependencies\": {\n    \"left\": \"1.0\",\n    \"right\": \"2.0\"\n  }\n}\n";

fn nodejs() -> Shape {
    let builder = shared("nodejs", || on_the_core("nodejs").make());
    let project = Project::new().file("package.json", ONE).file("views/index", "hello\n").file(".npmrc", "");
    Shape { builder, project, folders: &["/opt/app-root", "/tmp"] }
}

#[test]
fn modules_go_from_build_to_build() {
    let shape = nodejs();
    shape.build().says("(clean)").says("adding left 1.0\n");
    shape.project.write("package.json", TWO);
    shape.build().says("restoring").says("reusing left 1.0\nadding right 2.0\n");
    shape.project.write("views/index", "hello again\n");
    shape.build().says("reusing left 1.0\nreusing right 2.0\n").never_says("adding");
    assert_eq!(shape.project.image().run(&[]), "left 1.0\nright 2.0");
    shape.keeps_the_cores_configuration();
    shape.has([
        ("/opt/app-root/src/node_modules/.bin/left", 0o777, (1001, 0), "../left/bin/cli"),
        ("/opt/app-root/src/node_modules/left/bin/cli", 0o775, (1001, 0), "#!/bin/sh\necho left 1.0\n"),
    ]);
    shape.is_what_a_clean_build_makes();
}

#[test]
fn without_modules_nothing_is_saved_and_no_build_minds() {
    let shape = nodejs();
    shape.project.write("package.json", "{}\n");
    for _ in ["clean", "on nothing"] {
        shape.build().never_says("restoring");
    }
    assert!(!shape.project.image().has("/tmp/artifacts"));
    shape.project.write("package.json", ONE);
    shape.build().says("adding left 1.0\n");
}

#[test]
fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
    nodejs().a_save("package.json", TWO).says("restoring").says("reusing left 1.0\nadding right 2.0\n");
}
