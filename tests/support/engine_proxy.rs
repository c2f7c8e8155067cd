//! A connection to the engine that a test can interrupt, as if the engine had gone away.

use std::fs;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// A way to the engine that can be cut, and mended.
pub struct Line {
    dir: TempDir,
    open: Connections,
}

impl Line {
    pub fn new() -> Self {
        let line = Self { dir: tempfile::tempdir().unwrap(), open: Connections::default() };
        line.mend();
        line
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("engine")
    }

    /// What to give as `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.path().display())
    }

    /// From here on the engine is gone, in the middle of all that goes on.
    pub fn cut(&self) {
        let connections = self.open.lock().unwrap().take().unwrap_or_default();
        fs::remove_file(self.path()).unwrap();
        for connection in connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// The engine is back.
    pub fn mend(&self) {
        *self.open.lock().unwrap() = Some(Vec::new());
        let listener = UnixListener::bind(self.path()).unwrap();
        let open = self.open.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Some(connections) = &mut *open.lock().unwrap() else { return };
                let far = UnixStream::connect(engine_socket()).unwrap();
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
                connections.extend([near, far]);
            }
        });
    }
}

/// Both ends of what goes through a [`Line`]; `None` when it is cut.
type Connections = Arc<Mutex<Option<Vec<UnixStream>>>>;

/// The socket of the engine that the tests use.
fn engine_socket() -> PathBuf {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    host.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").into()
}
