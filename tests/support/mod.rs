//! What the stories are told with: builder images, projects, runs of the real binary on the real engine, and a look
//! into the images that come out. Everything made here is removed again.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub mod json_schema;

/// The base image that `cargo xtask test` provides.
pub const BASE: &str = "minis2i-base:latest";

/// How long a fact may take to become true.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A name that no other test uses, in this process or another.
pub fn unique(what: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("minis2i-test-{what}-{}-{number}", std::process::id())
}

/// Runs the engine's CLI, which must succeed, and returns what it printed.
pub fn docker(args: &[&str]) -> String {
    let output = try_docker(args);
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub fn try_docker(args: &[&str]) -> std::process::Output {
    Command::new("docker").args(args).stdin(Stdio::null()).output().unwrap()
}

/// Waits until a fact holds; fails with `what` when it never does.
pub fn wait_for(what: &str, mut fact: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !fact() {
        assert!(begin.elapsed() < PATIENCE, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A builder image in the making, and then the image.
pub struct Builder {
    name: String,
    files: Vec<(String, u32, Vec<u8>)>,
    changes: Vec<String>,
    base: String,
    made: bool,
}

impl Builder {
    /// A builder on the shared base, without scripts or labels, as the base's user.
    pub fn bare() -> Self {
        Self { name: unique("builder"), files: Vec::new(), changes: Vec::new(), base: BASE.to_owned(), made: false }
    }

    /// A builder with a label for its scripts and a `run` that prints `/app/out`; root is its user, `/app` its WORKDIR.
    pub fn new() -> Self {
        Self::bare()
            .change("LABEL io.openshift.s2i.scripts-url=image:///usr/libexec/s2i")
            .change("WORKDIR /app")
            .script("run", "#!/bin/sh\nexec cat /app/out\n")
    }

    /// A builder whose `assemble` copies all of the source to `/app`.
    pub fn copying() -> Self {
        Self::new().script("assemble", "#!/bin/sh\nset -e\ncp -a /tmp/src/. /app/\n")
    }

    pub fn script(self, name: &str, text: &str) -> Self {
        self.file(&format!("usr/libexec/s2i/{name}"), 0o755, text)
    }

    pub fn file(self, path: &str, mode: u32, text: &str) -> Self {
        self.bytes(path, mode, text.as_bytes())
    }

    pub fn bytes(mut self, path: &str, mode: u32, content: &[u8]) -> Self {
        self.files.push((path.to_owned(), mode, content.to_vec()));
        self
    }

    /// An instruction for the image's configuration, such as `USER 1001`.
    pub fn change(mut self, instruction: &str) -> Self {
        self.changes.push(instruction.to_owned());
        self
    }

    pub fn base(mut self, image: &str) -> Self {
        self.base = image.to_owned();
        self
    }

    /// A folder that belongs to this user.
    pub fn folder(mut self, path: &str, uid: u64, gid: u64) -> Self {
        self.files.push((format!("{path}/ {uid}:{gid}"), 0o755, Vec::new()));
        self
    }

    /// Makes `/app` belong to this user, and runs scripts as him.
    pub fn user(self, user: &str, uid: u64, gid: u64) -> Self {
        self.folder("app", uid, gid).change(&format!("USER {user}"))
    }

    /// All files below a folder of `tests/builders`, at their paths below it.
    pub fn files_of(mut self, name: &str) -> Self {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/builders").join(name);
        let mut folders = vec![top.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                // As the repository keeps it, whatever the umask.
                let executable = fs::metadata(&path).unwrap().permissions().mode() & 0o100 != 0;
                let name = path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
                self.files.push((name, if executable { 0o755 } else { 0o644 }, fs::read(&path).unwrap()));
            }
        }
        self
    }

    /// Makes the image: one container, one copy, one commit.
    pub fn make(mut self) -> Self {
        let container = docker(&["create", &self.base, "/bin/true"]);
        let mut child = Command::new("docker")
            .args(["cp", "-", &format!("{container}:/")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&self.tar()).unwrap();
        assert!(child.wait().unwrap().success(), "cannot fill the builder");
        let mut args = vec!["commit".to_owned()];
        for change in &self.changes {
            args.extend(["--change".to_owned(), change.clone()]);
        }
        args.extend([container.clone(), self.name.clone()]);
        docker(&args.iter().map(String::as_str).collect::<Vec<_>>());
        docker(&["rm", "-fv", &container]);
        self.made = true;
        self
    }

    fn tar(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let mut add = |path: &str, kind: tar::EntryType, mode: u32, owner: (u64, u64), content: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_mode(mode);
            header.set_uid(owner.0);
            header.set_gid(owner.1);
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, path, content).unwrap();
        };
        add("app/", tar::EntryType::Directory, 0o755, (0, 0), b"");
        for (path, mode, content) in &self.files {
            match path.split_once("/ ") {
                Some((folder, owner)) => {
                    let (uid, gid) = owner.split_once(':').unwrap();
                    let owner = (uid.parse().unwrap(), gid.parse().unwrap());
                    add(&format!("{folder}/"), tar::EntryType::Directory, *mode, owner, b"");
                }
                None => add(path, tar::EntryType::Regular, *mode, (0, 0), content),
            }
        }
        tar.into_inner().unwrap()
    }

    pub fn name(&self) -> &str {
        assert!(self.made, "the builder is not made yet");
        &self.name
    }

    pub fn id(&self) -> String {
        docker(&["image", "inspect", "--format", "{{.Id}}", self.name()])
    }
}

impl Builder {
    /// Ids of all containers of the image, and of images made with it.
    pub fn containers(&self) -> Vec<String> {
        let listing = docker(&["ps", "--all", "--quiet", "--filter", &format!("ancestor={}", self.id())]);
        listing.lines().map(str::to_owned).collect()
    }
}

impl Builder {
    /// Names of containers that builds with this builder made and nobody has removed. Those that a process of its own
    /// removes after a build are waited for.
    pub fn containers_of_builds(&self) -> Vec<String> {
        let begin = Instant::now();
        loop {
            let names = ours(&self.id());
            if names.is_empty() || begin.elapsed() > PATIENCE {
                return names;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        if !self.made {
            return;
        }
        let id = self.id();
        let made_of = ["io.github.minis2i.builder", "org.opencontainers.image.base.digest"];
        if std::thread::panicking() {
            ours(&id).iter().for_each(|name| drop(try_docker(&["rm", "-fv", name])));
        } else {
            wait_for("cleaning up after the last build", || ours(&id).is_empty());
        }
        for label in made_of.map(|label| format!("label={label}={id}")) {
            for image in docker(&["images", "--quiet", "--no-trunc", "--filter", &label]).lines() {
                try_docker(&["image", "rm", "--force", image]);
            }
        }
        try_docker(&["image", "rm", "--force", &self.name]);
    }
}

/// Names of containers that minis2i made of an image, or of images made with it.
fn ours(builder: &str) -> Vec<String> {
    let filter = format!("ancestor={builder}");
    let names = docker(&["ps", "--all", "--filter", &filter, "--filter", "name=^/?minis2i-", "--format", "{{.Names}}"]);
    names.lines().filter(|name| !name.starts_with("minis2i-test-")).map(str::to_owned).collect()
}

/// A source folder and the tag it is built as.
pub struct Project {
    dir: TempDir,
    pub tag: String,
}

impl Project {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), tag: unique("app") }
    }

    /// The source folder.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("source")
    }

    /// Where its runs keep their locks.
    pub fn locks(&self) -> &Path {
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
        let mut run = Run::new().arg("build").env("TMPDIR", self.locks());
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
}

impl Drop for Project {
    fn drop(&mut self) {
        // Folders that a test made unreadable would stay.
        let _ = Command::new("chmod").args(["-R", "u+rwX"]).arg(self.dir.path()).stderr(Stdio::null()).status();
        try_docker(&["image", "rm", "--force", &self.tag]);
    }
}

/// One run of the binary.
pub struct Run {
    command: Command,
    line: Vec<String>,
    after: Vec<String>,
    rest: Vec<String>,
}

impl Run {
    pub fn new() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minis2i"));
        command.env_remove("MINIS2I_ENGINE").env_remove("NO_COLOR");
        Self { command, line: Vec::new(), after: Vec::new(), rest: Vec::new() }
    }

    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.line.push(arg.into());
        self
    }

    pub fn args(mut self, args: &[&str]) -> Self {
        self.line.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Arguments after `--`.
    pub fn rest(mut self, args: &[&str]) -> Self {
        self.rest = args.iter().map(|arg| (*arg).to_owned()).collect();
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn current_dir(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    /// Has a shell do something first, as the root of a user namespace of its own, whose limits are no matter to others.
    #[cfg(target_os = "linux")]
    pub fn after_as_root_of_its_own(mut self, script: &str) -> Self {
        let script = format!("{script}; exec \"$0\" \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c", &script]).arg(self.command.get_program());
        command.env_remove("MINIS2I_ENGINE").env_remove("NO_COLOR");
        self.command = command;
        self
    }

    fn prepared(&mut self) -> &mut Command {
        self.command.args(&self.line).args(&self.after);
        if !self.rest.is_empty() {
            self.command.arg("--").args(&self.rest);
        }
        self.command.stdin(Stdio::null())
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Outcome {
        let output = self.prepared().output().unwrap();
        Outcome::of(format!("{:?}", self.command), output)
    }

    /// Runs it to its end, which must be a success.
    pub fn success(self) -> Outcome {
        self.run().status(0)
    }

    /// Runs it to its end on a terminal; what the terminal gets is in `stdout`.
    pub fn on_a_terminal(mut self) -> Outcome {
        let words = std::iter::once(self.command.get_program().to_owned());
        let program: Vec<_> = words.chain(self.prepared().get_args().map(ToOwned::to_owned)).collect();
        let quoted = program.iter().map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''")));
        let line = quoted.collect::<Vec<_>>().join(" ");
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::null());
        script.env_remove("MINIS2I_ENGINE").env_remove("NO_COLOR").env("TERM", "xterm").env("SHELL", "/bin/sh");
        for (name, value) in self.command.get_envs().filter_map(|(name, value)| Some((name, value?))) {
            script.env(name, value);
        }
        Outcome::of(line, script.output().unwrap())
    }

    /// Runs it to its end; what it wrote to stderr, byte by byte.
    pub fn raw_stderr(mut self) -> Vec<u8> {
        self.prepared().output().unwrap().stderr
    }

    /// Runs it to its end while nobody reads what it prints; its status.
    pub fn unheard(mut self) -> Option<i32> {
        let mut child = self.prepared().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        child.wait().unwrap().code()
    }

    /// As a user whom file permissions bind, which root's are not.
    pub fn bound_by_permissions(mut self) -> Self {
        if rustix::process::getuid().is_root() {
            let mut bound = Command::new("setpriv");
            bound.arg("--bounding-set=-dac_override,-dac_read_search").arg(self.command.get_program());
            bound.env_remove("MINIS2I_ENGINE").env_remove("NO_COLOR");
            let set = self.command.get_envs().filter_map(|(name, value)| Some((name, value?)));
            bound.envs(set);
            self.command = bound;
        }
        self
    }

    /// Starts it; what it prints is collected.
    pub fn start(mut self) -> Running {
        let mut child = self.prepared().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        Running { line: format!("{:?}", self.command), child, stdout, stderr }
    }
}

type Collected = std::sync::Arc<std::sync::Mutex<Vec<u8>>>;

fn collect(mut from: impl Read + Send + 'static) -> Collected {
    let collected = Collected::default();
    let to = collected.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(got @ 1..) = from.read(&mut buffer) {
            to.lock().unwrap().extend_from_slice(&buffer[..got]);
        }
    });
    collected
}

