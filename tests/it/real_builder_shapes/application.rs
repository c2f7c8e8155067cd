//! A builder with a small application for it: building it, saving while a watch runs, and comparing the images.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::archive::Entry;
use crate::support::builder::Builder;
use crate::support::image::Image;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::run::Run;

/// What a builder and its application are made of, and what is looked at in the images.
pub struct Shape {
    pub builder: Arc<Builder>,
    pub project: Project,
    /// The folders that builds change.
    pub folders: &'static [&'static str],
}

/// All of the folders without the times. A hard link is the file that it is: not every engine keeps links. That there
/// were artifacts shows in the image, since what `assemble` leaves of them stays; an empty folder is no difference.
type Content = BTreeMap<Vec<u8>, Entry>;

impl Shape {
    /// An incremental build.
    pub fn build(&self) -> Outcome {
        self.project.build(&self.builder).success().never_says("warning:").never_says("note:")
    }

    /// A build from nothing of the source as it is makes the same image as the one that the tag has.
    #[track_caller]
    pub fn is_what_a_clean_build_makes(&self) {
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

    /// The configuration without the labels, which tell times and the source's digest.
    fn config(&self) -> Value {
        let mut config = self.project.image().config();
        for field in ["Labels", "Hostname", "Image"] {
            config.as_object_mut().unwrap().remove(field);
        }
        config
    }

    /// A watch that builds, and then once more at a save while a container waits. The image is the clean build's.
    #[track_caller]
    pub fn a_save(&self, path: &str, text: &str) -> Outcome {
        let source = self.project.path();
        let line = ["watch", "--verbose", source.to_str().unwrap(), self.builder.name(), &self.project.tag];
        let running = Run::new().env("TMPDIR", self.project.locks()).args(&line).start();
        running.wait_for("standby ready: for build 2");
        self.project.write(path, text);
        running.wait_for("; standby)");
        running.signal("INT");
        let mut outcome = running.end().status(130).never_says("warning:").never_says("build failed:");
        // What is removed meanwhile is told whenever it is gone.
        let lines = outcome.stderr.split_inclusive('\n').filter(|line| !line.starts_with("$ docker rm "));
        outcome.stderr = lines.collect();
        self.is_what_a_clean_build_makes();
        outcome
    }

    /// Mode, owner and what is held of files and links of the image.
    #[track_caller]
    pub fn has<const N: usize>(&self, expected: [(&str, u32, (u64, u64), &str); N]) {
        let content = self.content();
        for (path, mode, owner, held) in expected {
            let entry = content.get(path.as_bytes()).unwrap_or_else(|| panic!("{path} is missing"));
            let holds = if entry.kind == 'l' { &entry.link } else { &entry.content };
            assert_eq!((entry.mode, entry.owner, &*String::from_utf8_lossy(holds)), (mode, owner, held), "{path}");
        }
    }

    #[track_caller]
    pub fn has_none_of<const N: usize>(&self, paths: [&str; N]) {
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

    /// The image has what every image of a builder on the core has.
    #[track_caller]
    pub fn keeps_the_cores_configuration(&self) {
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

/// The image that many builders stand on: their user has a name, their home is not empty, their entry point runs what
/// it is given.
pub fn on_the_core(name: &str) -> Builder {
    Builder::bare()
        .files_of("core")
        .files_of(name)
        .folder("opt/app-root", 1001, 0)
        .folder("opt/app-root/src", 1001, 0)
        .folder("opt/app-root/src/.pki", 1001, 0)
        .change(
            "LABEL io.openshift.s2i.scripts-url=image:///usr/libexec/s2i io.s2i.scripts-url=image:///usr/libexec/s2i",
        )
        .change("ENV STI_SCRIPTS_PATH=/usr/libexec/s2i STI_SCRIPTS_URL=image:///usr/libexec/s2i APP_ROOT=/opt/app-root")
        .change("ENV HOME=/opt/app-root/src PATH=/opt/app-root/bin:/usr/bin:/bin")
        .change("WORKDIR /opt/app-root/src")
        .change("ENTRYPOINT [\"container-entrypoint\"]")
        .change("USER 1001")
        .change("CMD $STI_SCRIPTS_PATH/usage")
}
