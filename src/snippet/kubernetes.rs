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

/// A `skaffold.yaml` with a custom builder.
pub fn skaffold(request: &Request) -> String {
    let push = format!("{} push \"$IMAGE\"", shell::line(&[request.engine().to_owned()]));
    let command = format!(
        "cd \"$BUILD_CONTEXT\" && {} && if [ \"$PUSH_IMAGE\" = true ]; then {push}; fi",
        request.build_line_with_tag("IMAGE")
    );
    let mut text = format!(
        "# skaffold.yaml\napiVersion: skaffold/v4beta11\nkind: Config\nbuild:\n  artifacts:\n    - image: {}\n      \
         context: .\n      custom:\n        buildCommand: {}\n",
        yaml(request.repository()),
        yaml(&command),
    );
    if let Some(folder) = request.relative_sent_folder() {
        let below = |pattern: String| match &*folder {
            "" => yaml(&pattern),
            folder => yaml(&format!("{}/{pattern}", literal(folder))),
        };
        let ignored: Vec<String> = globs::ignored(request).into_iter().map(below).collect();
        text += &format!(
            "        dependencies:\n          paths: [{}]\n          ignore: [{}]\n",
            yaml(&literal(&or_dot(&folder))),
            ignored.join(", "),
        );
    }
    text
}

fn or_dot(folder: &str) -> String {
    if folder.is_empty() { ".".to_owned() } else { folder.to_owned() }
}

/// A path that stands for itself where a glob is expected.
fn literal(path: &str) -> String {
    path.chars().flat_map(|c| r"\*?[".contains(c).then_some('\\').into_iter().chain([c])).collect()
}
