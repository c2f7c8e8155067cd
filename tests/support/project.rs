//! A source folder in a temporary place, the tag it is built as, and the runs that build it.
//!
//! What such a run then does is in `run`, and what a watch prints in `watch_session`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::archive::Entry;
use super::builder::Builder;
use super::engine::unique_name;
use super::image::{Image, image_id, remove_image};
use super::run::Run;
use super::wait::wait_for;

/// A source folder and the tag it is built as.
pub struct Project {
    dir: TempDir,
    pub tag: String,
}

/// A file, folder or link below `/app`, as far as it is the same in each build of one source.
#[derive(Debug, PartialEq, Eq)]
pub struct AppFile {
    pub kind: char,
    pub mode: u32,
    pub link: String,
    pub content: String,
}

impl Project {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), tag: unique_name("app") }
    }

    /// The source folder.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("source")
    }

    /// The folder above the source, where its runs keep their locks, and tests what lies beside a source.
    pub fn temp_dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A `minis2i build` of this project, to be given options and run.
    pub fn build(&self, builder: &Builder) -> Run {
        self.build_with(builder.name())
    }

    /// The same with any text in the place of the builder's name.
    pub fn build_with(&self, builder: &str) -> Run {
        self.run_of("build", builder)
    }

    /// A `minis2i watch` of this project that prints text.
    pub fn watch_as_text(&self, builder: &Builder) -> Run {
        self.run_of("watch", builder.name())
    }

    /// The shell line of a watch with these options, for a terminal.
    pub fn watch_line(&self, builder: &Builder, options: &str) -> String {
        let binary = env!("CARGO_BIN_EXE_minis2i");
        format!("{binary} watch {options} '{}' {} {}", self.path().display(), builder.name(), self.tag)
    }

    /// A `minis2i watch` of this project that prints JSON, to be given options and started.
    pub fn watch(&self, builder: &Builder) -> Run {
        self.watch_as_text(builder).args(&["--message-format", "json"])
    }

    fn run_of(&self, command: &str, builder: &str) -> Run {
        fs::create_dir_all(self.path()).unwrap();
        let source = self.path().display().to_string();
        // Each project has locks of its own, or its runs would find and remove what those of another test left.
        Run::with_positional(command, &source, builder, &self.tag)
            .on_the_network_of_the_machine()
            .env("TMPDIR", self.temp_dir())
    }

    /// What its runs have, or left, in the folders of all runs, which are in its folder for temporary files.
    pub fn items_of_runs(&self) -> impl Iterator<Item = PathBuf> + use<> {
        let items = fs::read_dir(self.temp_dir()).unwrap().flatten();
        let folders = items.filter(|item| item.file_name().to_string_lossy().starts_with("minis2i"));
        folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten()).map(|item| item.path())
    }

    /// The files of locks among them.
    pub fn locks(&self) -> Vec<String> {
        self.items_of_runs().filter(|path| path.is_file()).map(|path| path.display().to_string()).collect()
    }

    /// Waits until the processes that remove the containers and images of its builds have ended: they hold the locks.
    #[track_caller]
    pub fn wait_for_background_removal(&self) {
        wait_for("the removal in the background", || self.locks().is_empty());
    }

    pub fn image(&self) -> Image {
        Image(self.tag.clone())
    }

    /// The id behind the tag, if there is one.
    pub fn id(&self) -> Option<String> {
        image_id(&self.tag)
    }

    /// What a file below `/app` holds in the image.
    pub fn image_file(&self, path: &str) -> String {
        self.image().text(&format!("/app/{path}"))
    }

    /// What the image has below `/app`, by path.
    pub fn app_files(&self) -> BTreeMap<String, AppFile> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let files = self.image().files("/app").into_iter();
        files
            .map(|(path, entry)| {
                let Entry { kind, mode, link, content, .. } = entry;
                (text(path), AppFile { kind, mode, link: text(link), content: text(content) })
            })
            .collect()
    }

    /// What an image has below `/app` that is built of this project from nothing.
    pub fn app_files_of_clean_build(&self, builder: &Builder) -> BTreeMap<String, AppFile> {
        let tag = unique_name("fresh");
        self.build(builder).tag(&tag).arg("--no-incremental").success();
        Self { dir: tempfile::tempdir().unwrap(), tag }.app_files()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // What a test made unreadable could not be removed otherwise.
        let _ = Command::new("chmod").args(["-R", "u+rwX"]).arg(self.dir.path()).stderr(Stdio::null()).status();
        remove_image(&self.tag);
    }
}
