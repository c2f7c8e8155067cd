//! The main job on the sample pair, as a new user would do it.

use anyhow::{Result, ensure};

use crate::{base, run};

const BUILDER: &str = "minis2i-demo-builder";
const IMAGE: &str = "minis2i-demo-app";

/// Builds the sample builder, builds `testapp` with it twice and runs the result.
pub fn demo(_: &[String]) -> Result<()> {
    base::ensure()?;
    let result = story();
    let _ = run::output(&["docker", "image", "rm", "--force", IMAGE, BUILDER]);
    result
}

fn story() -> Result<()> {
    run::show(&["cargo", "build", "--quiet", "--release", "--package", "minis2i"])?;
    builder(BUILDER)?;
    let build = ["target/release/minis2i", "build", "--env", "VAR=hello", "testapp", BUILDER, IMAGE];
    run::show(&build)?;
    run::show(&build)?;
    eprintln!("$ docker run --rm {IMAGE}");
    let said = run::output(&["docker", "run", "--rm", IMAGE])?;
    println!("{said}");
    ensure!(said == "hello from the test app", "the image said something else");
    eprintln!("\nThe second build took over what the first had made. The demo's images are removed again.");
    Ok(())
}

/// Builds the sample builder image under that name, on the shared base.
pub fn builder(name: &str) -> Result<()> {
    let base = format!("BASE={}", base::NAME);
    eprintln!("$ docker build --quiet --tag {name} --build-arg {base} builder");
    let mut command = run::command(&["docker", "build", "--quiet", "--tag", name, "--build-arg", &base, "builder"]);
    // The classic builder announces its age on every call; it is all this file needs.
    let output = command.env("DOCKER_CLI_HINTS", "false").output()?;
    ensure!(
        output.status.success(),
        "cannot build the sample builder: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
