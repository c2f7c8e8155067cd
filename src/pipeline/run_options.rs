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
    if job.transfer == Transfer::Mount {
        let source = mount_field("source", &job.source.path.to_string_lossy());
        let target = mount_field("target", &join(&contract.destination, "src"));
        options.extend(["--mount".to_owned(), format!("type=bind,{source},{target},readonly")]);
    }
    options.extend(inputs.secrets.options());
    options.extend(common_options(job, builder));
    options
}

/// The options that every container of a build has, one of `image`. The user's own come last, as docker takes the last one.
pub fn common_options(job: &Job, image: &Image) -> Vec<String> {
    let own = job.run_options.iter().cloned();
    plain_options(image).into_iter().chain(log_options(&job.run_options)).chain(own).collect()
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

/// The options that keep what the engine would add to a container of `image` out of the images of builds. The health check
/// does not run: what it writes would get into the image, and a container that waits is not unhealthy.
fn plain_options(image: &Image) -> Vec<String> {
    let health = image.health_check().map(|_| "--no-healthcheck".to_owned());
    health.into_iter().chain(image.dialect.variable_options(&image.config.env)).collect()
}

/// The option that keeps the engine from writing all that the container prints, artifacts too, into a log on its disk: it
/// is read from the CLI, and 50 MB of it took 2.5 s with the log and 1.1 s without (engine 20.10). Empty if the user's
/// own options of `docker run` are about the log.
fn log_options(run_options: &[String]) -> Option<String> {
    let is_own = |option: &String| option.starts_with("--log-");
    (!run_options.iter().any(is_own)).then(|| "--log-driver=none".to_owned())
}

/// One field of the value of `--mount`, which is a line of comma-separated values and quoted like one.
fn mount_field(name: &str, value: &str) -> String {
    if value.contains([',', '"']) {
        format!("\"{name}={}\"", value.replace('"', "\"\""))
    } else {
        format!("{name}={value}")
    }
}

#[cfg(test)]
mod tests {
    use super::log_options;

    #[test]
    fn there_is_no_log_unless_one_is_asked_for() {
        let log = |options: &[&str]| log_options(&options.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(log(&["--memory", "1g"]).as_deref(), Some("--log-driver=none"));
        assert_eq!(log(&["--log-driver", "local"]), None);
        assert_eq!(log(&["--log-opt=max-size=1m"]), None);
    }
}
