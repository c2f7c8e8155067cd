//! A builder with a virtual environment.

use super::application::{Shape, on_the_core};
use crate::support::builder::shared;
use crate::support::project::Project;

const AS_USER: &str = "---> 1001:0 in /opt/app-root/src through container-entrypoint\n";

fn python() -> Shape {
    let builder = shared("python", || {
        let venv = "/opt/app-root/venv";
        on_the_core("python").folder(&venv[1..], 1001, 0).change(&format!("ENV VIRTUAL_ENV={venv}")).make()
    });
    let project = Project::new()
        .file("requirements.txt", "packages/greeting\npackages/colour\n")
        .file("packages/greeting/version", "1\n")
        .file("packages/colour/version", "7\n")
        .file("serve", "cat \"$VIRTUAL_ENV\"/lib64/site-packages/*/version page\n")
        .file("page", "page one\n")
        .file(".config/settings", "dotted\n")
        .file(".s2i/environment", "APP_FILE=serve\n");
    Shape { builder, project, folders: &["/opt/app-root", "/tmp"] }
}

#[test]
fn packages_go_from_virtual_environment_to_virtual_environment() {
    let shape = python();
    shape.build().says("(clean)").says(AS_USER).says("installing greeting 1\ninstalling colour 7\n");
    assert_eq!(shape.project.image().run(&[]), "7\n1\npage one");
    shape.project.write("packages/greeting/version", "2\n");
    shape.build().says(AS_USER).says("restoring").says("installing greeting 2\nreusing colour 7\n");
    shape.project.write("page", "page two\n");
    shape.build().says("reusing greeting 2\nreusing colour 7\n").never_says("installing");
    assert_eq!(shape.project.image().run(&[]), "7\n2\npage two");
    shape.is_what_a_clean_build_makes();
}

#[test]
fn all_of_the_application_is_the_users_and_none_of_it_stays_where_it_came() {
    let shape = python();
    shape.build();
    shape.keeps_the_cores_configuration();
    assert_eq!(shape.variable("APP_FILE").as_deref(), Some("serve"));
    let owner = (1001, 0);
    shape.has([
        ("/opt/app-root/src/page", 0o664, owner, "page one\n"),
        ("/opt/app-root/src/.config/settings", 0o664, owner, "dotted\n"),
        ("/opt/app-root/venv/lib64", 0o777, owner, "lib"),
        ("/opt/app-root/venv/lib/site-packages/colour/version", 0o664, owner, "7\n"),
    ]);
    shape.has_none_of(["/tmp/src"]);
}

#[test]
fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
    let shape = python();
    let outcome = shape.a_save("packages/colour/version", "8\n");
    outcome.says("reusing greeting 1\ninstalling colour 8\n").says(AS_USER);
}
