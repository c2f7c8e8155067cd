//! A build that is ready for `assemble`, whatever its builder can do.

use anyhow::Result;

use super::archive_call::Filled;
use super::describe::Made;
use super::inputs::Inputs;
use super::prepare::{Obstacle, Prepared};
use super::runtime::{Runtime, Stage};
use super::tidy::Leftovers;
use super::{Act, Assembled, Ground, NoStandby, Progress, Workshop, check_status, hear, no_standby, private};
use crate::contract::Script;
use crate::engine::Container;
use crate::source::View;

/// A build whose container has its upload, but for the last bytes maybe.
pub struct Ready<'a> {
    way: Way<'a>,
    /// The second stage, once it is done.
    stage: Option<Stage>,
}

enum Way<'a> {
    /// The container runs and waits.
    Waiting(Box<Prepared<'a>>),
    /// The container is not started yet.
    Filled(Box<Filled>),
}

impl<'a> Ready<'a> {
    pub fn waiting(prepared: Prepared<'a>) -> Self {
        Self { way: Way::Waiting(Box::new(prepared)), stage: None }
    }

    pub fn filled(filled: Filled) -> Self {
        Self { way: Way::Filled(Box::new(filled)), stage: None }
    }

    /// Sends what changed since. The inner error is a path that changed its kind, which can not be sent any more.
    ///
    /// # Errors
    /// A file that never rests, named; a container that does not take it.
    pub fn settle(&mut self, view: &mut dyn View) -> Result<Result<(), Obstacle>> {
        match &mut self.way {
            Way::Waiting(prepared) => prepared.settle(view),
            // Nothing can be added there; what came later asks for a new one.
            Way::Filled(filled) => Ok(view.news(filled.made().snapshot)?.map_or(Ok(()), |_| Err(Obstacle::Replaced))),
        }
    }

    /// Why no container can wait for the next build like this one, if none can.
    pub fn no_standby(&self, shop: &Workshop, ground: &Ground) -> Option<NoStandby> {
        no_standby(shop.job, ground).or(match &self.way {
            Way::Waiting(prepared) => prepared.by_engine.then_some(NoStandby::Tar),
            Way::Filled(_) => Some(NoStandby::Shell),
        })
    }

    /// Has somebody hear, once, that the container is gone.
    pub fn when_ended(&self, listener: impl FnOnce() + Send + 'static) {
        if let Way::Waiting(prepared) = &self.way {
            prepared.session.when_ended(listener);
        }
    }

    /// What was read for it.
    pub fn inputs(&self) -> &Inputs {
        self.made().inputs
    }

    /// What it is made with.
    pub fn made(&self) -> Made<'_> {
        match &self.way {
            Way::Waiting(prepared) => prepared.made(),
            Way::Filled(filled) => filled.made(),
        }
    }

    /// The container in which `assemble` runs.
    pub fn container(&self) -> &str {
        match &self.way {
            Way::Waiting(prepared) => prepared.session.container(),
            Way::Filled(filled) => filled.container(),
        }
    }

    pub fn stage(&self) -> Option<&Stage> {
        self.stage.as_ref()
    }

    /// The container that becomes the image.
    pub fn result(&self) -> &str {
        self.stage.as_ref().map_or(self.container(), |stage| stage.session.container())
    }

    /// Runs `assemble`.
    ///
    /// # Errors
    /// When it fails, or its container is lost.
    pub fn assemble(&mut self, shop: &Workshop, ground: &Ground, progress: &mut Progress) -> Result<Assembled> {
        let script = Script::Assemble.name();
        shop.reporter.phase("assembling");
        match &mut self.way {
            Way::Waiting(prepared) => {
                prepared.consent()?;
                let own = prepared.inputs.own_scripts.iter().find(|own| own.script == Script::Assemble);
                let own = own.map(|own| own.from.as_str());
                let path = &prepared.scripts.assemble;
                let act = Act { script, path, own, misplaced: private::injection_failed };
                hear(shop, &mut prepared.session, &act, progress)
            }
            Way::Filled(filled) => {
                progress.began = true;
                let status = filled.assemble(shop)?;
                progress.assemble_status = Some(status);
                check_status(script, status)?;
                filled.tell_what_is_left(shop, ground)?;
                // Its container has ended.
                Ok(Assembled { metadata: filled.metadata(shop)?, alone: true })
            }
        }
    }

    /// Carries what was assembled into the container of a second stage, and runs its script there.
    ///
    /// # Errors
    /// Anything that ends the build.
    pub fn go_on(&mut self, shop: &Workshop, runtime: &Runtime, progress: &mut Progress) -> Result<Assembled> {
        let (stage, assembled) = runtime.stage(shop, self.container(), self.inputs(), progress)?;
        self.stage = Some(stage);
        Ok(assembled)
    }

    /// Hands over the container of `save-artifacts`, which is of no use any more.
    pub fn leave_saver(&mut self) -> Leftovers {
        match &mut self.way {
            Way::Waiting(prepared) => prepared.leave_saver(),
            Way::Filled(_) => Leftovers::default(),
        }
    }

    /// Hands over the containers, which are of no use any more.
    pub fn leave(self) -> Leftovers {
        let mut leftovers = match self.way {
            Way::Waiting(prepared) => prepared.leave(),
            Way::Filled(filled) => filled.leave(),
        };
        leftovers.containers.extend(self.stage.map(|stage| Container::leave(stage.session.into_container())));
        leftovers
    }
}
