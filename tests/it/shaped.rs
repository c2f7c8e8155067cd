//! Builders shaped like those that people use: each builds a small application from nothing, on its own artifacts, and
//! at a save while a container waits, and comes to the same. Their files are in `tests/builders`; package managers and
//! the compiler are stand-ins, which say what they do anew and what they reuse.

use std::collections::BTreeMap;
use std::sync::Arc;

use filetime::FileTime;
use serde_json::{Value, json};

use crate::support::archive::Entry;
use crate::support::builder::{Builder, shared};
use crate::support::image::Image;
use crate::support::outcome::Outcome;
use crate::support::project::Project;
use crate::support::run::Run;

/// What a builder and its application are made of, and what is looked at in the images.
struct Shape {
    builder: Arc<Builder>,
    project: Project,
    /// The folders that builds change.
    folders: &'static [&'static str],
}

/// All of the folders without the times. A hard link is the file that it is: not every engine keeps links. That there
/// were artifacts shows in the image, since what `assemble` leaves of them stays; an empty folder is no difference.
type Content = BTreeMap<Vec<u8>, Entry>;

impl Shape {
    /// An incremental build.
    fn build(&self) -> Outcome {
        self.project.build(&self.builder).success().never_says("warning:").never_says("note:")
    }

    /// A build from nothing of the source as it is makes the same image as the one that the tag has.
    #[track_caller]
    fn is_what_a_clean_build_makes(&self) {
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
    fn a_save(&self, path: &str, text: &str) -> Outcome {
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
    fn has<const N: usize>(&self, expected: [(&str, u32, (u64, u64), &str); N]) {
        let content = self.content();
        for (path, mode, owner, held) in expected {
            let entry = content.get(path.as_bytes()).unwrap_or_else(|| panic!("{path} is missing"));
            let holds = if entry.kind == 'l' { &entry.link } else { &entry.content };
            assert_eq!((entry.mode, entry.owner, &*String::from_utf8_lossy(holds)), (mode, owner, held), "{path}");
        }
    }

    #[track_caller]
    fn has_none_of<const N: usize>(&self, paths: [&str; N]) {
        let content = self.content();
        for path in paths {
            assert!(!content.contains_key(path.as_bytes()), "{path}");
        }
    }

    /// A variable of the image.
    fn variable(&self, name: &str) -> Option<String> {
        let config = self.project.image().config();
        let mut found = config["Env"].as_array().unwrap().iter().filter_map(Value::as_str);
        found.find_map(|line| line.strip_prefix(&format!("{name}="))).map(str::to_owned)
    }

    /// The image has what every image of a builder on the core has.
    #[track_caller]
    fn keeps_the_cores_configuration(&self) {
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
fn on_the_core(name: &str) -> Builder {
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

mod python {
    use super::*;

    const AS_USER: &str = "---> 1001:0 in /opt/app-root/src through container-entrypoint\n";

    fn python() -> Shape {
        let builder = shared("python", || {
            let venv = "/opt/app-root/venv";
            on_the_core("python").folder(&venv[1..], 1001, 0).change(&format!("ENV VIRTUAL_ENV={venv}")).make()
        });
        let project = Project::new()
            .file("requirements.txt", "packages/greeting\npackages/colour\n")
            .file("packages/greeting/version", "1\n")
            .file("packages/colour/version", "7\n")
            .file("serve", "cat \"$VIRTUAL_ENV\"/lib64/site-packages/*/version page\n")
            .file("page", "page one\n")
            .file(".config/settings", "dotted\n")
            .file(".s2i/environment", "APP_FILE=serve\n");
        Shape { builder, project, folders: &["/opt/app-root", "/tmp"] }
    }

    #[test]
    fn packages_go_from_virtual_environment_to_virtual_environment() {
        let shape = python();
        shape.build().says("(clean)").says(AS_USER).says("installing greeting 1\ninstalling colour 7\n");
        assert_eq!(shape.project.image().run(&[]), "7\n1\npage one");
        shape.project.write("packages/greeting/version", "2\n");
        shape.build().says(AS_USER).says("restoring").says("installing greeting 2\nreusing colour 7\n");
        shape.project.write("page", "page two\n");
        shape.build().says("reusing greeting 2\nreusing colour 7\n").never_says("installing");
        assert_eq!(shape.project.image().run(&[]), "7\n2\npage two");
        shape.is_what_a_clean_build_makes();
    }

    #[test]
    fn all_of_the_application_is_the_users_and_none_of_it_stays_where_it_came() {
        let shape = python();
        shape.build();
        shape.keeps_the_cores_configuration();
        assert_eq!(shape.variable("APP_FILE").as_deref(), Some("serve"));
        let owner = (1001, 0);
        shape.has([
            ("/opt/app-root/src/page", 0o664, owner, "page one\n"),
            ("/opt/app-root/src/.config/settings", 0o664, owner, "dotted\n"),
            ("/opt/app-root/venv/lib64", 0o777, owner, "lib"),
            ("/opt/app-root/venv/lib/site-packages/colour/version", 0o664, owner, "7\n"),
        ]);
        shape.has_none_of(["/tmp/src"]);
    }

    #[test]
    fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
        let shape = python();
        let outcome = shape.a_save("packages/colour/version", "8\n");
        outcome.says("reusing greeting 1\ninstalling colour 8\n").says(AS_USER);
    }
}

mod nodejs {
    use super::*;

    const ONE: &str = "{\n  \"dependencies\": {\n    \"left\": \"1.0\"\n  }\n}\n";
    const TWO: &str = "{\n  \"dependencies\": {\n    \"left\": \"1.0\",\n    \"right\": \"2.0\"\n  }\n}\n";

    fn nodejs() -> Shape {
        let builder = shared("nodejs", || on_the_core("nodejs").make());
        let project = Project::new().file("package.json", ONE).file("views/index", "hello\n").file(".npmrc", "");
        Shape { builder, project, folders: &["/opt/app-root", "/tmp"] }
    }

    #[test]
    fn modules_go_from_build_to_build() {
        let shape = nodejs();
        shape.build().says("(clean)").says("adding left 1.0\n");
        shape.project.write("package.json", TWO);
        shape.build().says("restoring").says("reusing left 1.0\nadding right 2.0\n");
        shape.project.write("views/index", "hello again\n");
        shape.build().says("reusing left 1.0\nreusing right 2.0\n").never_says("adding");
        assert_eq!(shape.project.image().run(&[]), "left 1.0\nright 2.0");
        shape.keeps_the_cores_configuration();
        shape.has([
            ("/opt/app-root/src/node_modules/.bin/left", 0o777, (1001, 0), "../left/bin/cli"),
            ("/opt/app-root/src/node_modules/left/bin/cli", 0o775, (1001, 0), "#!/bin/sh\necho left 1.0\n"),
        ]);
        shape.is_what_a_clean_build_makes();
    }

    #[test]
    fn without_modules_nothing_is_saved_and_no_build_minds() {
        let shape = nodejs();
        shape.project.write("package.json", "{}\n");
        for _ in ["clean", "on nothing"] {
            shape.build().never_says("restoring");
        }
        assert!(!shape.project.image().has("/tmp/artifacts"));
        shape.project.write("package.json", ONE);
        shape.build().says("adding left 1.0\n");
    }

    #[test]
    fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
        nodejs().a_save("package.json", TWO).says("restoring").says("reusing left 1.0\nadding right 2.0\n");
    }
}

mod nginx {
    use super::*;

    fn nginx() -> Shape {
        let builder = shared("nginx", || {
            let own = ["etc/nginx", "etc/nginx/conf.d", "opt/app-root/etc/nginx-start", "opt/app-root/src/nginx-start"];
            own.iter()
                .fold(on_the_core("nginx"), |builder, folder| builder.folder(folder, 1001, 0))
                .change("ENV NGINX_CONF_PATH=/etc/nginx/nginx.conf NGINX_CONFIGURATION_PATH=/etc/nginx/conf.d")
                .change("ENV NGINX_START_PATH=/opt/app-root/etc/nginx-start")
                .change("EXPOSE 8080 8443")
                .make()
                .build_on("STOPSIGNAL SIGQUIT")
        });
        let project = Project::new()
            .file("index.html", "page one\n")
            .file("nginx.conf", "# the site's\n")
            .file("nginx-cfg/gzip.conf", "gzip on;\n")
            .file("nginx-start/more.sh", "echo more\n")
            .file(".well-known/security.txt", "hello\n");
        Shape { builder, project, folders: &["/opt/app-root", "/etc/nginx", "/tmp"] }
    }

    #[test]
    fn a_site_and_its_configuration_get_to_their_places() {
        let shape = nginx();
        shape.build().says("(clean)");
        assert_eq!(shape.project.image().run(&[]), "starting\nmore\n# the site's\ngzip on;\npage one");
        shape.project.write("index.html", "page two\n");
        std::fs::remove_file(shape.project.path().join("nginx-start/more.sh")).unwrap();
        // There is no script to ask for artifacts, so no container starts for it.
        shape.build().never_says(", artifacts ");
        assert_eq!(shape.project.image().run(&[]), "starting\n# the site's\ngzip on;\npage two");
        shape.is_what_a_clean_build_makes();
    }

    #[test]
    fn signal_and_ports_stay_and_the_second_copy_of_the_source_does_not() {
        let shape = nginx();
        shape.build();
        shape.keeps_the_cores_configuration();
        let config = shape.project.image().config();
        assert_eq!(config["StopSignal"], "SIGQUIT");
        assert_eq!(config["ExposedPorts"], json!({"8080/tcp": {}, "8443/tcp": {}}));
        shape.has([
            ("/etc/nginx/nginx.conf", 0o644, (1001, 0), "# the site's\n"),
            ("/opt/app-root/src/.well-known/security.txt", 0o664, (1001, 0), "hello\n"),
        ]);
        shape.has_none_of(["/tmp/src", "/opt/app-root/src/nginx.conf", "/opt/app-root/src/nginx-cfg"]);
    }

    #[test]
    fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
        let shape = nginx();
        shape.a_save("nginx-cfg/more.conf", "more on;\n");
        shape.has([("/etc/nginx/conf.d/more.conf", 0o664, (1001, 0), "more on;\n")]);
    }
}

mod compiled {
    use super::*;

    const FOUND: &str = "---> still one file by two names\n";

    fn compiled() -> Shape {
        let builder = shared("compiled", || {
            Builder::bare()
                .files_of("compiled")
                .folder("home/default", 185, 0)
                .folder("deployments", 185, 0)
                .change("LABEL io.openshift.s2i.scripts-url=image:///usr/local/s2i io.openshift.s2i.destination=/tmp")
                .change("ENV HOME=/home/default")
                .change("WORKDIR /home/default")
                .change("USER 185")
                .change("CMD [\"/usr/local/s2i/run\"]")
                .make()
        });
        let project = Project::new().file("main.c", "main\n").file("part.c", "part\n");
        // Long ago, as the files of a project are that do not change: images keep the times of objects in whole seconds.
        for file in ["main.c", "part.c"] {
            filetime::set_file_mtime(project.path().join(file), FileTime::from_unix_time(1_600_000_000, 0)).unwrap();
        }
        Shape { builder, project, folders: &["/home", "/deployments", "/tmp"] }
    }

    #[test]
    fn only_what_changed_is_compiled_again() {
        let shape = compiled();
        shape.build().says("(clean)").says("compiling main.c\ncompiling part.c\n");
        shape.build().says(FOUND).says("reusing main.o\nreusing part.o\n").never_says("compiling");
        shape.project.write("part.c", "another part\n");
        shape.build().says(FOUND).says("reusing main.o\ncompiling part.c\n");
        assert_eq!(shape.project.image().run(&[]), "object of main\nobject of another part");
        shape.is_what_a_clean_build_makes();
    }

    #[test]
    fn the_cache_stays_in_the_image_and_the_source_does_not() {
        let shape = compiled();
        shape.build();
        let config = shape.project.image().config();
        assert_eq!(config["Cmd"], json!(["/usr/local/s2i/run"]));
        assert_eq!((&config["User"], &config["Entrypoint"]), (&json!("185"), &json!(null)));
        shape.has([
            ("/deployments/app", 0o644, (185, 0), "object of main\nobject of part\n"),
            ("/tmp/artifacts/last", 0o660, (185, 0), "object of main\n"),
        ]);
        shape.has_none_of(["/tmp/src"]);
    }

    #[test]
    fn a_save_while_a_container_waits_makes_what_a_clean_build_makes() {
        let outcome = compiled().a_save("part.c", "another part\n");
        outcome.says(FOUND).says("reusing main.o\ncompiling part.c\n");
    }
}

mod php {
    use super::*;

    const NONE: &str = "{\n  \"require\": {\n  }\n}\n";
    const ONE: &str = "{\n  \"require\": {\n    \"log\": \"1\"\n  }\n}\n";
    const TWO: &str = "{\n  \"require\": {\n    \"log\": \"1\",\n    \"mail\": \"2\"\n  }\n}\n";

    fn php() -> Shape {
        let builder = shared("php", || on_the_core("php").make());
        let project = Project::new().file("composer.json", NONE).file("index.php", "<?php\n");
        Shape { builder, project, folders: &["/opt/app-root", "/tmp"] }
    }

    #[test]
    fn an_archive_of_zeros_is_no_artifacts_at_all() {
        let shape = php();
        shape.build();
        // What the next builds are given: blocks of zeros, and a status that says that all is well.
        let look = "/usr/libexec/s2i/save-artifacts >/tmp/z 2>/tmp/e && [ -s /tmp/z ] && tr -d '\\0' </tmp/z | wc -c";
        let zeros = shape.project.image().run(&["sh", "-c", look]);
        assert_eq!(zeros, "0");
        shape.build().never_says("restoring");
        shape.project.write("composer.json", ONE);
        shape.build().never_says("restoring").says("fetching log 1\n");
        shape.project.write("composer.json", TWO);
        shape.build().says("restoring").says("reusing log 1\nfetching mail 2\n");
        shape.build().says("restoring").says("reusing log 1\nreusing mail 2\n").never_says("fetching");
        assert_eq!(shape.project.image().run(&[]), "log 1\nmail 2");
        shape.has([("/opt/app-root/src/vendor/log", 0o664, (1001, 0), "log 1\n")]);
        shape.keeps_the_cores_configuration();
        shape.is_what_a_clean_build_makes();
    }

    #[test]
    fn a_container_waits_without_artifacts_after_an_archive_of_zeros() {
        php().a_save("composer.json", ONE).never_says("restoring").says("fetching log 1\n");
    }
}
