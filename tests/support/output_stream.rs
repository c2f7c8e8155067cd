//! What a child process prints, collected while it runs. Waiting for its end is left to `running_process`.

use std::io::Read;
use std::sync::{Arc, Mutex};

pub type Collected = Arc<Mutex<Vec<u8>>>;

pub fn collect(mut from: impl Read + Send + 'static) -> Collected {
    let collected = Collected::default();
    let to = collected.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(got @ 1..) = from.read(&mut buffer) {
            to.lock().unwrap().extend_from_slice(&buffer[..got]);
        }
    });
    collected
}

pub fn text(collected: &Collected) -> String {
    String::from_utf8_lossy(&collected.lock().unwrap()).into_owned()
}
