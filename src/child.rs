//! Reading the streams of child processes. A full pipe stops the child, so each stream is read to its end, on a thread of
//! its own where the caller has something else to do.

use std::io::{self, Read};
use std::thread::JoinHandle;

/// How much is read at once, in bytes: half of a pipe's usual 64 KiB, so that the writer can go on meanwhile.
const PIECE_SIZE: usize = 32 * 1024;

/// Calls `on_piece` with the content of a stream, piece by piece, until the stream ends or cannot be read any more.
pub fn for_each_piece(stream: &mut impl Read, mut on_piece: impl FnMut(&[u8])) {
    let mut buffer = vec![0; PIECE_SIZE];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => on_piece(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// The content of a stream until its end or the first error.
pub fn read_all(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

/// The end of the content of a stream, at most `limit` bytes.
pub fn read_end(stream: &mut impl Read, limit: usize) -> Vec<u8> {
    let mut end = Vec::new();
    for_each_piece(stream, |piece| keep_end(&mut end, piece, limit));
    end
}

/// Adds a piece to the end of some content, of which at most `limit` bytes are kept.
pub fn keep_end(end: &mut Vec<u8>, piece: &[u8], limit: usize) {
    end.extend_from_slice(piece);
    let excess = end.len().saturating_sub(limit);
    end.drain(..excess);
}

/// A stream that is being read on a thread of its own.
pub struct Collector(JoinHandle<Vec<u8>>);

impl Collector {
    /// Starts to read the stream; returns at once.
    pub fn start(mut stream: impl Read + Send + 'static) -> Self {
        Self(std::thread::spawn(move || read_all(&mut stream)))
    }

    /// Waits for the end of the stream; returns its content as text, trimmed. Bytes that are not UTF-8 are replaced.
    pub fn text(self) -> String {
        let bytes = self.0.join().unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}
