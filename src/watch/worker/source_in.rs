//! Where the worker has the source of each build and standby.

use super::Worker;
use crate::engine::memory;
use crate::pipeline::context::{BuildContext, Progress};
use crate::pipeline::images::Images;
use crate::pipeline::memory_mount;
use crate::pipeline::script_run::ScriptResult;
use crate::pipeline::source_in::SourceIn;
use crate::pipeline::steps;
use crate::watch::standby::Standby;
use crate::watch::standby_policy;
use crate::watch::tracker::lock;

impl<'a> Worker<'a> {
    /// The context for a build with these images: `cx`, with the source where it is better kept.
    pub(super) fn placed(&mut self, cx: BuildContext<'a>, images: &Images) -> BuildContext<'a> {
        BuildContext { source_in: self.choose_source_in(&cx, images), ..cx }
    }

    /// Where the source of the next build or standby goes.
    pub(super) fn choose_source_in(&mut self, cx: &BuildContext, images: &Images) -> SourceIn {
        images.tell(&mut self.source_in);
        let needed = {
            let tracker = lock(&self.tracker);
            let source = tracker.current();
            memory_mount::needed(source.entries.len(), source.size())
        };
        let (engine, dialect, asked) = (&self.cx.engine, images.builder.dialect, &mut self.engine_memory);
        let total = || *asked.get_or_insert_with(|| memory::total(engine, dialect));
        memory_mount::choose(cx, images, &self.source_in, || memory_mount::fits(needed, total))
    }

    /// Whether it is known where the source of the next standby goes, or a small one makes no difference.
    pub(super) fn may_place_early(&self, current: &Standby) -> bool {
        let snapshot = current.ready.record().snapshot;
        !self.source_in.is_open() || standby_policy::may_send_beside(snapshot.entries.len(), snapshot.size())
    }

    /// Notes what a build shows whose `assemble` went well; `repeated` if it had failed before, with the source in memory.
    pub(super) fn note_source_in(
        &mut self,
        built: &Standby,
        assembled: &ScriptResult,
        repeated: bool,
        progress: &Progress,
    ) {
        if repeated {
            self.source_in.repeated(true);
        }
        steps::note_source_in(&built.cx, &mut self.source_in, &built.ready, assembled, progress);
    }
}
