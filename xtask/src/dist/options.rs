//! What can be asked of `cargo xtask dist`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// The options.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// The system to make the program for, such as `x86_64-unknown-linux-gnu`.
    pub target: String,
    /// The folder to write to; what was in it is removed.
    pub out: PathBuf,
    /// Make everything twice, and fail when the bytes differ.
    pub twice: bool,
}

impl Options {
    /// What was typed after `dist`.
    ///
    /// # Errors
    /// When an option is not known.
    pub fn parse(args: &[String]) -> Result<Self> {
        let (mut target, mut out, mut twice) = (None, workspace::root().join("target/dist"), false);
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("`{arg}` takes a value"));
            match arg.as_str() {
                "--target" => target = Some(value()?.clone()),
                "--out" => out = std::path::absolute(value()?)?,
                "--twice" => twice = true,
                _ => bail!("`dist` has no option `{arg}`; it has `--target TARGET`, `--out FOLDER` and `--twice`"),
            }
        }
        Ok(Self { target: target.map_or_else(this_machine, Ok)?, out, twice })
    }
}

/// The target that the compiler makes programs for by default.
///
/// # Errors
/// When the compiler does not say.
pub fn this_machine() -> Result<String> {
    let about = process::output(&["rustc", "--verbose", "--version"])?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc --verbose --version` names no host")
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn options_are_read_and_others_refused() {
        let parse = |line: &str| Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let options = parse("--target t --twice --out /x").unwrap();
        assert_eq!(options, Options { target: "t".to_owned(), out: "/x".into(), twice: true });
        assert!(parse("--target").is_err() && parse("--fast").is_err());
    }
}