fn text(collected: &Collected) -> String {
    String::from_utf8_lossy(&collected.lock().unwrap()).into_owned()
}

/// A run that goes on while the test does something.
pub struct Running {
    line: String,
    child: Child,
    stdout: Collected,
    stderr: Collected,
}

impl Running {
    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }

    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until stderr has this text.
    pub fn wait_for(&self, what: &str) {
        let begin = Instant::now();
        while !self.stderr().contains(what) {
            assert!(begin.elapsed() < PATIENCE, "`{what}` never came from {}:\n{}", self.line, self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until stdout has this text.
    pub fn wait_for_stdout(&self, what: &str) {
        wait_for(what, || self.stdout().contains(what));
    }

    pub fn signal(&self, name: &str) {
        assert!(
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap().success()
        );
    }

    /// Waits for the end.
    pub fn end(mut self) -> Outcome {
        let begin = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if begin.elapsed() > PATIENCE => {
                    let _ = self.child.kill();
                    panic!("{} does not end:\n{}", self.line, self.stderr());
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        // The readers are done when the other ends of the pipes are closed, which children may keep open.
        std::thread::sleep(Duration::from_millis(20));
        Outcome { line: self.line.clone(), status: status.code(), stdout: self.stdout(), stderr: self.stderr() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a run went.
#[derive(Debug)]
pub struct Outcome {
    line: String,
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    fn of(line: String, output: std::process::Output) -> Self {
        Self {
            line,
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub fn status(self, expected: i32) -> Self {
        assert_eq!(self.status, Some(expected), "{self}");
        self
    }

    /// stderr has this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is missing\n{self}");
        self
    }

    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        assert!(!self.stderr.contains(text), "`{text}` is there\n{self}");
        self
    }

    /// The JSON objects on stdout.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}\n{self}")))
            .collect()
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, status, stdout, stderr } = self;
        write!(f, "{line}\nstatus: {status:?}\n--- stdout\n{stdout}--- stderr\n{stderr}---")
    }
}

/// An image that came out.
pub struct Image(pub String);

/// One entry of an image's file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `f` file, `d` folder, `l` symlink, `h` hard link.
    pub kind: char,
    pub mode: u32,
    pub owner: (u64, u64),
    pub mtime: String,
    pub link: Vec<u8>,
    pub content: Vec<u8>,
}

impl Image {
    /// Runs a command in the image and returns what it printed.
    pub fn run(&self, command: &[&str]) -> String {
        docker(&[&["run", "--rm", "--network", "none", &self.0], command].concat())
    }

    pub fn config(&self) -> Value {
        let text = docker(&["image", "inspect", "--format", "{{json .Config}}", &self.0]);
        serde_json::from_str(&text).unwrap()
    }

    pub fn label(&self, name: &str) -> Option<String> {
        self.config()["Labels"][name].as_str().map(str::to_owned)
    }

    /// Everything below a folder of the image, by path below it. The folder itself is the empty path.
    pub fn files(&self, folder: &str) -> BTreeMap<Vec<u8>, Entry> {
        let container = docker(&["create", "--network", "none", &self.0, "/none"]);
        let output = try_docker(&["cp", &format!("{container}:{folder}"), "-"]);
        docker(&["rm", "-fv", &container]);
        assert!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&output.stderr));
        entries(&output.stdout)
    }

    /// Whether the image has such a path.
    pub fn has(&self, path: &str) -> bool {
        let container = docker(&["create", "--network", "none", &self.0, "/none"]);
        let found = try_docker(&["cp", &format!("{container}:{path}"), "-"]).status.success();
        docker(&["rm", "-fv", &container]);
        found
    }
}

/// Reads the engine's archives, which say with PAX records what has no place in a plain header. The library would take
/// a line end in a value for the end of the record.
pub fn entries(archive: &[u8]) -> BTreeMap<Vec<u8>, Entry> {
    let mut found = BTreeMap::new();
    let mut records = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries().unwrap().raw(true) {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let header = entry.header();
        let kind = match header.entry_type() {
            tar::EntryType::XHeader => {
                records = pax_records(&content);
                continue;
            }
            tar::EntryType::Directory => 'd',
            tar::EntryType::Symlink => 'l',
            tar::EntryType::Link => 'h',
            _ => 'f',
        };
        let mut record = |key: &str, plain: Vec<u8>| records.remove(key.as_bytes()).unwrap_or(plain);
        let path = record("path", header.path_bytes().into_owned());
        let link = record("linkpath", header.link_name_bytes().unwrap_or_default().into_owned());
        let mtime = record("mtime", header.mtime().unwrap().to_string().into_bytes());
        let path: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).skip(1).collect();
        let facts = Entry {
            kind,
            mode: header.mode().unwrap() & 0o7777,
            owner: (header.uid().unwrap(), header.gid().unwrap()),
            mtime: String::from_utf8(mtime).unwrap(),
            link,
            content,
        };
        found.insert(path.join(&b'/'), facts);
        records.clear();
    }
    found
}

