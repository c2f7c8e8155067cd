//! `--scripts-url` with a web server.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::fixtures::{assert_image_runs, builder, folder_with, script_named};
use crate::support::builder::Builder;
use crate::support::exit_status::USAGE;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::wait::{TIMEOUT, wait_for};

/// A web server on this machine that logs the paths it is asked for.
struct ScriptServer {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ScriptServer {
    /// Answers a path with its status and text, and any other with 404. A status of 0 is no answer at all.
    fn new(answers: &[(&str, u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = |(path, status, text): &(&str, u16, &str)| ((*path).to_owned(), (*status, (*text).to_owned()));
        let answers: BTreeMap<_, _> = answers.iter().map(own).collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let mut line = String::new();
                BufReader::new(&stream).read_line(&mut line).unwrap();
                let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                log.lock().unwrap().push(path.clone());
                let (status, text) = answers.get(&path).cloned().unwrap_or((404, String::new()));
                let head = if status == 302 { format!("Location: {text}\r\n") } else { String::new() };
                if status == 0 {
                    silent.push(stream);
                } else {
                    let length = text.len();
                    let head =
                        format!("HTTP/1.1 {status} x\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n");
                    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes()));
                }
            }
        });
        Self { port, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn build(&self, project: &Project, builder: &Builder, path: &str) -> Outcome {
        project.build(builder).args(&["-s", &self.url(path)]).run()
    }
}

#[test]
fn scripts_are_fetched_and_what_is_not_found_comes_from_the_image() {
    let builder = builder();
    let server = ScriptServer::new(&[("/s2i/run", 200, &script_named("fetched run")), ("/s2i/assemble", 302, "/real")]);
    let server_too =
        ScriptServer::new(&[("/s2i/assemble", 302, "/real"), ("/real", 200, &script_named("fetched assemble"))]);
    let project = Project::new();
    server_too.build(&project, &builder, "/s2i/").status(0).says("fetched assemble in /tmp/scripts/assemble\n");
    let project = Project::new();
    server.build(&project, &builder, "/s2i").status(0).says("label assemble in /opt/label/assemble\n");
    assert_image_runs(&project, "/tmp/scripts/run", "fetched run in /tmp/scripts/run");
    let mut asked = server.asked.lock().unwrap().clone();
    asked.sort();
    assert_eq!(asked, ["/real", "/s2i/assemble", "/s2i/run", "/s2i/save-artifacts"]);
}

#[test]
fn a_label_may_name_one() {
    let server =
        ScriptServer::new(&[("/assemble", 200, &script_named("fetched")), ("/run", 200, &script_named("fetched run"))]);
    let builder = Builder::without_scripts()
        .instruction(&format!("LABEL io.openshift.s2i.scripts-url={}", server.url("")))
        .make();
    let project = Project::new().file(".s2i/bin/run", &script_named("source run"));
    project.build(&builder).success().says("fetched in /tmp/scripts/assemble\n");
    assert_eq!(project.image().run(&[]), "source run in /tmp/scripts/run");
    // The source has its own `run`, so that of the server is not fetched.
    assert!(!server.asked.lock().unwrap().contains(&"/run".to_owned()));
}

#[test]
fn a_place_without_scripts_is_refused() {
    let builder = builder();
    let server = ScriptServer::new(&[]);
    let project = Project::new();
    server.build(&project, &builder, "/none").status(USAGE).says("names a place without scripts").says("/none`");
    assert_eq!(project.id(), None);
}

#[test]
fn any_other_answer_is_an_error_that_shows_no_password() {
    let builder = builder();
    let server = ScriptServer::new(&[("/assemble", 500, "broken")]);
    let url = server.url("").replace("//", "//me:secret@");
    let project = Project::new();
    let outcome = project.build(&builder).args(&["-s", &url]).run().status(USAGE);
    outcome
        .says(&format!("cannot fetch the script `{}`", server.url("/assemble")))
        .says("status 500")
        .never_says("secret");
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let builder = builder();
    let project = Project::new();
    let run = project.build(&builder).args(&["-s", "http://127.0.0.1:1/s2i"]);
    run.run()
        .status(USAGE)
        .says("cannot fetch the script `http://127.0.0.1:1/s2i/")
        .says("hint: see that the server is up");
}

#[test]
fn an_interrupt_does_not_wait_for_a_server() {
    let builder = builder();
    let server = ScriptServer::new(&[("/assemble", 0, "")]);
    let project = Project::new();
    let running = project.build(&builder).args(&["-s", &server.url("")]).start();
    wait_for("the server is asked", || !server.asked.lock().unwrap().is_empty());
    let begin = std::time::Instant::now();
    running.signal("INT");
    running.end().status(130).says("minis2i: build cancelled:");
    assert!(begin.elapsed().as_secs() < 5 && begin.elapsed() < TIMEOUT);
}

/// A server with a self-signed certificate.
struct HttpsServer {
    child: Child,
    port: String,
    folder: tempfile::TempDir,
}

impl HttpsServer {
    fn new() -> Self {
        let folder = folder_with(&[
            ("assemble", &script_named("fetched")),
            ("run", &script_named("run")),
            ("save-artifacts", "#!/bin/sh\n"),
        ]);
        let make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test \
                    -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:false \
                    -keyout key.pem -out cert.pem";
        let made = Self::openssl(folder.path(), make).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let serve = "s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -WWW";
        let mut child = Self::openssl(folder.path(), serve).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ").map(str::to_owned)).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        let port = line.rsplit(':').next().unwrap().to_owned();
        Self { child, port, folder }
    }

    fn openssl(folder: &Path, line: &str) -> Command {
        let mut command = Command::new("openssl");
        command.args(line.split_whitespace()).current_dir(folder).stdin(Stdio::null()).stderr(Stdio::null());
        command
    }
}

impl Drop for HttpsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_secure_one_is_asked_if_this_machine_trusts_it() {
    let builder = builder();
    let server = HttpsServer::new();
    let url = format!("https://127.0.0.1:{}", server.port);
    let project = Project::new();
    let run = project.build(&builder).args(&["-s", &url]).env("SSL_CERT_FILE", server.folder.path().join("cert.pem"));
    run.success().says("fetched in /tmp/scripts/assemble\n");
    let refused = Project::new();
    let outcome = refused.build(&builder).args(&["-s", &url]).run().status(USAGE);
    outcome.says("cannot fetch the script `https://").says("certificate");
}
