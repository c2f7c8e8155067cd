//! What is for `assemble` alone and not in the image: build variables, secrets, injected files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

use crate::support::base_image::BaseImage;
use crate::support::builder::{Builder, shared_builder};
use crate::support::project::Project;
use crate::support::stand_in_cli::StandInCli;
use crate::support::wait::wait_for;

/// A text that no image has by chance.
const WORD: &str = "xyzzy-4711-plugh";

/// A shared [`Builder::evaluating`] whose user is not root and owns `/app`.
fn builder() -> Arc<Builder> {
    shared_builder("secrets", || Builder::evaluating().user("1001", 1001, 1001).make())
}

/// The engine's CLI, with all arguments, and the description of the container before each commit, in the file `seen`.
fn inspecting_cli() -> StandInCli {
    StandInCli::new(
        "echo \"$*\" >>\"$here/seen\"\nif [ \"$1\" = commit ]; then for last; do :; done\n  \
         docker inspect \"$last\" >>\"$here/seen\"\nfi\nexec docker \"$@\"",
    )
}

// Variables.

#[test]
fn a_build_variable_is_for_assemble_alone() {
    let seen = inspecting_cli();
    let builder = builder();
    let project = Project::new().file("a", "");
    let build = |options: &[&str]| {
        let run = project.build(&builder).args(&["--verbose", "--engine", &seen.path()]).args(options);
        run.assemble("printf 'got %s.\\n' \"$TOKEN\"; echo $PLAIN").save("echo \"saving: $TOKEN.\" >&2").success()
    };
    let token = format!("TOKEN={WORD}'s\nsecond  line \\n");
    let outcome = build(&["--env", "PLAIN=plain", "--env", "TOKEN=public", "--build-env", &token]);
    assert_eq!(
        outcome.assemble_output(),
        [format!("got {WORD}'s"), "second  line \\n.".to_owned(), "plain".to_owned()]
    );
    assert_eq!(outcome.stderr.matches(WORD).count(), 1, "{outcome}");
    assert!(!seen.read("seen").contains(WORD) && !project.image().has_bytes(WORD));
    let env = project.image().config()["Env"].to_string();
    assert!(env.contains("PLAIN=plain") && env.contains("TOKEN=public"), "{env}");
    assert_eq!(project.image().label("io.github.minis2i.digest"), None);
    // The `save-artifacts` of the next build does not get it either.
    build(&["--build-env", "OTHER=x"]).says("saving: public.\n").says("got .\n");
}

#[test]
fn a_build_variable_can_come_from_the_environment() {
    let builder = builder();
    let project = Project::new().file("a", "");
    let run =
        || project.build(&builder).args(&["--build-env", "MINIS2I_TEST_TOKEN"]).assemble("echo $MINIS2I_TEST_TOKEN");
    assert_eq!(run().env("MINIS2I_TEST_TOKEN", "here").success().assemble_output(), ["here"]);
    run().run().status(2).says("`MINIS2I_TEST_TOKEN` is not set here").says("hint: write `--build-env NAME=VALUE`");
    let run = project.build(&builder).args(&["--build-env", "a.b=1"]);
    run.run().status(2).says("`a.b` cannot be the name of a variable").says("hint: ");
}

// Secrets.

#[test]
fn a_secret_is_a_file_in_memory_that_only_assemble_can_read() {
    let seen = inspecting_cli();
    let builder = builder();
    let project = Project::new().file("a", "");
    let file = project.temp_dir().join("secret");
    let content = [b"binary \0\xff'\"\\ ", WORD.as_bytes(), b"\n\n"].concat();
    fs::write(&file, &content).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let look = "md5sum </run/secrets/npm; stat -c '%a %u' /run/secrets/npm; grep ' /run/secrets ' /proc/mounts; \
                cat /run/secrets/two; echo; [ ! -e \"$HOME\"/.minis2i* ]";
    let secret = format!("id=npm,src={}", file.display());
    let run = project.build(&builder).args(&["--verbose", "--engine", &seen.path(), "--secret", &secret]);
    let outcome = run.args(&["--secret", "id=two,env=SECOND"]).env("SECOND", "from here").assemble(look).success();
    let sum = Command::new("md5sum").stdin(fs::File::open(&file).unwrap()).output().unwrap().stdout;
    let said = outcome.assemble_output();
    assert_eq!(said[0], String::from_utf8(sum).unwrap().trim());
    assert_eq!(said[1], "400 1001");
    assert!(said[2].starts_with("tmpfs "), "{outcome}");
    assert_eq!(said[3], "from here");
    assert!(!outcome.stderr.contains(WORD) && !seen.read("seen").contains(WORD) && !project.image().has_bytes(WORD));
    assert!(!seen.read("seen").contains("from here"));
    assert!(!project.image().has("/run/secrets/npm"));
}