/// Records of the form `LENGTH KEY=VALUE\n`, where the length counts itself.
fn pax_records(mut bytes: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut records = BTreeMap::new();
    while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
        let (record, rest) = bytes.split_at(length);
        let record = &record[space + 1..length - 1];
        let equals = record.iter().position(|byte| *byte == b'=').unwrap();
        records.insert(record[..equals].to_vec(), record[equals + 1..].to_vec());
        bytes = rest;
    }
    records
}

/// A builder that several tests use at the same time; the last of them removes it.
pub fn shared(name: &'static str, make: impl FnOnce() -> Builder) -> Arc<Builder> {
    static KNOWN: Mutex<BTreeMap<&str, Weak<Builder>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(builder) = known.get(name).and_then(Weak::upgrade) {
        return builder;
    }
    let builder = Arc::new(make());
    known.insert(name, Arc::downgrade(&builder));
    builder
}

impl Builder {
    /// A builder whose scripts do what variables tell them: `assemble` evaluates `ASSEMBLE` in `/tmp/src`, and what it
    /// prints is [`Outcome::said`]; `save-artifacts` evaluates `SAVE`, of the previous build.
    pub fn obeying() -> Self {
        let assemble = "#!/bin/sh\nset -e\ncd /tmp/src\necho '--- said'\neval \"$ASSEMBLE\"\necho '--- end'\n";
        Self::new().script("assemble", assemble).script("save-artifacts", "#!/bin/sh\neval \"$SAVE\"\n")
    }

