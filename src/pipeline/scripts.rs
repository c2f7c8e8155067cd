//! Which scripts a build uses, from what the source has, the labels say, and the container sees.

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
pub fn choose(
    contract: &Contract,
    greeting: &Greeting,
    own: &[ExternalScript],
    builder: &str,
) -> Result<ChosenScripts> {
    if let Some(place @ ScriptsUrl::Image(_)) = &contract.scripts_option
        && greeting.folders.first().is_some_and(|folder| folder.iter().all(|found| *found == ScriptState::Missing))
    {
        return Err(nothing_asked_for(place, builder));
    }
    let has = |script| own.iter().any(|own| own.script == script);
    let in_image = |script: Script, place: usize| {
        let folder = contract.folders.get(place).map_or("", String::as_str);
        join(folder, script.name())
    };
    let [assemble, run, save] = Script::ALL.map(|script| find(greeting, script));
    let mut notes = Vec::new();
    if !has(Script::Assemble) {
        let Some((place, found)) = assemble else { return Err(no_assemble(contract, builder)) };
        if let Some(fault) = found.fault() {
            return Err(unusable(&in_image(Script::Assemble, place), &fault));
        }
        if place + contract.default_folders >= contract.folders.len() {
            let folder = &contract.folders[place];
            notes.push(format!("the builder has no label `{}`; using its scripts in {folder}", SCRIPTS_LABELS[0]));
        }
    }
    let home = assemble.map_or(0, |(place, _)| place);
    let (run_place, found) = run.unwrap_or((home, &ScriptState::Missing));
    let run = in_image(Script::Run, run_place);
    if !has(Script::Run)
        && let Some(fault) = found.fault()
    {
        notes.push(format!("`{run}` {fault}: the image will not start by itself"));
    }
    let uploaded = |script: Script| join(&contract.destination, &format!("scripts/{}", script.name()));
    let path = |script: Script, in_image: String| if has(script) { uploaded(script) } else { in_image };
    Ok(ChosenScripts {
        assemble: path(Script::Assemble, in_image(Script::Assemble, home)),
        run: path(Script::Run, run),
        save_artifacts: save
            .filter(|(_, found)| **found == ScriptState::Ok)
            .map(|(place, _)| in_image(Script::SaveArtifacts, place)),
        notes,
    })
}

/// The first folder of the image that has a script, and what is known of that.
fn find(greeting: &Greeting, script: Script) -> Option<(usize, &ScriptState)> {
    let which = Script::ALL.iter().position(|known| *known == script)?;
    let mut found = greeting.folders.iter().map(|folder| &folder[which]).enumerate();
    found.find(|(_, found)| **found != ScriptState::Missing)
}

/// The error for an `assemble` that is there but can not be run.
pub fn unusable(path: &str, fault: &str) -> anyhow::Error {
    let hint = "in the builder's Dockerfile: `COPY --chmod=755`, a first line such as `#!/bin/sh`, and Unix line ends";
    Error::engine(format!("cannot run `{path}`: it {fault}")).hint(hint).into()
}

/// The same for one from outside the image.
pub fn external_unusable(from: &str, fault: &str) -> anyhow::Error {
    Error::usage(format!("cannot run the script `{from}`: it {fault}"))
        .hint(format!("see that `{from}` has a first line such as `#!/bin/sh`, and Unix line ends"))
        .into()
}

fn nothing_asked_for(place: &ScriptsUrl, builder: &str) -> anyhow::Error {
    let names = Script::ALL.map(|script| format!("`{}`", script.name())).join(", ");
    Error::usage(format!("`--scripts-url` names a place without scripts: {place} `{builder}` has none of {names}"))
        .hint("name the folder in which they are, or leave the option out to use the builder's own")
        .into()
}

fn no_assemble(contract: &Contract, builder: &str) -> anyhow::Error {
    let outside = contract.external_url.iter().map(ToString::to_string);
    let places = contract.folders.iter().cloned().chain(outside).collect::<Vec<_>>().join(" or ");
    if contract.default_folders == 0 {
        return Error::engine(format!("`assemble` is missing in the builder `{builder}`: there is none in {places}"))
            .hint(format!(
                "that is the folder its label `{}` names; rebuild the builder with the script, or name another place \
                 with `--scripts-url`",
                SCRIPTS_LABELS[0]
            ))
            .into();
    }
    let labels = SCRIPTS_LABELS.map(|label| format!("`{label}`")).join(" nor ");
    Error::engine(format!(
        "`{builder}` is no S2I builder: it has neither label {labels}, and no `assemble` in {places}"
    ))
    .hint(
        "use an image made as a builder, say where its scripts are with `--scripts-url`, or bring your own script as \
         `.s2i/bin/assemble` in the source",
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::choose;
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
        let own = [ExternalScript { script: Script::Assemble, content: Vec::new(), from: "x".to_owned() }];
        let greeting = greeting_of(vec![[ScriptState::Ok, ScriptState::Ok, ScriptState::Missing]]);
        let chosen = choose(&contract(&["/s"], true), &greeting, &own, "b").unwrap();
        assert_eq!((chosen.assemble.as_str(), chosen.run.as_str()), ("/tmp/scripts/assemble", "/s/run"));
        assert_eq!(chosen.save_artifacts, None);
    }

    #[test]
    fn without_a_label_the_first_folder_with_assemble_counts_and_a_note_says_so() {
        let missing = [ScriptState::Missing, ScriptState::Missing, ScriptState::Missing];
        let greeting = greeting_of(vec![missing, [ScriptState::Ok, ScriptState::Ok, ScriptState::Ok]]);
        let chosen = choose(&contract(&["/a", "/b"], false), &greeting, &[], "b").unwrap();
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
        let chosen = choose(&contract, &greeting_of(folders), &[], "b").unwrap();
        assert_eq!((chosen.assemble.as_str(), chosen.run.as_str()), ("/label/assemble", "/asked/run"));
        assert_eq!(chosen.save_artifacts.as_deref(), Some("/label/save-artifacts"));
        let missing = [ScriptState::Missing, ScriptState::Missing, ScriptState::Missing];
        let error = choose(
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
        let error =
            choose(&contract(&["/a"], false), &greeting_of(vec![missing.clone()]), &[], "b").unwrap_err().to_string();
        assert!(error.contains("io.openshift.s2i.scripts-url") && error.contains("/a"), "{error}");
        let bad = [ScriptState::NoInterpreter("/bin/nope".to_owned()), ScriptState::Ok, ScriptState::Ok];
        let error = choose(&contract(&["/a"], true), &greeting_of(vec![bad]), &[], "b").unwrap_err().to_string();
        assert!(error.contains("/bin/nope"), "{error}");
        assert!(choose(&contract(&["/a"], true), &greeting_of(vec![missing]), &[], "b").is_err());
    }
}
