//! Tilt and Skaffold, which choose the tag themselves and want to know what to watch.

use std::path::Path;

use super::quote::{starlark, yaml};
use super::{Request, globs, shell};

/// A Tiltfile with a custom build.
pub fn tiltfile(request: &Request) -> String {
    let mut command = request.build_line_with_tag("EXPECTED_REF");
    // Tilt finds an image of docker by itself, and pushes or loads it. One of another engine has to be pushed for it.
    let elsewhere = Path::new(request.engine()).file_name().is_none_or(|name| name != "docker");
    if elsewhere {
        command += &format!(" && {} push \"$EXPECTED_REF\"", shell::line(&[request.engine().to_owned()]));
    }
    let folder = request.sent_folder().map(|folder| or_dot(&folder));
    let list = |texts: &[String]| texts.iter().map(|text| starlark(text)).collect::<Vec<_>>().join(", ");
    let flag = if elsewhere { "True" } else { "False" };
    format!(
        "# Tiltfile\ncustom_build(\n    {image},\n    {command},\n    deps=[{deps}],\n    ignore=[{ignore}],\n    \
         disable_push={flag},\n    skips_local_docker={flag},\n)\n",
        image = starlark(request.repository()),
        command = starlark(&command),
        deps = list(&Vec::from_iter(folder)),
        ignore = list(&globs::ignored(request)),
    )
}

/// A `skaffold.yaml` with a custom builder. Where it can, Skaffold asks minis2i which files count, so that the rules are the
/// same.
pub fn skaffold(request: &Request) -> String {
    let asked = request.sent_folder().zip(request.list_command().and_then(|words| unquoted(&words)));
    let (context, up) = match &asked {
        // The paths that are listed are taken to be relative to the context.
        Some((folder, _)) => (or_dot(folder), "/..".repeat(Path::new(folder).components().count())),
        None => (".".to_owned(), String::new()),
    };
    let mut build = request.build_line_with_tag("IMAGE");
    if !request.says_whether_to_push() {
        build = build.replacen("minis2i build", "minis2i build --push=\"$PUSH_IMAGE\"", 1);
    }
    let command = format!("cd \"$BUILD_CONTEXT{up}\" && {build}");
    let mut text = format!(
        "# skaffold.yaml\napiVersion: skaffold/v4beta11\nkind: Config\nbuild:\n  artifacts:\n    - image: {}\n      \
         context: {}\n      custom:\n        buildCommand: {}\n",
        yaml(request.repository()),
        yaml(&context),
        yaml(&command),
    );
    match asked {
        Some((_, line)) => text += &format!("        dependencies:\n          command: {}\n", yaml(&line)),
        None => text += &paths_and_ignored(request),
    }
    text
}

/// What Skaffold watches, as globs.
fn paths_and_ignored(request: &Request) -> String {
    let Some(folder) = request.relative_sent_folder() else { return String::new() };
    let below = |pattern: String| match &*folder {
        "" => yaml(&pattern),
        folder => yaml(&format!("{}/{pattern}", literal(folder))),
    };
    let ignored: Vec<String> = globs::ignored(request).into_iter().map(below).collect();
    format!(
        "        dependencies:\n          paths: [{}]\n          ignore: [{}]\n",
        yaml(&literal(&or_dot(&folder))),
        ignored.join(", "),
    )
}

/// A command that is cut at its spaces, without a shell; `None` if that would not give these words.
fn unquoted(words: &[String]) -> Option<String> {
    let plain = words.iter().all(|word| !word.is_empty() && !word.contains(char::is_whitespace));
    plain.then(|| words.join(" "))
}

fn or_dot(folder: &str) -> String {
    if folder.is_empty() { ".".to_owned() } else { folder.to_owned() }
}

/// A path that stands for itself where a glob is expected.
fn literal(path: &str) -> String {
    path.chars().flat_map(|c| r"\*?[".contains(c).then_some('\\').into_iter().chain([c])).collect()
}