    /// The shared [`Builder::obeying`] with root as its user.
    pub fn obedient() -> Arc<Self> {
        shared("obedient", || Self::obeying().make())
    }

    /// Adds instructions that a commit does not take, such as `SHELL`, to the image that was made.
    pub fn build_on(self, instructions: &str) -> Self {
        let dockerfile = format!("FROM {}\n{instructions}\n", self.name());
        let mut child = Command::new("docker")
            .args(["build", "--quiet", "--tag", self.name(), "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(dockerfile.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "cannot build the builder: {dockerfile}");
        self
    }
}

impl Run {
    /// What the `assemble` of [`Builder::obeying`] does.
    pub fn assemble(self, script: &str) -> Self {
        self.args(&["--env", &format!("ASSEMBLE={script}")])
    }

    /// What the `save-artifacts` of [`Builder::obeying`] does when the next build asks this one's image.
    pub fn save(self, script: &str) -> Self {
        self.args(&["--env", &format!("SAVE={script}")])
    }

    /// Gives the source in another way than by its absolute path.
    pub fn source(mut self, typed: &str) -> Self {
        typed.clone_into(&mut self.after[0]);
        self
    }

    /// Names the builder in another way, or another one.
    pub fn builder(mut self, typed: &str) -> Self {
        typed.clone_into(&mut self.after[1]);
        self
    }
}

impl Outcome {
    /// What the `assemble` of [`Builder::obeying`] printed, by line.
    #[track_caller]
    pub fn said(&self) -> Vec<&str> {
        let lines = self.stderr.lines().skip_while(|line| *line != "--- said").skip(1);
        assert!(self.stderr.contains("--- end\n"), "`assemble` did not get to its end\n{self}");
        lines.take_while(|line| *line != "--- end").collect()
    }
}

/// An image to make builders of, where the shared base will not do.
pub struct Base(String);

impl Base {
    /// The shared base after this shell command.
    pub fn after(command: &str) -> Self {
        let name = unique("base");
        docker(&["run", "--name", &name, "--network", "none", BASE, "/bin/sh", "-c", command]);
        docker(&["commit", &name, &name]);
        docker(&["rm", "-fv", &name]);
        Self(name)
    }

    /// An image with nothing but an empty `/tmp`.
    pub fn empty() -> Self {
        let name = unique("base");
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o1777);
        header.set_size(0);
        tar.append_data(&mut header, "tmp/", &b""[..]).unwrap();
        let mut import = Command::new("docker");
        import.args(["import", "--change", "CMD [\"/none\"]", "-", &name]);
        let mut child = import.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&tar.into_inner().unwrap()).unwrap();
        assert!(child.wait().unwrap().success());
        Self(name)
    }

    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        try_docker(&["image", "rm", "--force", &self.0]);
    }
}

