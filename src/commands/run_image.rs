//! The new image, run once after its build: attached, with its ports published, gone afterwards.

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

/// How often it is looked whether the container runs by now.
const TICK: Duration = Duration::from_millis(100);

/// Runs the image that has the tag, until it ends or a signal comes.
///
/// # Errors
/// An exit status other than 0; a signal.
pub fn run_image(cx: &BuildContext) -> Result<()> {
    let tag = &cx.job.tag;
    let options = ["--publish-all".to_owned(), tag.clone()];
    let (container, mut process) = Container::run(&cx.engine, cx.run_lock.container_name(), &options, Stdio::null())?;
    let (mut out, mut err) = (process.stdout(), process.stderr());
    let over = AtomicBool::new(false);
    let status = std::thread::scope(|scope| {
        scope.spawn(|| relay_lines(&mut out, cx.reporter));
        scope.spawn(|| relay_lines(&mut err, cx.reporter));
        scope.spawn(|| report_ports(&cx.engine, container.name(), tag, cx.reporter, &over));
        let status = process.wait();
        over.store(true, Ordering::Relaxed);
        status
    })?;
    if let Some(why) = cx.engine.cancel().why() {
        return Err(Error::new(why, format!("`{tag}` was stopped")).into());
    }
    if status != 0 {
        return Err(Error::new(ErrorKind::App(status), format!("`{tag}` ended with exit status {status}")).into());
    }
    Ok(())
}

#[derive(Deserialize)]
struct Published {
    #[serde(rename = "HostPort")]
    port: String,
}

/// Says where the ports are, once the container runs.
fn report_ports(engine: &Engine, container: &str, tag: &str, reporter: &Reporter, over: &AtomicBool) {
    let format = "{{.State.Status}} {{json .NetworkSettings.Ports}}";
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(TICK);
        let Ok(output) = engine.call(&["container", "inspect", "--format", format, container]) else { return };
        let Some((status, ports)) = output.stdout.trim().split_once(' ') else { continue };
        if status == "created" {
            continue;
        }
        if status == "running" {
            reporter.note(&format!("`{tag}` runs{}; Ctrl-C ends it", published(ports)));
        }
        return;
    }
}

/// The end of a sentence about published ports, from the engine's JSON.
fn published(ports: &str) -> String {
    let ports: BTreeMap<String, Option<Vec<Published>>> = serde_json::from_str(ports).unwrap_or_default();
    let known = ports.iter().filter_map(|(port, places)| Some((port, &places.as_ref()?.first()?.port)));
    let known: Vec<_> = known.map(|(port, place)| format!("its port {port} is {place} here")).collect();
    if known.is_empty() { String::new() } else { format!(", {}", known.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::published;

    #[test]
    fn ports_are_told_once_whatever_addresses_they_have() {
        let both =
            r#"{"8080/tcp":[{"HostIp":"0.0.0.0","HostPort":"49153"},{"HostIp":"::","HostPort":"49153"}],"9/udp":null}"#;
        assert_eq!(published(both), ", its port 8080/tcp is 49153 here");
        assert_eq!(published("{}"), "");
        assert_eq!(published("null"), "");
    }
}
