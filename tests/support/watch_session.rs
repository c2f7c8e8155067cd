//! A watch that runs while the test changes the source: its messages, and waiting for them.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::containers::{containers_of_process, remove_container};
use super::engine::try_docker;
use super::json_messages;
use super::outcome::Outcome;
use super::project::Project;
use super::run::Run;
use super::running_process::RunningProcess;
use super::wait::{POLL, TIMEOUT, wait_for, wait_until};

impl Run {
    /// Starts a watch that prints JSON, and waits until its first build is over and the standby is ready.
    pub fn start_watch(self) -> WatchSession {
        let standby = !self.has_option("--no-standby") && !self.has_option("--standby-limit");
        let watch = self.start_watch_at_once();
        watch.wait_for("the first build", |all| {
            all.iter().any(|it| it["reason"] == "build-finished" || it["reason"] == "skipped")
        });
        if standby {
            watch.wait_for_standby();
        }
        watch
    }

    /// Starts a watch that prints JSON.
    pub fn start_watch_at_once(self) -> WatchSession {
        WatchSession { running: Some(self.start()) }
    }
}

/// A watch that has been started. It is killed, and its containers are removed, when it is dropped.
pub struct WatchSession {
    running: Option<RunningProcess>,
}

impl WatchSession {
    fn running(&self) -> &RunningProcess {
        self.running.as_ref().expect("it has not ended")
    }

    pub fn id(&self) -> u32 {
        self.running().id()
    }