/// A stand-in for the engine's CLI: a shell script in a folder of its own, which it knows as `$here`. It has to outlive
/// the builder, since cleaning up after a build calls it, too: make it first.
pub struct StandIn(TempDir);

impl StandIn {
    pub fn new(script: &str) -> Self {
        let stand_in = Self(tempfile::tempdir().unwrap());
        // Written by a process of its own: had this one a child in the making that inherited the open file, the
        // kernel would refuse to run it.
        let mut child = Command::new("sh")
            .args(["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh", &stand_in.path()])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        write!(child.stdin.take().unwrap(), "#!/bin/sh\nhere=${{0%/*}}\n{script}\n").unwrap();
        assert!(child.wait().unwrap().success());
        stand_in
    }

    /// The path to give as `--engine`.
    pub fn path(&self) -> String {
        self.0.path().join("docker").display().to_string()
    }

    /// What the script wrote into a file of `$here`, or nothing yet.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_default()
    }

    /// Whether the script made this file in `$here`.
    pub fn has(&self, name: &str) -> bool {
        self.0.path().join(name).exists()
    }

    /// Makes a file in `$here`, for a script that waits for it.
    pub fn make(&self, name: &str) {
        fs::write(self.0.path().join(name), "").unwrap();
    }
}

/// A way to the engine that can be cut, and mended.
pub struct Line {
    dir: TempDir,
    open: Connections,
}

