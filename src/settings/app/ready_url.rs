//! The URL by which a new app is asked whether it is ready.

use anyhow::Result;

use super::port::Port;
use crate::error::Error;

/// What to ask a new app for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyUrl {
    /// Which of the published ports is asked, by its index.
    pub port: usize,
    /// The host, and the port, by which the app is called.
    pub host: String,
    /// With its query.
    pub path: String,
}

impl ReadyUrl {
    /// Reads a path, for the first published port, or a URL with the published port of this machine or of the container.
    ///
    /// # Errors
    /// When it is neither, or its port is not published.
    pub fn parse(text: &str, ports: &[Port]) -> Result<Self> {
        let wrong = |why: String, hint: &str| Error::usage(format!("`--ready-url {text}`: {why}")).hint(hint);
        let form = "write a path such as `/health`, or a URL such as `http://127.0.0.1:8080/health`";
        let Some(first) = ports.first() else {
            return Err(
                wrong("no TCP port is published that could be asked".into(), "publish one with `--publish`").into()
            );
        };
        if text.starts_with('/') {
            return Ok(Self { port: 0, host: format!("localhost:{}", first.container), path: text.to_owned() });
        }
        let rest = text.strip_prefix("http://").ok_or_else(|| wrong("it is not a URL of `http`".into(), form))?;
        let (host, path) = match rest.find('/') {
            Some(begin) => rest.split_at(begin),
            None => (rest, "/"),
        };
        let number = host.rsplit_once(':').map_or(Ok(80), |(_, port)| port.parse::<u16>());
        let number = number.map_err(|_| wrong("its port is not a number".into(), form))?;
        let by_host = ports.iter().position(|port| port.host == number);
        let port = by_host.or_else(|| ports.iter().position(|port| port.container == number));
        let port =
            port.ok_or_else(|| wrong(format!("port {number} is not published"), "publish it with `--publish`"))?;
        Ok(Self { port, host: host.to_owned(), path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::ReadyUrl;
    use crate::settings::app::port::parse_all;

    #[test]
    fn the_port_is_a_published_one() {
        let ports = parse_all(&["8080:80", "127.0.0.1::90"].map(str::to_owned)).unwrap();
        let parse = |text: &str| ReadyUrl::parse(text, &ports);
        assert_eq!((parse("/a?b").unwrap().port, parse("/a?b").unwrap().path.as_str()), (0, "/a?b"));
        assert_eq!(parse("http://127.0.0.1:8080").unwrap().path, "/");
        assert_eq!(parse("http://localhost:90/x").unwrap().port, 1);
        for bad in ["x", "https://a:8080/", "http://a:1/", "http://a:b/"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(ReadyUrl::parse("/a", &[]).is_err());
    }
}
