//! A connection to the engine that a test can interrupt, as if the engine had gone away.

use std::fs;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::engine_link::engine_socket;

/// A socket that passes connections on to the engine, and that can be disconnected.
pub struct EngineProxy {
    dir: TempDir,
    open: Connections,
}

impl EngineProxy {
    pub fn new() -> Self {
        let proxy = Self { dir: tempfile::tempdir().unwrap(), open: Connections::default() };
        proxy.reconnect();
        proxy
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("engine")
    }

    /// What to give as `DOCKER_HOST`.
    pub fn docker_host(&self) -> String {
        format!("unix://{}", self.path().display())
    }

    /// Closes all connections and takes no new ones, as an engine does that is stopped.
    pub fn disconnect(&self) {
        let connections = self.open.lock().unwrap().take().unwrap_or_default();
        fs::remove_file(self.path()).unwrap();
        for connection in connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Takes connections again.
    pub fn reconnect(&self) {
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

/// Both ends of each connection through an [`EngineProxy`]; `None` while it is disconnected.
type Connections = Arc<Mutex<Option<Vec<UnixStream>>>>;
