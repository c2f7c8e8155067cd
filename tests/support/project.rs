//! A source folder in a temporary place, the tag it is built as, and the builds of it.
//!
//! Watches of a project are in `watch_session`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::builder::Builder;
use super::engine::{try_docker, unique_name};
use super::image::Image;
use super::run::Run;

/// A source folder and the tag it is built as.
pub struct Project {
    dir: TempDir,
    pub tag: String,
}

impl Project {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), tag: unique_name("app") }
    }

    /// The source folder.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("source")
    }

    /// Where its runs keep their locks.
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
        fs::create_dir_all(self.path()).unwrap();
        // A place of its own for locks: what other tests leave to be found is none of this one's business.
        let mut run = Run::new().arg("build").env("TMPDIR", self.temp_dir());
        run.after = vec![self.path().display().to_string(), builder.to_owned(), self.tag.clone()];
        run
    }

    pub fn image(&self) -> Image {
        Image(self.tag.clone())
    }

    /// The id behind the tag, if there is one.
    pub fn id(&self) -> Option<String> {
        let output = try_docker(&["image", "inspect", "--format", "{{.Id}}", &self.tag]);
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    /// What a file below `/app` holds in the image.
    pub fn image_file(&self, path: &str) -> String {
        self.image().run(&["cat", &format!("/app/{path}")])
    }

    /// What the image has below `/app`, by path: kind, mode, link target and content.
    pub fn app_files(&self) -> BTreeMap<String, (char, u32, String, String)> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let files = self.image().files("/app").into_iter();
        files.map(|(path, it)| (text(path), (it.kind, it.mode, text(it.link), text(it.content)))).collect()
    }

    /// What an image has below `/app` that is built of this project from nothing.
    pub fn app_files_of_clean_build(&self, builder: &Builder) -> BTreeMap<String, (char, u32, String, String)> {
        let tag = unique_name("fresh");
        let mut run = self.build(builder).arg("--no-incremental");
        run.after[2].clone_from(&tag);
        run.success();
        Self { dir: tempfile::tempdir().unwrap(), tag }.app_files()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // Folders that a test made unreadable would stay.
        let _ = Command::new("chmod").args(["-R", "u+rwX"]).arg(self.dir.path()).stderr(Stdio::null()).status();
        try_docker(&["image", "rm", "--force", &self.tag]);
    }
}
