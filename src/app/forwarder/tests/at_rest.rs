//! What connections cost. Open files and time are counted for a whole process, so this runs in one of its own.

use std::fs;
use std::process::Command;

use super::apps::{App, Connected};
use super::*;

const CONNECTIONS: usize = 1000;

#[test]
fn a_thousand_connections_at_rest_cost_two_sockets_each_and_no_time() {
    let name = "app::forwarder::tests::at_rest::in_a_process_of_its_own";
    let output = Command::new(std::env::current_exe().unwrap()).args(["--exact", "--ignored", name]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn in_a_process_of_its_own() {
    let forwarder = forwarder(LONG);
    let listener = TcpListener::bind(any_port()).unwrap();
    forwarder.connect_to(vec![listener.local_addr().unwrap()]);
    let before = open_files();
    let mut ends: Vec<_> = (0..CONNECTIONS).map(|_| greeted(connect(&forwarder), &listener)).collect();
    // Two ends of the test's for two of ours, and the few pipes that are kept.
    let added = open_files() - before;
    assert!(added <= 4 * CONNECTIONS + 16, "{added} open files");

    wait_until(is_asleep);
    let begin = wakeups();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(wakeups(), begin, "the thread of the forwarder was woken up");

    // They still work, and go with their clients.
    let (client, app) = &mut ends[CONNECTIONS / 2];
    client.write_all(b"x").unwrap();
    app.read_exact(&mut [0]).unwrap();
    ends.drain(..CONNECTIONS / 2).for_each(|(client, _)| reset(client));
    drop(ends);
    wait_until(|| open_files() <= before + 16);

    let app = App::named("one");
    forwarder.connect_to(vec![app.address()]);
    assert_eq!(Connected::to(&forwarder).ask(), "one");
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The line of the forwarder's thread that begins with this, in its status.
fn status(field: &str) -> String {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let is_forwarder = |task: &std::path::PathBuf| fs::read_to_string(task.join("comm")).unwrap() == "forwarder\n";
    let task = tasks.into_iter().find(is_forwarder).unwrap();
    let status = fs::read_to_string(task.join("status")).unwrap();
    status.lines().find(|line| line.starts_with(field)).unwrap().to_owned()
}

fn is_asleep() -> bool {
    status("State:").contains("sleeping")
}

/// How often the thread has gone to sleep.
fn wakeups() -> String {
    status("voluntary_ctxt_switches:")
}
