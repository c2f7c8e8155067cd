//! The CLI that a watch is given: the engine's own, but for the calls that are to go wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::plan::{CliFault, FaultMode};

/// A wrapper in a folder of its own, and the faults that wait there for the next call.
pub struct Wrapper {
    folder: PathBuf,
    /// How many faults calls had when last asked.
    counted: usize,
}

impl Wrapper {
    pub fn make(folder: PathBuf) -> Result<Self> {
        fs::create_dir(&folder)?;
        let wrapper = Self { folder, counted: 0 };
        fs::write(wrapper.path(), include_str!("wrapper.sh")).context("cannot write the wrapper")?;
        fs::set_permissions(wrapper.path(), fs::Permissions::from_mode(0o755))?;
        Ok(wrapper)
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join("docker")
    }

    /// The next calls of these verbs go wrong.
    pub fn arm(&self, faults: &[CliFault]) -> Result<()> {
        for fault in faults {
            // A call may look while it is written.
            let new = self.folder.join("new");
            fs::write(&new, line(fault.mode))?;
            fs::rename(new, self.folder.join(format!("fault.{}", fault.verb)))?;
        }
        Ok(())
    }

    /// All calls go wrong from here on, or none but those that were armed.
    pub fn set_outage(&self, outage: bool) -> Result<()> {
        let file = self.folder.join("outage");
        if outage {
            fs::write(file, "")?
        } else {
            fs::remove_file(file)?
        }
        Ok(())
    }

    /// No more calls go wrong.
    pub fn disarm(&self) -> Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if is_fault(&path) {
                // A call may have taken it just now.
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }

    /// The faults that calls had since this was last asked, one a line; one outage counts once, however many calls had it.
    pub fn taken(&mut self) -> Vec<String> {
        let all = fs::read_to_string(self.folder.join("taken")).unwrap_or_default();
        let mut new: Vec<String> = all.lines().skip(self.counted).map(str::to_owned).collect();
        self.counted += new.len();
        new.dedup_by(|one, other| one.starts_with("outage") && other.starts_with("outage"));
        new
    }
}

fn is_fault(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "fault")
}

/// A fault as the script reads it.
fn line(mode: FaultMode) -> String {
    match mode {
        FaultMode::Fail(status) => format!("fail {status}\n"),
        FaultMode::Hang(time) => format!("hang {:.3}\n", time.as_secs_f64()),
        FaultMode::Kill(time) => format!("kill {:.3}\n", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{CliFault, FaultMode, Wrapper};

    /// The status of a call whose real CLI is not there.
    fn call(wrapper: &Wrapper, args: &[&str]) -> Option<i32> {
        let mut command = Command::new("/bin/sh");
        command.arg(wrapper.path()).args(args).env("PATH", "/bin:/usr/bin:/nowhere");
        command.env("DOCKER_HOST", "unix:///nowhere");
        command.output().unwrap().status.code()
    }

    #[test]
    fn a_fault_meets_one_call_of_its_verb() {
        let folder = tempfile::tempdir().unwrap();
        let mut wrapper = Wrapper::make(folder.path().join("cli")).unwrap();
        let hang = FaultMode::Hang(Duration::from_millis(10));
        let faults = [("image-inspect", FaultMode::Fail(7)), ("commit", hang)];
        wrapper.arm(&faults.map(|(verb, mode)| CliFault { verb, mode })).unwrap();
        assert_ne!(call(&wrapper, &["image", "rm", "x"]), Some(7));
        assert_eq!(call(&wrapper, &["image", "inspect", "x"]), Some(7));
        assert_eq!(call(&wrapper, &["commit", "x"]), Some(1));
        assert_eq!(wrapper.taken(), ["fail 7 image-inspect", "hang 0.010 commit"]);
        assert!(wrapper.taken().is_empty());
    }

    #[test]
    fn an_outage_meets_all_calls_and_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut wrapper = Wrapper::make(folder.path().join("cli")).unwrap();
        wrapper.set_outage(true).unwrap();
        assert_eq!((call(&wrapper, &["ps"]), call(&wrapper, &["rm"])), (Some(1), Some(1)));
        wrapper.set_outage(false).unwrap();
        wrapper.arm(&[CliFault { verb: "ps", mode: FaultMode::Fail(7) }]).unwrap();
        wrapper.disarm().unwrap();
        assert_ne!(call(&wrapper, &["ps"]), Some(7));
        assert_eq!(wrapper.taken(), ["outage ps"]);
    }
}
