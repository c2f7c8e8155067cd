//! The command `cache`: lists and removes the caches of builds.

use std::time::{Duration, Instant};

use anyhow::Result;
use bytesize::ByteSize;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::cache::{CacheCommand, CacheCommandArgs};
use crate::cli::choices::MessageFormat;
use crate::engine::cli::Engine;
use crate::engine::volume::{self, Removal};
use crate::error::Error;
use crate::pipeline::cache::inventory::{self, Cache};
use crate::pipeline::cache::volumes::LABEL;
use crate::report::Reporter;
use crate::report::escape::{self, on_one_line};
use crate::run_lock::RunLock;
use crate::settings::folders;

/// Does what the arguments say.
///
/// # Errors
/// If the engine does not answer, there is no such cache, a container has it, or the run was interrupted.
pub fn cache(args: &CacheCommandArgs, engine: &Engine, reporter: &Reporter) -> Result<()> {
    match &args.command {
        CacheCommand::Ls(args) => {
            let caches = inventory::all(engine, &RunLock::take(folders::of_runs())?)?;
            let text = match args.message_format {
                MessageFormat::Human => table(&caches, Timestamp::now()).into_bytes(),
                MessageFormat::Json => json(&caches),
            };
            reporter.print_result(&text);
            Ok(())
        }
        CacheCommand::Rm(args) => args.name.iter().try_for_each(|name| remove(engine, name, reporter)),
        CacheCommand::Prune(args) => {
            let caches = inventory::all(engine, &RunLock::take(folders::of_runs())?)?;
            let names = if args.all {
                caches.into_iter().map(|cache| cache.name).collect()
            } else {
                inventory::outdated(engine, &caches, args.unused_for, Timestamp::now())?
            };
            prune(engine, &names, reporter)
        }
    }
}

/// Removes the cache called `name`, and prints its name.
fn remove(engine: &Engine, name: &str, reporter: &Reporter) -> Result<()> {
    let found = volume::inspect(engine, &[name])?;
    let is_cache = found.first().is_some_and(|volume| volume.label(LABEL).is_some());
    if !is_cache {
        let what = if found.is_empty() { "there is no cache" } else { "no cache of builds is" };
        return Err(Error::usage(format!("{what} `{name}`")).hint("`minis2i cache ls` lists them").into());
    }
    match remove_once_free(engine, name)? {
        Removal::Done | Removal::Missing => {
            reporter.print_result(format!("{name}\n").as_bytes());
            Ok(())
        }
        Removal::InUse => Err(Error::engine(format!("the cache `{name}` is in use: a container of a build has it"))
            .hint(format!(
                "end the watch that keeps a standby, or wait for the build: `{} ps --all --filter volume={name}` shows it",
                engine.name()
            ))
            .into()),
    }
}

/// How long a cache may be in use until its removal fails: the container of a build that has ended is removed in the background, and
/// a list of the caches has them for a moment.
const FREE_LIMIT: Duration = Duration::from_secs(3);

/// How often it is tried meanwhile.
const FREE_INTERVAL: Duration = Duration::from_millis(100);

/// Removes a cache, which may be in use for a moment more.
fn remove_once_free(engine: &Engine, name: &str) -> Result<Removal> {
    let begin = Instant::now();
    loop {
        match volume::remove(engine, name)? {
            Removal::InUse if begin.elapsed() < FREE_LIMIT => std::thread::sleep(FREE_INTERVAL),
            removal => return Ok(removal),
        }
    }
}

/// Removes caches and prints their names; those that are in use stay, with a note.
fn prune(engine: &Engine, names: &[String], reporter: &Reporter) -> Result<()> {
    for name in names {
        match volume::remove(engine, name)? {
            Removal::Done => reporter.print_result(format!("{name}\n").as_bytes()),
            Removal::Missing => {}
            Removal::InUse => reporter.note(&format!("`{name}` stays: a container of a build has it")),
        }
    }
    Ok(())
}

