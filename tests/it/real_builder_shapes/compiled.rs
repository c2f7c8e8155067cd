//! A builder with a compiler, and its cache of objects.

use filetime::FileTime;
use serde_json::json;

use super::application::Shape;
use crate::support::builder::{Builder, shared};
use crate::support::project::Project;

const FOUND: &str = "---> still one file by two names\n";

fn compiled() -> Shape {
    let builder = shared("compiled", || {
        Builder::bare()
            .files_of("compiled")
            .folder("home/default", 185, 0)
            .folder("deployments", 185, 0)
            .change("LABEL io.openshift.s2i.scripts-url=image:///usr/local/s2i io.openshift.s2i.destination=/tmp")
            .change("ENV HOME=/home/default")
            .change("WORKDIR /home/default")
            .change("USER 185")
            .change("CMD [\"/usr/local/s2i/run\"]")
            .make()
    });
    let project = Project::new().file("main.c", "main\n").file("part.c", "part\n");
    // Long ago, as the files of a project are that do not change: images keep the times of objects in whole seconds.
    for file in ["main.c", "part.c"] {
        filetime::set_file_mtime(project.path().join(file), FileTime::from_unix_time(1_600_000_000, 0)).unwrap();
    }
    Shape { builder, project, folders: &["/home", "/deployments", "/tmp"] }
}

#[test]
fn only_what_changed_is_compiled_again() {
    let shape = compiled();
    shape.build().says("(clean)").says("compiling main.c\ncompiling part.c\n");
    shape.build().says(FOUND).says("reusing main.o\nreusing part.o\n").never_says("compiling");
    shape.project.write("part.c", "another part\n");
    shape.build().says(FOUND).says("reusing main.o\ncompiling part.c\n");
    assert_eq!(shape.project.image().run(&[]), "object of main\nobject of another part");
    shape.is_what_a_clean_build_makes();
}

#[test]
fn the_cache_stays_in_the_image_and_the_source_does_not() {
    let shape = compiled();
    shape.build();
    let config = shape.project.image().config();
    assert_eq!(config["Cmd"], json!(["/usr/local/s2i/run"]));
    assert_eq!((&config["User"], &config["Entrypoint"]), (&json!("185"), &json!(null)));
    shape.has([
        ("/deployments/app", 0o644, (185, 0), "object of main\nobject of part\n"),
        ("/tmp/artifacts/last", 0o660, (185, 0), "object of main\n"),
    ]);
    shape.has_none_of(["/tmp/src"]);
}

#[test]
fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
    let outcome = compiled().a_save("part.c", "another part\n");
    outcome.says(FOUND).says("reusing main.o\ncompiling part.c\n");
}
