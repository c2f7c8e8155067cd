//! `watch --push`.

use std::time::Instant;

use serde_json::{Value, json};

use super::fixtures::{Behind, app_at};
use crate::support::engine::docker;
use crate::support::image::image_id;
use crate::support::registry::Registry;
use crate::support::registry_proxy::Way;
use crate::support::wait::{END_TIMEOUT, wait_for};
use crate::support::watch_session::WatchSession;

/// The builds after which pushes ended, and how.
fn pushes(watch: &WatchSession) -> Vec<(Value, String)> {
    let ends = watch.with_reason("push-finished").into_iter();
    ends.map(|it| (it["build"].clone(), it["status"].as_str().unwrap().to_owned())).collect()
}

#[track_caller]
fn wait_for_pushes(watch: &WatchSession, expected: &[(Value, &str)]) {
    watch.wait_for("the pushes", |_| pushes(watch).len() >= expected.len());
    let found = pushes(watch);
    assert_eq!(found.iter().map(|(build, how)| (build.clone(), how.as_str())).collect::<Vec<_>>(), expected, "{watch}");
}

#[test]
fn each_image_is_pushed_and_the_superseded_ones_are_removed() {
    let Some(registry) = Registry::shared() else { return };
    let (builder, project, pushed) = app_at(registry.host());
    let watch = project.watch(&builder).tag(&pushed.tag).arg("--push").start_watch();
    wait_for_pushes(&watch, &[(json!(1), "ok")]);
    let first = image_id(&pushed.tag).unwrap();
    assert_eq!(registry.image_id(&pushed.repository), Some(first.clone()));
    watch.build_after(|| project.write("a", "2"));
    wait_for_pushes(&watch, &[(json!(1), "ok"), (json!(2), "ok")]);
    assert_eq!(registry.image_id(&pushed.repository), image_id(&pushed.tag));
    wait_for("the removal of the first image", || image_id(&first).is_none());
    watch.stop("TERM").status(143);
    // What the engine has already, and the registry may not.
    docker(&["push", "--quiet", &pushed.tag]);
    let again = project.watch(&builder).tag(&pushed.tag).arg("--push").start_watch();
    wait_for_pushes(&again, &[(Value::Null, "ok")]);
    assert_eq!(again.builds_started(), 0, "{again}");
    again.stop("TERM").status(143);
}

#[test]
fn a_push_that_hangs_holds_up_no_build_and_only_the_newest_image_follows() {
    let Some(Behind { registry, proxy, builder, project, pushed }) = Behind::proxy(Way::Held) else { return };
    let watch = project.watch(&builder).tag(&pushed.tag).arg("--push").start_watch();
    wait_for("the push", || proxy.has_held());
    let first = image_id(&pushed.tag).unwrap();
    for content in ["2", "3", "4"] {
        let end = watch.build_after(|| project.write("a", content));
        assert_eq!(end["standby"], "used", "{watch}");
        watch.wait_for_standby();
    }
    assert_eq!(pushes(&watch), []);
    assert!(image_id(&first).is_some(), "an image that is pushed was removed\n{watch}");
    proxy.set(Way::Open);
    wait_for_pushes(&watch, &[(json!(1), "ok"), (json!(4), "ok")]);
    assert_eq!(registry.image_id(&pushed.repository), image_id(&pushed.tag));
    wait_for("the removal of the first image", || image_id(&first).is_none());
    watch.stop("TERM").status(143);
}

#[test]
fn a_push_that_fails_is_a_warning_and_the_next_build_is_pushed() {
    let Some(Behind { registry, proxy, builder, project, pushed }) = Behind::proxy(Way::Closed) else { return };
    let watch = project.watch(&builder).tag(&pushed.tag).arg("--push").start_watch();
    wait_for_pushes(&watch, &[(json!(1), "failed")]);
    let warning = watch.wait_for_message("warning", "cannot push")["message"].as_str().unwrap().to_owned();
    assert!(warning.contains("went away") && warning.ends_with("; the next build is pushed again"), "{warning}");
    proxy.set(Way::Open);
    watch.build_after(|| project.write("a", "2"));
    wait_for_pushes(&watch, &[(json!(1), "failed"), (json!(2), "ok")]);
    assert_eq!(registry.image_id(&pushed.repository), image_id(&pushed.tag));
    watch.stop("TERM").status(143);
}

#[test]
fn the_end_of_a_watch_ends_its_push() {
    let Some(Behind { registry: _registry, proxy, builder, project, pushed }) = Behind::proxy(Way::Held) else {
        return;
    };
    let watch = project.watch(&builder).tag(&pushed.tag).arg("--push").start_watch();
    wait_for("the push", || proxy.has_held());
    watch.build_after(|| project.write("a", "2"));
    let begin = Instant::now();
    let outcome = watch.stop("INT").status(130);
    assert!(begin.elapsed() < END_TIMEOUT, "{:?}\n{outcome}", begin.elapsed());
    let ends: Vec<_> = outcome.json().into_iter().filter(|it| it["reason"] == "push-finished").collect();
    assert_eq!((ends.len(), &ends[0]["status"]), (1, &json!("cancelled")), "{outcome}");
}
