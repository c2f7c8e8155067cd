//! Making an image of the layers of another one and a configuration of its own, with `docker load`. A commit and a build
//! can add to the configuration of an image, but not take anything away.

use std::collections::BTreeMap;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::process::Stdio;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cli::Engine;
use crate::child::Collector;

/// The file of an archive of images that lists them.
const MANIFEST: &str = "manifest.json";

/// The files of an archive of images that describe the same images in other ways.
const OTHER_INDEXES: [&str; 3] = ["index.json", "oci-layout", "repositories"];

/// What podman does not tell of an image when it is inspected.
const UNTOLD: [&str; 3] = ["Healthcheck", "OnBuild", "Shell"];

/// The name of the new configuration in an archive.
const CONFIG: &str = "minis2i-config.json";

/// Makes an image with the layers of the image `id`, whose ids are `layers`, and this configuration file; returns its
/// id. It gets no name.
///
/// # Errors
/// When the engine does not make it, or work was cancelled.
pub fn with_config(engine: &Engine, id: &str, layers: &[String], config: &Value) -> Result<String> {
    if engine.dialect().is_podman() {
        // It wants the layers as well.
        return with_copied_layers(engine, id, config);
    }
    let without_layers = archive_without_layers(layers, config)?;
    match engine.feed(&["load"], &without_layers) {
        Ok(output) => loaded_id(&output),
        Err(error) => {
            engine.cancel().check()?;
            // Engines with an image store of containerd want the layers as well.
            with_copied_layers(engine, id, config).map_err(|second| second.context(error))
        }
    }
}

/// An archive of an image without its layers, which the engine has already.
fn archive_without_layers(layers: &[String], config: &Value) -> Result<Vec<u8>> {
    let names: Vec<String> = layers.iter().map(|layer| format!("{}/layer.tar", layer.replace(':', "-"))).collect();
    let mut archive = ::tar::Builder::new(Vec::new());
    append_config(&mut archive, &names, config)?;
    Ok(archive.into_inner()?)
}

/// Like [`with_config`], by copying the image from the engine to the engine.
fn with_copied_layers(engine: &Engine, id: &str, config: &Value) -> Result<String> {
    let mut save = engine.spawn_announced(&["save", id], Stdio::null())?;
    let mut load = engine.spawn_announced(&["load"], Stdio::piped())?;
    let (save_errors, load_errors) = (save.collect_stderr(), load.collect_stderr());
    let loaded = Collector::start(load.stdout());
    let (from, to) = (BufReader::new(save.stdout()), BufWriter::new(load.stdin()));
    let untold: &[&str] = if engine.dialect().is_podman() { &UNTOLD } else { &[] };
    let copied = copy_archive(from, to, config, untold);
    let (saved, status) = (save.wait()?, load.wait()?);
    engine.cancel().check()?;
    if saved != 0 {
        return Err(engine.failed(&["save", id], &save_errors.text()));
    }
    if status != 0 {
        return Err(engine.failed(&["load"], &load_errors.text()));
    }
    copied.context("cannot copy an image from the engine to the engine")?;
    loaded_id(&loaded.text())
}

/// Copies an archive of one image, with another configuration, which takes the `kept` fields from the one that it had.
fn copy_archive(from: impl Read, to: impl Write, config: &Value, kept: &[&str]) -> Result<()> {
    let mut from = ::tar::Archive::new(from);
    let mut to = ::tar::Builder::new(to);
    let mut manifest = None;
    let mut documents = BTreeMap::new();
    for entry in from.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        if name == MANIFEST {
            manifest = Some(serde_json::from_reader::<_, Vec<ImageEntry>>(&mut entry)?);
        } else if !kept.is_empty() && name.ends_with(".json") && !OTHER_INDEXES.contains(&name.as_str()) {
            let mut text = Vec::new();
            entry.read_to_end(&mut text)?;
            to.append(&entry.header().clone(), text.as_slice())?;
            documents.insert(name, text);
        } else if !OTHER_INDEXES.contains(&name.as_str()) {
            let header = entry.header().clone();
            to.append(&header, &mut entry)?;
        }
    }
    let [image] = &manifest.unwrap_or_default()[..] else { return Err(anyhow!("`docker save` lists no image")) };
    let before = documents.get(&image.config).map(|text| serde_json::from_slice(text)).transpose()?;
    append_config(&mut to, &image.layers, &completed(config, &before.unwrap_or_default(), kept))?;
    Ok(to.into_inner()?.flush()?)
}