/// Both ends of what goes through a [`Line`]; `None` when it is cut.
type Connections = Arc<Mutex<Option<Vec<UnixStream>>>>;

impl Line {
    pub fn new() -> Self {
        let line = Self { dir: tempfile::tempdir().unwrap(), open: Connections::default() };
        line.mend();
        line
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("engine")
    }

    /// What to give as `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.path().display())
    }

    /// From here on the engine is gone, in the middle of all that goes on.
    pub fn cut(&self) {
        let connections = self.open.lock().unwrap().take().unwrap_or_default();
        fs::remove_file(self.path()).unwrap();
        for connection in connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// The engine is back.
    pub fn mend(&self) {
        *self.open.lock().unwrap() = Some(Vec::new());
        let listener = UnixListener::bind(self.path()).unwrap();
        let open = self.open.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Some(connections) = &mut *open.lock().unwrap() else { return };
                let far = UnixStream::connect(engine_socket()).unwrap();
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
                connections.extend([near, far]);
            }
        });
    }
}

/// The socket of the engine that the tests use.
fn engine_socket() -> PathBuf {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    host.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").into()
}

/// A builder for watches: its `assemble` copies the source to `/app`; where the source has a file `hold`, it says
/// `holding` and waits for `/tmp/go`; where it has a file `fail`, it fails.
pub fn patient() -> Builder {
    let script = "#!/bin/sh\nset -e\ncd /tmp/src\nif [ -e hold ]; then echo holding\n\
                  while [ ! -e /tmp/go ]; do sleep 0.02; done; fi\n[ ! -e fail ] || exit 9\ncp -a . /app/\n";
    Builder::new().script("assemble", script)
}

/// One [`patient`] builder for all tests that do not count its containers.
pub fn copier() -> Arc<Builder> {
    shared("patient", || patient().make())
}

impl Project {
    /// A `minis2i watch` of this project that tells JSON, to be given options and started.
    pub fn watch(&self, builder: &Builder) -> Run {
        self.watch_as_text(builder).args(&["--message-format", "json"])
    }

