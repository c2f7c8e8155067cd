//! What of minis2i's is there that should not be: containers, images, files.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::command::{self, docker_lines};

/// What is there of one label, and in one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Containers, as id and name.
    pub containers: Vec<String>,
    /// Images without a name.
    pub images: Vec<String>,
    /// Files that no process has locked.
    pub files: Vec<PathBuf>,
}

impl Leftovers {
    /// What is left beside a watch that lives and has nothing to do, or of one that has ended.
    pub fn look(label: &str, folder: &Path, alive: bool) -> Result<Self> {
        let filter = format!("label={label}");
        // The newest comes first, which is the standby of a watch that lives.
        let containers = docker_lines(&["ps", "--all", "--filter", &filter, "--format", "{{.ID}} {{.Names}}"])?;
        let dangling = ["images", "--no-trunc", "--quiet", "--filter", "dangling=true", "--filter", &filter];
        Ok(Self {
            containers: containers.into_iter().skip(usize::from(alive)).collect(),
            images: docker_lines(&dangling)?,
            files: unlocked(folder)?,
        })
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// One text for each.
    pub fn list(&self) -> Vec<String> {
        let containers = self.containers.iter().map(container_text);
        containers.chain(self.images.iter().map(image_text)).chain(self.files.iter().map(|it| file_text(it))).collect()
    }

    /// Those whose texts are in the list.
    pub fn among(mut self, list: &[String]) -> Self {
        self.containers.retain(|it| list.contains(&container_text(it)));
        self.images.retain(|it| list.contains(&image_text(it)));
        self.files.retain(|it| list.contains(&file_text(it)));
        self
    }

    /// Those that have the number of this process in their name.
    pub fn of_process(mut self, process: u32) -> Self {
        self.containers.retain(|it| it.contains(&format!("-{process}.")));
        self.files
            .retain(|it| it.file_name().is_some_and(|it| it.to_string_lossy().starts_with(&format!("{process}."))));
        self.images.clear();
        self
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

fn container_text(it: &String) -> String {
    format!("container {it}")
}

fn image_text(it: &String) -> String {
    format!("image without a name {it}")
}

fn file_text(it: &Path) -> String {
    format!("file {}", it.display())
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
