//! How the worker runs `assemble`: with the next standby begun beside it, and once more without caches where they may be at
//! fault.

use anyhow::Result;

use super::Worker;
use crate::pipeline::context::Progress;
use crate::pipeline::script_run::ScriptResult;
use crate::pipeline::steps;
use crate::watch::standby::Standby;
use crate::watch::tracked_view::TrackedView;
use crate::watch::work::Request;

impl<'a> Worker<'a> {
    /// Runs `assemble` in what was prepared, and a second time in a container of its own if the first may have failed because of
    /// its caches. That one has its source in the layer, so that `repeats` is set if the first had it in memory.
    ///
    /// # Errors
    /// Those of the last `assemble`, or of preparing the second one, after which there is no `standby`.
    pub(super) fn assemble(
        &mut self,
        request: &Request,
        standby: &mut Option<Standby<'a>>,
        view: &mut TrackedView,
        repeats: &mut bool,
        progress: &mut Progress,
    ) -> Result<ScriptResult> {
        let prepared = standby.as_mut().expect("a build was prepared");
        let assembling = self.begin_early(prepared);
        let result = steps::assemble(&prepared.cx, &prepared.images, &mut prepared.ready, progress);
        drop(assembling);
        let is_in_memory = steps::is_in_memory_by_choice(&prepared.cx);
        let Some(retry) = self.cx.caches.retry(&self.cx, &result, progress) else { return result };
        self.throw_away(standby.take(), None);
        // Nothing that may be at fault is left.
        *repeats |= is_in_memory;
        let again = standby.insert(self.prepare_for_now(request, view, *repeats, progress)?);
        let result = steps::assemble(&again.cx, &again.images, &mut again.ready, progress);
        retry.ended(&self.cx, &result);
        result
    }
}