    pub fn watch_as_text(&self, builder: &Builder) -> Run {
        let mut run = self.build(builder);
        run.line[0] = "watch".to_owned();
        run
    }

    /// What a file below `/app` holds in the image.
    pub fn holds(&self, path: &str) -> String {
        self.image().run(&["cat", &format!("/app/{path}")])
    }

    /// What the image has below `/app`, by path: kind, mode, link target and content.
    pub fn app(&self) -> BTreeMap<String, (char, u32, String, String)> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let files = self.image().files("/app").into_iter();
        files.map(|(path, it)| (text(path), (it.kind, it.mode, text(it.link), text(it.content)))).collect()
    }

    /// What an image has below `/app` that is built of this project from nothing.
    pub fn fresh(&self, builder: &Builder) -> BTreeMap<String, (char, u32, String, String)> {
        let tag = unique("fresh");
        let mut run = self.build(builder).arg("--no-incremental");
        run.after[2].clone_from(&tag);
        run.success();
        Self { dir: tempfile::tempdir().unwrap(), tag }.app()
    }
}

impl Run {
    /// Starts it, a watch that tells JSON, and waits until its first build is over and the next one is prepared.
    pub fn watching(self) -> Watching {
        let standby =
            !self.line.iter().any(|arg| arg.starts_with("--no-standby") || arg.starts_with("--standby-limit"));
        let watching = self.watching_at_once();
        watching.wait_for("the first build", |all| {
            all.iter().any(|it| it["reason"] == "build-finished" || it["reason"] == "skipped")
        });
        if standby {
            watching.wait_for_standby();
        }
        watching
    }
}

impl Run {
    /// Starts it, a watch that tells JSON.
    pub fn watching_at_once(self) -> Watching {
        Watching { running: Some(self.start()) }
    }
}

/// A watch that goes on.
pub struct Watching {
    running: Option<Running>,
}

impl Watching {
    fn running(&self) -> &Running {
        self.running.as_ref().expect("it has not ended")
    }

    pub fn id(&self) -> u32 {
        self.running().id()
    }

