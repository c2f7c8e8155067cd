//! Whether the messages of a watch are as promised: each `build-started` has its `build-finished`, and the other way
//! round.

use serde_json::Value;

/// What the messages of one watch have said so far.
#[derive(Debug, Default)]
pub struct Pairing {
    /// The build under way.
    open: Option<u64>,
    /// The highest number of a build so far.
    last: u64,
    /// How the last build ended.
    pub last_status: Option<String>,
    pub finished: u64,
    pub ok: u64,
    pub failed: u64,
    pub with_standby: u64,
    /// It said that nothing that is saved from then on is lost.
    pub watching: bool,
    /// It said its last word, with that many builds.
    ended: Option<Option<u64>>,
}

impl Pairing {
    /// Takes in a message; what is wrong with it.
    pub fn note(&mut self, message: &Value) -> Option<String> {
        let build = message["build"].as_u64();
        if let Some(builds) = self.ended {
            return Some(format!("a message after `watch-finished` ({builds:?} builds): {message}"));
        }
        match message["reason"].as_str() {
            Some("build-started") => self.started(build),
            Some("build-finished") => self.finish(build, message),
            Some("watch-started") => {
                self.watching = true;
                None
            }
            Some("watch-finished") => {
                let builds = message["builds"].as_u64();
                self.ended = Some(builds);
                let counted = self.finished;
                (builds != Some(counted)).then(|| format!("`watch-finished` counts {builds:?} builds of {counted}"))
            }
            Some(_) => None,
            None => Some(format!("a message without a reason: {message}")),
        }
    }

    fn started(&mut self, build: Option<u64>) -> Option<String> {
        let Some(number) = build else { return Some("`build-started` without a number".to_owned()) };
        if let Some(open) = self.open.replace(number) {
            return Some(format!("`build-started` of {number} while {open} is not finished"));
        }
        let last = std::mem::replace(&mut self.last, number);
        (number <= last).then(|| format!("`build-started` of {number} after {last}"))
    }

    fn finish(&mut self, build: Option<u64>, message: &Value) -> Option<String> {
        let status = message["status"].as_str().unwrap_or("none").to_owned();
        self.finished += 1;
        self.ok += u64::from(status == "ok");
        self.failed += u64::from(status == "failed");
        self.with_standby += u64::from(message["standby"] == "used");
        self.last_status = Some(status);
        let open = self.open.take();
        (open.is_none() || open != build).then(|| format!("`build-finished` of {build:?} while {open:?} is under way"))
    }

    pub fn is_building(&self) -> bool {
        self.open.is_some()
    }

    /// What is missing of a watch that ended by itself, or at a signal.
    pub fn missing_at_end(&self) -> Option<String> {
        match (self.open, self.ended) {
            (Some(open), _) => Some(format!("`build-started` of {open} without `build-finished`")),
            (None, None) if self.watching => Some("no `watch-finished`".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Pairing;

    fn started(build: u64) -> Value {
        json!({"reason": "build-started", "build": build})
    }

    fn finished(build: u64) -> Value {
        json!({"reason": "build-finished", "build": build, "status": "ok", "standby": "used"})
    }

    fn faults(messages: &[Value]) -> (Pairing, usize) {
        let mut pairing = Pairing::default();
        let faults = messages.iter().filter(|message| pairing.note(message).is_some()).count();
        (pairing, faults)
    }

    #[test]
    fn pairs_are_no_fault() {
        let watching = json!({"reason": "watch-started"});
        let end = json!({"reason": "watch-finished", "builds": 2});
        let (pairing, count) = faults(&[watching, started(1), finished(1), started(2), finished(2), end]);
        assert_eq!((count, pairing.ok, pairing.with_standby, pairing.missing_at_end()), (0, 2, 2, None));
    }

    #[test]
    fn what_has_no_partner_is_a_fault() {
        assert_eq!(faults(&[finished(1)]).1, 1);
        assert_eq!(faults(&[started(1), started(2)]).1, 1);
        assert_eq!(faults(&[started(1), finished(2)]).1, 1);
        assert_eq!(faults(&[started(1), finished(1), started(1)]).1, 1);
        assert!(faults(&[started(1)]).0.missing_at_end().is_some());
    }

    #[test]
    fn a_watch_counts_its_builds_and_says_it_last() {
        let end = |builds: u64| json!({"reason": "watch-finished", "builds": builds});
        assert_eq!(faults(&[started(1), finished(1), end(2)]).1, 1);
        assert_eq!(faults(&[end(0), started(1)]).1, 1);
        assert!(faults(&[json!({"reason": "watch-started"})]).0.missing_at_end().is_some());
    }
}
