//! The engine's HTTP API, for what tests ask again and again: a request costs next to nothing, a start of the CLI 15 ms
//! of processor time.
//!
//! Requests are HTTP/1.0, so that an answer ends where the connection ends and is never in chunks.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use serde_json::Value;

/// An answer of the engine.
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, body: bytes[end + 4..].to_vec() })
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer, which must be a success, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert!(self.is_success(), "{}: {}", self.status, self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Asks the engine; `target` is the path with the query.
#[track_caller]
pub fn request(method: &str, target: &str, content_type: &str, body: &[u8]) -> Answer {
    let mut bytes = format!(
        "{method} {target} HTTP/1.0\r\nHost: engine\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    let answer = match socket() {
        Some(path) => over_socket(&path, &bytes),
        None => over_cli(&bytes),
    };
    Answer::parse(&answer).unwrap_or_else(|| panic!("{method} {target}: no answer of the engine"))
}

#[track_caller]
pub fn get(target: &str) -> Answer {
    request("GET", target, "application/json", b"")
}

#[track_caller]
pub fn delete(target: &str) -> Answer {
    request("DELETE", target, "application/json", b"")
}

/// Text as a part of a target.
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The query part of filters, such as `ancestor` and an id.
pub fn filters(pairs: &[(&str, &str)]) -> String {
    let mut all = serde_json::Map::new();
    for (name, value) in pairs {
        let values = all.entry(*name).or_insert_with(|| Value::Array(Vec::new()));
        values.as_array_mut().unwrap().push((*value).into());
    }
    format!("filters={}", encoded(&Value::Object(all).to_string()))
}

/// The socket of the engine that the CLI uses; none if it uses one elsewhere.
fn socket() -> Option<String> {
    match std::env::var("DOCKER_HOST") {
        Ok(host) => host.strip_prefix("unix://").map(str::to_owned),
        Err(_) if std::env::var_os("DOCKER_CONTEXT").is_some() => None,
        Err(_) => Some("/var/run/docker.sock".to_owned()),
    }
}

fn over_socket(path: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(path).unwrap();
    // An engine that refuses does not read to the end, but answers.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// The CLI knows the way to any engine.
fn over_cli(request: &[u8]) -> Vec<u8> {
    let mut command = Command::new("docker");
    let mut child =
        command.args(["system", "dial-stdio"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.as_mut().unwrap().write_all(request);
    let mut answer = Vec::new();
    let _ = child.stdout.take().unwrap().read_to_end(&mut answer);
    let _ = child.kill();
    let _ = child.wait();
    answer
}
