//! The naive way to build on every save: a chain of CLI calls.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::Value;

use super::edit::Edit;
use super::on_save::OnSave;
use super::tag;
use super::trigger::Trigger;
use crate::bench::baseline_build;
use crate::bench::engine_api::EngineApi;
use crate::bench::engine_objects::EngineObjects;
use crate::bench::phases::{self, Phases};
use crate::bench::save::Save;

/// A source that is built on every save. Dropping it ends that.
pub struct Baseline {
    on_save: OnSave,
    tag: String,
    edit: Edit,
}

impl Baseline {
    /// Starts it, and waits for its first build.
    pub fn start(
        trigger: &Trigger,
        source: &Path,
        builder: &str,
        tag: &str,
        edit: Edit,
        objects: &EngineObjects,
    ) -> Result<Self> {
        let program = std::env::current_exe()?;
        let container = objects.name("baseline-container");
        let mut line: Vec<&str> =
            vec![program.to_str().context("xtask's own path is not UTF-8")?, "bench", baseline_build::TASK];
        line.extend([source.to_str().context("TMPDIR is not UTF-8")?, builder, tag, &container, objects.label()]);
        let mut on_save = OnSave::start(trigger, source, &line)?;
        on_save.wait_for_report().context("the first build of the baseline did not end")?;
        Ok(Self { on_save, tag: tag.to_owned(), edit })
    }

    /// Saves, waits for the tag and the end of the build, and makes sure of the bytes.
    pub fn save_and_check(&mut self, api: &mut EngineApi) -> Result<Save> {
        let before = tag::image(api, &self.tag)?;
        let began = SystemTime::now();
        let begin = self.edit.save()?;
        let on_save = &mut self.on_save;
        let (image, moved) = tag::wait_until_moved(api, &self.tag, Some(&before), || on_save.check_alive())?;
        let report = on_save.wait_for_report()?;
        let phases = phases(&report, began)?;
        self.edit.check_image(&image)?;
        Ok(Save { whole: moved - begin, phases, image, standby: false })
    }
}

/// The phases up to the tag; before the first there is what passed between the save and the start of the build.
fn phases(report: &Value, saved: SystemTime) -> Result<Phases> {
    let saved = saved.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let started = report["started"].as_f64().context("a report has no start")?;
    let mut phases = phases::times(&report["phases"])?;
    phases.retain(|(name, _)| name != "remove");
    phases.push(("settle".to_owned(), Duration::from_secs_f64((started - saved).max(0.0))));
    Ok(phases)
}
