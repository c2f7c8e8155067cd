//! Images: what the engine knows about one, looking them up and completing their names.

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;
use serde::Deserialize;

use super::cli::{Engine, Output};
use super::dialect::{Dialect, full_id};
use super::health_check::HealthCheck;

/// One image, as `docker image inspect` describes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Image {
    /// Once it was found with [`inspect`], with its `sha256:`.
    pub id: String,
    /// The dialect of the CLI that described it.
    #[serde(skip)]
    pub dialect: Dialect,
    /// Every name and tag that it has.
    #[serde(default, deserialize_with = "nullable")]
    pub repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub repo_digests: Vec<String>,
    #[serde(default)]
    pub author: String,
    #[serde(default, deserialize_with = "nullable")]
    pub config: Config,
    /// Where podman has it; for docker it is in the configuration.
    #[serde(default)]
    pub healthcheck: Option<serde_json::Value>,
}

/// The part of an image's configuration that is used here. Newer engines leave out what is not set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Config {
    #[serde(deserialize_with = "nullable")]
    pub user: String,
    #[serde(deserialize_with = "nullable")]
    pub env: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub entrypoint: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub cmd: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub working_dir: String,
    #[serde(deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
    /// The folders that are volumes; what a container writes there is not committed.
    #[serde(deserialize_with = "nullable")]
    pub volumes: BTreeMap<String, serde_json::Value>,
    #[serde(deserialize_with = "nullable")]
    pub on_build: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub shell: Vec<String>,
    /// The fields that are not used here, such as `ExposedPorts`.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Image {
    /// Whether a name, with a tag or with a digest, is one of this image.
    fn is_named(&self, name: &str) -> bool {
        self.full_name_of(name).is_some()
    }

    /// The full form of one of its names, with a tag or with a digest, that was typed as `name`; `None` if that is no name of it.
    pub fn full_name_of(&self, name: &str) -> Option<String> {
        let mut known = self.repo_tags.iter().chain(&self.repo_digests).map(|known| self.dialect.full_name(known));
        known.find(|known| self.dialect.may_mean(name, known))
    }

    /// As it is described, with what differs between engines made equal.
    fn made_equal(self) -> Self {
        let dialect = Dialect::of_id(&self.id);
        Self { id: full_id(&self.id), dialect, ..self }
    }

    /// Whether this is its id, or the beginning of it.
    fn has_id(&self, id: &str) -> bool {
        let digits = id.strip_prefix("sha256:").unwrap_or(id);
        // A name of a few letters could be the beginning of an id by chance.
        digits.len() >= 4 && self.id.trim_start_matches("sha256:").starts_with(digits)
    }

    /// Whether this is one of its names with a tag.
    pub fn has_name(&self, name: &str) -> bool {
        self.repo_tags.iter().any(|known| self.dialect.full_name(known) == self.dialect.full_name(name))
    }

    /// The volume that contains an absolute path of the image, if one does.
    pub fn volume(&self, path: &str) -> Option<&str> {
        let within = |volume: &str| {
            path.strip_prefix(volume.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.config.volumes.keys().map(String::as_str).find(|volume| within(volume))
    }

    /// The instruction that sets the health check which containers of the image run; `None` if they run none.
    pub fn health_check(&self) -> Option<String> {
        let check = self.config.other.get("Healthcheck").or(self.healthcheck.as_ref())?;
        HealthCheck::deserialize(check).ok()?.instruction(&self.config.shell)
    }

    /// The value of an environment variable of the image, if it is set.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.config.env.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

/// Looks up several images by name or id in one call. The result has the images in the order of the names, `None` where
/// there is no such image.
///
/// # Errors
/// When the call fails for another reason, work was cancelled, or the answer does not describe images.
pub fn inspect<const N: usize>(engine: &Engine, names: [&str; N]) -> Result<[Option<Image>; N]> {
    let mut args = vec!["image", "inspect"];
    args.extend(names);
    let output = engine.call(&args)?;
    let found: Vec<Image> = match serde_json::from_str(output.stdout.trim()) {
        Ok(images) => images,
        Err(_) if !output.success => return Err(engine.failed(&args, &output.stderr)),
        Err(error) => {
            let what = format!("`{} image inspect` describes an image in a way that cannot be parsed", engine.name());
            return Err(engine.error(what, &error.to_string()));
        }
    };
    let found: Vec<Image> = found.into_iter().map(Image::made_equal).collect();
    if let Some(image) = found.first() {
        engine.learn_dialect(image.dialect);
    }
    if found.is_empty() && !says_missing(&output.stderr) {
        return Err(engine.failed(&args, &output.stderr));
    }
    if found.len() == N {
        let mut found = found.into_iter();
        return Ok(names.map(|_| found.next()));
    }
    // Missing images are left out of the answer, so each name has to be matched.
    Ok(names.map(|name| find_named(&found, name).cloned()))
}

/// The image with this name, or else the one whose id begins so: the engine looks for names first, too.
fn find_named<'a>(images: &'a [Image], name: &str) -> Option<&'a Image> {
    images.iter().find(|image| image.is_named(name)).or_else(|| images.iter().find(|image| image.has_id(name)))
}

