//! Holding the image that the tag is on against a fresh build.

use std::process::Command;

use anyhow::{Context, Result};

use super::Lane;
use crate::soak::command;
use crate::soak::content::{self, Content};

/// How often a fresh build is tried: another lane may have the daemon's attention.
const TRIES: usize = 3;

/// What is known so far of one state of the source.
#[derive(Default)]
pub(super) struct Comparison {
    fresh: Option<Content>,
    /// The image that was compared last.
    image: Option<String>,
    pub(super) difference: Option<String>,
}

impl Lane<'_> {
    /// Whether the tag is on an image with what a fresh build has. An image is compared once.
    pub(super) fn is_as_fresh(&mut self, comparison: &mut Comparison) -> Result<bool> {
        if comparison.fresh.is_none() {
            comparison.fresh = Some(self.fresh_content()?);
        }
        let fresh = comparison.fresh.as_ref().expect("it was just made");
        let Ok(image) = command::docker(&["image", "inspect", "--format", "{{.Id}}", &self.names.tag]) else {
            comparison.difference = Some("the tag is on no image".to_owned());
            return Ok(false);
        };
        if comparison.image.as_ref() == Some(&image) {
            return Ok(false);
        }
        // The tag may move on meanwhile, and the image be removed; then the next one is looked at.
        let Ok(content) = content::of_image(&image, &self.names.other_label) else { return Ok(false) };
        comparison.image = Some(image);
        comparison.difference = content::difference(&content, fresh);
        Ok(comparison.difference.is_none())
    }

    /// What a fresh build of the source has, made with the engine's own CLI.
    fn fresh_content(&mut self) -> Result<Content> {
        let mut tried = 0;
        let built = loop {
            tried += 1;
            match command::output(&mut self.fresh_build()) {
                Err(_) if tried < TRIES => {}
                result => break result,
            }
        };
        built.context("a fresh build failed")?;
        let content = content::of_image(&self.names.fresh, &self.names.other_label)?;
        command::docker(&["image", "rm", &self.names.fresh])?;
        Ok(content)
    }

    fn fresh_build(&self) -> Command {
        let mut command = Command::new(&self.soak.program);
        command.args(["build", "--quiet", "--no-incremental"]).arg(&self.places.source);
        command.args([&self.names.fresh_builders[self.builder], &self.names.fresh]);
        command.env("TMPDIR", &self.places.fresh_temporary).env("XDG_RUNTIME_DIR", &self.places.fresh_temporary);
        command
    }
}
