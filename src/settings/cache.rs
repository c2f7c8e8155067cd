//! The option `--cache`: which caches `assemble` has.

use anyhow::Result;

use crate::cli::cache::CacheArgs;
use crate::error::Error;

/// The most folders that a build can have caches for: each holds a lock by one of the file descriptors that a shell can
/// name.
const MOST_FOLDERS: usize = 6;

/// The caches of `assemble`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheOptions {
    /// Whether the tools that are known have one; `None` if nothing was typed about that.
    auto: Option<bool>,
    /// Whether there was a `--cache` on the command line.
    typed: bool,
    /// The folders that were named.
    pub folders: Vec<CacheFolder>,
}

/// A folder of the container that is kept from build to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheFolder {
    /// Absolute, or relative to the builder's WORKDIR.
    pub path: String,
    /// The name of the cache, instead of the path.
    pub id: Option<String>,
    /// Whether all apps with the same builder have the same one.
    pub shared: bool,
}

impl CacheOptions {
    /// The options for these arguments.
    ///
    /// # Errors
    /// If a value is malformed, `auto` and `off` are both there, a folder is named twice, or there are too many.
    pub fn new(args: &CacheArgs) -> Result<Self> {
        let mut options = Self { typed: !args.cache.is_empty(), ..Self::default() };
        for text in &args.cache {
            match text.as_str() {
                "auto" | "off" => {
                    let auto = text == "auto";
                    if options.auto.replace(auto).is_some_and(|before| before != auto) {
                        return Err(Error::usage("`--cache auto` and `--cache off` contradict each other")
                            .hint("leave one of them out")
                            .into());
                    }
                }
                _ => options.add(folder(text)?)?,
            }
        }
        Ok(options)
    }

    /// The same with caches for the tools that are known, unless something else was typed about that.
    pub fn auto_by_default(self) -> Self {
        Self { auto: Some(self.auto.unwrap_or(true)), ..self }
    }

    /// Whether the tools that are known have one.
    pub fn auto(&self) -> bool {
        self.auto == Some(true)
    }

    /// Whether the user asked for some.
    pub fn are_typed(&self) -> bool {
        self.typed && !self.is_off()
    }

    /// Whether there is none.
    pub fn is_off(&self) -> bool {
        !self.auto() && self.folders.is_empty()
    }

    fn add(&mut self, folder: CacheFolder) -> Result<()> {
        if self.folders.iter().any(|known| known.path == folder.path) {
            return Err(Error::usage(format!("`--cache {}` is given twice", folder.path))
                .hint("each folder needs it once")
                .into());
        }
        if self.folders.len() == MOST_FOLDERS {
            return Err(Error::usage(format!("there are more than {MOST_FOLDERS} folders in `--cache` options"))
                .hint("name a folder that holds several of them")
                .into());
        }
        self.folders.push(folder);
        Ok(())
    }
}

/// Parses `PATH[,id=NAME][,shared=true|false]`.
fn folder(text: &str) -> Result<CacheFolder> {
    let unusable = |why: &str| {
        Error::usage(format!("`--cache {text}` cannot be used: {why}"))
            .hint("write `--cache /PATH`, `--cache /PATH,id=NAME,shared=false`, `--cache auto` or `--cache off`")
    };
    let mut fields = text.split(',');
    let path = fields.next().unwrap_or_default().trim_end_matches('/').to_owned();
    let mut folder = CacheFolder { path, id: None, shared: true };
    for field in fields {
        match field.split_once('=') {
            Some(("id", id)) if is_name(id) => folder.id = Some(id.to_owned()),
            Some(("id", _)) => return Err(unusable("an `id` has letters, digits, `.`, `_` and `-`").into()),
            Some(("shared", "true")) => folder.shared = true,
            Some(("shared", "false")) => folder.shared = false,
            _ => return Err(unusable(&format!("`{field}` is not known")).into()),
        }
    }
    let parts = || folder.path.split('/').skip(usize::from(folder.path.starts_with('/')));
    if folder.path.is_empty() {
        return Err(unusable("it names no folder").into());
    }
    if parts().any(|part| ["", ".", ".."].contains(&part)) || folder.path.contains(char::is_control) {
        return Err(unusable("the path has empty parts, `.`, `..` or control characters").into());
    }
    if folder.path.starts_with('/') && parts().next().is_some_and(|top| ["dev", "proc", "sys"].contains(&top)) {
        return Err(unusable("that is a place of the system").into());
    }
    Ok(folder)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::{CacheFolder, CacheOptions};
    use crate::cli::cache::CacheArgs;

    fn options(typed: &[&str]) -> Option<CacheOptions> {
        let cache = typed.iter().map(|text| (*text).to_owned()).collect();
        CacheOptions::new(&CacheArgs { cache }).ok()
    }

    #[test]
    fn a_folder_has_a_name_and_may_be_of_one_app() {
        let folders = options(&["/var/cache/x/", "lib,id=a.b,shared=false"]).unwrap().folders;
        let expected = |path: &str, id: Option<&str>, shared| CacheFolder {
            path: path.to_owned(),
            id: id.map(str::to_owned),
            shared,
        };
        assert_eq!(folders, [expected("/var/cache/x", None, true), expected("lib", Some("a.b"), false)]);
    }

    #[test]
    fn what_was_typed_wins_over_the_default_of_a_watch() {
        let is_auto = |typed: &[&str]| options(typed).unwrap().auto_by_default().auto();
        assert!(is_auto(&[]) && is_auto(&["/x"]) && is_auto(&["auto"]) && !is_auto(&["/x", "off"]));
        assert!(options(&[]).unwrap().is_off() && options(&["off"]).unwrap().is_off());
        assert!(!options(&["/x"]).unwrap().is_off() && !options(&["/x"]).unwrap().auto());
    }

    #[test]
    fn what_can_not_be_is_refused() {
        for typed in
            ["", "/", ",id=x", "/x,id=", "/x,id=a/b", "/x,shared=no", "/x,y", "/a/../b", "/a//b", "/dev/x", "./x"]
        {
            assert_eq!(options(&[typed]), None, "{typed}");
        }
        assert_eq!(options(&["auto", "off"]), None);
        assert_eq!(options(&["/x", "/x/"]), None);
        assert_eq!(options(&["/1", "/2", "/3", "/4", "/5", "/6", "/7"]), None);
    }
}
