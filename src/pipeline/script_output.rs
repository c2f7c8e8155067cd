//! Showing the output of a script of a build, with the paths of the source in it, and the problems that it named.

use super::context::BuildContext;
use super::source_in::{self, SourceIn};
use crate::output_paths::path_map::PathMap;
use crate::output_paths::problems::{ProblemFinder, Problems};
use crate::output_paths::source_paths::SourcePaths;
use crate::report::Reporter;
use crate::report::message::{Message, OutputLine, ProblemStyle};
use crate::source::snapshot::Snapshot;

impl SourcePaths for Snapshot {
    fn count(&self) -> usize {
        self.entries.len()
    }

    fn path(&self, index: usize) -> &[u8] {
        &self.entries[index].path
    }
}

/// Where the output of a script goes, line by line.
pub struct ScriptOutput<'a> {
    reporter: &'a Reporter,
    /// What the source has, and where it is in the container; `None` if its paths are not looked for.
    source: Option<(PathMap, &'a Snapshot)>,
    /// Whether the paths are wanted in the messages.
    marked: bool,
    problems: Option<(ProblemFinder, &'a ProblemStyle)>,
    /// Whether it is looked for what a source in memory causes, and whether that was found.
    blames_memory: Option<bool>,
}

impl<'a> ScriptOutput<'a> {
    /// The output of a script in a container that has the source of this snapshot in one of these absolute folders.
    pub fn of_source(cx: &BuildContext<'a>, folders: &[String], snapshot: &'a Snapshot) -> Self {
        let settings = &cx.job.output_paths;
        let marked = settings.replaced || cx.reporter.is_json();
        let map = || PathMap::new(&settings.source, folders, &settings.rules);
        Self {
            reporter: cx.reporter,
            source: (marked || settings.problems.is_some()).then(|| (map(), snapshot)),
            marked,
            problems: settings.problems.as_ref().map(|style| (ProblemFinder::default(), style)),
            blames_memory: (cx.source_in == SourceIn::Memory).then_some(false),
        }
    }

    /// The output of a script in a container without the source.
    pub fn without_source(cx: &BuildContext<'a>) -> Self {
        Self { reporter: cx.reporter, source: None, marked: false, problems: None, blames_memory: None }
    }

    /// Shows a line, or a part of one that is too long.
    pub fn show(&mut self, line: OutputLine) {
        if let Some(found) = &mut self.blames_memory {
            *found |= source_in::blames_memory(line.text);
        }
        let Some((map, snapshot)) = &self.source else { return self.reporter.emit(&Message::Output(line)) };
        if let Some((finder, _)) = &mut self.problems {
            finder.read(line.text, &|file| map.locate(*snapshot, file));
        }
        let paths = if self.marked { map.find(*snapshot, line.text) } else { Vec::new() };
        self.reporter.emit(&Message::Output(OutputLine { paths: &paths, ..line }));
    }

    /// Whether a line had the words of an error that a source in memory may be the cause of.
    pub fn blames_memory(&self) -> bool {
        self.blames_memory.unwrap_or(false)
    }

    /// Reports the problems in the output of a build that has failed, if they are wanted.
    pub fn report_problems(&mut self) {
        let Some((finder, style)) = self.problems.take() else { return };
        let Problems { problems, more } = finder.finish();
        problems.iter().for_each(|problem| self.reporter.emit(&Message::Problem(problem, style)));
        match more {
            0 => {}
            1 => self.reporter.note("1 more error in the source is in the output above"),
            _ => self.reporter.note(&format!("{more} more errors in the source are in the output above")),
        }
    }
}
