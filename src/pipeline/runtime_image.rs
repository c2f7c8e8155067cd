//! The second stage of a build: what `assemble` made is carried into a container of another image, and the result is
//! made of that one. The builder, with its compilers, is not part of it.

use std::process::Stdio;

use anyhow::{Result, anyhow};

use super::artifacts::filter::{FilterError, pass_on};
use super::container::final_script::FinalScript;
use super::container::protocol::{Greeting, ScriptState, TarSupport};
use super::container::session::{NoGreeting, Session, Start};
use super::container::shell::quote;
use super::context::{BuildContext, Progress};
use super::inputs::{Inputs, RUNTIME_SCRIPT};
use super::pull::inspect_one;
use super::requirements::check_destination;
use super::run_options::user_and_variables;
use super::script_run::{Assembled, ScriptRun, follow};
use crate::contract::image_path::join;
use crate::contract::script::Script;
use crate::contract::{Contract, Overrides};
use crate::engine::image::Image;
use crate::error::{self, Error};
use crate::settings::runtime_image::{Artifact, artifacts_from_label};

const USER_LABEL: &str = "io.openshift.s2i.assemble-runtime-user";
const ARTIFACTS_LABEL: &str = "io.openshift.s2i.assemble-input-files";

/// The image of the second stage, and what goes into it.
pub struct RuntimeImage {
    pub image: Image,
    contract: Contract,
    artifacts: Vec<Artifact>,
}

/// The second stage, done.
pub struct Stage {
    pub session: Session,
    pub bypassed: bool,
    /// The command of the result.
    pub command: Vec<String>,
    pub user_changed: bool,
}

