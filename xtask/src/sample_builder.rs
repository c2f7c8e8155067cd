//! The sample builder image, from `builder/`.

use anyhow::{Result, ensure};

use crate::{base_image, process};

/// Where its scripts are.
pub const SCRIPTS: &str = "/usr/libexec/s2i";

/// Builds the sample builder image under that name, on the shared base.
pub fn build(name: &str) -> Result<()> {
    let base = format!("BASE={}", base_image::NAME);
    eprintln!("$ docker build --quiet --tag {name} --build-arg {base} builder");
    let mut command = process::command(&["docker", "build", "--quiet", "--tag", name, "--build-arg", &base, "builder"]);
    // The classic builder announces its age on every call; it is all this file needs.
    let output = command.env("DOCKER_CLI_HINTS", "false").output()?;
    ensure!(
        output.status.success(),
        "cannot build the sample builder: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
