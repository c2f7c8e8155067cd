//! A builder image: what it is made of, how it is made, and that nothing of it is left in the engine at the end.
//!
//! Builders with scripts for a special purpose are in `evaluating_builder` and `holding_builder`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use super::caches::remove_caches_of;
use super::containers::{containers_from_image, remove_container};
use super::engine::{BASE, docker, docker_with_input, unique_name};
use super::image::{Image, image_id, remove_with_results};
use super::image_archive;
use super::wait::{ENGINE_POLL, TIMEOUT, wait_until};

/// A builder image: first what it is to be made of, and after [`Builder::make`] the image in the engine.
pub struct Builder {
    name: String,
    files: Vec<File>,
    changes: Vec<String>,
    base: String,
    made: bool,
    /// Its id, where it is known without asking.
    id: Option<String>,
}

impl Builder {
    /// A builder on the shared base, without scripts or labels, as the base's user.
    pub fn without_scripts() -> Self {
        Self {
            name: unique_name("builder"),
            files: Vec::new(),
            changes: Vec::new(),
            base: BASE.to_owned(),
            made: false,
            id: None,
        }
    }

    /// A builder with a label for its scripts and a `run` that prints `/app/out`; root is its user, `/app` its WORKDIR.
    pub fn new() -> Self {
        Self::without_scripts()
            .instruction("LABEL io.openshift.s2i.scripts-url=image:///usr/libexec/s2i")
            .instruction("WORKDIR /app")
            .script("run", "#!/bin/sh\nexec cat /app/out\n")
    }

    /// A base that only one test has, for what the engine's own `docker build` makes of a Dockerfile. With the shared base
    /// the images of the first steps would be the same in all tests, and the removal of one's at its end would take them
    /// from a build of another that is at its next step.
    pub fn base_of_one_test() -> Self {
        Self::without_scripts().make()
    }

    /// A builder whose `assemble` copies all of the source to `/app`.
    pub fn copying() -> Self {
        Self::new().script("assemble", "#!/bin/sh\nset -e\ncp -a /tmp/src/. /app/\n")
    }

    /// A made builder whose `assemble` is this shell text.
    pub fn assembling(text: &str) -> Self {
        Self::new().script("assemble", &format!("#!/bin/sh\n{text}\n")).make()
    }

    pub fn script(self, name: &str, text: &str) -> Self {
        self.file(&format!("usr/libexec/s2i/{name}"), 0o755, text)
    }

    pub fn file(self, path: &str, mode: u32, text: &str) -> Self {
        self.bytes(path, mode, text.as_bytes())
    }

    pub fn bytes(mut self, path: &str, mode: u32, content: &[u8]) -> Self {
        let (kind, path) = (tar::EntryType::Regular, path.to_owned());
        self.files.retain(|file| file.path != path);
        self.files.push(File { kind, path, mode, owner: ROOT, content: content.to_vec() });
        self
    }

    /// An instruction for the image's configuration, such as `USER 1001`.
    pub fn instruction(mut self, instruction: &str) -> Self {
        self.changes.push(instruction.to_owned());
        self
    }

    pub fn base(mut self, image: &str) -> Self {
        self.base = image.to_owned();
        self
    }

    /// A folder that belongs to this user.
    pub fn folder(self, path: &str, uid: u64, gid: u64) -> Self {
        self.folder_of_mode(path, 0o755, uid, gid)
    }

    pub fn folder_of_mode(mut self, path: &str, mode: u32, uid: u64, gid: u64) -> Self {
        let (kind, path) = (tar::EntryType::Directory, format!("{path}/"));
        self.files.push(File { kind, path, mode, owner: (uid, gid), content: Vec::new() });
        self
    }

    /// Makes `/app` belong to this user, who is then the user of the image.
    pub fn user(self, user: &str, uid: u64, gid: u64) -> Self {
        self.folder("app", uid, gid).instruction(&format!("USER {user}"))
    }