#[test]
fn a_secret_that_is_not_there_is_an_error() {
    let builder = builder();
    let project = Project::new().file("a", "");
    let run = |secret: &str| project.build(&builder).args(&["--secret", secret]).run().status(2).says("hint: ");
    run("id=a,src=/none/such").says("cannot read the secret `a` from `/none/such`");
    run("id=a,env=MINIS2I_SURELY_NOT_SET").says("`MINIS2I_SURELY_NOT_SET` is not set");
    run("id=a").says("does not say where `a` comes from");
    let both = ["--secret", "id=a,env=HOME", "--secret", "id=a,env=PATH"];
    project.build(&builder).args(&both).run().status(2).says("the secret `a` is given twice");
    let large = project.temp_dir().join("large");
    fs::write(&large, vec![b'x'; 600 * 1024]).unwrap();
    run(&format!("id=a,src={}", large.display())).says("larger than 500 KiB");
}

#[test]
fn a_large_secret_arrives_whole() {
    let builder = builder();
    let project = Project::new().file("a", "");
    let file = project.temp_dir().join("secret");
    fs::write(&file, vec![0; 100 * 1024]).unwrap();
    let secret = format!("id=zeros,src={}", file.display());
    let run = project.build(&builder).args(&["--secret", &secret]).assemble("wc -c </run/secrets/zeros");
    assert_eq!(run.success().assemble_output(), ["102400"]);
}

// Injected files.

/// A folder to inject: `plain`, a file below a folder, and one that only its owner can read.
fn injection(project: &Project) -> String {
    let folder = project.temp_dir().join("inject it");
    fs::create_dir_all(folder.join("deep/er")).unwrap();
    fs::write(folder.join("plain"), format!("{WORD}\n")).unwrap();
    fs::write(folder.join("deep/er/it's"), "below-4712-plugh\n").unwrap();
    fs::set_permissions(folder.join("plain"), fs::Permissions::from_mode(0o600)).unwrap();
    folder.display().to_string()
}

#[test]
fn injected_files_are_there_for_assemble_and_leave_nothing() {
    let builder = builder();
    let project = Project::new().file("a", "");
    let inject = format!("{}:/app/conf/here", injection(&project));
    let look = "cat /app/conf/here/plain; cat \"/app/conf/here/deep/er/it's\"; stat -c '%a %u' /app/conf/here/plain";
    let outcome = project.build(&builder).args(&["--inject", &inject]).assemble(look).success();
    assert_eq!(outcome.assemble_output(), [WORD, "below-4712-plugh", "600 1001"]);
    assert!(
        !project.image().has("/app/conf")
            && !project.image().has_bytes(WORD)
            && !project.image().has_bytes("below-4712-plugh")
    );
    assert!(!project.image().has("/tmp/.minis2i-injected"));
    // Nor are the folders left that were made for them.
    assert_eq!(project.image().files("/app").len(), 1);
}

#[test]
fn what_injected_files_replaced_comes_back_and_what_assemble_made_stays() {
    let builder = Builder::evaluating()
        .user("1001", 1001, 1001)
        .folder_of_mode("app/conf", 0o750, 1001, 1001)
        .file("app/conf/other", 0o644, "other\n")
        .file("app/conf/plain", 0o640, "the builder's\n")
        .make();
    let project = Project::new().file("a", "");
    let inject = format!("{};{}:conf", injection(&project), injection(&project));
    let look = "cat /app/conf/plain /app/conf/other /app/plain; echo made >/app/deep/made; rm /app/conf/deep/er/*";
    let outcome = project.build(&builder).args(&["-i", &inject]).assemble(look).success();
    assert_eq!(outcome.assemble_output(), [WORD, "other", WORD]);
    let files = project.image().files("/app");
    let names: Vec<_> = files.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    assert_eq!(names, ["", "conf", "conf/other", "conf/plain", "deep", "deep/made"]);
    assert_eq!(files[b"conf/plain".as_slice()].content, b"the builder's\n");
    assert_eq!(files[b"conf/plain".as_slice()].mode, 0o640);
    assert!(!project.image().has_bytes(WORD));
}

#[test]
fn what_can_not_be_injected_is_refused() {
    let builder = builder();
    let project = Project::new().file("a", "");
    let folder = injection(&project);
    let run = |inject: &str, status| project.build(&builder).args(&["-i", inject]).assemble("").run().status(status);
    run("/none/such:/app", 2).says("cannot read `/none/such`, which is to be injected").says("hint: ");
    run(&format!("{folder}/plain:/app"), 2).says("it is no folder").says("hint: give the folder that holds it");
    let outcome = run(&format!("{folder}:/usr/share/x"), 125).says("error: cannot inject files");
    outcome.says("ermission denied").says("hint: the user of `assemble` must be able to write there");
    std::os::unix::fs::symlink(".", project.temp_dir().join("inject it/loop")).unwrap();
    run(&format!("{folder}:/app"), 2).says("contains itself through a link").says("hint: ");
    assert_eq!(project.id(), None);
}

