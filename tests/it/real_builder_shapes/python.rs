//! A builder with a virtual environment.

use super::application::{Application, core_builder};
use crate::support::builder::shared_builder;
use crate::support::project::Project;

const AS_USER: &str = "---> 1001:0 in /opt/app-root/src through container-entrypoint\n";

fn python() -> Application {
    let builder = shared_builder("python", || {
        let venv = "/opt/app-root/venv";
        core_builder("python").folder(&venv[1..], 1001, 0).instruction(&format!("ENV VIRTUAL_ENV={venv}")).make()
    });
    let project = Project::new()
        .file("requirements.txt", "packages/greeting\npackages/colour\n")
        .file("packages/greeting/version", "1\n")
        .file("packages/colour/version", "7\n")
        .file("serve", "cat \"$VIRTUAL_ENV\"/lib64/site-packages/*/version page\n")
        .file("page", "page one\n")
        .file(".config/settings", "dotted\n")
        .file(".s2i/environment", "APP_FILE=serve\n");
    Application { builder, project, folders: &["/opt/app-root", "/tmp"] }
}

#[test]
fn packages_go_from_virtual_environment_to_virtual_environment() {
    let application = python();
    application.build().says("(clean)").says(AS_USER).says("installing greeting 1\ninstalling colour 7\n");
    assert_eq!(application.project.image().run(&[]), "7\n1\npage one");
    application.project.write("packages/greeting/version", "2\n");
    application.build().says(AS_USER).says("restoring").says("installing greeting 2\nreusing colour 7\n");
    application.project.write("page", "page two\n");
    application.build().says("reusing greeting 2\nreusing colour 7\n").never_says("installing");
    assert_eq!(application.project.image().run(&[]), "7\n2\npage two");
    application.assert_equal_to_clean_build();
}

#[test]
fn all_of_the_application_belongs_to_the_user_and_the_upload_is_gone() {
    let application = python();
    application.build();
    application.assert_core_configuration();
    assert_eq!(application.variable("APP_FILE").as_deref(), Some("serve"));
    let owner = (1001, 0);
    application.assert_files([
        ("/opt/app-root/src/page", 0o664, owner, "page one\n"),
        ("/opt/app-root/src/.config/settings", 0o664, owner, "dotted\n"),
        ("/opt/app-root/venv/lib64", 0o777, owner, "lib"),
        ("/opt/app-root/venv/lib/site-packages/colour/version", 0o664, owner, "7\n"),
    ]);
    application.assert_no_paths(["/tmp/src"]);
}

#[test]
fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
    let application = python();
    let outcome = application.build_after_save("packages/colour/version", "8\n");
    outcome.says("reusing greeting 1\ninstalling colour 8\n").says(AS_USER);
}
