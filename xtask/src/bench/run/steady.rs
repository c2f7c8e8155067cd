//! What a client notices of many saves.

use anyhow::Result;

use super::context::{Measurements, RunBench};
use super::outcome::Tally;
use super::restarted_app::{Build, RestartedApp};
use super::row::Row;
use super::steady_client::SteadyClient;
use super::watched_app::WatchedApp;
use crate::bench::table::Measurement;

/// A client of the app of `watch --run`, and after that one of the app that is started anew by hand, each through as many saves.
pub fn measure(bench: &mut RunBench) -> Result<Measurements> {
    let ours = watched(bench)?;
    let by_hand = restarted(bench)?;
    let note = format!("through {} saves; baseline {}; ours {}", bench.saves, by_hand.summary(), ours.summary());
    Ok(vec![(Row::Failures, Measurement::plain(ours.failures() as f64, note))])
}

fn watched(bench: &RunBench) -> Result<Tally> {
    let mut app = WatchedApp::run(bench, "steady-a")?;
    let client = SteadyClient::start(app.address);
    for number in 0..bench.saves {
        eprint!("\r  watch --run: save {} of {}", number + 1, bench.saves);
        app.watch.edit.save()?;
        let content = app.watch.edit.text().to_owned();
        client.wait_for(&content, || app.watch.check_alive())?;
        app.watch.wait_for_build()?;
        app.watch.wait_for_standby()?;
    }
    eprintln!();
    Ok(client.stop())
}

fn restarted(bench: &RunBench) -> Result<Tally> {
    let mut app = RestartedApp::start(bench, "steady-b", Build::Minis2i)?;
    let client = SteadyClient::start(app.address);
    for number in 0..bench.saves {
        eprint!("\r  the baseline: save {} of {}", number + 1, bench.saves);
        app.edit.save()?;
        client.wait_for(app.edit.text(), || Ok(()))?;
        app.wait_for_report()?;
    }
    eprintln!();
    Ok(client.stop())
}
