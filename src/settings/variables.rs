//! Variables from options and from environment files.

use std::env::VarError;

use anyhow::Result;

use crate::cancel::Cancel;
use crate::contract::environment;
use crate::error::Error;
use crate::input_file::InputFile;
use crate::report::Reporter;

/// The name and the value of a variable that was given to `option`, as `NAME=VALUE`, or as `NAME` for the value that it
/// has in the environment.
///
/// # Errors
/// When there is no name, the variable is not set in the environment, or its value there is not UTF-8 text, or the text
/// has a zero byte.
pub fn variable(text: &str, option: &str) -> Result<(String, String)> {
    let hint = format!("write `{option} NAME=VALUE`");
    let usage = |message: String, hint: &str| Err(Error::usage(message).hint(hint).into());
    if text.contains('\0') {
        return usage(format!("the variable `{text}` has a zero byte"), "leave it out");
    }
    match text.split_once('=') {
        Some(("", _)) => usage(format!("the variable `{text}` has no name"), &hint),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None if text.is_empty() => usage(format!("`{option}` names no variable"), &hint),
        None => match std::env::var(text) {
            Ok(value) => Ok((text.to_owned(), value)),
            Err(VarError::NotUnicode(_)) => usage(
                format!(
                    "the value that the variable `{text}` has here is not UTF-8 text, so `{option} {text}` cannot pass it on"
                ),
                &format!("{hint}, or set it to text first"),
            ),
            Err(VarError::NotPresent) => usage(
                format!("the variable `{text}` is not set here, so `{option} {text}` has no value to pass on"),
                &format!("{hint}, or set and export it first"),
            ),
        },
    }
}

/// The variables of the environment that name proxies.
const PROXIES: [&str; 5] = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"];

/// Whether one of the variables for proxies is set in the environment.
pub fn proxy_is_set() -> bool {
    PROXIES
        .iter()
        .any(|name| [name.to_string(), name.to_uppercase()].iter().any(|name| std::env::var_os(name).is_some()))
}

/// The largest environment file, in bytes: more than a command line or an image can have.
const FILE_LIMIT: usize = 16 * 1024 * 1024;

/// The names and values of the variables in a file of `NAME=VALUE` lines. Other lines are left out, with a warning.
///
/// # Errors
/// When the file cannot be read, or is not a text file, or work was cancelled while a pipe was read.
pub fn environment_file(file: &InputFile, reporter: &Reporter, cancel: &Cancel) -> Result<Vec<(String, String)>> {
    let shown = file.path().display();
    let hint = "an environment file is a text file of `NAME=VALUE` lines";
    let bytes = file.read(FILE_LIMIT, &|| cancel.check())?.map_err(|error| {
        Error::usage(format!("cannot read the environment file `{shown}`")).because(error).hint(hint)
    })?;
    if bytes.len() > FILE_LIMIT {
        return Err(Error::usage(format!("the environment file `{shown}` is larger than 16 MiB")).hint(hint).into());
    }
    let parsed = environment::parse(&bytes).map_err(|error| {
        Error::usage(format!("cannot use the environment file `{shown}`")).because(error).hint(hint)
    })?;
    for line in parsed.dropped {
        reporter.warn_once(&format!("{shown}:{line} is not a `NAME=VALUE` line and is left out"));
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
