//! Files that options of `docker run` name, and that its CLI reads for each container. What is no regular file can be read
//! once, so its content is kept for the run, in memory, where the CLI can read it again.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::run_options;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::input_file::InputFile;

/// The options that name a file.
const OPTIONS: [&str; 2] = ["--env-file", "--label-file"];

/// The most bytes that are kept of one file.
const LIMIT: usize = 16 * 1024 * 1024;

/// The content of a file, which other programs can read as long as this exists.
pub type KeptFile = Arc<File>;

/// The options with the paths of kept files in place of those that can be read only once, and these files.
///
/// # Errors
/// When a file cannot be read or kept, or work was cancelled while a pipe was read.
pub fn keep(mut options: Vec<String>, cancel: &Cancel) -> Result<(Vec<String>, Vec<KeptFile>)> {
    let mut kept = Vec::new();
    for (index, range) in run_options::values(&options, &OPTIONS) {
        let file = InputFile::new(&options[index][range.clone()]);
        if is_left_to_the_cli(&file, cfg!(target_os = "linux")) {
            continue;
        }
        let shown = file.path().display();
        let content = file.read(LIMIT, &|| cancel.check())?.map_err(|error| {
            Error::usage(format!("cannot read `{shown}` for `docker run`"))
                .because(error)
                .hint("name a file that you may read")
        })?;
        if content.len() > LIMIT {
            return Err(Error::usage(format!("`{shown}` is larger than 16 MiB"))
                .hint("name a file of `NAME=VALUE` lines")
                .into());
        }
        let (path, file) = in_memory(&content).with_context(|| format!("cannot keep the content of `{shown}`"))?;
        options[index].replace_range(range, &path);
        kept.push(Arc::new(file));
    }
    Ok((options, kept))
}

/// Whether the CLI reads the file itself: one that can be read again, and one that does not exist, which the CLI says. And so
/// it has to be where the system has no files in memory.
fn is_left_to_the_cli(file: &InputFile, has_files_in_memory: bool) -> bool {
    file.is_regular() || !file.path().exists() || !has_files_in_memory
}

/// A file in memory with this content, and a path by which other programs of this user can read it.
#[cfg(target_os = "linux")]
fn in_memory(content: &[u8]) -> Result<(String, File)> {
    let mut file = File::from(rustix::fs::memfd_create("minis2i", rustix::fs::MemfdFlags::CLOEXEC)?);
    file.write_all(content)?;
    Ok((format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()), file))
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_content: &[u8]) -> Result<(String, File)> {
    anyhow::bail!("this system has no files in memory")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::{is_left_to_the_cli, keep};
    use crate::cancel::Cancel;
    use crate::input_file::InputFile;

    #[test]
    fn what_the_cli_can_read_itself_is_left_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let [pipe, file, missing] = ["pipe", "file", "missing"].map(|name| dir.path().join(name));
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::write(&file, "B=1").unwrap();
        let left = |path: &std::path::Path, memory| is_left_to_the_cli(&InputFile::new(path), memory);
        assert!([&file, &missing].iter().all(|path| left(path, true)));
        assert_eq!([true, false].map(|memory| left(&pipe, memory)), [false, true]);
    }

    #[test]
    fn a_pipe_can_be_read_by_several_programs() {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["pipe", "file"].map(|name| dir.path().join(name).display().to_string());
        assert!(Command::new("mkfifo").arg(&paths[0]).status().unwrap().success());
        fs::write(&paths[1], "B=1").unwrap();
        let writer = {
            let path = paths[0].clone();
            std::thread::spawn(move || fs::write(path, "A=1").unwrap())
        };
        let equals = format!("--env-file={}", paths[0]);
        let options = [&equals, "--env-file", &paths[1], "--label-file", "/none/such", "--memory", "1g"];
        let (kept, files) = keep(options.iter().map(|&word| word.to_owned()).collect(), &Cancel::default()).unwrap();
        writer.join().unwrap();
        assert_eq!((&kept[1..], files.len()), (&options.map(str::to_owned)[1..], 1));
        for _ in 0..2 {
            let output = Command::new("cat").arg(kept[0].strip_prefix("--env-file=").unwrap()).output().unwrap();
            assert_eq!(output.stdout, b"A=1");
        }
    }
}
