//! What only `assemble` gets and the image does not: the variables, secrets and injected files of `--build-env`,
//! `--secret` and `--inject`. They reach the container through its standard input, so that no command line and no
//! `docker inspect` shows them.

use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::container::shell::quote;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::settings::secrets::{Injection, Secret, SecretOptions, SecretSource};
use crate::tar::writer::Writer;

/// The folder in the container that holds the secrets, in memory.
const SECRETS_FOLDER: &str = "/run/secrets";

/// The largest secret, in bytes: chosen so that the shell, which reads its input byte by byte, does not noticeably
/// delay a build.
const SECRET_LIMIT: usize = 500 * 1024;

/// The folder for injected files below the destination, from which the container moves them to their paths before
/// `assemble`. The program of the container, `container.sh`, has the same name in it.
const INJECTED_FOLDER: &str = ".minis2i-injected";

/// The number of lines in one part of the opening: the shell reads a part line by line, which takes time for the square
/// of their number.
const PART_LINES: usize = 100;

/// The variables, secrets and injected files of one build.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Names and values.
    variables: Vec<(String, String)>,
    /// Ids and contents.
    secrets: Vec<(String, Vec<u8>)>,
    /// A folder comes before its content.
    injected: Vec<Injected>,
}

/// One injected file or folder.
#[derive(Clone, PartialEq, Eq)]
struct Injected {
    /// The path in the container, absolute or relative to the WORKDIR.
    to: Vec<u8>,
    /// `None` for a folder.
    file: Option<InjectedFile>,
}

/// The path and metadata of a file on this machine: enough to notice that it changed.
#[derive(Clone, PartialEq, Eq)]
struct InjectedFile {
    from: PathBuf,
    mode: u32,
    size: u64,
    mtime: (i64, u32),
    ctime: (i64, i64),
    inode: u64,
}

impl Secrets {
    /// Reads the secrets and lists the files to inject.
    ///
    /// # Errors
    /// If a file or folder does not exist or cannot be read, a secret is larger than 500 KiB, a folder to inject contains
    /// itself, or work was cancelled while a pipe was read.
    pub fn read(options: &SecretOptions, cancel: &Cancel) -> Result<Self> {
        let secrets: Result<Vec<_>> =
            options.files.iter().map(|secret| Ok((secret.id.clone(), read_secret(secret, cancel)?))).collect();
        let mut injected = Vec::new();
        for injection in &options.injections {
            list_injection(injection, &mut injected)?;
        }
        Ok(Self { variables: options.variables.clone(), secrets: secrets?, injected })
    }

    /// Whether `assemble` gets nothing extra.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.secrets.is_empty() && self.injected.is_empty()
    }

    /// The names of the variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|(name, _)| name.as_str())
    }

    /// The options of `docker run` for the build container.
    pub fn options(&self) -> Vec<String> {
        let mount = format!("--tmpfs={SECRETS_FOLDER}:rw,noexec,nosuid,nodev,mode=1777");
        if self.secrets.is_empty() { Vec::new() } else { vec![mount] }
    }

    /// The shell text that the container runs before it receives the upload, in parts. It writes the secrets and defines
    /// the functions that the container calls before and after `assemble`.
    pub fn opening(&self) -> Vec<Vec<u8>> {
        let mut parts = Vec::new();
        for (id, content) in &self.secrets {
            let path = format!("{SECRETS_FOLDER}/{id}");
            let escaped = escape(content);
            parts.push(format!("(umask 377; printf %b '{escaped}' >'{path}') || exit 1\n").into_bytes());
        }
        let export = |(name, value): &(String, String)| {
            [format!("export {name}=").as_bytes(), &quote(value.as_bytes()), b" || :"].concat()
        };
        define("minis2i_env", &self.variables.iter().map(export).collect::<Vec<_>>(), &[], &mut parts);
        let call = |action: &str, (number, entry): (usize, &Injected)| {
            let function = if entry.file.is_some() { format!("{action}_file") } else { format!("{action}_folder") };
            [format!("minis2i_{function} {number} ").as_bytes(), &quote(&entry.to), b" || return 1"].concat()
        };
        let numbered = self.injected.iter().enumerate();
        define(
            "minis2i_before",
            &numbered.clone().map(|entry| call("put", entry)).collect::<Vec<_>>(),
            &[],
            &mut parts,
        );
        let mut last = Vec::new();
        if !self.injected.is_empty() {
            last.push(b"rm -rf \"$minis2i_waiting\"".to_vec());
        }
        if !self.secrets.is_empty() {
            let paths: Vec<_> = self.secrets.iter().map(|(id, _)| format!("'{SECRETS_FOLDER}/{id}'")).collect();
            last.push(format!("rm -f {}", paths.join(" ")).into_bytes());
        }
        define(
            "minis2i_after",
            &numbered.rev().map(|entry| call("take", entry)).collect::<Vec<_>>(),
            &last,
            &mut parts,
        );
        parts
    }

    /// Sends the injected files; the container moves them to their paths later.
    ///
    /// # Errors
    /// If a file cannot be read, or the container does not accept the upload.
    pub fn send<W: Write>(&self, upload: &mut Writer<W>) -> Result<()> {
        if self.injected.is_empty() {
            return Ok(());
        }
        upload.folder(INJECTED_FOLDER.as_bytes(), 0o700, (0, 0))?;
        for (number, entry) in self.injected.iter().enumerate() {
            let Some(file) = &entry.file else { continue };
            let content = fs::read(&file.from).map_err(|error| unreadable(&file.from, error))?;
            upload.file(format!("{INJECTED_FOLDER}/{number}").as_bytes(), file.mode, file.mtime, &content)?;
        }
        Ok(())
    }
}

