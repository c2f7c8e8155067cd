//! The second stage of a build, for `--runtime-image`: artifacts are copied from the build container into a container
//! of another image, which is then committed. The new image does not contain the builder and its compilers.

use std::process::Stdio;

use anyhow::{Result, anyhow};

use super::artifacts::filter::{FilterError, relay_archive};
use super::container::final_script::FinalScript;
use super::container::protocol::{Greeting, ScriptState, TarSupport};
use super::container::session::{NoGreeting, Session, Start};
use super::container::shell::quote;
use super::context::{BuildContext, Progress};
use super::inputs::{Inputs, RUNTIME_SCRIPT};
use super::pull::inspect_runtime_image;
use super::requirements::check_destination;
use super::run_options::{common_options, user_and_variables};
use super::script_output::ScriptOutput;
use super::script_run::{ScriptResult, ScriptRun, follow_script};
use crate::contract::external_scripts::ExternalScript;
use crate::contract::image_path::join;
use crate::contract::script::Script;
use crate::contract::{Contract, Overrides};
use crate::engine::image::Image;
use crate::error::{self, Error};
use crate::settings::runtime_image::{Artifact, artifacts_from_label};

/// The label of the runtime image that names the user for `assemble-runtime`.
const USER_LABEL: &str = "io.openshift.s2i.assemble-runtime-user";

/// The label of the runtime image that names the artifacts to copy.
const ARTIFACTS_LABEL: &str = "io.openshift.s2i.assemble-input-files";

/// The image of the second stage, and the artifacts to copy into it.
pub struct RuntimeImage {
    pub image: Image,
    contract: Contract,
    artifacts: Vec<Artifact>,
}

/// A second stage that has run.
pub struct Stage {
    /// The container to commit.
    pub session: Session,
    /// The shell ran instead of the image's ENTRYPOINT.
    pub bypassed: bool,
    /// The CMD of the new image.
    pub command: Vec<String>,
    /// The container ran as another user than the image's.
    pub user_changed: bool,
}

impl RuntimeImage {
    /// Inspects the runtime image of the job; `None` if the job has no second stage.
    ///
    /// # Errors
    /// If there is no such image, it cannot be pulled or used, or neither an option nor its label names artifacts.
    pub fn find(cx: &BuildContext) -> Result<Option<Self>> {
        let Some(options) = &cx.job.runtime else { return Ok(None) };
        let name = &options.image;
        let Some(image) = inspect_runtime_image(cx, name, options.pull)? else {
            let engine = cx.engine.name();
            return Err(Error::engine(format!("there is no runtime image `{name}` in the engine"))
                .hint(format!(
                    "build it (`{engine} build --tag {name} FOLDER`) or pull it (`{engine} pull {name}`, or \
                     `--runtime-pull-policy if-not-present`)"
                ))
                .into());
        };
        let mut contract = Contract::of(&image, name, &Overrides::default())?;
        let label = |name: &str| image.config.labels.get(name).filter(|text| !text.is_empty());
        contract.user = options.user.clone().or_else(|| label(USER_LABEL).cloned());
        let artifacts = match label(ARTIFACTS_LABEL) {
            Some(text) if options.artifacts.is_empty() => artifacts_from_label(text)?,
            _ => options.artifacts.clone(),
        };
        if artifacts.is_empty() {
            return Err(Error::usage("no artifacts are given for the runtime image")
                .hint(format!("name them with `--runtime-artifact PATH`, or in the image's label `{ARTIFACTS_LABEL}`"))
                .into());
        }
        Ok(Some(Self { image, contract, artifacts }))
    }

    /// The facts about the second stage that determine the new image, for its digest.
    pub fn facts(&self) -> impl serde::Serialize {
        let artifacts: Vec<_> = self.artifacts.iter().map(|artifact| (&artifact.from, &artifact.to)).collect();
        (&self.image.id, artifacts, &self.contract.user)
    }

    /// Copies the artifacts from the build container called `build_container` into a new container, and runs
    /// `assemble-runtime` there.
    ///
    /// # Errors
    /// If the runtime container cannot be started or lacks a tool, an artifact cannot be copied, the script cannot be
    /// run or fails, or work was cancelled.
    pub fn run_stage(
        &self,
        cx: &BuildContext,
        build_container: &str,
        inputs: &Inputs,
        progress: &mut Progress,
    ) -> Result<(Stage, ScriptResult)> {
        cx.reporter.phase("starting the runtime container");
        let (mut session, greeting, bypassed) = self.start_session(cx, inputs)?;
        self.check_greeting(cx, &greeting)?;
        cx.reporter.phase("copying artifacts");
        let modes = self.send(cx, build_container, &mut session, &external_scripts(inputs))?;
        let assemble = self.assemble_path(&greeting, inputs);
        let command = self.command(cx, &greeting, inputs);
        finish_upload(&mut session, self.final_script(&assemble, modes))?;
        cx.reporter.phase("assembling for the runtime image");
        let external = inputs.runtime_script.as_ref().map(|(_, from)| from.as_str());
        let run = ScriptRun { script: RUNTIME_SCRIPT, path: &assemble, external, move_error };
        let result = follow_script(cx, &mut session, &run, ScriptOutput::without_source(cx), progress)?;
        let user_changed = self.contract.user.is_some();
        Ok((Stage { session, bypassed, command, user_changed }, result))
    }

