//! The base image that demo, tests and bench share: made from the host's own programs, so that no registry is needed,
//! or pulled where that does not work.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::{engine, process};

/// The name under which the base is known to demo, tests and bench.
pub const NAME: &str = "minis2i-base:latest";

/// What `builder/Dockerfile` takes by default.
const PUBLIC_IMAGE: &str = "busybox:stable";

/// The programs that a base made from the host has, beside the shell.
const PROGRAMS: &str = "[ basename cat chgrp chmod chown cp cut date dd df dirname du echo env expr false find grep \
    head id install ln ls md5sum mkdir mkfifo mknod mktemp mv nproc od pathchk printf pwd readlink realpath rm rmdir \
    sed seq sha256sum sleep sort split stat sync tail tar tee test timeout touch tr true truncate uname uniq wc which \
    whoami xargs yes";

/// The task: makes sure that the base is there and says its name.
pub fn task(_: &[String]) -> Result<()> {
    ensure()?;
    println!("{NAME}");
    Ok(())
}

/// Makes sure that an engine answers and that it has an image named [`NAME`].
pub fn ensure() -> Result<()> {
    engine::ensure()?;
    if process::succeeds(&["docker", "image", "inspect", NAME]) {
        return Ok(());
    }
    // What the host has is there in seconds and the same for all images; an engine elsewhere may be another machine.
    if cfg!(target_os = "linux") && engine::is_here() {
        eprintln!("making {NAME} from this machine's own programs");
        match import() {
            Ok(()) => return Ok(()),
            Err(error) => eprintln!("that did not work: {error:#}"),
        }
    }
    eprintln!("pulling {PUBLIC_IMAGE} to be {NAME}");
    process::run(&mut process::command(&["docker", "pull", "--quiet", PUBLIC_IMAGE]))?;
    process::run(&mut process::command(&["docker", "tag", PUBLIC_IMAGE, NAME]))
}

/// Streams a tree made of the host's programs into `docker import`.
fn import() -> Result<()> {
    let files = host_files()?;
    let mut child = process::command(&["docker", "import", "--change", "CMD [\"/bin/sh\"]", "-", NAME])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start `docker import`")?;
    let mut tar = tar::Builder::new(child.stdin.take().expect("stdin is piped"));
    for (name, mode) in [("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("usr/bin", 0o755), ("tmp", 0o1777)] {
        append_entry(&mut tar, name, tar::EntryType::Directory, mode, &[])?;
    }
    let accounts = [
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
        ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    ];
    for (name, text) in accounts {
        append_entry(&mut tar, name, tar::EntryType::Regular, 0o644, text.as_bytes())?;
    }
    for (name, path) in &files {
        let mode = fs::metadata(path)?.permissions().mode() & 0o755;
        append_entry(&mut tar, name, tar::EntryType::Regular, mode, &fs::read(path)?)?;
    }
    drop(tar.into_inner()?);
    if !child.wait()?.success() {
        bail!("`docker import` failed");
    }
    Ok(())
}

fn append_entry(
    tar: &mut tar::Builder<impl std::io::Write>,
    name: &str,
    kind: tar::EntryType,
    mode: u32,
    data: &[u8],
) -> Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(data.len() as u64);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    tar.append_data(&mut header, name, data).with_context(|| format!("cannot send {name}"))
}

/// Which host file becomes which path of the image: programs in `bin`, libraries where they are loaded from.
fn host_files() -> Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    let mut libraries = BTreeSet::new();
    let shell = fs::canonicalize("/bin/sh").context("no /bin/sh on this machine")?;
    let programs = PROGRAMS.split_whitespace().filter_map(|name| Some((name, find_program(name)?)));
    for (name, path) in std::iter::once(("sh", shell)).chain(programs) {
        libraries.extend(shared_libraries(&path)?);
        files.push((format!("bin/{name}"), path));
    }
    for library in libraries {
        files.push((library.trim_start_matches('/').to_owned(), PathBuf::from(&library)));
    }
    // `env` is also looked for in /usr/bin, by the first lines of scripts.
    if let Some(env) = find_program("env") {
        files.push(("usr/bin/env".to_owned(), env));
    }
    for needed in ["sh", "tar", "cat", "rm", "sleep"] {
        if !files.iter().any(|(name, _)| name == &format!("bin/{needed}")) {
            bail!("this machine has no `{needed}` to make a base image of");
        }
    }
    Ok(files)
}

/// The compiled program of that name; scripts are passed over, their interpreter would be missing.
fn find_program(name: &str) -> Option<PathBuf> {
    ["/bin", "/usr/bin"].iter().filter_map(|dir| fs::canonicalize(Path::new(dir).join(name)).ok()).find(|path| {
        use std::io::Read;
        let mut magic = [0; 4];
        File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && &magic == b"\x7fELF"
    })
}

fn shared_libraries(program: &Path) -> Result<Vec<String>> {
    let program = program.to_str().context("a program's path is not UTF-8")?;
    // A static program makes ldd fail: it needs none.
    let listing = process::output(&["ldd", program]).unwrap_or_default();
    let paths = listing.split_whitespace().filter(|word| word.starts_with('/'));
    Ok(paths.map(str::to_owned).collect())
}