    /// All files below a folder of `tests/builders`, at their paths below it.
    pub fn files_from(mut self, name: &str) -> Self {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/builders").join(name);
        let mut folders = vec![top.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                // Git keeps whether a file is executable; the other bits depend on the umask of the checkout.
                let executable = fs::metadata(&path).unwrap().permissions().mode() & 0o100 != 0;
                let mode = if executable { 0o755 } else { 0o644 };
                self = self.bytes(path.strip_prefix(&top).unwrap().to_str().unwrap(), mode, &fs::read(&path).unwrap());
            }
        }
        self
    }

    /// Makes the image.
    pub fn make(mut self) -> Self {
        self.id = image_archive::load(&self.name, &self.base, &self.tar(), &self.changes);
        if self.id.is_none() {
            self.commit();
        }
        self.made = true;
        self
    }

    /// Makes it in the way that every engine has, with all instructions: one container, one copy, one commit. podman would give the
    /// files to the user of the container without the option.
    fn commit(&self) {
        let container = docker(&["create", &self.base, "/bin/true"]);
        docker_with_input(&["cp", "--archive=false", "-", &format!("{container}:/")], &self.tar());
        let mut args = vec!["commit".to_owned()];
        for change in &self.changes {
            args.extend(["--change".to_owned(), change.clone()]);
        }
        args.extend([container.clone(), self.name.clone()]);
        docker(&args.iter().map(String::as_str).collect::<Vec<_>>());
        remove_container(&container);
    }

    /// The files as an archive, with an `/app` of root's before all others.
    fn tar(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let (kind, path) = (tar::EntryType::Directory, "app/".to_owned());
        let app = File { kind, path, mode: 0o755, owner: ROOT, content: Vec::new() };
        for file in std::iter::once(&app).chain(&self.files) {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(file.kind);
            header.set_mode(file.mode);
            header.set_uid(file.owner.0);
            header.set_gid(file.owner.1);
            header.set_size(file.content.len() as u64);
            tar.append_data(&mut header, &file.path, &*file.content).unwrap();
        }
        tar.into_inner().unwrap()
    }

    pub fn name(&self) -> &str {
        assert!(self.made, "the builder is not made yet");
        &self.name
    }

    pub fn image(&self) -> Image {
        Image(self.name().to_owned())
    }

    pub fn id(&self) -> String {
        if let Some(id) = &self.id {
            return id.clone();
        }
        image_id(self.name()).expect("the builder is there")
    }

    /// Adds instructions that a commit does not take, such as `SHELL`, to the image that was made.
    pub fn build_on(mut self, instructions: &str) -> Self {
        let dockerfile = format!("FROM {}\n{instructions}\n", self.name());
        docker_with_input(&["build", "--quiet", "--tag", self.name(), "-"], dockerfile.as_bytes());
        self.id = None;
        self
    }

    /// Ids of all containers from the image, and from images that were built with it.
    pub fn containers(&self) -> Vec<String> {
        let listing = docker(&["ps", "--all", "--quiet", "--filter", &format!("ancestor={}", self.id())]);
        listing.lines().map(str::to_owned).collect()
    }

    /// Names of containers that builds with this builder made and left behind. Those that are removed in the background
    /// after a build are waited for.
    pub fn containers_of_builds(&self) -> Vec<String> {
        let begin = Instant::now();
        loop {
            let names = containers_from_image(&self.id());
            if names.is_empty() || begin.elapsed() > TIMEOUT {
                return names;
            }
            std::thread::sleep(ENGINE_POLL);
        }
    }
}

/// A builder that tests share under a name. The last of those that use it at the same time removes it.
pub fn shared_builder(name: &'static str, make: impl FnOnce() -> Builder) -> Arc<Builder> {
    static KNOWN: Mutex<BTreeMap<&str, Weak<Builder>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(builder) = known.get(name).and_then(Weak::upgrade) {
        return builder;
    }
    let builder = Arc::new(make());
    known.insert(name, Arc::downgrade(&builder));
    builder
}

impl Drop for Builder {
    fn drop(&mut self) {
        if !self.made {
            return;
        }
        let id = self.id();
        if std::thread::panicking() {
            containers_from_image(&id).iter().for_each(|name| remove_container(name));
        } else {
            let left = || format!("left after the last build: {:?}", containers_from_image(&id));
            wait_until(ENGINE_POLL, || containers_from_image(&id).is_empty(), left);
        }
        remove_with_results(&self.name);
        remove_caches_of(&self.name);
    }
}

/// A file or a folder that is added to the base.
struct File {
    kind: tar::EntryType,
    path: String,
    mode: u32,
    owner: (u64, u64),
    content: Vec<u8>,
}

/// Who owns what a builder has, unless it is said otherwise.
const ROOT: (u64, u64) = (0, 0);
