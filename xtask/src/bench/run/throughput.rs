//! How fast the way through our forwarder is, against the engine's own published port of the same container.

use std::net::SocketAddr;

use anyhow::Result;

use super::context::{Measurements, RunBench};
use super::load::Load;
use super::row::Row;
use super::watched_app::WatchedApp;
use crate::bench::series::Series;
use crate::bench::table::Measurement;
use crate::{process, signals};

/// About half a second on a small machine.
const DOWNLOADS: Load = Load { connections: 2, requests: 1, bytes: 256 << 20 };
const REQUESTS: Load = Load { connections: 8, requests: 2000, bytes: 100 };

/// The ways to the app.
struct Ways {
    forwarder: SocketAddr,
    published: SocketAddr,
    direct: SocketAddr,
}

/// What a load took on each way, a time for each round.
struct Times {
    forwarder: Series,
    published: Series,
    direct: Series,
}

/// The ways take turns.
pub fn measure(bench: &mut RunBench) -> Result<Measurements> {
    let app = WatchedApp::run(bench, "throughput")?;
    let (published, direct) = app.engine_addresses()?;
    let ways = Ways { forwarder: app.address, published, direct };
    let how = if is_proxied(published.port()) { "docker-proxy" } else { "the kernel's rules" };
    let rounds = bench.watch.rounds;
    let downloads = ways.time(DOWNLOADS, rounds)?;
    let speed = |series: &Series| DOWNLOADS.all_bytes() / series.median().as_secs_f64() / f64::from(1 << 20);
    let note = downloads.note(how, "MiB/s", speed);
    let downloads = Measurement::speed(&downloads.forwarder, &downloads.published, note);
    let requests = ways.time(REQUESTS, rounds)?;
    let speed = |series: &Series| REQUESTS.all_requests() / series.median().as_secs_f64();
    let note = requests.note(how, "requests/s", speed);
    let requests = Measurement::speed(&requests.forwarder, &requests.published, note);
    Ok(vec![(Row::Downloads, downloads), (Row::Requests, requests)])
}

impl Ways {
    fn time(&self, load: Load, rounds: usize) -> Result<Times> {
        let ways = [self.forwarder, self.published, self.direct];
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        // The first round does not count.
        for round in 0..=rounds {
            eprint!("\r  round {round} of {rounds}");
            for (way, times) in ways.iter().zip(&mut times) {
                signals::check()?;
                let time = load.run(*way)?;
                times.extend((round > 0).then_some(time));
            }
        }
        eprintln!();
        let [forwarder, published, direct] = times.map(Series::new);
        Ok(Times { forwarder, published, direct })
    }
}

impl Times {
    fn note(&self, how: &str, unit: &str, speed: impl Fn(&Series) -> f64) -> String {
        let [a, b, direct] = [&self.forwarder, &self.published, &self.direct].map(speed);
        format!("A {a:.0}, B {b:.0} {unit}; docker's port is served by {how}; straight to the container {direct:.0}")
    }
}

/// Whether the engine passes connections to this port on by a process of its own.
fn is_proxied(port: u16) -> bool {
    let processes = process::output(&["ps", "-eo", "args"]).unwrap_or_default();
    serves(&processes, port)
}

/// Whether one of these command lines is that of a proxy for the port.
fn serves(processes: &str, port: u16) -> bool {
    let port = port.to_string();
    let is_for_port = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.windows(2).any(|pair| pair == ["-host-port", &port])
    };
    processes.lines().any(|line| line.contains("docker-proxy") && is_for_port(line))
}

#[cfg(test)]
mod tests {
    use super::serves;

    #[test]
    fn a_proxy_is_known_by_its_port() {
        let all = "sh\n/usr/sbin/docker-proxy -proto tcp -host-ip 127.0.0.1 -host-port 49153 -container-port 8080\n";
        assert!(serves(all, 49153) && !serves(all, 4915) && !serves(all, 8080));
    }
}