/// A configuration file with these fields of another one, where it has none.
fn completed(config: &Value, before: &Value, fields: &[&str]) -> Value {
    let mut completed = config.clone();
    for field in fields {
        let value = &before["config"][field];
        if !value.is_null() && completed["config"].get(field).is_none() {
            completed["config"][field] = value.clone();
        }
    }
    completed
}

/// One image in the list of an archive.
#[derive(Deserialize)]
struct ImageEntry {
    /// The name of the file of its configuration.
    #[serde(rename = "Config")]
    config: String,
    /// The names of the files of its layers, the lowest first.
    #[serde(rename = "Layers")]
    layers: Vec<String>,
}

/// Appends the configuration, and the list with the one image that has it and these layers.
fn append_config(archive: &mut ::tar::Builder<impl Write>, layers: &[String], config: &Value) -> io::Result<()> {
    let manifest = json!([{ "Config": CONFIG, "RepoTags": null, "Layers": layers }]);
    for (name, content) in [(CONFIG, config), (MANIFEST, &manifest)] {
        let content = content.to_string();
        let mut header = ::tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, content.as_bytes())?;
    }
    archive.finish()
}

/// The id of the image that `docker load` says it has loaded.
fn loaded_id(output: &str) -> Result<String> {
    let start = output.rfind("sha256:").with_context(|| format!("`docker load` names no image: {}", output.trim()))?;
    Ok(output[start..].split_whitespace().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use serde_json::{Value, json};

    use super::{CONFIG, UNTOLD, append_config, archive_without_layers, copy_archive, loaded_id};

    fn files(archive: &[u8]) -> Vec<(String, String)> {
        let mut archive = ::tar::Archive::new(archive);
        let read = |entry: std::io::Result<::tar::Entry<_>>| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), text)
        };
        archive.entries().unwrap().map(read).collect()
    }

    #[test]
    fn an_image_is_copied_with_another_configuration() {
        let mut saved = ::tar::Builder::new(Vec::new());
        for (name, text) in [("blobs/1", "layer"), ("oci-layout", "{}"), ("index.json", "{}")] {
            let mut header = ::tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            saved.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        append_config(&mut saved, &["blobs/1".to_owned()], &json!({"config": {"Env": ["A=secret"]}})).unwrap();
        let mut copied = Vec::new();
        copy_archive(saved.into_inner().unwrap().as_slice(), &mut copied, &json!({"config": {}}), &[]).unwrap();
        let copied = files(&copied);
        assert_eq!(copied[0], ("blobs/1".to_owned(), "layer".to_owned()));
        assert_eq!(
            copied.last().unwrap().1,
            files(&archive_without_layers(&[], &json!({})).unwrap())[1].1.replace("[]", r#"["blobs/1"]"#)
        );
        let names: Vec<&str> = copied.iter().map(|(name, _)| name.as_str()).collect();
        assert!(!names.contains(&"index.json") && !names.contains(&"oci-layout"), "{names:?}");
        let manifest: Value = serde_json::from_str(&copied.last().unwrap().1).unwrap();
        assert_eq!(manifest[0]["Layers"], json!(["blobs/1"]));
    }

    #[test]
    fn a_configuration_lost_what_podman_does_not_tell() {
        let mut saved = ::tar::Builder::new(Vec::new());
        let before = json!({"config": {"Env": ["A=secret"], "Shell": ["/bin/sh", "-ec"], "OnBuild": ["RUN true"]}});
        append_config(&mut saved, &["1.tar".to_owned()], &before).unwrap();
        let (saved, mut copied) = (saved.into_inner().unwrap(), Vec::new());
        copy_archive(saved.as_slice(), &mut copied, &json!({"config": {"OnBuild": []}}), &UNTOLD).unwrap();
        let files = files(&copied);
        let (_, config) = files.iter().rfind(|(name, _)| name == CONFIG).unwrap();
        let config: Value = serde_json::from_str(config).unwrap();
        assert_eq!(config, json!({"config": {"OnBuild": [], "Shell": ["/bin/sh", "-ec"]}}));
    }

    #[test]
    fn the_id_is_found_in_what_is_said() {
        assert_eq!(loaded_id("Loaded image ID: sha256:12ab\n").unwrap(), "sha256:12ab");
        assert!(loaded_id("Loaded image: app:latest\n").is_err());
    }
}
