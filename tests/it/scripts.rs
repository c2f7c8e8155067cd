//! Where scripts come from, where the source goes, who runs: options, and what they win over.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::support::builder::{Builder, shared};
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::stand_in_cli::StandIn;
use crate::support::wait::{PATIENCE, wait_for};

const USAGE: i32 = 2;
const ENGINE: i32 = 125;

/// A script that says which one it is, and where it runs.
fn say(who: &str) -> String {
    format!("#!/bin/sh\necho \"{who} in $0\"\n")
}

/// A builder with all three scripts by label, two more folders with some, and none that prints an archive.
fn builder() -> Arc<Builder> {
    shared("scripts", || {
        let mut builder = Builder::bare()
            .change("LABEL io.openshift.s2i.scripts-url=image:///opt/label")
            .change("WORKDIR /work")
            .file("opt/asked/run", 0o755, &say("asked run"))
            .file("work/relative/assemble", 0o755, &say("relative assemble"));
        for script in ["assemble", "run", "save-artifacts"] {
            let text =
                if script == "save-artifacts" { "#!/bin/sh\n".to_owned() } else { say(&format!("label {script}")) };
            builder = builder.file(&format!("opt/label/{script}"), 0o755, &text);
        }
        builder.make()
    })
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[track_caller]
fn runs(project: &Project, command: &str, says: &str) {
    assert_eq!(project.image().config()["Cmd"], json!([command]));
    assert_eq!(project.image().run(&[]), says);
}

mod folders_of_the_image {
    use super::*;

    #[test]
    fn a_folder_that_is_asked_for_wins_script_by_script() {
        let builder = builder();
        let project = Project::new().file("a", "");
        let outcome = project.build(&builder).args(&["-s", "image:///opt/asked/"]).success();
        outcome.says("label assemble in /opt/label/assemble\n").never_says("note:");
        runs(&project, "/opt/asked/run", "asked run in /opt/asked/run");
    }

    #[test]
    fn a_relative_one_is_below_the_workdir() {
        let builder = builder();
        let project = Project::new();
        let outcome = project.build(&builder).args(&["--scripts-url", "image://relative"]).success();
        outcome.says("relative assemble in /work/relative/assemble\n");
        runs(&project, "/opt/label/run", "label run in /opt/label/run");
    }

    #[test]
    fn those_of_the_source_are_not_used_then_and_a_note_says_so() {
        let builder = builder();
        let project = Project::new().file(".s2i/bin/assemble", &say("source assemble"));
        let outcome = project.build(&builder).args(&["-s", "image:///opt/asked"]).success();
        outcome.says("label assemble").says("note: `.s2i/bin/assemble` of the source is not used");
    }

    #[test]
    fn one_without_scripts_is_refused() {
        let builder = builder();
        let project = Project::new();
        let outcome = project.build(&builder).args(&["-s", "image:///etc"]).run().status(USAGE);
        outcome.says("error: `--scripts-url` names a place without scripts: `/etc` in the image").says("hint: ");
        assert_eq!(project.id(), None);
    }

    #[test]
    fn an_unlabelled_image_is_a_builder_with_the_option_and_needs_no_note() {
        let builder = Builder::bare().file("srv/assemble", 0o755, &say("hidden")).make();
        for option in ["--scripts-url", "--image-scripts-url"] {
            let project = Project::new();
            let outcome = project.build(&builder).args(&[option, "image:///srv"]).success();
            outcome.says("hidden in /srv/assemble\n").never_says("has no label");
        }
    }

    #[test]
    fn the_fallback_comes_after_label_and_source() {
        let builder = Builder::bare()
            .change("LABEL io.s2i.scripts-url=image:///label")
            .file("label/assemble", 0o755, &say("label"))
            .file("fallback/assemble", 0o755, &say("fallback"))
            .file("fallback/run", 0o755, &say("fallback run"))
            .make();
        let project = Project::new();
        let outcome = project.build(&builder).args(&["--image-scripts-url", "image:///fallback"]).success();
        outcome.says("label in /label/assemble\n");
        runs(&project, "/fallback/run", "fallback run in /fallback/run");
    }

    #[test]
    fn the_save_artifacts_of_an_asked_for_folder_is_found_again() {
        let save = "#!/bin/sh\necho kept >/tmp/kept\nexec tar -C /tmp -cf - kept\n";
        let builder = Builder::new()
            .file("opt/own/assemble", 0o755, "#!/bin/sh\ncat /tmp/artifacts/kept 2>/dev/null || echo nothing\n")
            .file("opt/own/save-artifacts", 0o755, save)
            .make();
        let project = Project::new();
        project.build(&builder).args(&["-s", "image:///opt/own"]).success().says("nothing\n");
        project.build(&builder).args(&["-s", "image:///opt/own"]).success().says("kept\n");
    }
}

mod folders_of_this_machine {
    use super::*;

    #[test]
    fn the_old_name_of_the_sources_folder_counts_behind_the_new_one() {
        let builder = builder();
        let project = Project::new().file(".sti/bin/assemble", &say("old")).file(".sti/bin/run", &say("old run"));
        project.write(".s2i/bin/run", &say("new run"));
        project.build(&builder).success().says("old in /tmp/scripts/assemble\n");
        runs(&project, "/tmp/scripts/run", "new run in /tmp/scripts/run");
    }

    #[test]
    fn one_with_a_single_script_leaves_the_others_in_the_image() {
        let builder = builder();
        let folder = folder(&[("run", &say("my run"))]);
        let path = folder.path().display().to_string();
        for url in [format!("file://{path}"), path] {
            let project = Project::new();
            project.build(&builder).args(&["-s", &url]).success().says("label assemble in /opt/label/assemble\n");
            runs(&project, "/tmp/scripts/run", "my run in /tmp/scripts/run");
        }
    }

    #[test]
    fn it_wins_over_the_source_which_wins_over_the_label() {
        let builder = builder();
        let folder = folder(&[("assemble", &say("my assemble"))]);
        let project = Project::new().file(".s2i/bin/assemble", &say("source assemble"));
        project.write(".s2i/bin/run", &say("source run"));
        let run = project.build(&builder).args(&["-s", folder.path().to_str().unwrap()]);
        run.success().says("my assemble in /tmp/scripts/assemble\n").never_says("source assemble");
        runs(&project, "/tmp/scripts/run", "source run in /tmp/scripts/run");
    }

    #[test]
    fn relative_ones_are_meant_from_here() {
        let builder = builder();
        let project = Project::new().file("../mine/assemble", &say("my assemble"));
        let here = project.path().join("..");
        for url in ["file://mine", "mine", "./mine/"] {
            let outcome = project.build(&builder).current_dir(&here).args(&["-s", url]).success();
            outcome.says("my assemble in /tmp/scripts/assemble\n");
        }
    }

    #[test]
    fn a_save_artifacts_is_used_at_once() {
        let builder = builder();
        let project = Project::new();
        let assemble = "#!/bin/sh\ncat /tmp/artifacts/kept 2>/dev/null || echo nothing\n";
        let mine = folder(&[("assemble", assemble)]);
        let url = mine.path().display().to_string();
        project.build(&builder).args(&["-s", &url]).success().says("nothing\n");
        let save = "#!/bin/sh\necho \"kept by $0\" >/tmp/kept\nexec tar -C /tmp -cf - kept\n";
        fs::write(mine.path().join("save-artifacts"), save).unwrap();
        project.build(&builder).args(&["-s", &url]).success().says("kept by /tmp/scripts/save-artifacts\n");
    }

    #[test]
    fn variables_reach_them() {
        let builder = builder();
        let mine = folder(&[("assemble", "#!/bin/sh\necho \"$NAME in $PWD\"\n"), ("run", "#!/bin/sh\necho $NAME\n")]);
        let project = Project::new();
        let run = project.build(&builder).args(&["-s", mine.path().to_str().unwrap(), "-e", "NAME=value"]);
        run.success().says("value in /work\n");
        assert_eq!(project.image().run(&[]), "value");
    }

    #[test]
    fn places_without_scripts_are_refused() {
        let builder = builder();
        let empty = folder(&[]);
        let path = empty.path().display().to_string();
        for (url, cause) in [
            (path.as_str(), "names a place without scripts"),
            ("/none/such", "there is no such folder on this machine"),
            ("file:///none/such", "there is no such folder on this machine"),
            ("ftp://host.example/s2i", "begins with `ftp://`, which is not understood"),
            ("image:/usr/libexec/s2i", "has no `//` after `image:`"),
        ] {
            let project = Project::new();
            let outcome = project.build(&builder).args(&["-s", url]).run().status(USAGE);
            outcome.says(cause).says("\nhint: ");
            assert_eq!(project.id(), None, "{url}");
        }
    }

    #[test]
    fn a_bad_first_line_names_the_file() {
        let builder = builder();
        let mine = folder(&[("assemble", "#!/none/sh\n")]);
        let project = Project::new();
        let run = project.build(&builder).args(&["-s", mine.path().to_str().unwrap()]);
        let outcome = run.run().status(USAGE);
        outcome.says(&format!("cannot run the script `{}/assemble`", mine.path().display())).says("`/none/sh`");
    }

    #[test]
    fn a_label_may_name_one() {
        let mine = folder(&[("assemble", &say("labelled")), ("run", &say("labelled run"))]);
        let label = format!("LABEL io.openshift.s2i.scripts-url=file://{}", mine.path().display());
        let builder = Builder::bare().change(&label).make();
        let project = Project::new();
        project.build(&builder).success().says("labelled in /tmp/scripts/assemble\n");
        runs(&project, "/tmp/scripts/run", "labelled run in /tmp/scripts/run");
        // The image inherits the label, and is asked for artifacts all the same.
        project.build(&builder).success().says("incremental");
        fs::remove_file(mine.path().join("assemble")).unwrap();
        let outcome = project.build(&builder).run().status(ENGINE);
        outcome.says(&format!("there is none in `{}`", mine.path().display()));
    }
}

/// A server of files on this machine.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
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

mod servers {
    use super::*;

    #[test]
    fn scripts_are_fetched_and_what_is_not_found_comes_from_the_image() {
        let builder = builder();
        let server = Server::new(&[("/s2i/run", 200, &say("fetched run")), ("/s2i/assemble", 302, "/real")]);
        let server_too = Server::new(&[("/s2i/assemble", 302, "/real"), ("/real", 200, &say("fetched assemble"))]);
        let project = Project::new();
        server_too.build(&project, &builder, "/s2i/").status(0).says("fetched assemble in /tmp/scripts/assemble\n");
        let project = Project::new();
        server.build(&project, &builder, "/s2i").status(0).says("label assemble in /opt/label/assemble\n");
        runs(&project, "/tmp/scripts/run", "fetched run in /tmp/scripts/run");
        let mut asked = server.asked.lock().unwrap().clone();
        asked.sort();
        assert_eq!(asked, ["/real", "/s2i/assemble", "/s2i/run", "/s2i/save-artifacts"]);
    }

    #[test]
    fn a_label_may_name_one() {
        let server = Server::new(&[("/assemble", 200, &say("fetched")), ("/run", 200, &say("fetched run"))]);
        let builder = Builder::bare().change(&format!("LABEL io.openshift.s2i.scripts-url={}", server.url(""))).make();
        let project = Project::new().file(".s2i/bin/run", &say("source run"));
        project.build(&builder).success().says("fetched in /tmp/scripts/assemble\n");
        assert_eq!(project.image().run(&[]), "source run in /tmp/scripts/run");
        // What is not needed from there is not fetched.
        assert!(!server.asked.lock().unwrap().contains(&"/run".to_owned()));
    }

    #[test]
    fn a_place_without_scripts_is_refused() {
        let builder = builder();
        let server = Server::new(&[]);
        let project = Project::new();
        server.build(&project, &builder, "/none").status(USAGE).says("names a place without scripts").says("/none`");
        assert_eq!(project.id(), None);
    }

    #[test]
    fn any_other_answer_is_an_error_that_shows_no_password() {
        let builder = builder();
        let server = Server::new(&[("/assemble", 500, "broken")]);
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
        let server = Server::new(&[("/assemble", 0, "")]);
        let project = Project::new();
        let running = project.build(&builder).args(&["-s", &server.url("")]).start();
        wait_for("the server is asked", || !server.asked.lock().unwrap().is_empty());
        let begin = std::time::Instant::now();
        running.signal("INT");
        running.end().status(130).says("minis2i: build cancelled:");
        assert!(begin.elapsed().as_secs() < 5 && begin.elapsed() < PATIENCE);
    }

    /// A server with a certificate that nobody signed but itself.
    struct Secure {
        child: Child,
        port: String,
        folder: tempfile::TempDir,
    }

    impl Secure {
        fn new() -> Self {
            let folder =
                folder(&[("assemble", &say("fetched")), ("run", &say("run")), ("save-artifacts", "#!/bin/sh\n")]);
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

    impl Drop for Secure {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[test]
    fn a_secure_one_is_asked_if_this_machine_trusts_it() {
        let builder = builder();
        let server = Secure::new();
        let url = format!("https://127.0.0.1:{}", server.port);
        let project = Project::new();
        let run =
            project.build(&builder).args(&["-s", &url]).env("SSL_CERT_FILE", server.folder.path().join("cert.pem"));
        run.success().says("fetched in /tmp/scripts/assemble\n");
        let refused = Project::new();
        let outcome = refused.build(&builder).args(&["-s", &url]).run().status(USAGE);
        outcome.says("cannot fetch the script `https://").says("certificate");
    }
}

mod destinations {
    use super::*;

    #[test]
    fn the_option_wins_over_the_label() {
        let assemble = "#!/bin/sh\nset -e\ncat /opt/in/src/a\n[ ! -e /tmp/src ] && [ ! -e /opt/label/src ]\n";
        let builder = Builder::new()
            .script("assemble", assemble)
            .file("opt/in/.keep", 0o644, "")
            .file("opt/label/.keep", 0o644, "")
            .change("LABEL io.openshift.s2i.destination=/opt/label")
            .make();
        for option in ["-d", "--destination", "--location"] {
            let project = Project::new().file("a", "source\n").file(".s2i/bin/run", &say("run"));
            project.build(&builder).args(&[option, "/opt/in/"]).success().says("source\n");
            runs(&project, "/opt/in/scripts/run", "run in /opt/in/scripts/run");
            assert!(!project.image().has("/opt/in/src"));
        }
    }

    #[test]
    fn a_relative_one_is_below_the_workdir() {
        let builder =
            Builder::new().script("assemble", "#!/bin/sh\ncat /app/in/src/a\n").file("app/in/.keep", 0o644, "").make();
        let project = Project::new().file("a", "source\n").file(".s2i/bin/run", &say("run"));
        project.build(&builder).args(&["-d", "in"]).success().says("source\n");
        runs(&project, "/app/in/scripts/run", "run in /app/in/scripts/run");
        project.build(&builder).args(&["-d", "in", "--mount"]).success().says("source\n");
    }

    #[test]
    fn an_uploaded_save_artifacts_runs_where_the_last_build_had_it() {
        let save =
            "#!/bin/sh\ncd \"${0%/*}/..\"\necho \"from $PWD\" >artifacts-of-mine\nexec tar -cf - artifacts-of-mine\n";
        let assemble = "#!/bin/sh\ncat /opt/*/artifacts/artifacts-of-mine 2>/dev/null || echo nothing\n";
        let builder = Builder::new()
            .script("assemble", assemble)
            .file("opt/one/.keep", 0o644, "")
            .file("opt/two/.keep", 0o644, "")
            .make();
        let project = Project::new().file(".s2i/bin/save-artifacts", save);
        project.build(&builder).args(&["-d", "/opt/one"]).success().says("nothing\n");
        project.build(&builder).args(&["-d", "/opt/two"]).success().says("from /opt/one\n");
        project.build(&builder).args(&["-d", "/opt/one"]).success().says("from /opt/two\n");
    }

    #[test]
    fn one_that_is_not_there_is_refused() {
        let builder = builder();
        let project = Project::new().file("a", "1");
        let outcome = project.build(&builder).args(&["-d", "/none"]).run().status(ENGINE);
        outcome.says("has no folder `/none` for the source").says("`--destination DIR`");
        project.build(&builder).args(&["-d", ""]).run().status(USAGE).says("`--destination` names nothing");
    }
}

mod users {
    use super::*;

    /// A builder whose scripts say who they are; `assemble` wants to write to the source.
    fn who(user: &str) -> Builder {
        let who = "$(id -u 2>/dev/null || awk '/^Uid/ { print $2 }' /proc/self/status)";
        Builder::new()
            .script("assemble", &format!("#!/bin/sh\nset -e\n: >/tmp/src/mine\necho assembled by {who}\n"))
            .script("save-artifacts", &format!("#!/bin/sh\necho saved by {who} >&2\n"))
            .change(&format!("USER {user}"))
            .make()
    }

    #[test]
    fn the_assemble_user_runs_both_scripts_and_is_not_the_images() {
        for user in ["0", "1234"] {
            let builder = who(user);
            let project = Project::new().file("a", "");
            let build = || project.build(&builder).args(&["--assemble-user", "1500"]);
            build().success().says("assembled by 1500\n");
            build().success().says("assembled by 1500\n").says("saved by 1500\n");
            assert_eq!(project.image().config()["User"], user);
        }
    }

    #[test]
    fn it_wins_over_the_label() {
        let builder = Builder::obeying().change("LABEL io.openshift.s2i.assemble-user=1600").make();
        let project = Project::new();
        let run = project.build(&builder).args(&["--assemble-user", "1500"]).assemble("stat -c %u /tmp/src");
        assert_eq!(run.success().said(), ["1500"]);
        assert!(["", "0", "root"].contains(&project.image().config()["User"].as_str().unwrap()));
    }

    #[test]
    fn only_allowed_users_run_anything() {
        let stand_in = StandIn::new("[ \"$1\" != run ] || touch $here/ran\nexec docker \"$@\"");
        let numeric = who("1234:0");
        let project = Project::new().file("a", "");
        let build = |builder: &Builder, options: &[&str]| {
            project.build(builder).arg("--engine").arg(stand_in.path()).args(options).run()
        };
        for (options, status, cause) in [
            (&["-u", "2000-"][..], ENGINE, "runs as 1234, who is not among those allowed"),
            (&["-u", "1-", "--assemble-user", "0"], USAGE, "`assemble` would run as 0, who is not"),
            (&["-u", "1-", "--assemble-user", "root"], USAGE, "`root`, a name that may stand for any user"),
            (&["-u", "nobody"], USAGE, "`nobody` in it is no numeric user"),
            (&["--allowed-uids", "-"], USAGE, "has neither end"),
        ] {
            build(&numeric, options).status(status).says(cause).says("\nhint: ");
        }
        let labelled = Builder::obeying().user("1234", 1234, 0).change("LABEL io.openshift.s2i.assemble-user=0").make();
        build(&labelled, &["-u", "1-"]).status(ENGINE).says("has `assemble` run as 0, who is not");
        let named = who("nobody");
        build(&named, &["-u", "0-"]).status(ENGINE).says("`nobody`, a name that may stand for any user");
        let unset = builder();
        build(&unset, &["-u", "0-"]).status(ENGINE).says("root, since no USER is set");
        assert!(!stand_in.has("ran"));
        for options in [["-u", "1-"], ["--allowed-uids", "-1000,1200-1300"]] {
            build(&numeric, &options).status(0).says("assembled by 1234\n");
        }
        let outcome = project.build(&numeric).args(&["-u", "1-"]).rest(&["--user", "0"]).run();
        outcome.status(USAGE).says("`assemble` would run as 0");
    }

    #[test]
    fn the_artifacts_of_an_image_that_runs_as_somebody_else_are_not_asked_for() {
        let (root, allowed) = (who("0"), who("1234"));
        let project = Project::new().file("a", "");
        project.build(&root).success();
        let outcome = project.build(&allowed).args(&["-u", "1-"]).success();
        outcome.says("warning: building without artifacts: the previous image runs as 0").never_says("saved by");
        project.build(&allowed).args(&["-u", "1-"]).success().says("saved by 1234\n");
    }
}
