//! `build --push`.

use std::net::TcpListener;
use std::time::Instant;

use super::fixtures::{Behind, app_at};
use crate::build_options::server;
use crate::support::engine::docker;
use crate::support::holding_builder::shared_holding_builder;
use crate::support::image::image_id;
use crate::support::project::Project;
use crate::support::registry::Registry;
use crate::support::registry_proxy::Way;
use crate::support::run::Run;
use crate::support::wait::{END_TIMEOUT, wait_for};

#[test]
fn the_new_image_is_pushed_if_it_is_wanted() {
    let Some(registry) = Registry::shared() else { return };
    let (builder, project, pushed) = app_at(registry.host());
    let build = |push: &[&str]| project.build(&builder).tag(&pushed.tag).args(push);
    for not in ["--push=false", "--push="] {
        build(&[not]).success().never_says("minis2i: push");
        assert_eq!(registry.image_id(&pushed.repository), None);
    }
    for (content, push) in [("2", "--push"), ("3", "--push=true")] {
        project.write("a", content);
        let outcome = build(&[push]).success().says("minis2i: push ok: ");
        let id = image_id(&pushed.tag);
        assert_eq!(registry.image_id(&pushed.repository), id);
        assert_eq!(outcome.stdout.trim(), id.unwrap());
    }
    build(&["--push=perhaps"]).run().status(2).says("it is `true`, `false` or nothing");
}

#[test]
fn an_image_that_is_kept_is_pushed() {
    let Some(registry) = Registry::shared() else { return };
    let (builder, project, pushed) = app_at(registry.host());
    project.build(&builder).tag(&pushed.tag).success();
    let kept = project.build(&builder).tag(&pushed.tag).args(&["--push", "--if-changed"]).success();
    kept.says("minis2i: up to date: ").says("minis2i: push ok: ");
    assert_eq!(registry.image_id(&pushed.repository), image_id(&pushed.tag));
}

#[test]
fn a_rebuild_is_pushed() {
    let Some(registry) = Registry::shared() else { return };
    let (builder, project, pushed) = app_at(registry.host());
    project.build(&builder).tag(&pushed.tag).success();
    let rebuild = Run::new().args(&["rebuild", "--push", &pushed.tag]).env("TMPDIR", project.temp_dir());
    rebuild.success().says("minis2i: push ok: ");
    assert_eq!(registry.image_id(&pushed.repository), image_id(&pushed.tag));
}

#[test]
fn a_build_fails_that_no_registry_gets_and_its_tag_stays_on_the_new_image() {
    // Nothing listens there once this is dropped.
    let host = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (builder, project, pushed) = app_at(&host);
    let (url, server) = server("200 OK");
    let build = project.build(&builder).tag(&pushed.tag).args(&["--push", "--run", "--callback-url", &url]);
    let outcome = build.run().status(125);
    assert_eq!(server.join().unwrap().1["success"], false);
    let id = image_id(&pushed.tag).unwrap();
    assert_eq!(outcome.stdout.trim(), id, "the image did not run");
    outcome
        .says("minis2i: build ok: ")
        .says("minis2i: push failed: ")
        .says(&format!("error: cannot push `{}` to {host}\n", pushed.tag))
        .says("connection refused\n")
        .says(&format!("hint: the engine does not reach {host}"));
}

#[test]
fn a_login_that_is_missing_is_named() {
    let Some(registry) = Registry::with_login() else { return };
    let (builder, project, pushed) = app_at(registry.host());
    let build = |config: &str| {
        let config = registry.docker_config(config);
        project.build(&builder).tag(&pushed.tag).arg("--push").env("DOCKER_CONFIG", config)
    };
    build("elsewhere").run().status(125).says(&format!("hint: log in: `docker login {}`", registry.host()));
    build(registry.host()).success();
    assert_eq!(registry.image_id(&pushed.repository), image_id(&pushed.tag));
}

#[test]
fn a_registry_that_goes_away_half_way_keeps_the_image_before() {
    let Some(Behind { registry, proxy, builder, project, pushed }) = Behind::proxy(Way::Open) else { return };
    project.build(&builder).tag(&pushed.tag).arg("--push").success();
    let before = registry.image_id(&pushed.repository);
    assert_eq!(before, image_id(&pushed.tag));
    project.write("a", "2");
    proxy.set(Way::EndsAtName);
    let outcome = project.build(&builder).tag(&pushed.tag).arg("--push").run().status(125);
    outcome.says("minis2i: push failed: ").says("went away before it had everything");
    assert_eq!(registry.image_id(&pushed.repository), before);
    proxy.set(Way::Open);
    docker(&["push", &pushed.tag]);
    assert_eq!(registry.image_id(&pushed.repository), image_id(&pushed.tag));
}

#[test]
fn an_interrupt_ends_a_push_to_a_registry_that_hangs() {
    let Some(Behind { registry: _registry, proxy, builder, project, pushed }) = Behind::proxy(Way::Held) else {
        return;
    };
    let build = project.build(&builder).tag(&pushed.tag).arg("--push").start();
    build.wait_for_stderr("note: pushing ");
    wait_for("the push", || proxy.has_held());
    let begin = Instant::now();
    build.signal("INT");
    let outcome = build.end().status(130).says("minis2i: push cancelled: ").says("is built");
    assert!(begin.elapsed() < END_TIMEOUT, "{outcome:?}");
    assert_eq!(outcome.stdout.trim(), image_id(&pushed.tag).unwrap());
}

#[test]
fn a_dockerfile_is_not_pushed() {
    let (builder, project) = (shared_holding_builder(), Project::new().file("a", "1"));
    let build = |push: &str| {
        let path = project.temp_dir().join("Dockerfile").display().to_string();
        project.build(&builder).args(&[push, "--as-dockerfile", &path])
    };
    build("--push").run().status(2).says("makes no image");
    build("--push=").success();
}