/// Whether the error output of the CLI, docker's or podman's, says that there is no such image.
pub fn says_missing(stderr: &str) -> bool {
    let stderr = stderr.to_lowercase();
    stderr.contains("no such image") || stderr.contains("image not known")
}

/// Whether the error output of the CLI, docker's or podman's, says that an image cannot be removed because something
/// uses it.
pub fn says_in_use(stderr: &str) -> bool {
    let stderr = stderr.to_lowercase();
    stderr.contains("conflict") || stderr.contains("in use") || stderr.contains("being used")
}

/// The ids of the images that pass all these filters of `docker images`, newest first, each once.
///
/// # Errors
/// When the call fails, or work was cancelled.
pub fn list(engine: &Engine, filters: &[String]) -> Result<Vec<String>> {
    let mut args = vec!["images".to_owned(), "--quiet".to_owned(), "--no-trunc".to_owned()];
    for filter in filters {
        args.extend(["--filter".to_owned(), filter.clone()]);
    }
    let output = settled_list(|| engine.call(&args))?;
    if !output.success {
        return Err(engine.failed(&args, &output.stderr));
    }
    Ok(distinct(&output.stdout).iter().map(|id| full_id(id)).collect())
}

/// How often a list of images is asked for while other images are being removed.
const LIST_ATTEMPTS: u32 = 5;

/// The output of a call that lists images. With containerd's image store, the engine fails when an image is removed while it looks
/// at it, whoever removes it (seen with docker 26.1, and with podman 4.3); then it is asked again.
///
/// # Errors
/// Those of `call`.
pub fn settled_list(mut call: impl FnMut() -> Result<Output>) -> Result<Output> {
    for _ in 1..LIST_ATTEMPTS {
        let output = call()?;
        if output.success || !says_vanished(&output.stderr) {
            return Ok(output);
        }
    }
    call()
}

/// Whether the engine says that an image, or a part of one, went away while it looked at it.
fn says_vanished(stderr: &str) -> bool {
    let stderr = stderr.to_lowercase();
    // What podman says ends with advice to remove the image.
    (stderr.contains("content digest") && stderr.contains("not found")) || stderr.contains("locating image with id")
}