/// Reads one secret, from its variable or its file.
fn read_secret(secret: &Secret, cancel: &Cancel) -> Result<Vec<u8>> {
    let content = match &secret.from {
        SecretSource::Text(text) => text.clone().into_bytes(),
        SecretSource::File(file) => file.read(SECRET_LIMIT, &|| cancel.check())?.map_err(|error| {
            Error::usage(format!("cannot read the secret `{}` from `{}`", secret.id, file.path().display()))
                .because(error)
                .hint("see that the file is there and that you may read it")
        })?,
    };
    if content.len() > SECRET_LIMIT {
        return Err(Error::usage(format!("the secret `{}` is larger than 500 KiB", secret.id))
            .hint("`--inject FOLDER:/WHERE` takes files of any size")
            .into());
    }
    Ok(content)
}

/// Defines a shell function with these lines, each of which succeeds or returns 1, followed by the `last` lines. If
/// there are many, they are divided among several functions, which are parts of their own.
fn define(name: &str, lines: &[Vec<u8>], last: &[Vec<u8>], parts: &mut Vec<Vec<u8>>) {
    let mut function = |name: &str, lines: &[Vec<u8>]| {
        let mut text = format!("{name}() {{ :\n").into_bytes();
        lines.iter().for_each(|line| text.extend([line.as_slice(), b"\n"].concat()));
        text.extend(b"}\n");
        parts.push(text);
    };
    if lines.len() <= PART_LINES {
        return function(name, &[lines, last].concat());
    }
    let mut calls = Vec::new();
    for (number, lines) in lines.chunks(PART_LINES).enumerate() {
        function(&format!("{name}_{number}"), lines);
        calls.push(format!("{name}_{number} || return 1").into_bytes());
    }
    function(name, &[&calls, last].concat());
}

/// Escapes bytes for `printf %b` between single quotes.
fn escape(bytes: &[u8]) -> String {
    let mut escaped = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'+' | b'/' | b'-' | b'_' | b'=' | b'.' | b':' => {
                escaped.push(char::from(*byte));
            }
            byte => escaped.push_str(&format!("\\0{byte:03o}")),
        }
    }
    escaped
}

/// Adds a folder to inject to the list, with all that it contains and with the parent folders of its path in the
/// container. Symlinks are followed, since what they point to would be missing in the container.
fn list_injection(injection: &Injection, list: &mut Vec<Injected>) -> Result<()> {
    let shown = injection.from.display();
    let meta = fs::metadata(&injection.from).map_err(|error| unreadable(&injection.from, error))?;
    if !meta.is_dir() {
        return Err(Error::usage(format!("`{shown}` cannot be injected: it is no folder"))
            .hint("give the folder that holds it; with only that file in it, only that file is injected")
            .into());
    }
    let to = injection.to.trim_end_matches('/');
    let base = if to.starts_with('/') { String::new() } else { ".".to_owned() };
    let parts: Vec<&str> = to.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let mut path = base;
    for part in parts {
        path = format!("{path}/{part}");
        list.push(Injected { to: path.clone().into_bytes(), file: None });
    }
    list_folder(&injection.from, path.as_bytes(), &mut Vec::new(), list)
}

