//! The second stage of a build: what `assemble` made is carried into a container of another image, and the result is
//! made of that one. The builder, with its compilers, is not part of it.

use std::io::Read;
use std::process::Stdio;

use anyhow::{Result, anyhow};

use super::inputs::Inputs;
use super::prepare::check;
use super::protocol::{Finish, Found, Hello, Tar, quote};
use super::pull::inspect_one;
use super::relay::{Broken, relay};
use super::session::{Session, Silent, Start};
use super::{Act, Assembled, Progress, Workshop, hear};
use crate::contract::{Contract, Script, Wishes, join};
use crate::engine::image::Image;
use crate::failure::Failure;
use crate::settings::{Artifact, artifacts_from_label};

/// The script of the second stage.
pub const SCRIPT: &str = "assemble-runtime";

const USER_LABEL: &str = "io.openshift.s2i.assemble-runtime-user";
const ARTIFACTS_LABEL: &str = "io.openshift.s2i.assemble-input-files";

/// The image of the second stage, and what goes into it.
pub struct Runtime {
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

impl Runtime {
    /// Asks the engine about the image, if there is to be a second stage.
    ///
    /// # Errors
    /// No such image, or one that can not be used; nobody says what is to be carried over.
    pub fn look(shop: &Workshop) -> Result<Option<Self>> {
        let Some(asked) = &shop.job.runtime else { return Ok(None) };
        let name = &asked.image;
        let Some(image) = inspect_one(shop, name, asked.pull)? else {
            let engine = shop.engine.name();
            return Err(Failure::engine(format!("there is no runtime image `{name}` in the engine"))
                .hint(format!(
                    "build it (`{engine} build --tag {name} FOLDER`) or pull it (`{engine} pull {name}`, or \
                     `--runtime-pull-policy if-not-present`)"
                ))
                .into());
        };
        let mut contract = Contract::of(&image, name, &Wishes::default())?;
        let label = |name: &str| image.config.labels.get(name).filter(|text| !text.is_empty());
        contract.user = asked.user.clone().or_else(|| label(USER_LABEL).cloned());
        let artifacts = match label(ARTIFACTS_LABEL) {
            Some(text) if asked.artifacts.is_empty() => artifacts_from_label(text)?,
            _ => asked.artifacts.clone(),
        };
        if artifacts.is_empty() {
            return Err(Failure::usage("nothing is to be carried into the runtime image")
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
    pub fn stage(
        &self,
        shop: &Workshop,
        builder: &str,
        inputs: &Inputs,
        progress: &mut Progress,
    ) -> Result<(Stage, Assembled)> {
        shop.reporter.phase("starting the runtime container");
        let (mut session, hello, bypassed) = self.start(shop, inputs)?;
        let name = &shop.job.runtime.as_ref().map_or("", |asked| &asked.image);
        if hello.tar == Tar::None {
            return Err(no_tool(name, "`tar` that could unpack the artifacts"));
        }
        check(&hello, &self.contract, name)?;
        let own = |script: Script| inputs.own_scripts.iter().find(|own| own.script == script);
        let (own_run, own_assemble) = (own(Script::Run), inputs.runtime_script.as_ref());
        shop.reporter.phase("carrying artifacts over");
        session.upload().sparse = hello.tar == Tar::Sparse;
        let mut scripts: Vec<(&str, &[u8])> = Vec::new();
        scripts.extend(own_run.map(|own| (Script::Run.name(), own.content.as_slice())));
        scripts.extend(own_assemble.map(|(content, _)| (SCRIPT, content.as_slice())));
        let modes = match self.send(shop, builder, &mut session, &scripts) {
            Ok(modes) => modes,
            Err(error) if crate::failure::is_classified(&error) => return Err(error),
            Err(_) => return Err(session.lost("cannot carry artifacts into the runtime container")),
        };
        let folder = self.folder(&hello);
        let uploaded = |name: &str| join(&self.contract.destination, &format!("scripts/{name}"));
        let assemble = if own_assemble.is_some() { uploaded(SCRIPT) } else { join(folder, SCRIPT) };
        let command = match (own_run, self.has_run(&hello)) {
            (Some(_), _) => vec![uploaded(Script::Run.name())],
            (None, true) => vec![join(folder, Script::Run.name())],
            (None, false) => {
                shop.reporter
                    .note("neither the source nor the runtime image has a `run`: the image's own command stays");
                self.image.config.cmd.clone()
            }
        };
        let destination = self.contract.destination.clone();
        let finish = Finish { destination, modes, assemble: assemble.clone(), keep_source: true, ..Finish::default() };
        if let Err(error) = session.finish(&finish) {
            return Err(session.lost("the runtime container does not take the artifacts").context(error.to_string()));
        }
        shop.reporter.phase("assembling for the runtime image");
        let act = Act { script: SCRIPT, path: &assemble, own: own_assemble.map(|(_, from)| from.as_str()), misplaced };
        let assembled = hear(shop, &mut session, &act, progress)?;
        let user_changed = self.contract.user.is_some() || shop.job.user_option().is_some();
        Ok((Stage { session, bypassed, command, user_changed }, assembled))
    }

    /// Starts the container and waits for its greeting; goes around an ENTRYPOINT that does not run its arguments.
    fn start(&self, shop: &Workshop, inputs: &Inputs) -> Result<(Session, Hello, bool)> {
        let mut bypass = false;
        loop {
            let mut options: Vec<String> =
                self.contract.user.iter().flat_map(|user| ["--user".to_owned(), user.clone()]).collect();
            for (name, value) in &inputs.variables {
                options.extend(["--env".to_owned(), format!("{name}={value}")]);
            }
            options.extend_from_slice(&shop.job.run_options);
            let start = Start {
                name: shop.lease.container_name(),
                image: &self.image.id,
                options,
                destination: &self.contract.destination,
                folders: &self.contract.folders,
                bypass,
            };
            let mut session = Session::start(&shop.engine, start)?;
            match session.greeting() {
                Ok(hello) => return Ok((session, hello, bypass)),
                Err(Silent::Entrypoint) if !bypass => {
                    shop.reporter.note("the runtime image's ENTRYPOINT does not run the command it is given");
                    bypass = true;
                }
                Err(Silent::Entrypoint) => return Err(session.lost("the runtime image's `/bin/sh` does not run")),
                Err(Silent::Shell) => {
                    let name = shop.job.runtime.as_ref().map_or("", |asked| &asked.image);
                    return Err(no_tool(name, "`/bin/sh`"));
                }
                Err(Silent::Error(error)) => return Err(error),
            }
        }
    }

    /// Sends scripts and artifacts; folders whose own mode has to be set when they are filled.
    fn send(
        &self,
        shop: &Workshop,
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
            let mut process = shop.engine.spawn_announced(&args, Stdio::null())?;
            let (mut out, mut err) = (process.stdout(), process.stderr());
            let words = std::thread::spawn(move || {
                let mut words = Vec::new();
                let _ = err.read_to_end(&mut words);
                String::from_utf8_lossy(&words).trim().to_owned()
            });
            let below = |path: &[u8]| [number.to_string().as_bytes(), b"/", path].concat();
            let relayed = relay(&mut out, session.upload(), |path| Some(below(path)));
            let status = process.wait()?;
            shop.engine.cancel().check()?;
            let words = words.join().unwrap_or_default();
            match relayed {
                Ok(relayed) if status == 0 && relayed.entries > 0 => modes.extend(relayed.modes),
                Err(Broken::Receiver(error)) => return Err(error.into()),
                Err(Broken::Stream(why)) if status == 0 => return Err(not_carried(artifact, why)),
                _ => return Err(not_carried(artifact, anyhow!(words))),
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
    fn folder(&self, hello: &Hello) -> &str {
        let found = hello.folders.iter().position(|scripts| scripts.iter().any(|found| *found != Found::Missing));
        self.contract.folders.get(found.unwrap_or(0)).map_or("", String::as_str)
    }

    fn has_run(&self, hello: &Hello) -> bool {
        let folder = self.folder(hello);
        let place = self.contract.folders.iter().position(|known| known == folder).unwrap_or(0);
        hello.folders.get(place).is_some_and(|[_, run, _]| *run == Found::Ok)
    }
}

fn no_tool(image: &str, what: &str) -> anyhow::Error {
    Failure::engine(format!("the runtime image `{image}` has no {what}"))
        .hint("add it in the image's Dockerfile, or copy the artifacts in a Dockerfile: `COPY --from=TAG PATH PLACE`")
        .into()
}

fn not_carried(artifact: &Artifact, why: anyhow::Error) -> anyhow::Error {
    Failure::engine(format!("cannot take the artifact `{}` out of the build container", artifact.from))
        .because(why)
        .hint("`--runtime-artifact` names a file or folder that `assemble` leaves; what it removes can not be taken")
        .into()
}

fn misplaced(words: &str) -> anyhow::Error {
    Failure::engine("cannot put the artifacts into their place in the runtime image")
        .because(anyhow!(words.to_owned()))
        .hint("its user must be able to write there: `--assemble-runtime-user`, or another place: `PATH:PLACE`")
        .into()
}