    /// Checks that the image can receive the artifacts.
    fn check_greeting(&self, cx: &BuildContext, greeting: &Greeting) -> Result<()> {
        let name = image_name(cx);
        if greeting.tar == TarSupport::None {
            return Err(no_tool(name, "`tar` that could unpack the artifacts"));
        }
        check_destination(greeting, &self.contract, name)
    }

    /// Sends scripts and artifacts; returns the folders whose modes have to be set once they are filled.
    fn send(
        &self,
        cx: &BuildContext,
        build_container: &str,
        session: &mut Session,
        scripts: &[(&str, &[u8])],
    ) -> Result<Vec<(Vec<u8>, u32)>> {
        match self.send_upload(cx, build_container, session, scripts) {
            Err(error) if !error::is_classified(&error) => {
                Err(session.failure("cannot copy artifacts into the runtime container"))
            }
            result => result,
        }
    }

    /// The path of `assemble-runtime` in the container.
    fn assemble_path(&self, greeting: &Greeting, inputs: &Inputs) -> String {
        match inputs.runtime_script {
            Some(_) => self.contract.uploaded_script(RUNTIME_SCRIPT),
            None => join(self.script_folder(greeting), RUNTIME_SCRIPT),
        }
    }

    /// The CMD of the new image: the external `run`, or that of the runtime image, or else the image's own CMD.
    fn command(&self, cx: &BuildContext, greeting: &Greeting, inputs: &Inputs) -> Vec<String> {
        if external_run(inputs).is_some() {
            return vec![self.contract.uploaded_script(Script::Run.name())];
        }
        if self.has_run(greeting) {
            return vec![join(self.script_folder(greeting), Script::Run.name())];
        }
        cx.reporter.note("neither the source nor the runtime image has a `run`: the image's own command stays");
        self.image.config.cmd.clone()
    }

    fn final_script(&self, assemble: &str, modes: Vec<(Vec<u8>, u32)>) -> FinalScript {
        FinalScript {
            destination: self.contract.destination.clone(),
            modes,
            assemble: assemble.to_owned(),
            keep_source: true,
            ..FinalScript::default()
        }
    }

    /// Starts the container and waits for its greeting. If the ENTRYPOINT does not run its arguments, it is bypassed;
    /// the last value is whether it was.
    fn start_session(&self, cx: &BuildContext, inputs: &Inputs) -> Result<(Session, Greeting, bool)> {
        let mut bypass = false;
        loop {
            let mut options = user_and_variables(&self.contract, &inputs.variables);
            options.extend(common_options(cx.job, &self.image));
            let start = Start {
                name: cx.run_lock.container_name(),
                image: &self.image.id,
                options,
                destination: &self.contract.destination,
                search_path: self.image.env("PATH").unwrap_or_default(),
                folders: &self.contract.folders,
                tools: String::new(),
                bypass,
            };
            let mut session = Session::start(&cx.engine, start)?;
            match session.greeting() {
                Ok(greeting) => return Ok((session, greeting, bypass)),
                Err(NoGreeting::Entrypoint) if !bypass => {
                    cx.reporter.note("the runtime image's ENTRYPOINT does not run the command it is given");
                    bypass = true;
                }
                Err(NoGreeting::Entrypoint) => {
                    return Err(session.failure("the runtime image's `/bin/sh` does not run"));
                }
                Err(NoGreeting::Shell) => {
                    return Err(no_tool(image_name(cx), "`/bin/sh`"));
                }
                Err(NoGreeting::Error(error)) => return Err(error),
            }
        }
    }

