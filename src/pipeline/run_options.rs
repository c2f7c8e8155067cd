//! Options of `docker run` for the containers of a build: user, environment variables, mounts, and the options that the
//! user gave after `--`.

use super::inputs::Inputs;
use crate::contract::Contract;
use crate::contract::image_path::join;
use crate::engine::image::Image;
use crate::settings::{Job, Transfer};

/// The options for the build container, except for [`memory_options`](super::memory_mount::memory_options).
pub fn build_options(job: &Job, builder: &Image, contract: &Contract, inputs: &Inputs) -> Vec<String> {
    let mut options = user_and_variables(contract, &inputs.variables);
    options.extend(health_options(builder));
    if job.transfer == Transfer::Mount {
        let source = mount_field("source", &job.source.path.to_string_lossy());
        let target = mount_field("target", &join(&contract.destination, "src"));
        options.extend(["--mount".to_owned(), format!("type=bind,{source},{target},readonly")]);
    }
    options.extend(inputs.secrets.options());
    options.extend_from_slice(&job.run_options);
    options
}

/// The options for the user that runs scripts and for their environment variables.
pub fn user_and_variables(contract: &Contract, variables: &[(String, String)]) -> Vec<String> {
    let mut options = user_options(contract);
    for (name, value) in variables {
        options.extend(["--env".to_owned(), format!("{name}={value}")]);
    }
    options
}

/// The option for the user that runs scripts; empty if it is the image's user.
pub fn user_options(contract: &Contract) -> Vec<String> {
    contract.user.iter().flat_map(|user| ["--user".to_owned(), user.clone()]).collect()
}

/// The option that keeps the health check of `image` from running in a container of a build: what it writes would get into
/// the image, and a container that waits is not unhealthy. Empty if the image has none.
pub fn health_options(image: &Image) -> Vec<String> {
    image.health_check().map(|_| "--no-healthcheck".to_owned()).into_iter().collect()
}

/// One field of the value of `--mount`, which is a line of comma-separated values and quoted like one.
fn mount_field(name: &str, value: &str) -> String {
    if value.contains([',', '"']) {
        format!("\"{name}={}\"", value.replace('"', "\"\""))
    } else {
        format!("{name}={value}")
    }
}
