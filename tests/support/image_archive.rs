//! An image made of another one and one more layer, by `docker load` of an archive that leaves out the layers that the
//! engine has. That takes half of what a container, a copy and a commit take, and a third of the calls.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::engine::BASE;
use super::engine_api::request;
use super::image::find_image;

/// Loads the image `name`: `base`, this layer, and what the instructions say. Returns its id; none if an instruction is
/// not one of the simple ones, or where the engine wants all layers (the containerd image store, podman).
pub fn load(name: &str, base: &str, layer: &[u8], instructions: &[String]) -> Option<String> {
    let base = Base::of(base)?;
    let mut config = base.config;
    for instruction in instructions {
        apply(&mut config, instruction)?;
    }
    let layers: Vec<String> = base.layers.into_iter().chain([digest(layer)]).collect();
    // With its name in it no two tests have the same image, and none removes that of another.
    let history: Vec<Value> = layers.iter().map(|_| json!({ "created_by": name })).collect();
    let image = json!({
        "architecture": base.architecture,
        "os": "linux",
        "config": config,
        "rootfs": { "type": "layers", "diff_ids": layers },
        "history": history,
    });
    let image = serde_json::to_vec(&image).unwrap();
    // Only the last one is in the archive.
    let names: Vec<String> = (1..=layers.len()).map(|number| format!("{number}.tar")).collect();
    let manifest = json!([{ "Config": "config.json", "RepoTags": [format!("{name}:latest")], "Layers": names }]);
    let mut archive = tar::Builder::new(Vec::new());
    let files: [(&str, &[u8]); 3] =
        [("config.json", &image), (names.last()?, layer), ("manifest.json", &serde_json::to_vec(&manifest).unwrap())];
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, content).unwrap();
    }
    let answer = request("POST", "/images/load?quiet=1", "application/x-tar", &archive.into_inner().unwrap());
    // An error in the middle comes in an answer that began as a success.
    (answer.is_success() && !answer.text().contains("\"error\"")).then(|| digest(&image))
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// What is taken over from an image.
#[derive(Clone)]
struct Base {
    architecture: String,
    layers: Vec<String>,
    config: Map<String, Value>,
}

impl Base {
    /// What there is to know of an image. Of the base that most are made of, the engine is asked once.
    fn of(name: &str) -> Option<Self> {
        static SHARED: OnceLock<Option<Base>> = OnceLock::new();
        if name == BASE { SHARED.get_or_init(|| Self::asked(name)).clone() } else { Self::asked(name) }
    }

    fn asked(name: &str) -> Option<Self> {
        let mut found = find_image(name)?;
        let Value::Object(config) = found["Config"].take() else { return None };
        let layers = found["RootFS"]["Layers"]
            .as_array()?
            .iter()
            .map(|it| it.as_str().map(str::to_owned))
            .collect::<Option<_>>()?;
        Some(Self { architecture: found["Architecture"].as_str()?.to_owned(), layers, config })
    }
}

/// Changes a configuration as an instruction of a Dockerfile says. None where it is not one of the simple ones.
fn apply(config: &mut Map<String, Value>, instruction: &str) -> Option<()> {
    let (word, rest) = instruction.split_once(' ')?;
    if rest.contains(['"', '\'', '\\', '$', '\n']) {
        return None;
    }
    match word {
        "LABEL" => {
            let (name, value) = rest.split_once('=').filter(|_| !rest.contains(' '))?;
            object(config, "Labels").insert(name.to_owned(), value.into());
        }
        "ENV" => {
            let (name, _) = rest.split_once('=').filter(|_| !rest.contains(' '))?;
            let variables = config.entry("Env").or_insert(Value::Null);
            let mut pairs = variables.as_array().cloned().unwrap_or_default();
            pairs.retain(|pair| pair.as_str().is_none_or(|pair| pair.split('=').next() != Some(name)));
            pairs.push(rest.into());
            *variables = pairs.into();
        }
        "WORKDIR" if rest.starts_with('/') => drop(config.insert("WorkingDir".to_owned(), rest.into())),
        "USER" => drop(config.insert("User".to_owned(), rest.into())),
        "VOLUME" if rest.starts_with('/') && !rest.contains(' ') => {
            object(config, "Volumes").insert(rest.to_owned(), json!({}));
        }
        _ => return None,
    }
    Some(())
}

fn object<'a>(config: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let value = config.entry(name).or_insert(Value::Null);
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was made one")
}
