//! Choosing the scripts of a build, from the external scripts, the contract of the builder and the folders that the
//! container reported.

use anyhow::Result;

use super::container::protocol::{Greeting, ScriptState};
use crate::contract::Contract;
use crate::contract::external_scripts::ExternalScript;
use crate::contract::image_path::join;
use crate::contract::script::{SCRIPTS_LABELS, Script};
use crate::contract::scripts_url::ScriptsUrl;
use crate::error::Error;

/// The scripts of one build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenScripts {
    /// The path of `assemble` in the container.
    pub assemble: String,
    /// The path of `run` in the container, even if there is no such file.
    pub run: String,
    /// The path of the builder's `save-artifacts`, if it can be run.
    pub save_artifacts: Option<String>,
    /// Notes for the user about the choice.
    pub notes: Vec<String>,
}

/// Chooses the scripts of a build with the builder called `builder`. Each script comes from outside the image if
/// `external_scripts` has it, and otherwise from the first folder of the contract that has it.
///
/// # Errors
/// If there is no `assemble`, it cannot be run, or the folder that `--scripts-url` names has no scripts.
pub fn choose_scripts(
    contract: &Contract,
    greeting: &Greeting,
    external_scripts: &[ExternalScript],
    builder: &str,
) -> Result<ChosenScripts> {
    let lookup = ScriptLookup { contract, greeting, external_scripts };
    lookup.check_scripts_option(builder)?;
    let folder_note = lookup.check_assemble(builder)?;
    Ok(ChosenScripts {
        assemble: lookup.path(Script::Assemble, lookup.assemble_folder()),
        run: lookup.path(Script::Run, lookup.run_folder()),
        save_artifacts: lookup.save_artifacts(),
        notes: folder_note.into_iter().chain(lookup.run_note()).collect(),
    })
}

/// Where scripts can come from. A folder is given by its position in the contract.
struct ScriptLookup<'a> {
    contract: &'a Contract,
    greeting: &'a Greeting,
    external_scripts: &'a [ExternalScript],
}

impl ScriptLookup<'_> {
    /// Refuses a folder in the image that `--scripts-url` names but that has no scripts.
    fn check_scripts_option(&self, builder: &str) -> Result<()> {
        match (&self.contract.scripts_option, self.greeting.folders.first()) {
            (Some(url @ ScriptsUrl::Image(_)), Some(folder))
                if folder.iter().all(|state| *state == ScriptState::Missing) =>
            {
                Err(no_scripts_in_folder(url, builder))
            }
            _ => Ok(()),
        }
    }

    /// Checks that there is an `assemble` that can be run. Returns a note if it is in a folder that nothing named.
    fn check_assemble(&self, builder: &str) -> Result<Option<String>> {
        if self.is_external(Script::Assemble) {
            return Ok(None);
        }
        let Some((folder, state)) = self.find(Script::Assemble) else {
            return Err(no_assemble(self.contract, builder));
        };
        if let Some(fault) = state.fault() {
            return Err(unusable(&self.path_in_image(Script::Assemble, folder), &fault));
        }
        let named = self.contract.folders.len() - self.contract.default_folders;
        Ok((folder >= named).then(|| {
            let folder = &self.contract.folders[folder];
            format!("the builder has no label `{}`; using its scripts in {folder}", SCRIPTS_LABELS[0])
        }))
    }

    /// A note if there is no `run` that can be run.
    fn run_note(&self) -> Option<String> {
        if self.is_external(Script::Run) {
            return None;
        }
        let state = self.find(Script::Run).map_or(&ScriptState::Missing, |(_, state)| state);
        let run = self.path_in_image(Script::Run, self.run_folder());
        state.fault().map(|fault| format!("`{run}` {fault}: the image will not start by itself"))
    }

    /// The path of the builder's `save-artifacts`, if it can be run. An external one does not count: it is sent again
    /// with the next build.
    fn save_artifacts(&self) -> Option<String> {
        let (folder, state) = self.find(Script::SaveArtifacts)?;
        (*state == ScriptState::Ok).then(|| self.path_in_image(Script::SaveArtifacts, folder))
    }

    fn assemble_folder(&self) -> usize {
        self.find(Script::Assemble).map_or(0, |(folder, _)| folder)
    }

    /// The folder of `run`; a missing one is expected next to `assemble`.
    fn run_folder(&self) -> usize {
        self.find(Script::Run).map_or_else(|| self.assemble_folder(), |(folder, _)| folder)
    }

    fn is_external(&self, script: Script) -> bool {
        self.external_scripts.iter().any(|external| external.script == script)
    }

    /// The first folder that has the script, and the state of the script there.
    fn find(&self, script: Script) -> Option<(usize, &ScriptState)> {
        let index = Script::ALL.iter().position(|listed| *listed == script)?;
        let mut states = self.greeting.folders.iter().map(|folder| &folder[index]).enumerate();
        states.find(|(_, state)| **state != ScriptState::Missing)
    }

    /// The path of a script in the container: in the upload if it is external, or else in this folder.
    fn path(&self, script: Script, folder: usize) -> String {
        if self.is_external(script) {
            return self.contract.uploaded_script(script.name());
        }
        self.path_in_image(script, folder)
    }

    fn path_in_image(&self, script: Script, folder: usize) -> String {
        join(self.contract.folders.get(folder).map_or("", String::as_str), script.name())
    }
}

