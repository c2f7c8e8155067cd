//! The main job on the sample pair, as a new user would do it.

use anyhow::{Result, ensure};

use crate::{base_image, process, program, sample_builder};

const BUILDER: &str = "minis2i-demo-builder";
const IMAGE: &str = "minis2i-demo-app";

/// The option that has the demo use the program that tests use.
pub const DEBUG: &str = "--debug";

/// Builds the sample builder, builds `testapp` with it twice and runs the result.
pub fn demo(args: &[String]) -> Result<()> {
    base_image::ensure()?;
    let result = build_twice_and_run(args.iter().any(|arg| arg == DEBUG));
    let _ = process::output(&["docker", "image", "rm", "--force", IMAGE, BUILDER]);
    result
}

fn build_twice_and_run(debug: bool) -> Result<()> {
    let program = program::build(debug)?;
    sample_builder::build(BUILDER)?;
    let build = [program, "build", "--env", "VAR=hello", "testapp", BUILDER, IMAGE];
    process::echo_and_run(&build)?;
    process::echo_and_run(&build)?;
    eprintln!("$ docker run --rm {IMAGE}");
    let output = process::output(&["docker", "run", "--rm", IMAGE])?;
    println!("{output}");
    ensure!(output == "hello from the test app", "the image said something else");
    eprintln!("\nThe second build took over what the first had made. The demo's images are removed again.");
    Ok(())
}
