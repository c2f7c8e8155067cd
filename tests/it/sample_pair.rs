//! The sample builder and the sample application of this repository, used as the README shows.

use std::path::Path;

use crate::support::builder::Builder;
use crate::support::engine::{docker, unique_name};
use crate::support::image::{Image, remove_image, remove_with_results};
use crate::support::project::Project;
use crate::support::run::Run;

/// The image of the sample builder, under a name that only one test uses, and what it is built on.
struct SampleBuilder(String, #[expect(dead_code, reason = "removed after the image")] Builder);

impl SampleBuilder {
    fn make() -> Self {
        let name = unique_name("sample");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("builder");
        let base = Builder::base_of_one_test();
        let argument = format!("BASE={}", base.name());
        docker(&["build", "--quiet", "--tag", &name, "--build-arg", &argument, folder.to_str().unwrap()]);
        Self(name, base)
    }
}

impl Drop for SampleBuilder {
    fn drop(&mut self) {
        remove_with_results(&self.0);
    }
}

#[test]
fn all_forms_of_the_command_work_as_typed() {
    let builder = SampleBuilder::make();
    let project = Project::new();
    let lines: [&[&str]; 3] = [
        &["build", "--env", "VAR=hello", "testapp", &builder.0, &project.tag],
        &["--env=VAR=hello", "testapp", &builder.0, &project.tag],
        &["build", "testapp", &builder.0, &project.tag, "--", "--memory", "512m", "--network", "none"],
    ];
    let seen = [
        ["VAR=hello", "no artifacts: copying input.txt"],
        ["VAR=hello", "restoring output.txt from the artifacts"],
        ["VAR=", "restoring output.txt from the artifacts"],
    ];
    for (line, seen) in lines.iter().zip(seen) {
        let outcome = Run::new().args(line).current_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).success();
        assert_eq!(outcome.middle_lines(), seen);
        assert_eq!(project.image().run(&[]), "hello from the test app");
    }
}

// Every line of the README that calls the binary is run as it stands there.
#[test]
fn the_examples_of_the_readme_work_as_typed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (builder, image) = (SampleBuilder::make(), unique_name("sample-app"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let lines: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("minis2i ")).collect();
    assert!(lines.len() >= 4, "{lines:?}");
    for (index, line) in lines.iter().enumerate() {
        let words = line.split('#').next().unwrap().split_whitespace().map(|word| match word {
            "builder" => builder.0.as_str(),
            "img" | "testapp-img" => image.as_str(),
            word => word,
        });
        let args: Vec<&str> = words.collect();
        if args[0] == "watch" {
            let watch = Run::new().args(&args).current_dir(root).env("VAR", "hello").start();
            watch.wait_for_stderr("minis2i: build ok:");
            watch.signal("INT");
            watch.end().status(130);
            continue;
        }
        let how =
            if index == 0 { "no artifacts: copying input.txt" } else { "restoring output.txt from the artifacts" };
        let outcome = Run::new().args(&args).current_dir(root).env("VAR", "hello").success();
        assert!(outcome.stderr.contains(how) || outcome.stdout.contains(how), "{outcome}");
    }
    assert_eq!(Image(image.clone()).run(&[]), "hello from the test app");
    remove_image(&image);
}
