//! An app that is started anew on every save, as one would do it by hand: build, `docker rm -f`, `docker run -d`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::answered_save::{self, AnsweredSave};
use super::application::{free_address, publish};
use super::context::RunBench;
use super::http;
use crate::bench::baseline_build;
use crate::bench::engine_api::EngineApi;
use crate::bench::engine_objects::EngineObjects;
use crate::bench::watch::edit::Edit;
use crate::bench::watch::on_save::OnSave;
use crate::bench::watch::sources::SamplePair;
use crate::{process, workspace};

/// What builds the image.
#[derive(Clone, Copy)]
pub enum Build {
    /// `minis2i build`.
    Minis2i,
    /// A chain of CLI calls.
    Chain,
}

/// The container of an app, by name. Dropping it removes it.
pub struct AppContainer(pub String);

impl Drop for AppContainer {
    fn drop(&mut self) {
        // What cannot be removed now goes with the bench's objects.
        process::succeeds(&["docker", "rm", "--force", &self.0]);
    }
}

/// A source that is built and run on every save. Dropping it ends that and the app.
pub struct RestartedApp {
    on_save: OnSave,
    pub edit: Edit,
    pub address: SocketAddr,
    tag: String,
    _app: AppContainer,
    _source: TempDir,
}

impl RestartedApp {
    /// Starts it, and waits for its first app.
    pub fn start(bench: &RunBench, tag: &str, build: Build) -> Result<Self> {
        let (objects, builder) = (&bench.watch.objects, &bench.application.builder);
        let (source, address) = (SamplePair::source()?, free_address()?);
        let (app, label) = (AppContainer(objects.name(&format!("{tag}-app"))), objects.label());
        let tag = objects.name(tag);
        let folder = source.path().to_str().context("TMPDIR is not UTF-8")?;
        let build = match build {
            Build::Minis2i => {
                let program = workspace::root().join("target/release/minis2i").display().to_string();
                format!("'{program}' build '{folder}' {builder} {tag} -- --label {label}")
            }
            Build::Chain => {
                let program = std::env::current_exe()?.display().to_string();
                let task = baseline_build::TASK;
                format!("'{program}' bench {task} '{folder}' {builder} {tag} {}-build {label}", app.0)
            }
        };
        let restart = restart_script(&app.0, label, address, &tag);
        let script = format!("set -e; {build} >/dev/null; {restart}; echo {{}}");
        let mut on_save = OnSave::start(&bench.watch.trigger, source.path(), &["sh", "-c", &script])?;
        on_save.wait_for_report().context("the first build of the baseline did not end")?;
        let edit = SamplePair::edit(&source);
        Ok(Self { on_save, edit, address, tag, _app: app, _source: source })
    }

    /// Saves, and waits for the answer and the end of the commands.
    pub fn save(&mut self, api: &mut EngineApi) -> Result<AnsweredSave> {
        let on_save = &mut self.on_save;
        let save = answered_save::save(&mut self.edit, self.address, &self.tag, api, || on_save.check_alive())?;
        self.on_save.wait_for_report()?;
        Ok(save)
    }

    /// Waits until the commands of a save have run.
    pub fn wait_for_report(&mut self) -> Result<()> {
        self.on_save.wait_for_report().map(drop)
    }
}

/// Shell commands that run an image in the place of the app that has this name.
pub fn restart_script(name: &str, label: &str, address: SocketAddr, image: &str) -> String {
    let publish = publish(address);
    format!(
        "docker rm --force {name} >/dev/null 2>&1 || true; \
         docker run --detach --name {name} --label {label} --publish {publish} {image} >/dev/null"
    )
}

/// Runs an image that shows this content, where no app was before; how long it took from the start of the CLI to the first
/// answer.
pub fn bare_run(image: &str, content: &str, objects: &EngineObjects) -> Result<Duration> {
    let (name, address) = (objects.name("bare-app"), free_address()?);
    let publish = publish(address);
    let options = ["--detach", "--name", &name, "--label", objects.label(), "--publish", &publish];
    let mut command = process::command(&[&["docker", "run"], &options[..], &[image]].concat());
    let begin = Instant::now();
    let mut run = command.stdout(std::process::Stdio::null()).spawn()?;
    let answered = http::wait_for_page(address, content, || Ok(()));
    anyhow::ensure!(run.wait()?.success(), "`docker run` failed");
    process::output(&["docker", "rm", "--force", &name])?;
    Ok(answered? - begin)
}