    /// All its messages so far. A line that is still being written is left out.
    pub fn messages(&self) -> Vec<Value> {
        let text = self.running().stdout();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The messages with this reason.
    pub fn with_reason(&self, reason: &str) -> Vec<Value> {
        self.messages().into_iter().filter(|it| it["reason"] == reason).collect()
    }

    /// How each build so far ended: `ok`, `failed` or `cancelled`.
    pub fn statuses(&self) -> Vec<String> {
        self.with_reason("build-finished").iter().map(|it| it["status"].as_str().unwrap().to_owned()).collect()
    }

    /// How many builds have started.
    pub fn builds_started(&self) -> usize {
        self.with_reason("build-started").len()
    }

    /// Waits until the messages fulfil a condition.
    #[track_caller]
    pub fn wait_for(&self, what: &str, mut fact: impl FnMut(&[Value]) -> bool) {
        wait_until(POLL, || fact(&self.messages()), || format!("waited too long: {what}\n{self}"));
    }

    /// Waits until a message with this reason has this text anywhere, and returns the first one.
    #[track_caller]
    pub fn wait_for_message(&self, reason: &str, text: &str) -> Value {
        let mut found = None;
        self.wait_for(&format!("{reason}: {text}"), |all| {
            found = all.iter().find(|it| it["reason"] == reason && it.to_string().contains(text)).cloned();
            found.is_some()
        });
        found.unwrap()
    }

    /// Waits until so many builds have ended, and returns the end of the last one.
    #[track_caller]
    pub fn wait_for_build(&self, number: usize) -> Value {
        self.wait_for(&format!("the end of build {number}"), |all| {
            all.iter().filter(|it| it["reason"] == "build-finished").count() >= number
        });
        self.with_reason("build-finished").swap_remove(number - 1)
    }

    /// Changes the source, waits until the next build has succeeded, and returns the message of its end.
    #[track_caller]
    pub fn build_after(&self, change: impl FnOnce()) -> Value {
        let before = self.builds_started();
        change();
        let end = self.wait_for_build(before + 1);
        assert_eq!(end["status"], "ok", "{self}");
        end
    }

    /// Changes the source, waits until the watch says that this needs no build, and returns why.
    #[track_caller]
    pub fn skipped_after(&self, change: impl FnOnce()) -> String {
        let before = self.with_reason("skipped").len();
        let builds = self.builds_started();
        change();
        self.wait_for("the line about no build", |all| {
            all.iter().filter(|it| it["reason"] == "skipped").count() > before
        });
        assert_eq!(self.builds_started(), builds, "{self}");
        self.with_reason("skipped")[before]["why"].as_str().unwrap().to_owned()
    }

    /// Waits until the standby for the next build is ready.
    #[track_caller]
    pub fn wait_for_standby(&self) {
        self.wait_for("a standby", |all| {
            let last = all.iter().rposition(|it| it["reason"] == "build-finished");
            all[last.unwrap_or(0)..].iter().any(|it| it["reason"] == "standby-ready")
        });
    }

    /// Changes something that makes the standby useless, and waits until there is another one.
    #[track_caller]
    pub fn standby_after(&self, change: impl FnOnce()) {
        let before = self.with_reason("standby-ready").len();
        change();
        self.wait_for("another standby", |_| self.with_reason("standby-ready").len() > before);
    }

    /// Waits until the watch has dealt with all that happened to the source, and returns how many builds there were.
    /// For that it touches a file until the watch says that this needs no build.
    #[track_caller]
    pub fn wait_until_idle(&self, project: &Project, file: &str) -> usize {
        let path = project.path().join(file);
        let begin = Instant::now();
        loop {
            let before = self.messages().len();
            filetime::set_file_mtime(&path, filetime::FileTime::now()).unwrap();
            let touched = Instant::now();
            // A watch answers a touch well within a second; one that was building may have overlooked it.
            while touched.elapsed() < Duration::from_secs(1) {
                let all = self.messages();
                let last = |reason: &str| all.iter().rposition(|it| it["reason"] == reason);
                let answered = last("skipped").filter(|answer| *answer >= before);
                let building = last("build-started") > last("build-finished");
                if answered.is_some() && answered > last("build-finished") && !building {
                    return self.builds_started();
                }
                std::thread::sleep(POLL);
            }
            assert!(begin.elapsed() < TIMEOUT, "it is never idle\n{self}");
        }
    }

    /// Names of the containers that it made and that exist.
    pub fn containers(&self) -> Vec<String> {
        containers_of_process(self.id())
    }

    /// Waits until it has a single container, the standby, and returns its name.
    #[track_caller]
    pub fn only_standby(&self) -> String {
        let mut found = Vec::new();
        wait_for("only the standby", || {
            found = self.containers();
            found.len() == 1
        });
        found.remove(0)
    }

    /// Lets the `assemble` of a holding builder continue. That of a container which waits for the next build is not to find
    /// that done.
    pub fn release_assemble(&self) {
        let script = "for process in /proc/[0-9]*; do case $(tr '\\0' ' ' <$process/cmdline) in\n\
                      '/bin/sh /usr/libexec/s2i/assemble ') touch /tmp/go;; esac; done 2>/dev/null";
        for container in self.containers() {
            try_docker(&["exec", &container, "/bin/sh", "-c", script]);
        }
    }

    pub fn signal(&self, name: &str) {
        self.running().signal(name);
    }

    /// Sends a signal and waits for the end, whatever is left.
    pub fn end_by(self, signal: &str) -> Outcome {
        self.signal(signal);
        self.end()
    }

    /// Waits for its end, whatever is left.
    pub fn end(mut self) -> Outcome {
        self.running.take().expect("it has not ended").end()
    }

    /// Sends a signal and waits for the end. Checks what must be true of every watch that ended: nothing is left of it,
    /// each build has an end, no two ran at once, and the messages are those that are documented.
    #[track_caller]
    pub fn stop(self, signal: &str) -> Outcome {
        let id = self.id();
        let outcome = self.end_by(signal);
        wait_for("nothing left", || containers_of_process(id).is_empty());
        let all = outcome.json();
        json_messages::assert_schema(&all);
        let mut under_way = None;
        let mut last = 0;
        for it in &all {
            match it["reason"].as_str().unwrap() {
                "build-started" => {
                    assert_eq!(under_way.replace(it["build"].as_u64().unwrap()), None, "two at once\n{outcome}");
                    assert!(under_way > Some(last), "{outcome}");
                }
                "build-finished" => {
                    last = it["build"].as_u64().unwrap();
                    assert_eq!(under_way.take(), Some(last), "{outcome}");
                }
                "output" => assert_eq!(under_way, it["build"].as_u64(), "{outcome}"),
                _ => {}
            }
        }
        assert_eq!(under_way, None, "a build without an end\n{outcome}");
        assert_eq!(all.last().unwrap()["reason"], "watch-finished", "{outcome}");
        assert_eq!(outcome.stderr, "", "{outcome}");
        outcome
    }
}

impl Drop for WatchSession {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        let id = running.id();
        drop(running);
        containers_of_process(id).iter().for_each(|name| remove_container(name));
    }
}

impl std::fmt::Display for WatchSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n--- stdout\n{}---", self.running().line, self.running().stdout())
    }
}
