//! Saving a file as an editor does, and the proof that an image holds it.

use std::fs;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};

use crate::process;

/// A file that is saved again and again, as an editor does it, and where `assemble` puts it.
#[derive(Clone)]
pub struct Edit {
    file: PathBuf,
    path_in_image: &'static str,
    size: usize,
    text: String,
}

impl Edit {
    /// The file will have that size.
    pub fn new(file: PathBuf, path_in_image: &'static str, size: usize) -> Self {
        Self { file, path_in_image, size, text: String::new() }
    }

    /// Saves new bytes, into a file beside it that is then renamed. Returns the time just before the rename.
    pub fn save(&mut self) -> Result<Instant> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut text = format!("saved at {}\n", now.as_nanos());
        text.extend(std::iter::repeat_n('x', self.size.saturating_sub(text.len() + 1)));
        text.push('\n');
        let beside = self.file.with_extension("new");
        fs::write(&beside, &text)?;
        self.text = text;
        let begin = Instant::now();
        fs::rename(&beside, &self.file)?;
        Ok(begin)
    }

    /// What was saved last.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Makes sure that the image holds the bytes that were saved last.
    pub fn check_image(&self, image: &str) -> Result<()> {
        let options = ["--rm", "--network", "none", "--entrypoint", "cat"];
        let holds = process::output(&[&["docker", "run"], &options[..], &[image, self.path_in_image]].concat())?;
        ensure!(holds == self.text.trim(), "the new image does not hold the bytes that were saved");
        Ok(())
    }
}
