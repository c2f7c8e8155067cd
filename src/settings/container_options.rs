//! Options for the containers of a build, translated into options of `docker run`.

use std::path::{Component, Path};

use anyhow::Result;

use super::elsewhere::Elsewhere;
use crate::cli::options::ContainerArgs;
use crate::error::Error;

/// The options of `docker run` for these arguments. Relative folders start at `here`; the empty path is the current folder.
///
/// # Errors
/// When a volume is malformed, its folder does not exist, or it may be a folder or a named volume.
pub fn container_options(args: &ContainerArgs, here: &Path, elsewhere: Option<&Elsewhere>) -> Result<Vec<String>> {
    let mut options = Vec::new();
    for text in &args.volume {
        options.push(format!("--volume={}", volume("--volume", text, here, elsewhere)?));
    }
    options.extend(args.network.iter().map(|network| format!("--network={network}")));
    options.extend(args.add_host.iter().map(|host| format!("--add-host={host}")));
    options.extend(args.cap_drop.iter().map(|capability| format!("--cap-drop={capability}")));
    Ok(options)
}

/// A volume, the value of `option`, with the absolute path of its folder. The engine would take a folder without a slash for a named volume, which
/// it would create, and which would stay.
pub fn volume(option: &str, text: &str, here: &Path, elsewhere: Option<&Elsewhere>) -> Result<String> {
    let Some((source, target)) =
        text.split_once(':').filter(|(source, target)| !source.is_empty() && target.starts_with('/'))
    else {
        return Err(Error::usage(format!("`{text}` is not a volume"))
            .hint(format!("write `{option} FOLDER:/WHERE` or `{option} NAME:/WHERE`"))
            .into());
    };
    let path = Path::new(source);
    if path.is_absolute() {
        return Ok(text.to_owned());
    }
    let is_name = !source.contains('/') && path.components().all(|part| matches!(part, Component::Normal(_)));
    if is_name {
        if here.join(path).is_dir() {
            return Err(Error::usage(format!("`{source}` in `{option} {text}` may be a folder or a named volume"))
                .hint(format!(
                    "write `{option} ./{text}` for the folder, or `-- --mount type=volume,source={source},target=...`"
                ))
                .into());
        }
        return Ok(text.to_owned());
    }
    if let Some(elsewhere) = elsewhere {
        return Err(elsewhere.refuse_volume(option, text).into());
    }
    let absolute = here.join(path).canonicalize().map_err(|error| {
        Error::usage(format!("there is no folder `{source}` to mount"))
            .because(error)
            .hint("create it first; relative paths start at the current folder")
    })?;
    let absolute = absolute.to_str().ok_or_else(|| {
        not_text(&format!("{option} {text}"), &absolute)
            .hint("give the folder, and those above it, names of UTF-8 text")
    })?;
    Ok(format!("{absolute}:{target}"))
}

/// The error for a folder that cannot be mounted, since the engine takes only text.
pub fn not_text(option: &str, folder: &Path) -> Error {
    Error::usage(format!(
        "`{option}` cannot mount `{}`: the path is not UTF-8 text, and the engine takes no other",
        folder.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::{container_options, volume};
    use crate::cli::options::ContainerArgs;

    #[test]
    fn folders_become_absolute_and_names_stay() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().canonicalize().unwrap();
        std::fs::create_dir(here.join("cache")).unwrap();
        assert_eq!(volume("-v", "./cache:/c:ro", &here, None).unwrap(), format!("{}/cache:/c:ro", here.display()));
        assert_eq!(volume("-v", ".:/c", &here, None).unwrap(), format!("{}:/c", here.display()));
        assert_eq!(volume("-v", "named:/c", &here, None).unwrap(), "named:/c");
        assert_eq!(volume("-v", "/none/such:/c", &here, None).unwrap(), "/none/such:/c");
    }

    #[test]
    fn what_may_be_both_or_is_neither_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("cache")).unwrap();
        for bad in ["cache:/c", "./none:/c", "src", ":/c", "named:", "named:rw"] {
            assert!(volume("-v", bad, dir.path(), None).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_can_not_become_options() {
        let args = ContainerArgs {
            network: Some("--privileged".to_owned()),
            cap_drop: vec!["ALL".to_owned()],
            ..ContainerArgs::default()
        };
        assert_eq!(container_options(&args, dir(), None).unwrap(), ["--network=--privileged", "--cap-drop=ALL"]);
    }

    fn dir() -> &'static std::path::Path {
        std::path::Path::new("/")
    }
}
