//! Named volumes: making, finding and removing them, and what they hold.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;

use super::cli::Engine;

/// One volume, as `docker volume inspect` describes it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub struct Volume {
    pub name: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    /// When it was made, as RFC 3339.
    #[serde(default)]
    pub created_at: String,
}

impl Volume {
    /// The value of one of its labels.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.as_ref()?.get(name).map(String::as_str)
    }
}

/// The volumes of these names that exist.
///
/// # Errors
/// When the call fails for another reason than a missing volume, or work was cancelled.
pub fn inspect(engine: &Engine, names: &[&str]) -> Result<Vec<Volume>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let args = [&["volume", "inspect"], names].concat();
    let output = engine.call(&args)?;
    let found: Option<Vec<Volume>> = serde_json::from_str(output.stdout.trim()).ok();
    match found {
        Some(volumes) if output.success || says_missing(&output.stderr) => Ok(volumes),
        _ => Err(engine.failed(&args, &output.stderr)),
    }
}

/// The volumes that have a label.
///
/// # Errors
/// When a call fails, or work was cancelled.
pub fn with_label(engine: &Engine, label: &str) -> Result<Vec<Volume>> {
    let names = engine.demand(&["volume", "ls", "--quiet", "--filter", &format!("label={label}")])?;
    inspect(engine, &names.lines().map(str::trim).filter(|name| !name.is_empty()).collect::<Vec<_>>())
}

/// Makes a volume with these labels, unless there is one of that name.
///
/// # Errors
/// When the call fails, or work was cancelled.
pub fn create(engine: &Engine, name: &str, labels: &[(&str, String)]) -> Result<()> {
    let mut args = vec!["volume".to_owned(), "create".to_owned()];
    for (label, value) in labels {
        args.extend(["--label".to_owned(), format!("{label}={value}")]);
    }
    args.push(name.to_owned());
    engine.demand(&args).map(drop)
}

/// How the removal of a volume ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    Done,
    /// There was none.
    Missing,
    /// A container has it.
    InUse,
}

/// Removes a volume.
///
/// # Errors
/// When the call fails for another reason than that there is no such volume or a container has it, or work was cancelled.
pub fn remove(engine: &Engine, name: &str) -> Result<Removal> {
    let args = ["volume", "rm", name];
    let output = engine.call(&args)?;
    if output.success {
        return Ok(Removal::Done);
    }
    let stderr = output.stderr.to_lowercase();
    if says_missing(&stderr) {
        Ok(Removal::Missing)
    } else if ["in use", "being used"].iter().any(|words| stderr.contains(words)) {
        Ok(Removal::InUse)
    } else {
        Err(engine.failed(&args, &output.stderr))
    }
}

/// The sizes of all volumes, as the engine words them; of those whose size it does not know there is none.
///
/// # Errors
/// When the CLI cannot be started, or work was cancelled.
pub fn sizes(engine: &Engine) -> Result<BTreeMap<String, String>> {
    let output = engine.call(&["system", "df", "--verbose", "--format", "{{json .Volumes}}"])?;
    if output.success
        && let Ok(sizes) = serde_json::from_str::<Vec<Size>>(output.stdout.trim())
    {
        return Ok(sizes.into_iter().map(|it| (it.name, it.size)).filter(|(_, size)| size != "N/A").collect());
    }
    // Podman has no format for that.
    let output = engine.call(&["system", "df", "--verbose"])?;
    Ok(sizes_of_table(&output.stdout))
}

/// A volume in the answer of `docker system df`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Size {
    name: String,
    size: String,
}

/// The sizes in the last table of `podman system df --verbose`, whose lines have a name, a count and a size.
fn sizes_of_table(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().skip_while(|line| !line.starts_with("VOLUME NAME")).skip(1);
    let fields = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields.filter_map(|fields| Some(((*fields.first()?).to_owned(), (*fields.get(2)?).to_owned()))).collect()
}

/// Whether the error output of the CLI, docker's or podman's, says that there is no such volume, and nothing else.
fn says_missing(stderr: &str) -> bool {
    let mut lines = stderr.lines().filter(|line| !line.trim().is_empty()).peekable();
    lines.peek().is_some() && lines.all(|line| line.to_lowercase().contains("no such volume"))
}

#[cfg(test)]
mod tests {
    use super::{Volume, says_missing, sizes_of_table};

    #[test]
    fn a_missing_volume_is_told_from_an_engine_that_fails() {
        assert!(says_missing("Error response from daemon: get a: no such volume\nError: No such volume: b\n"));
        assert!(!says_missing("") && !says_missing("Cannot connect to the Docker daemon\n"));
    }

    #[test]
    fn a_volume_may_have_no_labels() {
        let volumes: Vec<Volume> =
            serde_json::from_str(r#"[{"Name":"a","Labels":null,"CreatedAt":"x"},{"Name":"b","Labels":{"c":"d"}}]"#)
                .unwrap();
        assert_eq!((volumes[0].label("c"), volumes[1].label("c")), (None, Some("d")));
    }

    #[test]
    fn podman_prints_sizes_only_as_a_table() {
        let text = "Containers space usage:\n\nA  B\n\nLocal Volumes space usage:\n\nVOLUME NAME  LINKS       SIZE\npv  1  12kB\n";
        assert_eq!(sizes_of_table(text).get("pv").map(String::as_str), Some("12kB"));
    }
}
