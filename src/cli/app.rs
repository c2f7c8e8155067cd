//! Options for running the new image: the app of `watch --run`, and the container of `build --run`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::choices::Swap;
use super::time::waiting_time;

/// Options for the container of the new image.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "The app, with `--run`")]
pub struct RunArgs {
    /// Publish a port of the app; `-p` for short
    ///
    /// The syntax is that of docker: `8080:80`, `0.0.0.0:8080:80`, `127.0.0.1::80` for any free port, `53:53/udp`.
    /// Without an IP only this machine can connect. `-p` before a pull policy is `--pull-policy`, as in s2i.
    #[arg(long, value_name = "HOST:CONTAINER", requires = "run")]
    pub publish: Vec<String>,

    /// Pass an option to the app's `docker run`, such as `--run-option=--memory=512m`
    #[arg(long, value_name = "OPT", requires = "run", allow_hyphen_values = true)]
    pub run_option: Vec<String>,

    /// Set a variable for the app; NAME alone takes the value from the environment
    #[arg(long, value_name = "NAME[=VALUE]", requires = "run")]
    pub run_env: Vec<String>,

    /// Read variables for the app from a file, each time that it starts
    #[arg(long, value_name = "FILE", requires = "run")]
    pub run_env_file: Vec<PathBuf>,

    /// Mount a folder or a named volume in the app
    #[arg(long, value_name = "SOURCE:TARGET", requires = "run")]
    pub run_volume: Vec<String>,

    /// Connect the app to this network
    #[arg(long, value_name = "NETWORK", requires = "run")]
    pub run_network: Option<String>,
}

/// Options of a watch that keeps an app running.
#[derive(Debug, Args)]
#[command(next_help_heading = "The app, with `--run`")]
pub struct AppArgs {
    /// Keep the newest image running
    ///
    /// After each build the new app is started, and takes the place of the old one when it is ready: its HEALTHCHECK
    /// succeeds, or else something listens on each published port, or else it still runs after a moment. If it fails,
    /// the old one stays.
    #[arg(long)]
    pub run: bool,

    #[command(flatten)]
    pub container: RunArgs,

    /// How a new app takes the place of the old one
    #[arg(long, value_name = "HOW", default_value = "beside", requires = "run")]
    pub swap: Swap,

    /// How long a new app may take to be ready; connections wait as long for one
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = waiting_time, requires = "run")]
    pub ready_timeout: Duration,

    /// The app is ready when a GET of this URL, or of this path, succeeds
    ///
    /// `/health` or `http://127.0.0.1:8080/health`, where 8080 is a published port. The new app is asked, not the one
    /// that serves.
    #[arg(long, value_name = "URL", requires = "run")]
    pub ready_url: Option<String>,

    /// How long an app may take to end after its STOPSIGNAL, before it is killed
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = waiting_time, requires = "run")]
    pub stop_timeout: Duration,

    /// How long an old app is given for the requests that it has, before it is told to end
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = waiting_time, requires = "run")]
    pub drain_timeout: Duration,

    /// Start an app again that exits by itself, after a pause that gets longer each time
    ///
    /// Without this option, the next save or the key `a` starts it again.
    #[arg(long, requires = "run")]
    pub run_restart: bool,
}
