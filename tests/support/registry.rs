//! A real registry on this machine, for a test or for several: what it has, and how it is called. Docker takes registries at
//! 127.0.0.0/8 to speak http.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;
use tempfile::TempDir;

use super::servers;
use super::skipped::skip;

/// Debian's package, and the program in it.
const PACKAGE: &str = "docker-registry";
const PROGRAM: &str = "usr/bin/docker-registry";

/// The kinds of manifests that docker and podman push.
const KINDS: &str = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";

/// The user `user` with the password `secret`: for the registry (`openssl` has no bcrypt), and for the engine's CLI.
const HTPASSWD: &str = "user:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n";
const AUTH: &str = "dXNlcjpzZWNyZXQ=";

/// A registry that runs. It ends, and all that it has is removed, when it is dropped.
pub struct Registry {
    process: Child,
    folder: TempDir,
    host: String,
    login: bool,
}

impl Registry {
    /// The registry that tests share; `None` and a printed reason where there is none.
    pub fn shared() -> Option<Arc<Self>> {
        static KNOWN: Mutex<Weak<Registry>> = Mutex::new(Weak::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(registry) = known.upgrade() {
            return Some(registry);
        }
        let registry = Arc::new(Self::start(false)?);
        *known = Arc::downgrade(&registry);
        Some(registry)
    }

    /// One that wants a login; `None` and a printed reason where there is none.
    pub fn with_login() -> Option<Self> {
        Self::start(true)
    }

    fn start(login: bool) -> Option<Self> {
        if std::env::var("DOCKER_HOST").is_ok_and(|host| !host.starts_with("unix://")) {
            skip("an engine on another machine does not reach a registry of this one");
            return None;
        }
        let Some(program) = servers::program(PACKAGE, PROGRAM) else {
            skip("there is no `docker-registry`");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let auth = if login {
            format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", path("users"))
        } else {
            String::new()
        };
        fs::write(path("users"), HTPASSWD).unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: info, accesslog: {{disabled: true}}}}\nstorage: {{filesystem: {{rootdirectory: \
             {}}}, maintenance: {{uploadpurging: {{enabled: false}}}}}}\nhttp: {{addr: '127.0.0.1:0', secret: test}}\n{auth}",
            path("data")
        );
        fs::write(path("config.yml"), config).unwrap();
        let mut command = Command::new(program);
        command.args(["serve", &path("config.yml")]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let host = host_in_log(&mut process);
        Some(Self { process, folder, host, login })
    }

    /// The host with the port, as names of images begin.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A folder for `DOCKER_CONFIG` in which the user is logged in at this host, which may be that of a way to the registry.
    pub fn docker_config(&self, host: &str) -> PathBuf {
        let folder = self.folder.path().join(format!("docker-{}", host.replace(':', "-")));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.json"), format!(r#"{{"auths": {{"{host}": {{"auth": "{AUTH}"}}}}}}"#)).unwrap();
        folder
    }

    /// The id of the image that it has under this name and the tag `latest`, if it has one. The configuration of an image,
    /// whose digest the id is, is the same in the registry.
    pub fn image_id(&self, repository: &str) -> Option<String> {
        let manifest = self.get(&format!("/v2/{repository}/manifests/latest"))?;
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        Some(manifest["config"]["digest"].as_str().unwrap().to_owned())
    }

    /// The body of an answer, if it is a success.
    fn get(&self, target: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let login = if self.login { format!("Authorization: Basic {AUTH}\r\n") } else { String::new() };
        let host = &self.host;
        write!(stream, "GET {target} HTTP/1.0\r\nHost: {host}\r\nAccept: {KINDS}\r\n{login}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        head.split(' ').nth(1).is_some_and(|status| status == "200").then(|| body.to_owned())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The address that a registry says it listens on. The rest of its log is read and dropped.
fn host_in_log(process: &mut Child) -> String {
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let mut said = String::new();
    loop {
        let begin = said.len();
        assert!(log.read_line(&mut said).unwrap() > 0, "the registry ended:\n{said}");
        if let Some((_, rest)) = said[begin..].split_once("listening on ") {
            let host = rest.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
            std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
            return host;
        }
    }
}