    /// All it told.
    pub fn messages(&self) -> Vec<Value> {
        let text = self.running().stdout();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What it told with this reason.
    pub fn of(&self, reason: &str) -> Vec<Value> {
        self.messages().into_iter().filter(|it| it["reason"] == reason).collect()
    }

    /// The ends of all builds so far, in a word each.
    pub fn statuses(&self) -> Vec<String> {
        self.of("build-finished").iter().map(|it| it["status"].as_str().unwrap().to_owned()).collect()
    }

    /// How many builds were begun.
    pub fn builds(&self) -> usize {
        self.of("build-started").len()
    }

    /// Waits until what it told fulfils this.
    #[track_caller]
    pub fn wait_for(&self, what: &str, mut fact: impl FnMut(&[Value]) -> bool) {
        let begin = Instant::now();
        while !fact(&self.messages()) {
            assert!(begin.elapsed() < PATIENCE, "waited too long: {what}\n{self}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a message with this reason has this text anywhere, and returns the first one.
    #[track_caller]
    pub fn told(&self, reason: &str, text: &str) -> Value {
        let mut found = None;
        self.wait_for(&format!("{reason}: {text}"), |all| {
            found = all.iter().find(|it| it["reason"] == reason && it.to_string().contains(text)).cloned();
            found.is_some()
        });
        found.unwrap()
    }

    /// Waits until so many builds have ended, and returns the end of the last one.
    #[track_caller]
    pub fn wait_for_build(&self, number: usize) -> Value {
        self.wait_for(&format!("the end of build {number}"), |all| {
            all.iter().filter(|it| it["reason"] == "build-finished").count() >= number
        });
        self.of("build-finished").swap_remove(number - 1)
    }

    /// Does something to the source, and waits for the good end of the next build, which it returns.
    #[track_caller]
    pub fn build_after(&self, change: impl FnOnce()) -> Value {
        let before = self.builds();
        change();
        let end = self.wait_for_build(before + 1);
        assert_eq!(end["status"], "ok", "{self}");
        end
    }

    /// Does something to the source, and waits until it says that this needs no build.
    #[track_caller]
    pub fn skipped_after(&self, change: impl FnOnce()) -> String {
        let before = self.of("skipped").len();
        let builds = self.builds();
        change();
        self.wait_for("the line about no build", |all| {
            all.iter().filter(|it| it["reason"] == "skipped").count() > before
        });
        assert_eq!(self.builds(), builds, "{self}");
        self.of("skipped")[before]["why"].as_str().unwrap().to_owned()
    }

    /// Waits until a container is ready for the build after the last one.
    #[track_caller]
    pub fn wait_for_standby(&self) {
        self.wait_for("a standby", |all| {
            let last = all.iter().rposition(|it| it["reason"] == "build-finished");
            all[last.unwrap_or(0)..].iter().any(|it| it["reason"] == "standby-ready")
        });
    }

    /// Waits until all that happened to the source was dealt with, and returns how many builds there were. For that it
    /// touches a file until the watch says that this needs no build.
    #[track_caller]
    pub fn rest(&self, project: &Project, file: &str) -> usize {
        let path = project.path().join(file);
        let begin = Instant::now();
        loop {
            let before = self.messages().len();
            filetime::set_file_mtime(&path, filetime::FileTime::now()).unwrap();
            let touched = Instant::now();
            while touched.elapsed() < Duration::from_secs(1) {
                let all = self.messages();
                let last = |reason: &str| all.iter().rposition(|it| it["reason"] == reason);
                let answered = last("skipped").filter(|answer| *answer >= before);
                let building = last("build-started") > last("build-finished");
                if answered.is_some() && answered > last("build-finished") && !building {
                    return self.builds();
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            assert!(begin.elapsed() < PATIENCE, "it never rests\n{self}");
        }
    }

    /// Names of the containers it made that are there now.
    pub fn containers(&self) -> Vec<String> {
        containers_of(self.id())
    }

    /// Lets an `assemble` go on that says `holding`.
    pub fn release(&self) {
        for container in self.containers() {
            try_docker(&["exec", &container, "touch", "/tmp/go"]);
        }
    }

    pub fn signal(&self, name: &str) {
        self.running().signal(name);
    }

    /// Sends a signal and waits for the end. Checks what is true of each watch that ended: nothing is left of it, all
    /// builds have an end, never two at once, and the messages are those that are documented.
    #[track_caller]
    pub fn stop(mut self, signal: &str) -> Outcome {
        let id = self.id();
        self.signal(signal);
        let outcome = self.running.take().expect("it has not ended").end();
        wait_for("nothing left", || containers_of(id).is_empty());
        let all = outcome.json();
        json_schema::assert_schema(&all);
        let mut under_way = None;
        let mut last = 0;
        for it in &all {
            match it["reason"].as_str().unwrap() {
                "build-started" => {
                    assert_eq!(under_way.replace(it["build"].as_u64().unwrap()), None, "two at once\n{outcome}");
                    assert!(under_way > Some(last), "{outcome}");
                }
                "build-finished" => {
                    last = it["build"].as_u64().unwrap();
                    assert_eq!(under_way.take(), Some(last), "{outcome}");
                }
                "output" => assert_eq!(under_way, it["build"].as_u64(), "{outcome}"),
                _ => {}
            }
        }
        assert_eq!(under_way, None, "a build without an end\n{outcome}");
        assert_eq!(all.last().unwrap()["reason"], "watch-finished", "{outcome}");
        assert_eq!(outcome.stderr, "", "{outcome}");
        outcome
    }
}

/// Names of the containers that a run with this process id made.
pub fn containers_of(id: u32) -> Vec<String> {
    let filter = format!("name=^/?minis2i-[0-9a-f]+-{id}[.]");
    docker(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"]).lines().map(str::to_owned).collect()
}

impl Drop for Watching {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        let id = running.id();
        drop(running);
        containers_of(id).iter().for_each(|name| drop(try_docker(&["rm", "--force", "--volumes", name])));
    }
}

impl std::fmt::Display for Watching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n--- stdout\n{}---", self.running().line, self.running().stdout())
    }
}