/// The error for an `assemble` in the image that exists but cannot be run; `fault` is the end of a sentence.
pub fn unusable(path: &str, fault: &str) -> anyhow::Error {
    let hint = "in the builder's Dockerfile: `COPY --chmod=755`, a first line such as `#!/bin/sh`, and Unix line ends";
    Error::engine(format!("cannot run `{path}`: it {fault}")).hint(hint).into()
}

/// The error for an external script that cannot be run; `from` is the path or URL that it was read from.
pub fn external_unusable(from: &str, fault: &str) -> anyhow::Error {
    Error::usage(format!("cannot run the script `{from}`: it {fault}"))
        .hint(format!("see that `{from}` has a first line such as `#!/bin/sh`, and Unix line ends"))
        .into()
}

fn no_scripts_in_folder(url: &ScriptsUrl, builder: &str) -> anyhow::Error {
    let names = Script::ALL.map(|script| format!("`{}`", script.name())).join(", ");
    Error::usage(format!("`--scripts-url` names a place without scripts: {url} `{builder}` has none of {names}"))
        .hint("name the folder in which they are, or leave the option out to use the builder's own")
        .into()
}

fn no_assemble(contract: &Contract, builder: &str) -> anyhow::Error {
    let external = contract.external_url.iter().map(ToString::to_string);
    let searched = contract.folders.iter().cloned().chain(external).collect::<Vec<_>>().join(" or ");
    if contract.default_folders == 0 {
        return Error::engine(format!("`assemble` is missing in the builder `{builder}`: there is none in {searched}"))
            .hint(format!(
                "that is the folder its label `{}` names; rebuild the builder with the script, or name another place \
                 with `--scripts-url`",
                SCRIPTS_LABELS[0]
            ))
            .into();
    }
    let labels = SCRIPTS_LABELS.map(|label| format!("`{label}`")).join(" nor ");
    Error::engine(format!(
        "`{builder}` is not an S2I builder: it has neither label {labels}, and no `assemble` in {searched}"
    ))
    .hint(
        "use an image made as a builder, say where its scripts are with `--scripts-url`, or bring your own script as \
         `.s2i/bin/assemble` in the source",
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::choose_scripts;
    use crate::contract::Contract;
    use crate::contract::external_scripts::ExternalScript;
    use crate::contract::script::Script;
    use crate::contract::scripts_url::ScriptsUrl;
    use crate::pipeline::container::protocol::{Destination, Greeting, ScriptState, TarSupport};

    fn greeting_of(folders: Vec<[ScriptState; 3]>) -> Greeting {
        Greeting {
            has_source: false,
            has_artifacts: false,
            destination: Destination::Ok,
            tar: TarSupport::Sparse,
            tools: Vec::new(),
            folders,
        }
    }

    fn contract(folders: &[&str], named: bool) -> Contract {
        let folders: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
        let default_folders = if named { 0 } else { folders.len() };
        Contract {
            folders,
            default_folders,
            scripts_option: None,
            external_url: None,
            destination: "/tmp".to_owned(),
            user: None,
        }
    }

    #[test]
    fn the_sources_script_wins_over_the_images() {
        let external = [ExternalScript { script: Script::Assemble, content: Vec::new(), from: "x".to_owned() }];
        let greeting = greeting_of(vec![[ScriptState::Ok, ScriptState::Ok, ScriptState::Missing]]);
        let chosen = choose_scripts(&contract(&["/s"], true), &greeting, &external, "b").unwrap();
        assert_eq!((chosen.assemble.as_str(), chosen.run.as_str()), ("/tmp/scripts/assemble", "/s/run"));
        assert_eq!(chosen.save_artifacts, None);
    }

    #[test]
    fn without_a_label_the_first_folder_with_assemble_counts_and_a_note_says_so() {
        let missing = [ScriptState::Missing, ScriptState::Missing, ScriptState::Missing];
        let greeting = greeting_of(vec![missing, [ScriptState::Ok, ScriptState::Ok, ScriptState::Ok]]);
        let chosen = choose_scripts(&contract(&["/a", "/b"], false), &greeting, &[], "b").unwrap();
        assert_eq!(chosen.assemble, "/b/assemble");
        assert_eq!(chosen.save_artifacts.as_deref(), Some("/b/save-artifacts"));
        assert_eq!(chosen.notes.len(), 1);
    }

    #[test]
    fn each_script_comes_from_the_first_folder_that_has_it() {
        let folders = vec![
            [ScriptState::Missing, ScriptState::Ok, ScriptState::Missing],
            [ScriptState::Ok, ScriptState::Ok, ScriptState::Ok],
        ];
        let mut contract = contract(&["/asked", "/label"], true);
        contract.scripts_option = Some(ScriptsUrl::Image("/asked".to_owned()));
        let chosen = choose_scripts(&contract, &greeting_of(folders), &[], "b").unwrap();
        assert_eq!((chosen.assemble.as_str(), chosen.run.as_str()), ("/label/assemble", "/asked/run"));
        assert_eq!(chosen.save_artifacts.as_deref(), Some("/label/save-artifacts"));
        let missing = [ScriptState::Missing, ScriptState::Missing, ScriptState::Missing];
        let error = choose_scripts(
            &contract,
            &greeting_of(vec![missing, [ScriptState::Ok, ScriptState::Ok, ScriptState::Ok]]),
            &[],
            "b",
        );
        assert!(error.unwrap_err().to_string().contains("`/asked` in the image"));
    }

    #[test]
    fn errors_name_what_was_looked_for() {
        let missing = [ScriptState::Missing, ScriptState::Missing, ScriptState::Missing];
        let error = choose_scripts(&contract(&["/a"], false), &greeting_of(vec![missing.clone()]), &[], "b")
            .unwrap_err()
            .to_string();
        assert!(error.contains("io.openshift.s2i.scripts-url") && error.contains("/a"), "{error}");
        let bad = [ScriptState::NoInterpreter("/bin/nope".to_owned()), ScriptState::Ok, ScriptState::Ok];
        let error =
            choose_scripts(&contract(&["/a"], true), &greeting_of(vec![bad]), &[], "b").unwrap_err().to_string();
        assert!(error.contains("/bin/nope"), "{error}");
        assert!(choose_scripts(&contract(&["/a"], true), &greeting_of(vec![missing]), &[], "b").is_err());
    }
}
