//! A builder whose images serve a page, and clients of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::support::builder::{Builder, shared_builder};
use crate::support::static_program::static_program;
use crate::support::wait::{POLL, TIMEOUT, wait_until};
use crate::support::watch_session::WatchSession;

/// The application, linked statically.
fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| static_program("web_server"))
}

/// A builder whose images serve the source's `index.html` on port 8080. Its `assemble` fails where the source has a `fail`.
pub fn web_builder() -> Builder {
    let assemble = "#!/bin/sh\nset -e\n[ ! -e /tmp/src/fail ] || exit 9\ncp -a /tmp/src/. /app/\n";
    Builder::new().script("assemble", assemble).bytes("usr/libexec/s2i/run", 0o755, program())
}

/// The builder that tests share which do not count its containers.
pub fn shared_web_builder() -> Arc<Builder> {
    shared_builder("web", || web_builder().make())
}

/// What is shown at a URL `http://ADDRESS` with this path.
pub fn get(url: &str, path: &str) -> std::io::Result<String> {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let Some((_, body)) = answer.split_once("\r\n\r\n") else {
        let cut = format!("{address} ended the answer of {} too early: {answer:?}", stream.local_addr()?);
        return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, cut));
    };
    Ok(body.to_owned())
}

impl WatchSession {
    /// Waits until so many apps have been ready; where the last one is.
    #[track_caller]
    pub fn wait_for_app(&self, number: usize) -> String {
        self.wait_for(&format!("app {number} to be ready"), |all| {
            all.iter().filter(|it| it["reason"] == "app-ready").count() >= number
        });
        self.with_reason("app-ready")[number - 1]["urls"][0].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a page has this content.
    #[track_caller]
    pub fn wait_for_page(&self, url: &str, content: &str) {
        let shown = || get(url, "/").is_ok_and(|body| body == content);
        wait_until(POLL + Duration::from_millis(20), shown, || format!("`{content}` is never shown\n{self}"));
    }
}
