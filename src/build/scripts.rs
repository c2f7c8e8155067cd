//! Which scripts a build uses, from what the source has, the labels say, and the container sees.

use anyhow::Result;

use super::protocol::{Found, Hello};
use crate::contract::{Contract, OwnScript, SCRIPTS_LABELS, Script, join};
use crate::failure::Failure;

/// The scripts of one build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Paths in the container.
    pub assemble: String,
    pub run: String,
    /// The builder's own `save-artifacts`, if it has one.
    pub save_artifacts: Option<String>,
    /// What the user should know about the choice.
    pub notes: Vec<String>,
}

/// Chooses.
///
/// # Errors
/// No `assemble`, or one that can not be run: what was looked for, and what to do.
pub fn choose(contract: &Contract, hello: &Hello, own: &[OwnScript], builder: &str) -> Result<Chosen> {
    let has = |script| own.iter().any(|own| own.script == script);
    let uploaded = |script: Script| join(&contract.destination, &format!("scripts/{}", script.name()));
    let with_assemble = |folder: &[Found; 3]| folder[0] != Found::Missing;
    let place = hello.folders.iter().position(with_assemble).unwrap_or(0);
    let folder = contract.folders.get(place).map_or("", String::as_str);
    let [assemble, run, save] = hello.folders.get(place).unwrap_or(&[Found::Missing, Found::Missing, Found::Missing]);
    let mut notes = Vec::new();
    if !has(Script::Assemble) {
        if *assemble == Found::Missing {
            return Err(no_assemble(contract, builder));
        }
        let path = join(folder, Script::Assemble.name());
        if let Some(fault) = assemble.fault() {
            return Err(unusable(&path, &fault));
        }
        if !contract.named {
            notes.push(format!("the builder has no label `{}`; using its scripts in {folder}", SCRIPTS_LABELS[0]));
        }
    }
    if !has(Script::Run)
        && let Some(fault) = run.fault()
    {
        notes.push(format!("`{}` {fault}: the image will not start by itself", join(folder, Script::Run.name())));
    }
    let path = |script: Script| if has(script) { uploaded(script) } else { join(folder, script.name()) };
    Ok(Chosen {
        assemble: path(Script::Assemble),
        run: path(Script::Run),
        save_artifacts: (*save == Found::Ok).then(|| join(folder, Script::SaveArtifacts.name())),
        notes,
    })
}

/// The error for an `assemble` that is there but can not be run.
pub fn unusable(path: &str, fault: &str) -> anyhow::Error {
    let hint = "in the builder's Dockerfile: `COPY --chmod=755`, a first line such as `#!/bin/sh`, and Unix line ends";
    Failure::engine(format!("cannot run `{path}`: it {fault}")).hint(hint).into()
}

/// The same for one that the source brought along.
pub fn own_unusable(name: &str, fault: &str) -> anyhow::Error {
    Failure::usage(format!("cannot run the source's own `{name}`: it {fault}"))
        .hint(format!("see that `.s2i/bin/{name}` has a first line such as `#!/bin/sh`, and Unix line ends"))
        .into()
}

fn no_assemble(contract: &Contract, builder: &str) -> anyhow::Error {
    let folders = contract.folders.join(" or ");
    if contract.named {
        return Failure::engine(format!(
            "`assemble` is missing in the builder `{builder}`: there is none in {folders}"
        ))
        .hint(format!(
            "that is the folder its label `{}` names; rebuild the builder with the script",
            SCRIPTS_LABELS[0]
        ))
        .into();
    }
    let labels = SCRIPTS_LABELS.map(|label| format!("`{label}`")).join(" nor ");
    Failure::engine(format!(
        "`{builder}` is no S2I builder: it has neither label {labels}, and no `assemble` in {folders}"
    ))
    .hint("use an image made as a builder, or bring your own script as `.s2i/bin/assemble` in the source")
    .into()
}

#[cfg(test)]
mod tests {
    use super::choose;
    use crate::build::protocol::{Destination, Found, Hello, Tar};
    use crate::contract::{Contract, OwnScript, Script};

    fn hello(folders: Vec<[Found; 3]>) -> Hello {
        Hello { has_source: false, has_artifacts: false, destination: Destination::Ok, tar: Tar::Sparse, folders }
    }

    fn contract(folders: &[&str], named: bool) -> Contract {
        let folders = folders.iter().map(|folder| (*folder).to_owned()).collect();
        Contract { folders, named, destination: "/tmp".to_owned(), user: None }
    }

    #[test]
    fn the_sources_script_wins_over_the_images() {
        let own = [OwnScript { script: Script::Assemble, content: Vec::new() }];
        let hello = hello(vec![[Found::Ok, Found::Ok, Found::Missing]]);
        let chosen = choose(&contract(&["/s"], true), &hello, &own, "b").unwrap();
        assert_eq!((chosen.assemble.as_str(), chosen.run.as_str()), ("/tmp/scripts/assemble", "/s/run"));
        assert_eq!(chosen.save_artifacts, None);
    }

    #[test]
    fn without_a_label_the_first_folder_with_assemble_counts_and_a_note_says_so() {
        let missing = [Found::Missing, Found::Missing, Found::Missing];
        let hello = hello(vec![missing, [Found::Ok, Found::Ok, Found::Ok]]);
        let chosen = choose(&contract(&["/a", "/b"], false), &hello, &[], "b").unwrap();
        assert_eq!(chosen.assemble, "/b/assemble");
        assert_eq!(chosen.save_artifacts.as_deref(), Some("/b/save-artifacts"));
        assert_eq!(chosen.notes.len(), 1);
    }

    #[test]
    fn errors_name_what_was_looked_for() {
        let missing = [Found::Missing, Found::Missing, Found::Missing];
        let error = choose(&contract(&["/a"], false), &hello(vec![missing.clone()]), &[], "b").unwrap_err().to_string();
        assert!(error.contains("io.openshift.s2i.scripts-url") && error.contains("/a"), "{error}");
        let bad = [Found::NoInterpreter("/bin/nope".to_owned()), Found::Ok, Found::Ok];
        let error = choose(&contract(&["/a"], true), &hello(vec![bad]), &[], "b").unwrap_err().to_string();
        assert!(error.contains("/bin/nope"), "{error}");
        assert!(choose(&contract(&["/a"], true), &hello(vec![missing]), &[], "b").is_err());
    }
}
