//! Options of `docker run` for the containers of a build.

use super::inputs::Inputs;
use crate::contract::Contract;
use crate::contract::image_path::join;
use crate::settings::{Job, Transfer};

/// Options of `docker run` for the build container.
pub fn build_options(job: &Job, contract: &Contract, inputs: &Inputs) -> Vec<String> {
    let mut options = user_and_variables(contract, &inputs.variables);
    if job.transfer == Transfer::Mount {
        let source = csv("source", &job.source.path.to_string_lossy());
        let target = csv("target", &join(&contract.destination, "src"));
        options.extend(["--mount".to_owned(), format!("type=bind,{source},{target},readonly")]);
    }
    options.extend(inputs.secrets.options());
    options.extend_from_slice(&job.run_options);
    options
}

/// The user who runs scripts, and the variables for them.
pub fn user_and_variables(contract: &Contract, variables: &[(String, String)]) -> Vec<String> {
    let mut options = user_options(contract);
    for (name, value) in variables {
        options.extend(["--env".to_owned(), format!("{name}={value}")]);
    }
    options
}

/// The user who runs scripts, where that is not the image's own.
pub fn user_options(contract: &Contract) -> Vec<String> {
    contract.user.iter().flat_map(|user| ["--user".to_owned(), user.clone()]).collect()
}

/// One field of a `--mount`, which is a line of comma separated values.
fn csv(name: &str, value: &str) -> String {
    if value.contains([',', '"']) {
        format!("\"{name}={}\"", value.replace('"', "\"\""))
    } else {
        format!("{name}={value}")
    }
}
