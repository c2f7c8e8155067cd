//! The engine's own API, spoken by hand over its socket: a CLI call would cost more than what is measured.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::process;

/// How long an answer may take. Chosen, not measured: it only ends a wait for an engine that hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A connection that is kept open.
pub struct EngineApi(BufReader<UnixStream>);

impl EngineApi {
    /// Connects to the engine that the CLI uses.
    pub fn connect() -> Result<Self> {
        let host = match std::env::var("DOCKER_HOST") {
            Ok(host) => host,
            Err(_) => process::output(&["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])?,
        };
        let Some(path) = host.strip_prefix("unix://") else {
            bail!("the engine is at `{host}`, but its API is watched over a socket of this machine only");
        };
        let stream = UnixStream::connect(path).with_context(|| format!("cannot connect to the engine at {path}"))?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// The id of the image that the tag is on, if there is one.
    pub fn image(&mut self, tag: &str) -> Result<Option<String>> {
        write!(self.0.get_mut(), "GET /images/{tag}/json HTTP/1.1\r\nHost: engine\r\n\r\n")?;
        let (status, body) = read_response(&mut self.0).context("the engine's answer can not be read")?;
        match status {
            404 => Ok(None),
            200 => {
                let image: Value = serde_json::from_slice(&body)?;
                Ok(Some(image["Id"].as_str().context("the engine describes an image without an id")?.to_owned()))
            }
            _ => bail!("the engine answered {status}: {}", String::from_utf8_lossy(&body).trim()),
        }
    }
}

/// Reads the status and the body, and no byte more.
fn read_response(from: &mut impl BufRead) -> Result<(u16, Vec<u8>)> {
    let status = read_line(from)?;
    let status = status.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.context("no HTTP")?;
    let (mut length, mut chunked) = (0, false);
    loop {
        let header = read_line(from)?.to_ascii_lowercase();
        match header.split_once(':') {
            None => break,
            Some(("content-length", value)) => length = value.trim().parse()?,
            Some(("transfer-encoding", value)) => chunked = value.trim() == "chunked",
            Some(_) => {}
        }
    }
    let body = if chunked { read_chunks(from)? } else { read_exactly(from, length)? };
    Ok((status, body))
}

fn read_chunks(from: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&read_line(from)?, 16)?;
        body.extend(read_exactly(from, length)?);
        read_line(from)?;
        if length == 0 {
            return Ok(body);
        }
    }
}

fn read_exactly(from: &mut impl Read, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A line without its end.
fn read_line(from: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    ensure!(line.ends_with('\n'), "the connection ended");
    Ok(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::read_response;

    #[test]
    fn answers_follow_each_other_on_one_connection() {
        let mut bytes = &b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}\
            HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n\
            HTTP/1.1 200 OK\r\n\r\n"[..];
        assert_eq!(read_response(&mut bytes).unwrap(), (404, b"{}".to_vec()));
        assert_eq!(read_response(&mut bytes).unwrap(), (200, b"{\"a\":1}".to_vec()));
        assert_eq!(read_response(&mut bytes).unwrap(), (200, Vec::new()));
        assert!(read_response(&mut bytes).is_err());
    }
}