impl RuntimeImage {
    /// Asks the engine about the image, if there is to be a second stage.
    ///
    /// # Errors
    /// No such image, or one that can not be used; nothing that is to be carried over.
    pub fn find(cx: &BuildContext) -> Result<Option<Self>> {
        let Some(asked) = &cx.job.runtime else { return Ok(None) };
        let name = &asked.image;
        let Some(image) = inspect_one(cx, name, asked.pull)? else {
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
        contract.user = asked.user.clone().or_else(|| label(USER_LABEL).cloned());
        let artifacts = match label(ARTIFACTS_LABEL) {
            Some(text) if asked.artifacts.is_empty() => artifacts_from_label(text)?,
            _ => asked.artifacts.clone(),
        };
        if artifacts.is_empty() {
            return Err(Error::usage("nothing is to be carried into the runtime image")
                .hint(format!("name it: `--runtime-artifact PATH`, or in the image's label `{ARTIFACTS_LABEL}`"))
                .into());
        }
        Ok(Some(Self { image, contract, artifacts }))
    }

    /// What decides about the result, for its digest.
    pub fn facts(&self) -> impl serde::Serialize {
        let artifacts: Vec<_> = self.artifacts.iter().map(|artifact| (&artifact.from, &artifact.to)).collect();
        (&self.image.id, artifacts, &self.contract.user)
    }

    /// Carries everything over from the build container `builder` and runs `assemble-runtime`.
    ///
    /// # Errors
    /// Anything that ends the build.
    pub fn run_stage(
        &self,
        cx: &BuildContext,
        builder: &str,
        inputs: &Inputs,
        progress: &mut Progress,
    ) -> Result<(Stage, Assembled)> {
        cx.reporter.phase("starting the runtime container");
        let (mut session, greeting, bypassed) = self.start(cx, inputs)?;
        let name = &cx.job.runtime.as_ref().map_or("", |asked| &asked.image);
        if greeting.tar == TarSupport::None {
            return Err(no_tool(name, "`tar` that could unpack the artifacts"));
        }
        check_destination(&greeting, &self.contract, name)?;
        let run = inputs.external_scripts.iter().find(|external| external.script == Script::Run);
        let assemble_runtime = inputs.runtime_script.as_ref();
        cx.reporter.phase("carrying artifacts over");
        let mut scripts: Vec<(&str, &[u8])> = Vec::new();
        scripts.extend(run.map(|run| (Script::Run.name(), run.content.as_slice())));
        scripts.extend(assemble_runtime.map(|(content, _)| (RUNTIME_SCRIPT, content.as_slice())));
        let modes = match self.send(cx, builder, &mut session, &scripts) {
            Ok(modes) => modes,
            Err(error) if error::is_classified(&error) => return Err(error),
            Err(_) => return Err(session.lost("cannot carry artifacts into the runtime container")),
        };
        let folder = self.folder(&greeting);
        let uploaded = |name: &str| join(&self.contract.destination, &format!("scripts/{name}"));
        let assemble = if assemble_runtime.is_some() { uploaded(RUNTIME_SCRIPT) } else { join(folder, RUNTIME_SCRIPT) };
        let command = match (run, self.has_run(&greeting)) {
            (Some(_), _) => vec![uploaded(Script::Run.name())],
            (None, true) => vec![join(folder, Script::Run.name())],
            (None, false) => {
                cx.reporter.note("neither the source nor the runtime image has a `run`: the image's own command stays");
                self.image.config.cmd.clone()
            }
        };
        let destination = self.contract.destination.clone();
        let script =
            FinalScript { destination, modes, assemble: assemble.clone(), keep_source: true, ..FinalScript::default() };
        if let Err(error) = session.finish(&script) {
            return Err(session.lost("the runtime container does not take the artifacts").context(error.to_string()));
        }
        cx.reporter.phase("assembling for the runtime image");
        let external = assemble_runtime.map(|(_, from)| from.as_str());
        let run = ScriptRun { script: RUNTIME_SCRIPT, path: &assemble, external, misplaced };
        let assembled = follow(cx, &mut session, &run, progress)?;
        let user_changed = self.contract.user.is_some() || cx.job.user_option().is_some();
        Ok((Stage { session, bypassed, command, user_changed }, assembled))
    }

    /// Starts the container and waits for its greeting; goes around an ENTRYPOINT that does not run its arguments.
    fn start(&self, cx: &BuildContext, inputs: &Inputs) -> Result<(Session, Greeting, bool)> {
        let mut bypass = false;
        loop {
            let mut options = user_and_variables(&self.contract, &inputs.variables);
            options.extend_from_slice(&cx.job.run_options);
            let start = Start {
                name: cx.run_lock.container_name(),
                image: &self.image.id,
                options,
                destination: &self.contract.destination,
                folders: &self.contract.folders,
                bypass,
            };
            let mut session = Session::start(&cx.engine, start)?;
            match session.greeting() {
                Ok(greeting) => return Ok((session, greeting, bypass)),
                Err(NoGreeting::Entrypoint) if !bypass => {
                    cx.reporter.note("the runtime image's ENTRYPOINT does not run the command it is given");
                    bypass = true;
                }
                Err(NoGreeting::Entrypoint) => return Err(session.lost("the runtime image's `/bin/sh` does not run")),
                Err(NoGreeting::Shell) => {
                    let name = cx.job.runtime.as_ref().map_or("", |asked| &asked.image);
                    return Err(no_tool(name, "`/bin/sh`"));
                }
                Err(NoGreeting::Error(error)) => return Err(error),
            }
        }
    }

    /// Sends scripts and artifacts; folders whose own mode has to be set when they are filled.
    fn send(
        &self,
        cx: &BuildContext,
        from: &str,
        session: &mut Session,
        scripts: &[(&str, &[u8])],
    ) -> Result<Vec<(Vec<u8>, u32)>> {
        session.open(&self.opening())?;
        let upload = session.upload();
        if !scripts.is_empty() {
            upload.folder(b"scripts", 0o755, (0, 0))?;
        }
        for (name, content) in scripts {
            upload.file(format!("scripts/{name}").as_bytes(), 0o755, (0, 0), content)?;
        }
        let mut modes = Vec::new();
        for (number, artifact) in self.artifacts.iter().enumerate() {
            let args = ["cp", &format!("{from}:{}", artifact.from), "-"];
            let mut process = cx.engine.spawn_announced(&args, Stdio::null())?;
            let (mut out, words) = (process.stdout(), process.collect_stderr());
            let below = |path: &[u8]| [number.to_string().as_bytes(), b"/", path].concat();
            let passed = pass_on(&mut out, session.upload(), |path| Some(below(path)));
            let status = process.wait()?;
            cx.engine.cancel().check()?;
            match passed {
                Ok(passed) if status == 0 && passed.entries > 0 => modes.extend(passed.modes),
                Err(FilterError::Receiver(error)) => return Err(error.into()),
                Err(FilterError::Stream(why)) if status == 0 => return Err(not_carried(artifact, why)),
                _ => return Err(not_carried(artifact, anyhow!(words.text()))),
            }
        }
        Ok(modes)
    }

    /// What the container does before `assemble-runtime`: it puts the artifacts into their places.
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

    /// The image's folder with scripts: the first that has any of those that can be seen.
    fn folder(&self, greeting: &Greeting) -> &str {
        let found =
            greeting.folders.iter().position(|scripts| scripts.iter().any(|found| *found != ScriptState::Missing));
        self.contract.folders.get(found.unwrap_or(0)).map_or("", String::as_str)
    }

    fn has_run(&self, greeting: &Greeting) -> bool {
        let folder = self.folder(greeting);
        let place = self.contract.folders.iter().position(|known| known == folder).unwrap_or(0);
        greeting.folders.get(place).is_some_and(|[_, run, _]| *run == ScriptState::Ok)
    }
}

fn no_tool(image: &str, what: &str) -> anyhow::Error {
    Error::engine(format!("the runtime image `{image}` has no {what}"))
        .hint("add it in the image's Dockerfile, or copy the artifacts in a Dockerfile: `COPY --from=TAG PATH PLACE`")
        .into()
}

fn not_carried(artifact: &Artifact, why: anyhow::Error) -> anyhow::Error {
    Error::engine(format!("cannot take the artifact `{}` out of the build container", artifact.from))
        .because(why)
        .hint("`--runtime-artifact` names a file or folder that `assemble` leaves; what it removes can not be taken")
        .into()
}

fn misplaced(words: &str) -> anyhow::Error {
    Error::engine("cannot put the artifacts into their place in the runtime image")
        .because(anyhow!(words.to_owned()))
        .hint("its user must be able to write there: `--assemble-runtime-user`, or another place: `PATH:PLACE`")
        .into()
}
