//! What of minis2i's is there that should not be: containers, images, files.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::command::{self, docker_lines};

/// What is there of one label, and in one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// All containers; a watch may have one, its standby.
    pub containers: Vec<String>,
    /// Images without a name.
    pub images: Vec<String>,
    /// Files that no process has locked.
    pub files: Vec<PathBuf>,
}

impl Leftovers {
    /// What is left for a watch that lives and has nothing to do, or for one that has ended.
    pub fn look(label: &str, folder: &Path, alive: bool) -> Result<Self> {
        let filter = format!("label={label}");
        let format = "{{.ID}} {{.Names}} {{.Status}}";
        let containers = docker_lines(&["ps", "--all", "--filter", &filter, "--format", format])?;
        let dangling = ["images", "--no-trunc", "--quiet", "--filter", "dangling=true", "--filter", &filter];
        Ok(Self {
            containers: if containers.len() > usize::from(alive) { containers } else { Vec::new() },
            images: docker_lines(&dangling)?,
            files: unlocked(folder)?,
        })
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// One text for each.
    pub fn list(&self) -> Vec<String> {
        let containers = self.containers.iter().map(|it| format!("container {it}"));
        let images = self.images.iter().map(|it| format!("image without a name {it}"));
        let files = self.files.iter().map(|it| format!("file {}", it.display()));
        containers.chain(images).chain(files).collect()
    }

    /// Removes what can be removed, so that it is found once only.
    pub fn remove(&self) {
        for container in self.containers.iter().filter_map(|line| line.split(' ').next()) {
            let _ = command::docker(&["rm", "--force", "--volumes", container]);
        }
        for image in &self.images {
            let _ = command::docker(&["image", "rm", "--no-prune", image]);
        }
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
    }
}

/// The files below a folder that no process has locked. Those of a live run are.
fn unlocked(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(unlocked(&entry.path())?);
            continue;
        }
        // A file that is gone by now is none.
        let Ok(file) = File::open(entry.path()) else { continue };
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && entry.path().exists() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::unlocked;

    #[test]
    fn a_locked_file_belongs_to_a_live_run() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("minis2i-0")).unwrap();
        let [held, left] = ["held", "left"].map(|name| folder.path().join("minis2i-0").join(name));
        let file = File::create(&held).unwrap();
        file.lock().unwrap();
        File::create(&left).unwrap();
        assert_eq!(unlocked(folder.path()).unwrap(), [left]);
    }
}
