//! A builder with a compiler, and its cache of objects.

use filetime::FileTime;
use serde_json::json;

use super::application::Application;
use crate::support::builder::{Builder, shared_builder};
use crate::support::project::Project;

const FOUND: &str = "---> still one file by two names\n";

fn compiled() -> Application {
    let builder = shared_builder("compiled", || {
        Builder::without_scripts()
            .files_from("compiled")
            .folder("home/default", 185, 0)
            .folder("deployments", 185, 0)
            .instruction("LABEL io.openshift.s2i.scripts-url=image:///usr/local/s2i io.openshift.s2i.destination=/tmp")
            .instruction("ENV HOME=/home/default")
            .instruction("WORKDIR /home/default")
            .instruction("USER 185")
            .instruction("CMD [\"/usr/local/s2i/run\"]")
            .make()
    });
    let project = Project::new().file("main.c", "main\n").file("part.c", "part\n");
    // The sources are old, as most files are: images keep whole seconds, and an object must be newer than its source.
    for file in ["main.c", "part.c"] {
        filetime::set_file_mtime(project.path().join(file), FileTime::from_unix_time(1_600_000_000, 0)).unwrap();
    }
    Application { builder, project, folders: &["/home", "/deployments", "/tmp"] }
}

#[test]
fn only_what_changed_is_compiled_again() {
    let application = compiled();
    application.build().says("(clean)").says("compiling main.c\ncompiling part.c\n");
    application.build().says(FOUND).says("reusing main.o\nreusing part.o\n").never_says("compiling");
    application.project.write("part.c", "another part\n");
    application.build().says(FOUND).says("reusing main.o\ncompiling part.c\n");
    assert_eq!(application.project.image().run(&[]), "object of main\nobject of another part");
    application.assert_equal_to_clean_build();
}

#[test]
fn the_cache_stays_in_the_image_and_the_source_does_not() {
    let application = compiled();
    application.build();
    let config = application.project.image().config();
    assert_eq!(config["Cmd"], json!(["/usr/local/s2i/run"]));
    assert_eq!((&config["User"], &config["Entrypoint"]), (&json!("185"), &json!(null)));
    application.assert_files([
        ("/deployments/app", 0o644, (185, 0), "object of main\nobject of part\n"),
        ("/tmp/artifacts/last", 0o660, (185, 0), "object of main\n"),
    ]);
    application.assert_no_paths(["/tmp/src"]);
}

#[test]
fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
    let outcome = compiled().build_after_save("part.c", "another part\n");
    outcome.says(FOUND).says("reusing main.o\ncompiling part.c\n");
}