    /// Sends scripts and artifacts, without looking for the cause of an error in the container.
    fn send_upload(
        &self,
        cx: &BuildContext,
        build_container: &str,
        session: &mut Session,
        scripts: &[(&str, &[u8])],
    ) -> Result<Vec<(Vec<u8>, u32)>> {
        session.send_opening(&[self.opening()])?;
        let upload = session.upload();
        if !scripts.is_empty() {
            upload.folder(b"scripts", 0o755, (0, 0))?;
        }
        for (name, content) in scripts {
            upload.file(format!("scripts/{name}").as_bytes(), 0o755, (0, 0), content)?;
        }
        let mut modes = Vec::new();
        for (number, artifact) in self.artifacts.iter().enumerate() {
            let args = ["cp", &format!("{build_container}:{}", artifact.from), "-"];
            let mut process = cx.engine.spawn_announced(&args, Stdio::null())?;
            let (mut stdout, stderr) = (process.stdout(), process.collect_stderr());
            let numbered_path = |path: &[u8]| [number.to_string().as_bytes(), b"/", path].concat();
            let relayed = relay_archive(&mut stdout, session.upload(), |path| Some(numbered_path(path)));
            let status = process.wait()?;
            cx.engine.cancel().check()?;
            match relayed {
                Ok(relayed) if status == 0 && relayed.entries > 0 => modes.extend(relayed.modes),
                Err(FilterError::Receiver(error)) => return Err(error.into()),
                Err(FilterError::Stream(why)) if status == 0 => return Err(copy_error(artifact, why)),
                _ => return Err(copy_error(artifact, anyhow!(stderr.text()))),
            }
        }
        Ok(modes)
    }

    /// The shell text for the container, which defines the function that moves the artifacts to their paths before
    /// `assemble-runtime`.
    fn opening(&self) -> Vec<u8> {
        let mut text = b"minis2i_env() { :; }\nminis2i_after() { :; }\nminis2i_before() {\n".to_vec();
        for (number, artifact) in self.artifacts.iter().enumerate() {
            let to = quote(artifact.to.as_bytes());
            text.extend([b"minis2i_try mkdir -p ", to.as_slice(), b" || return 1\n"].concat());
            let from = format!("minis2i_try cp -a \"$minis2i_dest/artifacts/{number}/.\" ");
            text.extend([from.as_bytes(), &to, b" || return 1\n"].concat());
            text.extend(format!("rm -rf \"$minis2i_dest/artifacts/{number}\"\n").into_bytes());
        }
        text.extend(b"rmdir \"$minis2i_dest/artifacts\" 2>/dev/null || :\n}\n");
        text
    }

    /// The folder of the image that has scripts: the first one in which the container found any.
    fn script_folder(&self, greeting: &Greeting) -> &str {
        let found =
            greeting.folders.iter().position(|scripts| scripts.iter().any(|state| *state != ScriptState::Missing));
        self.contract.folders.get(found.unwrap_or(0)).map_or("", String::as_str)
    }

    fn has_run(&self, greeting: &Greeting) -> bool {
        let folder = self.script_folder(greeting);
        let index = self.contract.folders.iter().position(|listed| listed == folder).unwrap_or(0);
        greeting.folders.get(index).is_some_and(|[_, run, _]| *run == ScriptState::Ok)
    }
}

/// The name of the runtime image, as the user typed it.
fn image_name<'a>(cx: &BuildContext<'a>) -> &'a str {
    cx.job.runtime.as_ref().map_or("", |options| &options.image)
}

fn external_run(inputs: &Inputs) -> Option<&ExternalScript> {
    inputs.external_scripts.iter().find(|external| external.script == Script::Run)
}

/// The names and contents of the external scripts for the runtime container.
fn external_scripts(inputs: &Inputs) -> Vec<(&'static str, &[u8])> {
    let run = external_run(inputs).map(|run| (Script::Run.name(), run.content.as_slice()));
    let assemble = inputs.runtime_script.as_ref().map(|(content, _)| (RUNTIME_SCRIPT, content.as_slice()));
    run.into_iter().chain(assemble).collect()
}

/// Ends the upload; the container then runs `assemble-runtime`.
fn finish_upload(session: &mut Session, script: FinalScript) -> Result<()> {
    session.finish(&script).map_err(|error| {
        session.failure("the runtime container does not accept the artifacts").context(error.to_string())
    })
}

fn no_tool(image: &str, what: &str) -> anyhow::Error {
    Error::engine(format!("the runtime image `{image}` has no {what}"))
        .hint("add it in the image's Dockerfile, or copy the artifacts in a Dockerfile: `COPY --from=TAG PATH PLACE`")
        .into()
}

fn copy_error(artifact: &Artifact, why: anyhow::Error) -> anyhow::Error {
    Error::engine(format!("cannot copy the artifact `{}` from the build container", artifact.from))
        .because(why)
        .hint("`--runtime-artifact` names a file or folder that `assemble` leaves; what it removes cannot be taken")
        .into()
}

fn move_error(stderr: &str) -> anyhow::Error {
    Error::engine("cannot copy the artifacts to their places in the runtime image")
        .because(anyhow!(stderr.to_owned()))
        .hint("its user must be able to write there: `--assemble-runtime-user`, or another place: `PATH:PLACE`")
        .into()
}
