//! A file that the user names, and that is read at each build. A pipe, such as that of `<(command)`, gives its content only
//! once, so it is kept for the run; and reading it takes as long as its writer takes.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::Result;

/// How often it is checked whether work was cancelled while a pipe is read: so often that a user does not notice it.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// A file that the user names. Clones share what was read of a pipe.
#[derive(Clone, Debug)]
pub struct InputFile {
    path: PathBuf,
    pipe: Arc<Pipe>,
}

/// What is read of a file that is not a regular one.
#[derive(Debug, Default)]
struct Pipe {
    reading: Mutex<Reading>,
    done: Condvar,
}

#[derive(Debug, Default)]
enum Reading {
    #[default]
    NotBegun,
    /// A thread reads it, also when the build that asked for it has ended.
    Begun,
    Ended(Result<Arc<Vec<u8>>, (io::ErrorKind, String)>),
}

impl InputFile {
    /// The file at `path`, which is not opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), pipe: Arc::default() }
    }

    /// The path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether each program that opens the path can read all of the content: it is a regular file, and not what a program
    /// has open itself, which is another file in another program.
    pub fn is_regular(&self) -> bool {
        let own = ["/dev", "/proc/self"].iter().any(|folder| self.path.starts_with(folder));
        !own && fs::metadata(&self.path).is_ok_and(|meta| meta.is_file())
    }

    /// The content, and one byte more than `limit` at most. A file that is not a regular one is read once. While it is waited
    /// for, `check_cancelled` is called every few milliseconds, and its error ends the wait.
    ///
    /// # Errors
    /// The inner one if the file cannot be read; the outer one is that of `check_cancelled`.
    pub fn read(&self, limit: usize, check_cancelled: &dyn Fn() -> Result<()>) -> Result<io::Result<Vec<u8>>> {
        match fs::metadata(&self.path) {
            Ok(meta) if meta.is_file() || meta.is_dir() => return Ok(read_to_limit(&self.path, limit)),
            Err(error) if matches!(*self.lock(), Reading::NotBegun) => return Ok(Err(error)),
            // What a pipe gave stays, even if the pipe is gone.
            Ok(_) | Err(_) => {}
        }
        self.begin(limit)?;
        let mut reading = self.lock();
        loop {
            match &*reading {
                Reading::Ended(Ok(content)) => return Ok(Ok(content.to_vec())),
                Reading::Ended(Err((kind, text))) => return Ok(Err(io::Error::new(*kind, text.clone()))),
                Reading::NotBegun | Reading::Begun => {}
            }
            check_cancelled()?;
            let waited = self.pipe.done.wait_timeout(reading, CHECK_INTERVAL);
            reading = waited.expect("no thread panics while it holds this lock").0;
        }
    }

    /// Starts the thread that reads the pipe, unless it was started before. No signal ends a thread that waits for a
    /// writer, so the process does not wait for this one.
    fn begin(&self, limit: usize) -> io::Result<()> {
        let mut reading = self.lock();
        if !matches!(*reading, Reading::NotBegun) {
            return Ok(());
        }
        let (path, pipe) = (self.path.clone(), self.pipe.clone());
        thread::Builder::new().spawn(move || {
            let content = read_to_limit(&path, limit).map(Arc::new);
            let ended = content.map_err(|error| (error.kind(), error.to_string()));
            *pipe.reading.lock().expect("no thread panics while it holds this lock") = Reading::Ended(ended);
            pipe.done.notify_all();
        })?;
        *reading = Reading::Begun;
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.pipe.reading.lock().expect("no thread panics while it holds this lock")
    }
}

fn read_to_limit(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}

impl PartialEq for InputFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for InputFile {}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::process::Command;

    use anyhow::bail;
    use tempfile::TempDir;

    use super::InputFile;

    fn fifo() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        (dir, path)
    }

    fn read(file: &InputFile) -> Vec<u8> {
        file.read(1000, &|| Ok(())).unwrap().unwrap()
    }

    #[test]
    fn a_pipe_is_read_once_and_a_file_each_time() {
        let (dir, path) = fifo();
        let writer = {
            let path = path.clone();
            std::thread::spawn(move || fs::write(path, "secret").unwrap())
        };
        let pipe = InputFile::new(&path);
        assert!(!pipe.is_regular());
        assert_eq!((read(&pipe), read(&pipe.clone())), (b"secret".to_vec(), b"secret".to_vec()));
        writer.join().unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(read(&pipe), b"secret");
        let file = InputFile::new(dir.path().join("file"));
        for content in ["one", "two"] {
            fs::write(file.path(), content).unwrap();
            assert_eq!(read(&file), content.as_bytes());
        }
        assert!(file.is_regular());
        assert_eq!(
            InputFile::new("/none/such").read(9, &|| Ok(())).unwrap().unwrap_err().kind(),
            std::io::ErrorKind::NotFound
        );
    }

    #[test]
    fn a_wait_for_a_writer_ends_with_the_work_and_goes_on_later() {
        let (_dir, path) = fifo();
        let pipe = InputFile::new(&path);
        assert!(pipe.read(1000, &|| bail!("cancelled")).is_err());
        let writer = std::thread::spawn(move || fs::write(path, "late").unwrap());
        assert_eq!(read(&pipe), b"late");
        writer.join().unwrap();
    }

    #[test]
    fn no_more_than_the_limit_is_read_of_what_never_ends() {
        assert_eq!(InputFile::new("/dev/zero").read(10, &|| Ok(())).unwrap().unwrap().len(), 11);
    }
}
