//! Showing the output of a script of a build, with the paths of the source in it.

use super::context::BuildContext;
use crate::output_paths::path_map::PathMap;
use crate::output_paths::source_paths::SourcePaths;
use crate::report::Reporter;
use crate::report::message::{Message, OutputLine};
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
}

impl<'a> ScriptOutput<'a> {
    /// The output of a script in a container that has the source of this snapshot in one of these absolute folders.
    pub fn of_source(cx: &BuildContext<'a>, folders: &[String], snapshot: &'a Snapshot) -> Self {
        let settings = &cx.job.output_paths;
        let marked = settings.replaced || cx.reporter.is_json();
        let map = || PathMap::new(&settings.source, folders, &settings.rules);
        Self { reporter: cx.reporter, source: marked.then(|| (map(), snapshot)) }
    }

    /// The output of a script in a container without the source.
    pub fn without_source(cx: &BuildContext<'a>) -> Self {
        Self { reporter: cx.reporter, source: None }
    }

    /// Shows a line, or a part of one that is too long.
    pub fn show(&self, line: OutputLine) {
        let Some((map, snapshot)) = &self.source else { return self.reporter.emit(&Message::Output(line)) };
        let paths = map.find(*snapshot, line.text);
        self.reporter.emit(&Message::Output(OutputLine { paths: &paths, ..line }));
    }
}