/// The lines of a text, each where it comes first.
fn distinct(text: &str) -> Vec<String> {
    let mut known = HashSet::new();
    text.lines().filter(|line| known.insert(*line)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{Image, distinct, find_named, says_vanished};
    use proptest::prelude::*;

    #[test]
    fn a_list_of_images_failed_when_another_program_removed_one() {
        assert!(says_vanished(
            "Error response from daemon: failed to get rootfs of image docker.io/library/a:latest: rpc error: code = NotFound \
             desc = content digest sha256:c23a608f: not found"
        ));
        assert!(says_vanished(
            "Error: retrieving label for image \"d4\": you may need to remove the image to resolve the error: locating image with \
             ID \"d4\": image not known"
        ));
        assert!(!says_vanished("Error response from daemon: No such image: a:latest"));
    }

    /// JSON of the shape that engines print, with values of other kinds here and there.
    fn answer() -> impl Strategy<Value = String> {
        let value = prop::sample::select(vec![
            "null",
            "1",
            "-1.5e9",
            "\"\"",
            "\"x=y\"",
            "[]",
            "{}",
            "[null]",
            "[\"a=b\",\"c\"]",
            "{\"/x\":{}}",
            "true",
            "{\"Test\":[\"CMD\",\"a b\"],\"Interval\":5000000000}",
            "{\"Test\":7}",
            "\"\\ud83d\"",
            "[[[[1]]]]",
        ]);
        let key = prop::sample::select(vec![
            "Id",
            "Parent",
            "Author",
            "RepoTags",
            "RepoDigests",
            "Config",
            "Env",
            "Volumes",
            "Labels",
            "Healthcheck",
            "Shell",
            "User",
            "WorkingDir",
            "Cmd",
            "Entrypoint",
            "ExposedPorts",
            "StopSignal",
            "Id",
        ]);
        let fields = |inner: BoxedStrategy<String>| {
            prop::collection::vec((key.clone(), inner), 0..8).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            })
        };
        let plain = value.prop_map(str::to_owned).boxed();
        let config = fields(plain.clone()).boxed();
        let image = fields(prop_oneof![plain, config].boxed());
        (image, any::<prop::sample::Index>(), 0..20_u8).prop_map(|(image, cut, whole)| {
            let mut text = format!("[{image}]");
            if whole == 0 {
                text.truncate(cut.index(text.len()));
            }
            text
        })
    }

    proptest! {
        /// Run this with PROPTEST_CASES for as long as you like.
        #[test]
        fn whatever_an_engine_answers_never_panics(text in answer()) {
            if let Ok(images) = serde_json::from_str::<Vec<Image>>(&text) {
                let Some(image) = images.first() else { return Ok(()) };
                let _ = (image.health_check(), image.volume("/x/y"), image.env("x"), find_named(&images, "x=y"));
            }
        }
    }

    #[test]
    fn an_image_with_several_tags_is_listed_once() {
        assert_eq!(distinct("b\na\nb\nc\na\n"), ["b", "a", "c"]);
    }

    #[test]
    fn paths_lie_in_volumes() {
        let mut image = Image::default();
        image.config.volumes = ["/tmp/", "/data"].map(|volume| (volume.to_owned(), serde_json::Value::Null)).into();
        assert_eq!(image.volume("/tmp/scripts/run"), Some("/tmp/"));
        assert_eq!(image.volume("/data"), Some("/data"));
        assert_eq!((image.volume("/database"), image.volume("/")), (None, None));
    }

    #[test]
    fn an_image_is_known_by_tag_and_by_id() {
        let image =
            Image { id: "sha256:abcdef01".to_owned(), repo_tags: vec!["app:latest".to_owned()], ..Image::default() };
        let images = [image];
        for name in ["app", "abcd", "sha256:abcdef01"] {
            assert!(find_named(&images, name).is_some(), "{name}");
        }
        for name in ["app:1", "abce", "abcd:latest"] {
            assert!(find_named(&images, name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_name_of_hex_digits_was_taken_for_the_beginning_of_an_id() {
        let image = |id: &str, tag: &str| Image {
            id: format!("sha256:{id}"),
            repo_tags: vec![format!("{tag}:latest")],
            ..Image::default()
        };
        let images = [image("cafe01", "app"), image("000002", "cafe")];
        assert_eq!(find_named(&images, "cafe").unwrap().id, "sha256:000002");
        assert_eq!(find_named(&images, "cafe01").unwrap().id, "sha256:cafe01");
    }

    /// What podman 4.3 prints for `image inspect pod-builder pod-app`, where there is no `pod-app`, as far as it is used.
    const ONE_OF_TWO: &str = r#"[{
        "Id": "62e2ade204a6c3b9fb308e5eeac8701c7de9c09560327d1eb10c1ab7b66a1b69",
        "Digest": "sha256:ae3a9f5307feadfc794a001568f69e45acf34c35058468f66b2ee0f0906daaad",
        "RepoTags": ["localhost/pod-builder:latest"],
        "RepoDigests": ["localhost/pod-builder@sha256:ae3a9f5307feadfc794a001568f69e45acf34c35058468f66b2ee0f0906daaad"],
        "Config": { "User": "1001:0", "Labels": { "io.buildah.version": "1.28.2" } },
        "Healthcheck": { "Test": ["CMD", "true"], "Interval": 5000000000 }
    }]"#;

    #[test]
    fn podman_seemed_to_have_no_builder_while_there_was_no_app() {
        let images: Vec<Image> = serde_json::from_str(ONE_OF_TWO).unwrap();
        let images: Vec<Image> = images.into_iter().map(Image::made_equal).collect();
        assert!(find_named(&images, "pod-app:latest").is_none());
        let builder = find_named(&images, "pod-builder").unwrap();
        assert_eq!(builder.id, "sha256:62e2ade204a6c3b9fb308e5eeac8701c7de9c09560327d1eb10c1ab7b66a1b69");
        assert!(builder.has_name("localhost/pod-builder") && builder.has_name("pod-builder"));
        assert_eq!(builder.full_name_of("pod-builder").as_deref(), Some("localhost/pod-builder:latest"));
        assert_eq!(builder.health_check().as_deref(), Some("HEALTHCHECK --interval=5000000000ns CMD [\"true\"]"));
    }
}
