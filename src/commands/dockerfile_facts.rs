//! What a Dockerfile must say about a builder: looked up in a container of it, or assumed where there is no engine.

use anyhow::{Result, anyhow};

use super::probe::{folder_list, run_in_image};
use crate::contract::Contract;
use crate::contract::dockerfile::Dockerfile;
use crate::contract::external_scripts::ExternalScript;
use crate::contract::image_path::join;
use crate::contract::script::Script;
use crate::engine::cli::Engine;
use crate::engine::image::{Config, Image};
use crate::error::Error;
use crate::report::Reporter;

/// A shell program that runs as the user of `assemble`. It prints its user id and group id, then, for `assemble` and
/// `run`, the first of the folders in its arguments that has the script.
const PROBE: &str = "echo \"$(id -u) $(id -g)\"
for script in assemble run; do
    found=
    for folder; do [ -n \"$found\" ] || [ ! -e \"$folder/$script\" ] || found=$folder; done
    echo \"$found\"
done";

/// The facts about a builder that a Dockerfile contains.
pub struct DockerfileFacts<'a> {
    image: &'a Image,
    pub contract: Contract,
    /// The user id and group id of the user that runs `assemble`.
    owner: (u32, u32),
    /// The paths of the scripts in the image.
    assemble: String,
    run: String,
}

impl<'a> DockerfileFacts<'a> {
    /// Runs [`PROBE`] in a container of the builder called `name`.
    ///
    /// # Errors
    /// If the container cannot run, or the builder has no shell with `id`, no such user, or no `assemble`.
    pub fn new(
        engine: &Engine,
        reporter: &Reporter,
        image: &'a Image,
        name: &str,
        contract: Contract,
        external_scripts: &[ExternalScript],
    ) -> Result<Self> {
        let options: Vec<&str> = contract.user.iter().flat_map(|user| ["--user", user]).collect();
        let mut args = vec!["-c", PROBE, "minis2i"];
        args.extend(contract.folders.iter().map(String::as_str));
        let mut stdout = Vec::new();
        let keep = |text: &[u8]| stdout.extend_from_slice(text);
        let output = run_in_image(engine, reporter, image, &options, "/bin/sh", &args, keep)?;
        let stdout = String::from_utf8_lossy(&stdout).into_owned();
        let mut lines = stdout.lines();
        let Some(owner) = lines.next().and_then(parse_ids) else {
            let cause = anyhow!(String::from_utf8_lossy(&output.stderr).trim().to_owned());
            return Err(Error::engine(format!("cannot look into the builder `{name}`"))
                .because(cause)
                .hint("a builder needs a shell with `id`, and the user who runs `assemble`")
                .into());
        };
        let folders = [lines.next(), lines.next()].map(|folder| folder.filter(|folder| !folder.is_empty()));
        let path = |script: Script, folder: Option<&str>| {
            uploaded(&contract, external_scripts, script).or(folder.map(|folder| join(folder, script.name())))
        };
        let Some(assemble) = path(Script::Assemble, folders[0]) else { return Err(no_assemble(name, &contract)) };
        let run = path(Script::Run, folders[1]).unwrap_or_else(|| {
            let folder = folders[0].or(contract.folders.first().map(String::as_str)).unwrap_or_default();
            reporter.note(&format!("the builder has no `run` in {folder}: the image will not start by itself"));
            join(folder, Script::Run.name())
        });
        Ok(Self { image, owner, assemble, run, contract })
    }

    /// What is taken for true of the builder called `name` where no engine can be asked, as the reference implementation
    /// does: the scripts are in the first of the folders, and the user who runs `assemble` is the one with the id 1001,
    /// unless options say otherwise. A note says so.
    ///
    /// # Errors
    /// If the user is not given by number.
    pub fn assumed(
        reporter: &Reporter,
        image: &'a Image,
        name: &str,
        contract: Contract,
        external_scripts: &[ExternalScript],
    ) -> Result<Self> {
        let user = contract.user.as_deref().unwrap_or(&image.config.user);
        let owner = numeric_user(user).ok_or_else(|| {
            Error::usage(format!("without an engine, nothing tells which user of `{name}` is `{user}`"))
                .hint("give `--assemble-user` as a number, such as 1001 or 1001:0")
        })?;
        let folder = contract.folders.first().map(String::as_str).unwrap_or_default();
        let path = |script: Script| {
            uploaded(&contract, external_scripts, script).unwrap_or_else(|| join(folder, script.name()))
        };
        let (assemble, run) = (path(Script::Assemble), path(Script::Run));
        let (uid, gid) = owner;
        reporter.note(&format!(
            "no engine answers, so the Dockerfile takes it that `{name}` has its scripts in {folder} and runs them as \
             {uid}:{gid}; `-s image:///FOLDER` and `--assemble-user` say otherwise"
        ));
        Ok(Self { image, owner, assemble, run, contract })
    }

    /// A Dockerfile with the parts that depend on the builder, called `name`.
    pub fn dockerfile<'b>(&'b self, name: &'b str) -> Dockerfile<'b> {
        let image_user = if self.image.config.user.is_empty() { "0" } else { &self.image.config.user };
        Dockerfile {
            builder: name,
            owner: self.owner,
            users: self.contract.user.as_deref().map(|user| (user, image_user)),
            assemble: self.assemble.clone(),
            run: self.run.clone(),
            ..Dockerfile::default()
        }
    }
}

/// The path of a script that comes with the source; `None` if the builder's own counts.
fn uploaded(contract: &Contract, external_scripts: &[ExternalScript], script: Script) -> Option<String> {
    let is_external = external_scripts.iter().any(|external| external.script == script);
    is_external.then(|| contract.uploaded_script(script.name()))
}

fn no_assemble(builder: &str, contract: &Contract) -> anyhow::Error {
    let searched = folder_list(&contract.folders);
    Error::engine(format!("`{builder}` is not an S2I builder: there is no `assemble` in {searched}"))
        .hint("use an image made as a builder; its label `io.openshift.s2i.scripts-url` says where scripts are")
        .into()
}

/// Parses the first line of the output of [`PROBE`], such as `1001 0`.
fn parse_ids(line: &str) -> Option<(u32, u32)> {
    let (uid, gid) = line.split_once(' ')?;
    Some((uid.parse().ok()?, gid.parse().ok()?))
}

/// Parses a user given by numbers, `UID` or `UID:GID`; the group is root's by default, as builders for any user have it.
fn numeric_user(user: &str) -> Option<(u32, u32)> {
    let (uid, gid) = user.split_once(':').unwrap_or((user, "0"));
    Some((uid.parse().ok()?, gid.parse().ok()?))
}

/// A builder of which nothing is known but what the reference implementation takes for true of all.
pub fn assumed_image() -> Image {
    Image { config: Config { user: "1001".to_owned(), ..Config::default() }, ..Image::default() }
}

#[cfg(test)]
mod tests {
    use super::{numeric_user, parse_ids};

    #[test]
    fn ids_are_two_numbers() {
        assert_eq!(parse_ids("1001 0"), Some((1001, 0)));
        assert_eq!(parse_ids("1001"), None);
    }

    #[test]
    fn a_user_by_number_has_roots_group_unless_it_is_given() {
        assert_eq!(numeric_user("1001"), Some((1001, 0)));
        assert_eq!(numeric_user("0:7"), Some((0, 7)));
        assert_eq!(numeric_user("default"), None);
        assert_eq!(numeric_user("1001:staff"), None);
    }
}
