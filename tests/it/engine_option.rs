//! Which engine's CLI is called.

use crate::support::builder::Builder;
use crate::support::exit_status::USAGE;
use crate::support::project::Project;
use crate::support::run::Run;
use crate::support::stand_in_cli::StandInCli;
use crate::support::wait::{POLL, wait_until};

#[test]
fn the_engine_can_be_named_by_an_option() {
    let engine = StandInCli::logging();
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    let other = StandInCli::new("touch $here/called; exit 1");
    project.build(&builder).arg("--engine").arg(engine.path()).env("MINIS2I_ENGINE", other.path()).success();
    assert!(engine.read("log").contains("commit --change"));
    assert!(!other.has("called"));
}

#[test]
fn the_engine_can_be_named_by_a_variable() {
    let engine = StandInCli::logging();
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    project.build(&builder).env("MINIS2I_ENGINE", engine.path()).success();
    assert!(engine.read("log").contains("commit --change"));
}

#[test]
fn nothing_but_the_named_engine_is_called() {
    let engine = StandInCli::new(&format!("PATH={}\nexec docker \"$@\"", std::env::var("PATH").unwrap()));
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    let empty = tempfile::tempdir().unwrap();
    project.build(&builder).arg("--engine").arg(engine.path()).env("PATH", empty.path()).success();
    assert_eq!(project.image().run(&[]), "1");
}

#[test]
fn podman_is_used_and_named_where_there_is_no_docker() {
    let podman = StandInCli::podman(&format!("PATH={}\nexec docker \"$@\"", std::env::var("PATH").unwrap()));
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    project
        .build(&builder)
        .env("PATH", podman.folder())
        .success()
        .says("note: using `podman`, since there is no `docker`");
    assert_eq!(project.image().run(&[]), "1");
}

#[test]
fn nerdctl_is_refused_in_one_line() {
    let project = Project::new().file("out", "1");
    let run = project.build_with("x").args(&["--engine", "nerdctl"]);
    run.run().status(USAGE).says("error: `nerdctl` cannot be used").says("\nhint: use docker or podman");
}

/// Answers as podman does: ids without `sha256:`, names on `localhost/`, and options that docker does not know.
const LIKE_ANOTHER_ENGINE: &str = r#"
echo "$*" >>"$here/log"
call=$1 skip=
for word do
    shift
    if [ "$skip" ]; then skip=; continue; fi
    case $call:$word in
        rm:--time | run:--unsetenv | create:--unsetenv | commit:--format) skip=yes ;;
        *) set -- "$@" "$word" ;;
    esac
done
case $call in
    image | commit)
        answer=$(docker "$@") && status=0 || status=$?
        local='/"RepoTags"/,/]/ s|^\( *"\)\([^"/]*:[^"/]*"\)|\1localhost/\2|'
        printf '%s\n' "$answer" | sed -e 's/"Id": "sha256:/"Id": "/' -e 's/^sha256://' -e "$local"
        exit "$status"
        ;;
esac
exec docker "$@"
"#;

#[test]
fn a_docker_that_is_another_engine_is_known_by_its_answers() {
    let engine = StandInCli::new(LIKE_ANOTHER_ENGINE);
    let builder = Builder::copying().make();
    let project = Project::new().file("out", "1");
    let build = || project.build(&builder).arg("--engine").arg(engine.path()).success();
    let first = build();
    assert!(first.stdout.starts_with("sha256:"), "{first}");
    assert!(build().stdout.starts_with("sha256:"));
    assert!(engine.read("log").contains("commit --format docker --change"));
    // The process that cleans up knows it, too.
    let removed = || engine.read("log").lines().any(|line| line.starts_with("rm --force --time 0 --volumes minis2i-"));
    wait_until(POLL, removed, || engine.read("log"));
    let builder = project.image().label("io.github.minis2i.builder").unwrap();
    assert!(builder.starts_with("sha256:"), "{builder}");
}

#[test]
fn an_engine_on_another_machine_is_not_shown_folders_of_this_one() {
    let project = Project::new().file("a", "1");
    let elsewhere = |run: Run| run.env("DOCKER_HOST", "ssh://me@build-machine.invalid");
    let build = || elsewhere(project.build_with("builder"));
    let mounted = build().arg("--mount").run().status(2);
    mounted.says("`ssh://build-machine.invalid`: that is another machine").says("leave out `--mount`");
    build().args(&["--volume", "./cache:/c"]).run().status(2).says("names a folder of this machine");
    let app = elsewhere(Run::with_positional("watch", ".", "builder", "tag")).args(&["--run", "--publish", "8080"]);
    app.run().status(2).says("`ssh -L PORT:localhost:PORT HOST`");
}