/// A line for each cache, below a line with the names of the columns; empty without any.
fn table(caches: &[Cache], now: Timestamp) -> String {
    if caches.is_empty() {
        return String::new();
    }
    let mut rows = vec![["NAME", "SIZE", "LAST USE", "WHAT", "BUILDER"].map(str::to_owned)];
    for cache in caches {
        let what = match &cache.app {
            Some(app) => format!("{} (only {app})", cache.what),
            None => cache.what.clone(),
        };
        let size = cache.size.clone().unwrap_or_else(|| "-".to_owned());
        let used = cache.used.or(cache.created).map_or_else(|| "-".to_owned(), |used| ago(used, now));
        rows.push([
            cache.name.clone(),
            size,
            used,
            on_one_line(&what).to_string(),
            on_one_line(&cache.builder).to_string(),
        ]);
    }
    let widths: Vec<usize> =
        (0..4).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()).collect();
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  ", width = *width));
        cells.collect::<String>() + &row[4] + "\n"
    };
    rows.iter().map(line).collect()
}

/// How long ago that was.
fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = Duration::try_from(now.duration_since(then)).unwrap_or_default().as_secs();
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" })
}

/// A cache as JSON.
#[derive(Serialize)]
struct Line<'a> {
    reason: &'static str,
    name: &'a str,
    /// `null` for that of the tools.
    path: Option<&'a str>,
    builder: &'a str,
    user: &'a str,
    app: Option<&'a str>,
    bytes: Option<u64>,
    created: Option<String>,
    last_used: Option<String>,
}

/// A line of JSON for each cache.
fn json(caches: &[Cache]) -> Vec<u8> {
    let lines = caches.iter().map(|cache| {
        let line = Line {
            reason: "cache",
            name: &cache.name,
            path: Some(cache.what.as_str()).filter(|what| *what != "auto"),
            builder: &cache.builder,
            user: &cache.user,
            app: cache.app.as_deref(),
            bytes: cache.size.as_ref().and_then(|size| Some(size.parse::<ByteSize>().ok()?.as_u64())),
            created: cache.created.map(|time| time.to_string()),
            last_used: cache.used.map(|time| time.to_string()),
        };
        let mut line = escape::json(serde_json::to_vec(&line).expect("text can be written as JSON"));
        line.push(b'\n');
        line
    });
    lines.collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{ago, json, table};
    use crate::pipeline::cache::inventory::Cache;

    #[test]
    fn a_table_and_lines_of_json_say_the_same() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let cache = Cache {
            name: "minis2i-cache-x".to_owned(),
            what: "auto".to_owned(),
            builder: "docker.io/library/b:latest".to_owned(),
            user: "1001".to_owned(),
            app: None,
            size: Some("1.5MB".to_owned()),
            created: Some(at(0)),
            used: Some(at(60)),
        };
        assert_eq!(
            table(std::slice::from_ref(&cache), at(120)),
            "NAME             SIZE   LAST USE        WHAT  BUILDER\n\
             minis2i-cache-x  1.5MB  60 seconds ago  auto  docker.io/library/b:latest\n"
        );
        let line = String::from_utf8(json(&[cache])).unwrap();
        assert_eq!(
            line,
            "{\"reason\":\"cache\",\"name\":\"minis2i-cache-x\",\"path\":null,\"builder\":\"docker.io/library/b:latest\",\
             \"user\":\"1001\",\"app\":null,\"bytes\":1500000,\"created\":\"1970-01-01T00:00:00Z\",\
             \"last_used\":\"1970-01-01T00:01:00Z\"}\n"
        );
        assert_eq!(table(&[], at(0)), "");
    }

    #[test]
    fn a_time_has_the_unit_that_fits() {
        let ago = |seconds| ago(Timestamp::from_second(0).unwrap(), Timestamp::from_second(seconds).unwrap());
        assert_eq!(
            [1, 119, 120, 7_200, 172_800].map(ago),
            ["1 second ago", "119 seconds ago", "2 minutes ago", "2 hours ago", "2 days ago"]
        );
    }
}