#[test]
fn a_failed_assemble_with_all_of_it_leaves_no_image_and_no_container() {
    let builder = builder();
    let project = Project::new().file("a", "");
    let inject = format!("{}:/app/x", injection(&project));
    let options = ["--inject", &inject, "--build-env", "A=1", "--secret", "id=h,env=HOME"];
    project.build(&builder).args(&options).assemble("exit 7").run().status(7);
    assert_eq!(project.id(), None);
}

// Builders without `tar` or a shell.

#[test]
fn all_of_it_works_in_a_builder_without_tar() {
    let builder = Builder::evaluating().file("tmp/scripts/x", 0o644, "").user("1001", 1001, 1001).make();
    let project = Project::new().file("a", "");
    let inject = format!("{}:/app/conf", injection(&project));
    let options = ["--inject", &inject, "--build-env", "A=1 2", "--secret", "id=h,env=WORD"];
    let run = project.build(&builder).args(&options).env("WORD", WORD);
    let outcome = run.assemble("echo $A; cat /run/secrets/h; echo; cat /app/conf/plain").success();
    assert_eq!(outcome.assemble_output(), ["1 2", WORD, WORD]);
    assert!(!project.image().has("/app/conf") && !project.image().has_bytes(WORD));
}

#[test]
fn a_builder_without_a_shell_can_not_keep_a_secret() {
    let base = BaseImage::empty();
    let builder = Builder::without_scripts().base(base.name()).file("usr/libexec/s2i/assemble", 0o755, "").make();
    let project = Project::new().file("a", "");
    let run = project.build(&builder).args(&["--build-env", "A=1"]);
    run.run().status(125).says("has no `/bin/sh`, which `--build-env`").says("hint: ");
}

// Pipes.

/// A pipe beside the source, and its path.
fn pipe(project: &Project) -> PathBuf {
    let path = project.temp_dir().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[test]
fn a_secret_from_a_pipe_is_there_for_every_build_of_a_watch() {
    let builder = builder();
    let project = Project::new().file("a", "1");
    let path = pipe(&project);
    let secret = format!("id=key,src={}", path.display());
    let run = project.watch(&builder).args(&["--secret", &secret]).assemble("cat /run/secrets/key a >/app/out");
    std::thread::scope(|scope| {
        scope.spawn(|| fs::write(&path, "piped ").unwrap());
        let watch = run.start_watch();
        assert_eq!(project.image().run(&[]), "piped 1");
        // One with a standby, and one that is made of nothing.
        watch.build_after(|| project.write("a", "2"));
        assert_eq!(project.image().run(&[]), "piped 2");
        watch.build_after(|| project.write(".s2i/environment", "A=1"));
        assert_eq!(project.image().run(&[]), "piped 2");
        watch.stop("INT");
    });
}

#[test]
fn variables_from_a_pipe_reach_both_containers() {
    let builder = builder();
    let project = Project::new().file("a", "");
    let path = pipe(&project);
    let build = || {
        let run = project.build(&builder).assemble("echo with $PIPED").save("echo saved with $PIPED >&2");
        std::thread::scope(|scope| {
            scope.spawn(|| fs::write(&path, "PIPED=xyzzy-4711-plugh\n").unwrap());
            run.engine_options(&["--env-file", path.to_str().unwrap()]).success()
        })
    };
    build();
    let outcome = build().says("saved with xyzzy-4711-plugh\n");
    assert_eq!(outcome.assemble_output(), ["with xyzzy-4711-plugh"]);
    assert!(!project.image().has_bytes(WORD));
}

#[test]
fn an_interrupt_ends_the_wait_for_a_pipe() {
    let project = Project::new().file("a", "");
    let path = pipe(&project).display().to_string();
    let secret = format!("--secret=id=key,src={path}");
    let builder = builder();
    for option in [secret, format!("--environment-file={path}")] {
        let mut running = project.build(&builder).arg(option).start();
        // The pipe has been opened once a writer can open it without waiting.
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut writer = None;
        wait_for("the pipe is read", || {
            writer = rustix::fs::open(&path, flags, Mode::empty()).ok();
            writer.is_some()
        });
        assert!(running.is_running());
        running.signal("INT");
        running.end().status(130).says("error: the build was cancelled");
    }
}
