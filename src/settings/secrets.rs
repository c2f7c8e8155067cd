//! Options about what only `assemble` gets: variables, secrets, injected folders.

use std::collections::HashSet;
use std::env::VarError;
use std::path::PathBuf;

use anyhow::Result;

use super::variables::variable;
use crate::cli::options::SecretArgs;
use crate::contract::environment;
use crate::error::Error;
use crate::input_file::InputFile;

/// What `assemble` gets and the image does not contain.
#[derive(Clone, Debug, Default)]
pub struct SecretOptions {
    /// Names and values.
    pub variables: Vec<(String, String)>,
    pub files: Vec<Secret>,
    pub injections: Vec<Injection>,
}

/// A file for `/run/secrets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// The name of the file.
    pub id: String,
    pub from: SecretSource,
}

/// Where the content of a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    File(InputFile),
    /// The value of an environment variable.
    Text(String),
}

/// A folder whose content is put into a folder of the container while `assemble` runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    pub from: PathBuf,
    /// Absolute, or relative to the builder's WORKDIR.
    pub to: String,
}

impl SecretOptions {
    /// The options for these arguments. Files are not read here, but at each build.
    ///
    /// # Errors
    /// When a variable, a secret or an injection is malformed, a variable is not set, or an id is given twice.
    pub fn new(args: &SecretArgs) -> Result<Self> {
        let variables: Result<Vec<_>> = args.build_env.iter().map(|text| build_variable(text)).collect();
        let mut secrets: Vec<Secret> = Vec::new();
        let mut ids = HashSet::new();
        for text in &args.secret {
            let secret = secret(text)?;
            if !ids.insert(secret.id.clone()) {
                return Err(Error::usage(format!("the secret `{}` is given twice", secret.id))
                    .hint("each needs an `id` of its own")
                    .into());
            }
            secrets.push(secret);
        }
        let injections: Result<Vec<_>> = args
            .inject
            .iter()
            .flat_map(|text| text.split(';'))
            .filter(|text| !text.is_empty())
            .map(injection)
            .collect();
        let variables = environment::merge([variables?]);
        Ok(Self { variables, files: secrets, injections: injections? })
    }
}

/// Parses the value of `--build-env`. A shell exports the variable, so its name must be valid in a shell.
fn build_variable(text: &str) -> Result<(String, String)> {
    let (name, value) = variable(text, "--build-env")?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(word) {
        return Err(Error::usage(format!("`{name}` cannot be the name of a variable for `assemble`"))
            .hint("a name has letters, digits and `_`, and begins with no digit")
            .into());
    }
    Ok((name, value))
}

/// Parses the value of `--secret`: `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`.
fn secret(text: &str) -> Result<Secret> {
    let unusable = |why: String| {
        // The text is not shown, as it may contain the secret itself.
        Error::usage(format!("a `--secret` cannot be used: {why}"))
            .hint("write `--secret id=NAME,src=FILE` or `--secret id=NAME,env=VARIABLE`")
    };
    let (mut id, mut from) = (None, None);
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("src" | "source", value)) => from = Some(SecretSource::File(InputFile::new(value))),
            Some(("env", name)) => from = Some(SecretSource::Text(secret_variable(name).map_err(unusable)?)),
            Some(("type", "file" | "env")) => {}
            Some((name, _)) => return Err(unusable(format!("`{name}=` is not understood")).into()),
            None => return Err(unusable("it is a list of `NAME=VALUE` with commas between".to_owned()).into()),
        }
    }
    let id = id.ok_or_else(|| unusable("it has no `id=`".to_owned()))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if id.is_empty() || id.starts_with('.') || !id.chars().all(plain) {
        return Err(unusable(format!("`{id}` is no file name of letters, digits, `_`, `.` and `-`")).into());
    }
    let from = from.ok_or_else(|| unusable(format!("it does not say where `{id}` comes from")))?;
    Ok(Secret { id, from })
}

/// The value of an environment variable, or why it cannot be a secret.
fn secret_variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|error| match error {
        VarError::NotPresent => format!("the variable `{name}` is not set here"),
        VarError::NotUnicode(_) => {
            format!("the value of the variable `{name}` is not UTF-8 text; `src=FILE` takes any bytes")
        }
    })
}

/// Parses one injection: `FOLDER:PLACE`, or `FOLDER` for the builder's WORKDIR.
fn injection(text: &str) -> Result<Injection> {
    let (from, to) = text.rsplit_once(':').unwrap_or((text, ""));
    if from.is_empty() || to.contains("..") && to.split('/').any(|part| part == "..") {
        return Err(Error::usage(format!("`{text}` cannot be injected"))
            .hint("write `--inject FOLDER:/WHERE`, several of them with `;` between")
            .into());
    }
    let to = if to.is_empty() { "." } else { to };
    Ok(Injection { from: from.into(), to: to.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Injection, InputFile, SecretSource, build_variable, injection, secret};

    #[test]
    fn a_secret_is_a_file_or_a_variable() {
        for text in ["id=a.b,src=/x/y", "type=file,source=/x/y,id=a.b"] {
            let secret = secret(text).unwrap();
            assert_eq!(
                (secret.id.as_str(), secret.from),
                ("a.b", SecretSource::File(InputFile::new("/x/y"))),
                "{text}"
            );
        }
        let path = std::env::var("PATH").unwrap();
        assert_eq!(secret("id=p,env=PATH").unwrap().from, SecretSource::Text(path));
    }

    #[test]
    fn a_secret_that_can_not_be_used_is_refused() {
        for bad in ["", "a", "src=/x", "id=a", "id=../a,src=/x", "id=,src=/x", "id=a,src=/x,mode=0", "id=a/b,src=x"] {
            assert!(secret(bad).is_err(), "{bad}");
        }
        assert!(secret("id=a,env=MINIS2I_SURELY_NOT_SET").is_err());
    }

    #[test]
    fn an_injection_has_a_folder_and_a_place() {
        let of = |from: &str, to: &str| Injection { from: from.into(), to: to.to_owned() };
        assert_eq!(injection("a:/b").unwrap(), of("a", "/b"));
        assert_eq!(injection("a").unwrap(), of("a", "."));
        assert_eq!(injection("a:b/c").unwrap(), of("a", "b/c"));
        assert!(injection(":/b").is_err() && injection("a:/b/../c").is_err());
    }

    #[test]
    fn variables_have_names_that_a_shell_can_export() {
        assert_eq!(build_variable("A_1=x=y").unwrap(), ("A_1".to_owned(), "x=y".to_owned()));
        assert!(build_variable("a.b=1").is_err() && build_variable("1A=1").is_err() && build_variable("=1").is_err());
    }
}
