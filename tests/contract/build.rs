//! One build of a case as data, and carrying it out.

use std::sync::Arc;

use crate::source_item::{Item, write_source};
use crate::support::builder::Builder;
use crate::support::outcome::Outcome;
use crate::support::project::Project;

/// One build. It runs in the folder above the source. In texts `{source}`, `{tag}`, `{name}` (the tag without what is
/// added to it), `{builder}` and `{id}` (the builder's) are replaced.
pub struct Build {
    /// What is added to the source before the build.
    pub change: &'static [Item],
    pub options: &'static [&'static str],
    pub typed_source: &'static str,
    pub typed_builder: &'static str,
    /// What is added to the tag.
    pub tag: &'static str,
    pub assemble: &'static str,
    pub save: &'static str,
}

pub const BUILD: Build = Build {
    change: &[],
    options: &[],
    typed_source: "{source}",
    typed_builder: "{builder}",
    tag: "",
    assemble: "",
    save: "",
};

/// A build that leaves `/tmp/kept`, and passes it on to the next build.
pub const SAVE_KEPT: Build =
    Build { assemble: "mkdir -p /tmp/kept; echo kept >/tmp/kept/file", save: "tar -C /tmp/kept -cf - .", ..BUILD };

/// What a case runs with.
pub struct CaseContext {
    pub builder: Arc<Builder>,
    pub project: Project,
}

impl CaseContext {
    pub fn run(&mut self, build: &Build) -> Outcome {
        write_source(&self.project.path(), build.change);
        self.project.tag = format!("{}{}", self.name(), build.tag);
        let mut run = self.project.build(&self.builder).current_dir(self.project.temp_dir());
        for option in build.options {
            run = run.arg(self.filled(option));
        }
        run = run.source(&self.filled(build.typed_source)).builder(&self.filled(build.typed_builder));
        if !build.assemble.is_empty() {
            run = run.assemble(build.assemble);
        }
        if !build.save.is_empty() {
            run = run.save(build.save);
        }
        run.run()
    }

    /// The tag without what a build adds to it.
    fn name(&self) -> &str {
        self.project.tag.split([':', '@']).next().unwrap()
    }

    pub fn filled(&self, text: &str) -> String {
        let text = if text.contains("{id}") { text.replace("{id}", &self.builder.id()) } else { text.to_owned() };
        text.replace("{source}", &self.project.path().display().to_string())
            .replace("{tag}", &self.project.tag)
            .replace("{name}", self.name())
            .replace("{builder}", self.builder.name())
    }
}
