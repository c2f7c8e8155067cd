//! The labels of the image.

use std::os::unix::fs::symlink;

use crate::support::builder::Builder;
use crate::support::engine::docker;
use crate::support::git::git;
use crate::support::project::Project;

#[test]
fn labels_say_what_the_image_was_made_of() {
    let builder = Builder::shared_evaluating();
    let project = Project::new().file("a", "");
    project.build(&builder).success();
    let image = project.image();
    let label = |name: &str| image.label(name).unwrap_or_else(|| panic!("no label {name}"));
    let full = format!("docker.io/library/{}:latest", builder.name());
    assert_eq!(label("io.k8s.display-name"), project.tag);
    assert_eq!(label("io.openshift.s2i.build.image"), full);
    assert_eq!(label("io.openshift.s2i.build.source-location"), project.path().display().to_string());
    assert_eq!(label("io.openshift.s2i.scripts-url"), "image:///usr/libexec/s2i");
    assert_eq!(label("io.github.minis2i.version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(label("io.github.minis2i.builder"), builder.id());
    assert_eq!(label("org.opencontainers.image.base.name"), full);
    assert_eq!(label("org.opencontainers.image.base.digest"), builder.id());
    let created = label("org.opencontainers.image.created");
    assert!(created.len() == 20 && created.ends_with('Z') && created.as_bytes()[10] == b'T', "{created}");
    assert_eq!(image.label("org.opencontainers.image.revision"), None);
}

#[test]
fn a_builder_given_by_id_is_named_by_it() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let id = builder.id();
    let run = project.build(&builder).builder(&id);
    run.success();
    assert_eq!(project.image().label("io.openshift.s2i.build.image"), Some(id));
}

#[test]
fn a_builder_with_a_name_of_digits_is_named_in_full() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let name = builder.id()[20..50].to_owned();
    docker(&["tag", builder.name(), &name]);
    let run = project.build(&builder).builder(&name).run();
    docker(&["image", "rm", &name]);
    run.status(0);
    let full = format!("docker.io/library/{name}:latest");
    assert_eq!(project.image().label("io.openshift.s2i.build.image"), Some(full));
}

#[test]
fn the_source_location_is_as_typed() {
    let builder = Builder::shared_evaluating();
    let project = Project::new().file("a", "");
    project.build(&builder).source("source/").current_dir(&project.path().join("..")).success();
    assert_eq!(project.image().label("io.openshift.s2i.build.source-location").unwrap(), "source/");
    let odd = project.path().with_file_name("a \"b\" $HOME ${X} \\x 'c' #d");
    symlink("source", &odd).unwrap();
    let odd = odd.display().to_string();
    project.build(&builder).source(&odd).success();
    assert_eq!(project.image().label("io.openshift.s2i.build.source-location"), Some(odd));
}

#[test]
fn the_revision_and_origin_are_those_of_the_work_tree() {
    let builder = Builder::shared_evaluating();
    let project = Project::new().file("app/a", "");
    git(&project.path(), &["init", "--quiet"]);
    git(&project.path(), &["add", "."]);
    git(&project.path(), &["commit", "--quiet", "--message", "first"]);
    git(&project.path(), &["remote", "add", "origin", "https://me:secret@git.example/me/app.git"]);
    let app = project.path().join("app").display().to_string();
    project.build(&builder).source(&app).success();
    let revision = git(&project.path(), &["rev-parse", "HEAD"]);
    assert_eq!(project.image().label("org.opencontainers.image.revision"), Some(revision));
    let origin = project.image().label("org.opencontainers.image.source").unwrap();
    assert_eq!(origin, "https://git.example/me/app.git");
}

#[test]
fn equal_builds_have_equal_digests() {
    let builder = Builder::shared_evaluating();
    let project = Project::new().file("a", "1");
    let digest = |options: &[&str]| {
        project.build(&builder).args(options).success();
        project.image().label("io.github.minis2i.digest").unwrap()
    };
    let first = digest(&[]);
    assert_eq!(digest(&[]), first);
    assert_ne!(digest(&["-e", "X=1"]), first);
    project.write("a", "2");
    assert_ne!(digest(&[]), first);
}

#[test]
fn a_builder_that_is_a_result_of_ours_passes_no_stale_labels_on() {
    let first = Builder::shared_evaluating();
    let project = Project::new().file("a", "");
    git(&project.path(), &["init", "--quiet"]);
    git(&project.path(), &["commit", "--quiet", "--allow-empty", "--message", "first"]);
    project.build(&first).success();
    let second = Project::new();
    second.build(&first).builder(&project.tag).arg("--mount").success();
    let image = second.image();
    assert_eq!(image.label("io.github.minis2i.digest").filter(|digest| !digest.is_empty()), None);
    assert_eq!(image.label("org.opencontainers.image.revision").filter(|revision| !revision.is_empty()), None);
    assert_eq!(image.label("io.k8s.display-name"), Some(second.tag.clone()));
}

#[test]
fn assemble_can_leave_labels() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    project.write("labels", r#"{"labels":[{"a":"1"},{"b":"two \"words\" $X","io.k8s.display-name":"own"}]}"#);
    let assemble = "mkdir -p /tmp/.s2i; cp labels /tmp/.s2i/image_metadata.json";
    project.build(&builder).assemble(assemble).success();
    let image = project.image();
    assert_eq!(image.label("a").as_deref(), Some("1"));
    assert_eq!(image.label("b").as_deref(), Some("two \"words\" $X"));
    assert_eq!(image.label("io.k8s.display-name").as_deref(), Some("own"));
}

#[test]
fn malformed_labels_are_an_error_and_the_tag_stays() {
    let builder = Builder::shared_evaluating();
    let project = Project::new();
    let assemble = "mkdir -p /tmp/.s2i; cp labels /tmp/.s2i/image_metadata.json";
    project.write("labels", r#"{"labels":[]}"#);
    project.build(&builder).assemble(assemble).success();
    let good = project.id();
    for bad in ["", "no json", r#"{"labels":[{"a":1}]}"#] {
        project.write("labels", bad);
        let outcome = project.build(&builder).assemble(assemble).run().status(125);
        outcome.says("error: cannot use the labels that `assemble` left in /tmp/.s2i/image_metadata.json");
        assert_eq!(project.id(), good);
    }
}
