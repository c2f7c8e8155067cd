//! A load generator: a fixed amount of work over some connections, and how long that takes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::http::Connection;

/// What is asked for on each of some connections that are kept open.
#[derive(Clone, Copy)]
pub struct Load {
    pub connections: usize,
    /// How often is asked on each connection.
    pub requests: usize,
    /// How many bytes each answer has.
    pub bytes: usize,
}

impl Load {
    /// How long it takes from the first request to the last answer; connections are made before.
    pub fn run(self, address: SocketAddr) -> Result<Duration> {
        let open = || Connection::open(address).context("cannot connect to the app");
        let connections = (0..self.connections).map(|_| open()).collect::<Result<Vec<_>>>()?;
        let begin = Instant::now();
        std::thread::scope(|scope| {
            let work = |connection| scope.spawn(move || self.ask(connection));
            let threads: Vec<_> = connections.into_iter().map(work).collect();
            threads.into_iter().try_for_each(|thread| thread.join().expect("asking does not panic"))
        })?;
        Ok(begin.elapsed())
    }

    fn ask(self, mut connection: Connection) -> Result<()> {
        let path = format!("/bytes/{}", self.bytes);
        for _ in 0..self.requests {
            let length = connection.get(&path).context("a request failed")?;
            ensure!(length == self.bytes, "an answer has {length} bytes instead of {}", self.bytes);
        }
        Ok(())
    }

    /// How many requests there are in all.
    pub fn all_requests(self) -> f64 {
        (self.connections * self.requests) as f64
    }

    /// How many bytes there are in all answers.
    pub fn all_bytes(self) -> f64 {
        self.all_requests() * self.bytes as f64
    }
}

#[cfg(test)]
mod tests {
    use super::Load;

    #[test]
    fn all_connections_count() {
        let load = Load { connections: 4, requests: 10, bytes: 100 };
        assert_eq!((load.all_requests(), load.all_bytes()), (40.0, 4000.0));
    }
}
