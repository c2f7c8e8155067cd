//! Names of images, checked before the engine gets them.

use anyhow::Result;

use crate::engine::reference::full_name;
use crate::error::Error;

/// Which image a build starts with.
#[derive(Clone, Copy, Debug)]
pub enum Base {
    Builder,
    RuntimeImage,
}

/// Checks the name of the image to build, by the rules of the engine.
///
/// # Errors
/// When it cannot name an image; with what is wrong and an example.
pub fn check_tag(tag: &str) -> Result<()> {
    match fault(tag) {
        None => Ok(()),
        Some(fault) => Err(Error::usage(format!("`{tag}` cannot name an image: {fault}"))
            .hint("a name looks like `app`, `app:1.2` or `registry.example:5000/team/app:dev`")
            .into()),
    }
}

/// Checks the name or id of the builder. Whether there is such an image is left to the engine.
///
/// # Errors
/// When it is empty, would be taken for an option, or contains white space.
pub fn check_builder(builder: &str) -> Result<()> {
    if builder.is_empty() || builder.starts_with('-') || builder.contains(char::is_whitespace) {
        return Err(Error::usage(format!("`{builder}` cannot be the name of a builder image"))
            .hint("the order is `minis2i build SOURCE BUILDER TAG`")
            .into());
    }
    Ok(())
}

/// Checks that the new image does not take the name of an image that the build starts with.
///
/// # Errors
/// When `tag` and `typed`, which names the base, are the same name.
pub fn check_not_base(tag: &str, typed: &str, base: Base) -> Result<()> {
    if full_name(tag) == full_name(typed) { Err(is_base(tag, base)) } else { Ok(()) }
}

/// The error for a tag that is a name of an image that the build starts with.
pub fn is_base(tag: &str, base: Base) -> anyhow::Error {
    let what = match base {
        Base::Builder => "builder",
        Base::RuntimeImage => "runtime image",
    };
    Error::usage(format!(
        "`{tag}` cannot name the new image: it is a name of the {what}, and the next build would start with the result of \
         this one"
    ))
    .hint(format!("give the new image another name; the {what} keeps its own"))
    .into()
}

/// What is wrong with a tag, if anything is.
fn fault(tag: &str) -> Option<&'static str> {
    if tag.is_empty() {
        return Some("it is empty");
    }
    if tag.contains('@') {
        return Some("a digest can only name an existing image");
    }
    let (path, version) = match tag.rsplit_once(':') {
        Some((path, version)) if !version.contains('/') => (path, Some(version)),
        _ => (tag, None),
    };
    if version.is_some_and(|version| !is_version(version)) {
        return Some("after `:` come up to 128 letters, digits, `_`, `.` and `-`, the first a letter, digit or `_`");
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    let host = parts[0];
    if parts.len() > 1 && (host.contains(['.', ':']) || host == "localhost") {
        parts.remove(0);
        if !is_host(host) {
            return Some("its registry is no host name");
        }
    }
    if parts.iter().any(|part| part.contains(|c: char| c.is_ascii_uppercase())) {
        return Some("only lower case letters are allowed");
    }
    if path.len() > 255 {
        return Some("it is longer than 255 characters");
    }
    (!parts.iter().all(|part| is_part(part))).then_some(
        "between slashes come lower case letters and digits, inside them single `.`, one or two `_`, or any `-`",
    )
}

fn is_version(version: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    version.len() <= 128 && version.starts_with(word) && version.chars().all(|c| word(c) || c == '.' || c == '-')
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "0"));
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
        && !port.is_empty()
        && port.chars().all(|c| c.is_ascii_digit())
}

/// Whether this is lower case letters and digits, with separators only between them.
fn is_part(part: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.starts_with(word)
        && part.ends_with(word)
        && part.split(word).all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.chars().all(|c| c == '-'))
}

#[cfg(test)]
mod tests {
    use super::{Base, check_not_base, check_tag, fault};

    #[test]
    fn a_base_is_known_by_its_full_name() {
        for same in ["app", "app:latest", "docker.io/library/app", "library/app:latest"] {
            assert!(check_not_base("app", same, Base::Builder).is_err(), "{same}");
        }
        for other in ["app:1", "me/app", "localhost/app", "app@sha256:00"] {
            assert!(check_not_base("app", other, Base::Builder).is_ok(), "{other}");
        }
    }

    #[test]
    fn good_names_pass() {
        for name in ["app", "app:1.2", "a/b-c__d.e:x_Y", "localhost:5000/app", "reg.example/a/b:dev", "a--b"] {
            assert_eq!(fault(name), None, "{name}");
        }
    }

    #[test]
    fn bad_names_are_refused_before_anything_is_built() {
        for name in ["", "App", "app:", "app:-x", "a..b", "a//b", "_a", "app@sha256:00", "a b", "reg.x:y/app", "a___b"]
        {
            assert!(check_tag(name).is_err(), "{name}");
        }
    }
}
