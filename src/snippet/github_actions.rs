//! GitHub Actions: a workflow that builds the image.

use std::slice;

use super::quote::yaml;
use super::{Request, Verb, shell};

/// A workflow.
pub fn workflow(request: &Request) -> String {
    let mut steps = String::from(
        "      - uses: actions/checkout@v4\n      # minis2i has to be on the PATH: put the step that installs it here.\n",
    );
    if !request.pulls {
        let engine = shell::line(&[request.engine().to_owned()]);
        let builder = shell::line(slice::from_ref(&request.builder));
        let pull = format!("{engine} image inspect {builder} >/dev/null 2>&1 || {engine} pull {builder}");
        steps += &step("Get the builder", &pull);
    }
    steps += &step("Build the image", &shell::line(&request.command(Verb::Build)));
    format!(
        "# .github/workflows/image.yml\nname: image\non: [push]\njobs:\n  image:\n    runs-on: ubuntu-latest\n    \
         steps:\n{steps}"
    )
}

fn step(name: &str, command: &str) -> String {
    format!("      - name: {name}\n        run: {}\n", yaml(command))
}