/// Adds the content of `folder` to the list, below the path `to` in the container. `ancestors` are the devices and
/// inodes of the folders that contain it, to find loops of symlinks.
fn list_folder(folder: &Path, to: &[u8], ancestors: &mut Vec<(u64, u64)>, list: &mut Vec<Injected>) -> Result<()> {
    let read_error = |error| unreadable(folder, error);
    let meta = fs::metadata(folder).map_err(read_error)?;
    if ancestors.contains(&(meta.dev(), meta.ino())) {
        return Err(Error::usage(format!(
            "`{}` cannot be injected: it contains itself through a link",
            folder.display()
        ))
        .hint("remove that link from the folder")
        .into());
    }
    ancestors.push((meta.dev(), meta.ino()));
    let names: io::Result<Vec<_>> =
        fs::read_dir(folder).and_then(|items| items.map(|item| item.map(|item| item.file_name())).collect());
    let mut names = names.map_err(read_error)?;
    names.sort();
    for name in names {
        let from = folder.join(&name);
        let meta = fs::metadata(&from).map_err(|error| unreadable(&from, error))?;
        let to = [to, b"/", name.as_bytes()].concat();
        if meta.is_dir() {
            list.push(Injected { to: to.clone(), file: None });
            list_folder(&from, &to, ancestors, list)?;
        } else if meta.is_file() {
            let mtime = (meta.mtime(), u32::try_from(meta.mtime_nsec()).unwrap_or(0));
            let (mode, size) = (meta.mode() & 0o777, meta.size());
            let file =
                InjectedFile { from, mode, size, mtime, ctime: (meta.ctime(), meta.ctime_nsec()), inode: meta.ino() };
            list.push(Injected { to, file: Some(file) });
        }
    }
    ancestors.pop();
    Ok(())
}

fn unreadable(path: &Path, error: io::Error) -> anyhow::Error {
    Error::usage(format!("cannot read `{}`, which is to be injected", path.display()))
        .because(error)
        .hint("see that it is there and that you may read it")
        .into()
}

/// The error for an injected file that the container could not move to its path or remove again; `stderr` is that of
/// the command that failed.
pub fn injection_failed(stderr: &str) -> anyhow::Error {
    Error::engine("cannot inject files into the build container")
        .because(anyhow::anyhow!(stderr.to_owned()))
        .hint("the user of `assemble` must be able to write there; `--volume FOLDER:/WHERE:ro` shows a folder without that")
        .into()
}

#[cfg(test)]
mod tests {
    use super::{Cancel, Secrets, escape};
    use crate::settings::secrets::{Injection, SecretOptions};
    use std::collections::HashSet;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::process::Command;

    #[test]
    fn a_secret_of_any_bytes_is_one_word_on_one_line() {
        assert_eq!(escape(b"a'\n\0\\%\xff"), r"a\0047\0012\0000\0134\0045\0377");
    }

    #[test]
    fn without_secrets_nothing_is_done() {
        let secrets = Secrets::default();
        assert!(secrets.is_empty() && secrets.options().is_empty());
        let text = String::from_utf8(secrets.opening().concat()).unwrap();
        assert_eq!(text, "minis2i_env() { :\n}\nminis2i_before() { :\n}\nminis2i_after() { :\n}\n");
    }

    #[test]
    fn parent_folders_are_created_first_and_removed_last() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "").unwrap();
        let injection = Injection { from: dir.path().to_owned(), to: "conf/deep/".to_owned() };
        let options = SecretOptions { injections: vec![injection], ..SecretOptions::default() };
        let text = String::from_utf8(Secrets::read(&options, &Cancel::default()).unwrap().opening().concat()).unwrap();
        let order = ["put_folder 0 './conf'", "put_folder 1 './conf/deep'", "put_file 2 './conf/deep/f'"];
        let positions: Vec<_> = order.iter().map(|call| text.find(call).unwrap()).collect();
        assert!(positions.is_sorted(), "{text}");
        assert!(text.find("take_file 2").unwrap() < text.find("take_folder 0").unwrap(), "{text}");
    }

    #[test]
    fn a_shell_understands_thousands_of_variables() {
        let variable = |number: usize| (format!("V{number}"), format!("it's {number}\n"));
        let secrets = Secrets { variables: (0..1234).map(variable).collect(), ..Secrets::default() };
        let parts = secrets.opening();
        assert!(parts.iter().all(|part| part.iter().filter(|byte| **byte == b'\n').count() < 300));
        let text = [&parts.concat(), b"minis2i_env; env -0".as_slice()].concat();
        let output = Command::new("sh").arg("-c").arg(OsString::from_vec(text)).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let known: HashSet<&str> = printed.split('\0').collect();
        for number in 0..1234 {
            assert!(known.contains(format!("V{number}=it's {number}\n").as_str()), "{number}");
        }
    }
}
