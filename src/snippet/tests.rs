//! What the snippets say.

use std::path::PathBuf;

use super::{Request, Verb, kubernetes};

fn request(source: &str) -> Request {
    Request {
        words: ["--env", "A=1", source, "builder", "registry:5000/team/img:dev", "--copy"].map(str::to_owned).into(),
        tag_at: 4,
        verbs: vec![Verb::Build],
        source: Some(PathBuf::from(source)),
        context_dir: None,
        builder: "builder".to_owned(),
        tag: "registry:5000/team/img:dev".to_owned(),
        exclude: Vec::new(),
        include: Vec::new(),
        follows_symlinks: false,
        without_gitignore: false,
        maps_paths: false,
        has_path_rules: false,
        names_problems: false,
        engine: None,
        pulls: false,
        folder: "/home/me/work".to_owned(),
        program: "/usr/bin/minis2i".to_owned(),
    }
}

#[test]
fn the_folder_that_is_sent_is_relative_where_it_can_be() {
    for (source, sent, relative) in [
        ("testapp", "testapp", "testapp"),
        ("./a/./b/", "a/b", "a/b"),
        (".", "", ""),
        ("../x", "../x", "../x"),
        ("/home/me/work/app", "app", "app"),
        ("/srv/app", "/srv/app", "../../../srv/app"),
    ] {
        let request = request(source);
        assert_eq!(request.sent_folder().as_deref(), Some(sent));
        assert_eq!(request.relative_sent_folder().as_deref(), Some(relative));
    }
    for context in ["web", "/web"] {
        let below = Request { context_dir: Some(context.into()), ..request("app") };
        assert_eq!(below.sent_folder().as_deref(), Some("app/web"));
    }
    let cloned = Request { source: None, ..request("https://example.org/x.git") };
    assert_eq!(cloned.sent_folder(), None);
}

#[test]
fn a_tool_that_chooses_the_tag_gets_the_rest_of_the_line() {
    let request = request("app");
    let line = request.build_line_with_tag("IMAGE");
    assert_eq!(line, "minis2i build --env A=1 app builder \"$IMAGE\" --copy");
    assert_eq!(request.repository(), "registry:5000/team/img");
}

#[test]
fn an_image_of_another_engine_is_pushed_for_tilt() {
    let docker = Request { engine: Some("/usr/bin/docker".to_owned()), ..request("app") };
    let text = kubernetes::tiltfile(&docker);
    assert!(text.contains("disable_push=False") && text.contains("skips_local_docker=False"), "{text}");
    let podman = Request { engine: Some("podman".to_owned()), ..request("app") };
    let text = kubernetes::tiltfile(&podman);
    assert!(text.contains("disable_push=True") && text.contains("skips_local_docker=True"), "{text}");
    assert!(text.contains(r#"&& podman push \"$EXPECTED_REF\""#), "{text}");
}

#[test]
fn an_editor_gets_the_options_that_it_needs_once() {
    let line = |request: &Request| request.command_for_editor(Verb::Watch).join(" ");
    let words = "--env A=1 app builder registry:5000/team/img:dev --copy";
    assert_eq!(line(&request("app")), format!("minis2i watch --map-paths --problems {words}"));
    let typed = Request { names_problems: true, ..request("app") };
    assert_eq!(line(&typed), format!("minis2i watch --map-paths {words}"));
    let typed = Request { maps_paths: true, names_problems: true, ..request("app") };
    assert_eq!(line(&typed), format!("minis2i watch {words}"));
}
