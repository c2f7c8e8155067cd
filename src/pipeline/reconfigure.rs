//! Giving a committed image the configuration that it would have if its container had been configured like its base. A
//! commit takes over what the container was configured with: the proxies of the engine's CLI, with their passwords, and
//! what options of `docker run` set.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::image_config::ImageConfig;
use crate::contract::labels;
use crate::engine::cli::Engine;
use crate::engine::load;

/// The facts about a committed image that stay, as `docker image inspect` describes them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Committed {
    created: String,
    architecture: String,
    #[serde(default)]
    variant: String,
    os: String,
    #[serde(rename = "RootFS")]
    root: Root,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Root {
    /// The ids of the layers, the lowest first.
    layers: Vec<String>,
}

/// One line of `docker history`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HistoryLine {
    created_at: String,
    created_by: String,
    comment: String,
    /// In bytes.
    size: String,
}

/// Makes an image of the layers of the committed image `id`, with the configuration of the base and what `config` changes
/// in it; returns its id. `commit` is the name of the commit, for a label.
///
/// # Errors
/// If the engine does not make the image, or work was cancelled.
pub fn reconfigure(engine: &Engine, id: &str, config: &ImageConfig, commit: &str) -> Result<String> {
    let inspected = engine.demand(&["image", "inspect", id])?;
    let committed: Result<[Committed; 1], _> = serde_json::from_str(&inspected);
    let [committed] = committed.context("cannot read what `docker image inspect` says about the new image")?;
    let listing = engine.demand(&["history", "--no-trunc", "--human=false", "--format", "{{json .}}", id])?;
    let history = history(&listing, committed.root.layers.len());
    let file = config_file(&committed, history, config, commit);
    load::with_config(engine, id, &committed.root.layers, &file)
}

/// The configuration file of the image.
fn config_file(committed: &Committed, history: Option<Vec<Value>>, config: &ImageConfig, commit: &str) -> Value {
    let mut file = json!({
        "architecture": committed.architecture,
        "os": committed.os,
        "created": committed.created,
        "config": run_config(config, commit),
        "rootfs": { "type": "layers", "diff_ids": committed.root.layers },
    });
    let mut set = |name: &str, value: Value| file[name] = value;
    if !committed.variant.is_empty() {
        set("variant", json!(committed.variant));
    }
    if !config.base.author.is_empty() {
        set("author", json!(config.base.author));
    }
    if let Some(history) = history {
        set("history", json!(history));
    }
    file
}

/// The part of the configuration file that is about containers of the image: that of the base, with the command, the labels
/// and the variables of the new image.
fn run_config(config: &ImageConfig, commit: &str) -> Map<String, Value> {
    let base = &config.base.config;
    let mut fields: Map<String, Value> = base.other.clone().into_iter().collect();
    let mut labels: BTreeMap<&str, &str> = base.labels.iter().map(|(name, value)| (&**name, &**value)).collect();
    labels.extend(config.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    labels.insert(labels::COMMIT, commit);
    let variables = environment(&config.variables, &base.env);
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("Cmd", json!(config.command));
    set("Labels", json!(labels));
    for (name, list) in [("Env", &variables), ("Entrypoint", &base.entrypoint), ("Shell", &base.shell)] {
        if !list.is_empty() {
            set(name, json!(list));
        }
    }
    for (name, text) in [("User", &base.user), ("WorkingDir", &base.working_dir)] {
        if !text.is_empty() {
            set(name, json!(text));
        }
    }
    if !base.volumes.is_empty() {
        set("Volumes", json!(base.volumes));
    }
    fields
}

/// The environment of a container of the base that gets `variables`, in the order of the engine: first these, then those
/// of the base that are not among them.
fn environment(variables: &[(String, String)], base: &[String]) -> Vec<String> {
    let is_given = |pair: &String| variables.iter().any(|(name, _)| pair.split('=').next() == Some(name));
    let given = variables.iter().map(|(name, value)| format!("{name}={value}"));
    given.chain(base.iter().filter(|pair| !is_given(pair)).cloned()).collect()
}

/// The history for the configuration file, from the output of `docker history`; `None` if that does not tell which of the
/// entries belong to the `layers` layers.
fn history(listing: &str, layers: usize) -> Option<Vec<Value>> {
    let lines: Result<Vec<HistoryLine>, _> = listing.lines().map(serde_json::from_str).collect();
    let lines = lines.ok()?;
    // The newest comes first: the commit, which makes a layer even of nothing.
    let is_layer = |(index, line): (usize, &HistoryLine)| index == 0 || line.size != "0";
    if lines.iter().enumerate().filter(|line| is_layer(*line)).count() != layers {
        return None;
    }
    let entry = |(index, line): (usize, &HistoryLine)| {
        let mut entry = json!({ "created": line.created_at, "created_by": line.created_by });
        if !line.comment.is_empty() {
            entry["comment"] = json!(line.comment);
        }
        if !is_layer((index, line)) {
            entry["empty_layer"] = json!(true);
        }
        entry
    };
    let mut entries: Vec<Value> = lines.iter().enumerate().map(entry).collect();
    entries.reverse();
    Some(entries)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{environment, history, run_config};
    use crate::engine::image::Image;
    use crate::pipeline::image_config::ImageConfig;

    #[test]
    fn fields_of_the_base_stay_and_nothing_is_added() {
        let config = serde_json::from_value(json!({
            "Env": ["A=1", "B=2"], "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/v": {}}, "Labels": {"x": "y"},
            "Healthcheck": {"Test": ["CMD", "true"]}, "StopSignal": "SIGQUIT", "User": "5", "OnBuild": null,
        }))
        .unwrap();
        let base = Image { config, ..Image::default() };
        let config = ImageConfig {
            base: &base,
            command: vec!["run".to_owned()],
            labels: vec![("x".to_owned(), "z".to_owned())],
            entrypoint_changed: false,
            user_changed: false,
            variables: vec![("B".to_owned(), "3".to_owned())],
            container_differs: true,
        };
        let expected = json!({
            "Env": ["B=3", "A=1"], "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/v": {}}, "Cmd": ["run"],
            "Labels": {"x": "z", "io.github.minis2i.commit": "c-1"}, "Healthcheck": {"Test": ["CMD", "true"]},
            "StopSignal": "SIGQUIT", "User": "5",
        });
        assert_eq!(serde_json::Value::Object(run_config(&config, "c-1")), expected);
    }

    #[test]
    fn a_variable_is_there_once() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let base = ["PATH=/bin", "PATH_TWO=x"].map(str::to_owned);
        assert_eq!(environment(&[pair("PATH", "/opt")], &base), ["PATH=/opt", "PATH_TWO=x"]);
    }

    #[test]
    fn entries_without_a_layer_are_told_from_layers() {
        let line = |by: &str, size: u32| {
            json!({"CreatedAt": "2026-01-01T00:00:00Z", "CreatedBy": by, "Comment": "", "Size": size.to_string()})
                .to_string()
        };
        let listing = [line("assemble", 0), line("CMD", 0), line("COPY", 5)].join("\n");
        let entries = history(&listing, 2).unwrap();
        let empty: Vec<_> = entries.iter().map(|entry| (&entry["created_by"], entry["empty_layer"] == true)).collect();
        assert_eq!(empty, [(&json!("COPY"), false), (&json!("CMD"), true), (&json!("assemble"), false)]);
        assert!(history(&listing, 3).is_none() && history("no JSON", 1).is_none());
    }
}
