//! Running the new image once after its build, for `build --run`: attached, with its ports published, and removed at
//! the end. Keeping an app running is left to the watch.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;

use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::error::{Error, ErrorKind};
use crate::pipeline::container::lines::relay_lines;
use crate::pipeline::context::BuildContext;
use crate::report::Reporter;

/// How often the state of the container is polled until it runs: chosen so that the ports are reported without a
/// visible delay, at a cost of one CLI call (12 to 22 ms) each time.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Runs the tagged image with these options of `docker run` until it exits, a signal arrives, or its output has no reader
/// any more, and shows its output.
///
/// # Errors
/// If the image exits with a status other than 0, a signal ends the run, or the CLI cannot be started.
pub fn run_image(cx: &BuildContext, options: &[String]) -> Result<()> {
    let tag = &cx.job.tag;
    let cancel = cx.engine.cancel().clone();
    cx.reporter.when_unread(move || cancel.trigger(ErrorKind::Superseded));
    let options = [options, std::slice::from_ref(tag)].concat();
    let (container, mut process) = Container::run(&cx.engine, cx.run_lock.container_name(), &options, Stdio::null())?;
    let (mut stdout, mut stderr) = (process.stdout(), process.stderr());
    let ended = AtomicBool::new(false);
    let status = std::thread::scope(|scope| {
        scope.spawn(|| relay_lines(&mut stdout, cx.reporter));
        scope.spawn(|| relay_lines(&mut stderr, cx.reporter));
        scope.spawn(|| report_ports(&cx.engine, container.name(), tag, cx.reporter, &ended));
        let status = process.wait();
        ended.store(true, Ordering::Relaxed);
        status
    })?;
    match cx.engine.cancel().why() {
        // It ran for its reader.
        Some(ErrorKind::Superseded) => return Ok(()),
        Some(why) => return Err(Error::new(why, format!("`{tag}` was stopped")).into()),
        None => {}
    }
    if status != 0 {
        return Err(Error::new(ErrorKind::App(status), format!("`{tag}` ended with exit status {status}")).into());
    }
    Ok(())
}

/// One published port, in the JSON of `docker container inspect`.
#[derive(Deserialize)]
struct PublishedPort {
    #[serde(rename = "HostPort")]
    port: String,
}

/// Reports the published ports as soon as the container runs; gives up when it has ended.
fn report_ports(engine: &Engine, container: &str, tag: &str, reporter: &Reporter, ended: &AtomicBool) {
    let format = "{{.State.Status}} {{json .NetworkSettings.Ports}}";
    while !ended.load(Ordering::Relaxed) {
        std::thread::sleep(POLL_INTERVAL);
        let Ok(output) = engine.call(&["container", "inspect", "--format", format, container]) else { return };
        let Some((status, ports)) = output.stdout.trim().split_once(' ') else { continue };
        if status == "created" {
            continue;
        }
        if status == "running" {
            reporter.note(&format!("`{tag}` is running{}; Ctrl-C stops it", describe_ports(ports)));
        }
        return;
    }
}

/// The end of a sentence about published ports, from the engine's JSON; empty if there are none.
fn describe_ports(ports: &str) -> String {
    let ports: BTreeMap<String, Option<Vec<PublishedPort>>> = serde_json::from_str(ports).unwrap_or_default();
    let published = ports.iter().filter_map(|(port, addresses)| Some((port, &addresses.as_ref()?.first()?.port)));
    let texts: Vec<_> = published.map(|(port, host_port)| format!("port {port} is published as {host_port}")).collect();
    if texts.is_empty() { String::new() } else { format!(", {}", texts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::describe_ports;

    #[test]
    fn a_port_with_several_addresses_is_reported_once() {
        let both =
            r#"{"8080/tcp":[{"HostIp":"0.0.0.0","HostPort":"49153"},{"HostIp":"::","HostPort":"49153"}],"9/udp":null}"#;
        assert_eq!(describe_ports(both), ", port 8080/tcp is published as 49153");
        assert_eq!(describe_ports("{}"), "");
        assert_eq!(describe_ports("null"), "");
    }
}
