//! Variables: as they are typed, and in environment files.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::contract::environment;
use crate::error::Error;
use crate::report::Reporter;

/// One variable, as name and value, given to this option.
///
/// # Errors
/// No name, or no value here to pass on.
pub fn variable(text: &str, option: &str) -> Result<(String, String)> {
    let write = format!("write `{option} NAME=VALUE`");
    let usage = |message: String, hint: &str| Err(Error::usage(message).hint(hint).into());
    if text.contains('\0') {
        return usage(format!("the variable `{text}` has a zero byte"), "leave it out");
    }
    match text.split_once('=') {
        Some(("", _)) => usage(format!("the variable `{text}` has no name"), &write),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None if text.is_empty() => usage(format!("`{option}` names no variable"), &write),
        None => match std::env::var(text) {
            Ok(value) => Ok((text.to_owned(), value)),
            Err(_) => usage(
                format!("the variable `{text}` is not set here, so `{option} {text}` has no value to pass on"),
                &format!("{write}, or set and export it first"),
            ),
        },
    }
}

/// The variables of a file of `NAME=VALUE` lines; other lines are left out, with a warning.
///
/// # Errors
/// A file that can not be read, or is no text.
pub fn environment_file(path: &Path, reporter: &Reporter) -> Result<Vec<(String, String)>> {
    let shown = path.display();
    let hint = "an environment file is a text file of `NAME=VALUE` lines";
    let bytes = fs::read(path).map_err(|error| {
        Error::usage(format!("cannot read the environment file `{shown}`")).because(error).hint(hint)
    })?;
    let parsed = environment::parse(&bytes).map_err(|error| {
        Error::usage(format!("cannot use the environment file `{shown}`")).because(error).hint(hint)
    })?;
    for line in parsed.dropped {
        reporter.warn_once(&format!("{shown}:{line} is no `NAME=VALUE` line and is left out"));
    }
    Ok(parsed.variables)
}

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn a_variable_is_split_at_the_first_equals_sign() {
        assert_eq!(variable("A=b=c", "-e").unwrap(), ("A".to_owned(), "b=c".to_owned()));
        assert_eq!(variable("A=", "-e").unwrap().1, "");
        assert!(variable("=x", "-e").is_err() && variable("", "-e").is_err());
        assert!(variable("MINIS2I_SURELY_NOT_SET", "-e").is_err());
    }
}
