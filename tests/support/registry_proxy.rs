//! A way to a registry that a test can hold up, and that can end half-way.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use super::registry::Registry;

/// What becomes of what is sent to the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Open,
    /// Nothing is answered, as by a registry that hangs.
    Held,
    /// All layers get there, and then the connection ends: the image gets no name.
    EndsAtName,
    /// The connection ends at once.
    Closed,
}

/// An address of its own, whose connections lead to a registry.
pub struct RegistryProxy {
    host: String,
    shared: Arc<Shared>,
}

struct Shared {
    way: Mutex<Way>,
    changed: Condvar,
    /// How many connections were held up so far.
    held: Mutex<usize>,
}

impl RegistryProxy {
    pub fn to(registry: &Registry, way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared { way: Mutex::new(way), changed: Condvar::new(), held: Mutex::new(0) });
        let (passing, far) = (shared.clone(), registry.host().to_owned());
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(&far) else { continue };
                pass_on(near, far, &passing);
            }
        });
        Self { host, shared }
    }

    /// The host with the port, as names of images begin.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn set(&self, way: Way) {
        *self.shared.way.lock().unwrap() = way;
        self.shared.changed.notify_all();
    }

    /// Whether something was held up so far.
    pub fn has_held(&self) -> bool {
        *self.shared.held.lock().unwrap() > 0
    }
}

/// Passes a connection on, in both directions.
fn pass_on(mut near: TcpStream, mut far: TcpStream, shared: &Arc<Shared>) {
    let (mut back_from, mut back_to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut back_from, &mut back_to);
        let _ = back_to.shutdown(Shutdown::Both);
    });
    let shared = shared.clone();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = near.read(&mut buffer) {
            if !shared.lets_pass(&buffer[..count]) || far.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = (near.shutdown(Shutdown::Both), far.shutdown(Shutdown::Both));
    });
}

impl Shared {
    /// Whether these bytes go on, once nothing holds them up.
    fn lets_pass(&self, bytes: &[u8]) -> bool {
        let mut way = self.way.lock().unwrap();
        if *way == Way::Held {
            *self.held.lock().unwrap() += 1;
        }
        while *way == Way::Held {
            way = self.changed.wait(way).unwrap();
        }
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
        let names = text.starts_with("PUT ") && text.contains("/manifests/");
        *way == Way::Open || *way == Way::EndsAtName && !names
    }
}
