//! A builder with a small application for it: building it, saving while a watch runs, and comparing the images.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::archive::Entry;
use crate::support::builder::Builder;
use crate::support::image::Image;
use crate::support::outcome::Outcome;
use crate::support::project::Project;

/// A builder, the source of a small application for it, and the folders of the images that are compared.
pub struct Application {
    pub builder: Arc<Builder>,
    pub project: Project,
    /// The folders that builds change.
    pub folders: &'static [&'static str],
}

/// What the folders of an image hold, without times. A hard link counts as a file, since not every engine keeps links.
/// The empty folder of the artifacts, which a clean build does not have, is left out.
type Content = BTreeMap<Vec<u8>, Entry>;

impl Application {
    /// An incremental build.
    pub fn build(&self) -> Outcome {
        self.project.build(&self.builder).success().never_says("warning:").never_says("note:")
    }

    /// Asserts that a clean build of the source makes the same image as the one that the tag is on.
    #[track_caller]
    pub fn assert_equal_to_clean_build(&self) {
        let (content, config) = (self.content(), self.config());
        self.project.build(&self.builder).arg("--no-incremental").success().says("(clean)");
        assert_eq!(config, self.config());
        let clean = self.content();
        let paths = |content: &Content| content.keys().map(|path| path.escape_ascii().to_string()).collect::<Vec<_>>();
        assert_eq!(paths(&content), paths(&clean));
        for (path, entry) in &content {
            assert_eq!(Some(entry), clean.get(path), "{}", path.escape_ascii());
        }
    }

    fn content(&self) -> Content {
        let mut all: Content = self.folders.iter().flat_map(|folder| content(&self.project.image(), folder)).collect();
        all.remove(&b"/tmp/artifacts"[..]);
        all
    }

    /// The configuration without the labels, which have times and the digest of the source.
    fn config(&self) -> Value {
        let mut config = self.project.image().config();
        for field in ["Labels", "Hostname", "Image"] {
            config.as_object_mut().unwrap().remove(field);
        }
        config
    }

    /// Runs a watch for the first build and for one save with a standby, and compares the image with a clean build's.
    #[track_caller]
    pub fn build_after_save(&self, path: &str, text: &str) -> Outcome {
        // On a busy machine the removal of a few files can take so long that the watch puts the source into memory, where its
        // folder stays in the image; a clean build has none.
        let run = self.project.watch_as_text(&self.builder).args(&["--verbose", "--source-in", "layer"]);
        let running = run.start();
        running.wait_for_stderr("standby ready: for build 2");
        self.project.write(path, text);
        running.wait_for_stderr("; standby)");
        running.signal("INT");
        let mut outcome = running.end().status(130).never_says("warning:").never_says("build failed:");
        // The lines about removals come at any time, between lines that have to follow each other.
        let lines = outcome.stderr.split_inclusive('\n').filter(|line| !line.starts_with("$ docker rm "));
        outcome.stderr = lines.collect();
        self.assert_equal_to_clean_build();
        outcome
    }

    /// Asserts the mode, the owner, and the content or target of files and links of the image.
    #[track_caller]
    pub fn assert_files<const N: usize>(&self, expected: [(&str, u32, (u64, u64), &str); N]) {
        let content = self.content();
        for (path, mode, owner, held) in expected {
            let entry = content.get(path.as_bytes()).unwrap_or_else(|| panic!("{path} is missing"));
            let holds = if entry.kind == 'l' { &entry.link } else { &entry.content };
            assert_eq!((entry.mode, entry.owner, &*String::from_utf8_lossy(holds)), (mode, owner, held), "{path}");
        }
    }

    #[track_caller]
    pub fn assert_no_paths<const N: usize>(&self, paths: [&str; N]) {
        let content = self.content();
        for path in paths {
            assert!(!content.contains_key(path.as_bytes()), "{path}");
        }
    }

    /// A variable of the image.
    pub fn variable(&self, name: &str) -> Option<String> {
        let config = self.project.image().config();
        let mut found = config["Env"].as_array().unwrap().iter().filter_map(Value::as_str);
        found.find_map(|line| line.strip_prefix(&format!("{name}="))).map(str::to_owned)
    }

    /// Asserts the settings that all images have whose builder is a core builder.
    #[track_caller]
    pub fn assert_core_configuration(&self) {
        let config = self.project.image().config();
        assert_eq!(config["Cmd"], json!(["/usr/libexec/s2i/run"]));
        assert_eq!(config["Entrypoint"], json!(["container-entrypoint"]));
        assert_eq!((&config["User"], &config["WorkingDir"]), (&json!("1001"), &json!("/opt/app-root/src")));
        assert_eq!(self.variable("HOME").as_deref(), Some("/opt/app-root/src"));
        assert_eq!(self.variable("STI_SCRIPTS_PATH").as_deref(), Some("/usr/libexec/s2i"));
    }
}

fn content(image: &Image, folder: &str) -> Content {
    let files = image.files(folder);
    let top = folder.rsplit('/').next().unwrap();
    let placed = files.iter().map(|(path, entry)| {
        let file = match entry.kind {
            'h' => {
                let link = entry.link.strip_prefix(top.as_bytes()).unwrap_or(&entry.link);
                &files[link.strip_prefix(b"/").unwrap_or(link)]
            }
            _ => entry,
        };
        let path = [folder.as_bytes(), b"/", path].concat();
        (path, Entry { mtime: String::new(), ..file.clone() })
    });
    placed.collect()
}

/// A builder on the core image that many builders share: its user has a name, its home is not empty, and its ENTRYPOINT
/// runs what it is given.
pub fn core_builder(name: &str) -> Builder {
    Builder::without_scripts()
        .files_from("core")
        .files_from(name)
        .folder("opt/app-root", 1001, 0)
        .folder("opt/app-root/src", 1001, 0)
        .folder("opt/app-root/src/.pki", 1001, 0)
        .instruction(
            "LABEL io.openshift.s2i.scripts-url=image:///usr/libexec/s2i io.s2i.scripts-url=image:///usr/libexec/s2i",
        )
        .instruction(
            "ENV STI_SCRIPTS_PATH=/usr/libexec/s2i STI_SCRIPTS_URL=image:///usr/libexec/s2i APP_ROOT=/opt/app-root",
        )
        .instruction("ENV HOME=/opt/app-root/src PATH=/opt/app-root/bin:/usr/bin:/bin")
        .instruction("WORKDIR /opt/app-root/src")
        .instruction("ENTRYPOINT [\"container-entrypoint\"]")
        .instruction("USER 1001")
        .instruction("CMD $STI_SCRIPTS_PATH/usage")
}
