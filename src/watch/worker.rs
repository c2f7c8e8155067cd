//! The hands of a watch: one thread that makes builds one after the other, and keeps a standby between them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::helm::Helm;
use super::janitor::Janitor;
use super::sight::{Close, SharedView, Sight, lock};
use super::standby::{Limit, Standby};
use crate::build::{self, Calls, Ground, NoStandby, Progress, Ready, Revision, Workshop};
use crate::callback;
use crate::failure;
use crate::report::{Finished, Message, Outcome, Reporter, StandbyUse, Started};
use crate::settings::Job;

/// A build that the worker gets to later than this waited for a standby that was being prepared.
const NOTABLE: Duration = Duration::from_millis(5);

/// A commit that takes no longer than this brings the tag along: it is over before an interrupt would give it up.
const SHORT_COMMIT: Duration = Duration::from_millis(400);

/// How long to wait before a lost standby is replaced, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// What the worker is told.
pub enum Order {
    Build(Box<Request>),
    /// The container of this name has ended.
    Ended(String),
    /// A standby, if there is one, is of no use any more, for this reason.
    Renew(&'static str),
    Leave,
}

/// A build to make.
pub struct Request {
    pub started: Started,
    /// Take over no artifacts.
    pub clean: bool,
    /// Build only if the tag is not an image of exactly this source, builder and options.
    pub unless_current: bool,
    /// When the save was.
    pub saved: Instant,
    /// When the build was asked for.
    pub ordered: Instant,
    /// What the time since the save went into.
    pub phases: Vec<(&'static str, Duration)>,
}

/// What the worker tells.
pub enum Report {
    Ended {
        outcome: Option<Outcome>,
        /// The engine, not the build, is at fault.
        engine: bool,
        total: Duration,
        /// The image that has the tag now.
        image: Option<String>,
    },
    StandbyReady,
    TooLarge(u64),
}

/// What a build works with until it is over.
struct Round<'a> {
    shop: Workshop<'a>,
    ground: Ground,
    prepared: Ready<'a>,
}

pub struct Worker<'a> {
    pub shop: Workshop<'a>,
    /// The same job without artifacts.
    pub clean: &'a Job,
    /// For preparing a standby, beside what the user sees.
    pub still: &'a Reporter,
    pub sight: Arc<Mutex<Sight>>,
    pub helm: Arc<Helm>,
    pub janitor: Janitor,
    pub orders: Receiver<Order>,
    /// For hearing of the end of a standby.
    pub own_orders: Sender<Order>,
    pub tell: Box<dyn Fn(Report) + Send + 'a>,
    pub standby: Standby,
    pub last_commit: Option<Duration>,
}

impl<'a> Worker<'a> {
    /// Works until told to leave. What waits then is removed.
    pub fn run(mut self) {
        let mut waiting: Option<Round<'a>> = None;
        loop {
            let order = match self.orders.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => match self.wait(&mut waiting) {
                    Some(order) => order,
                    None => continue,
                },
            };
            match order {
                Order::Build(request) => {
                    waiting = self.build(&request, waiting.take());
                    if waiting.is_none() {
                        self.standby.wanted();
                    }
                }
                Order::Ended(name) => {
                    if waiting.as_ref().is_some_and(|round| round.prepared.container() == name) {
                        self.throw_away(waiting.take());
                        self.standby.lost("the one there was got lost", BACK_OFF);
                    }
                }
                Order::Renew(reason) => {
                    self.throw_away(waiting.take());
                    self.standby.renew(reason);
                }
                Order::Leave => return,
            }
        }
    }

    /// Prepares a standby, or waits for an order.
    fn wait(&mut self, waiting: &mut Option<Round<'a>>) -> Option<Order> {
        let due = if waiting.is_none() { self.standby.due() } else { None };
        let Some(due) = due else { return Some(self.orders.recv().unwrap_or(Order::Leave)) };
        match self.orders.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(order) => Some(order),
            Err(RecvTimeoutError::Disconnected) => Some(Order::Leave),
            Err(RecvTimeoutError::Timeout) => {
                *waiting = self.prepare();
                None
            }
        }
    }

    /// Prepares a standby as far as it can be. What goes wrong is not told: the next build meets it and tells.
    fn prepare(&mut self) -> Option<Round<'a>> {
        let size = lock(&self.sight).now().size();
        if let Limit::Over { told } = self.standby.check_size(size) {
            if !told {
                (self.tell)(Report::TooLarge(size));
            }
            return None;
        }
        let shop = Workshop { reporter: self.still, ..self.shop_with(self.shop.job) };
        let prepared = Ground::look(&shop).and_then(|ground| {
            let mut view = SharedView::of_standby(&self.sight);
            let prepared = build::prepare(&shop, &ground, &mut view, &mut Progress::new())?;
            Ok(Round { shop: Workshop { reporter: self.shop.reporter, ..shop }, ground, prepared })
        });
        let round = match prepared {
            Ok(round) => round,
            Err(error) => {
                match error.downcast_ref::<NoStandby>() {
                    Some(why) => self.learn(Some(*why)),
                    None => self.standby.lost("none could be prepared", BACK_OFF),
                }
                return None;
            }
        };
        Some(self.keep_ready(round))
    }

    /// Makes what was prepared the standby.
    fn keep_ready(&mut self, mut round: Round<'a>) -> Round<'a> {
        self.standby.is_ready();
        self.janitor.remove(round.prepared.leave_saver());
        let (orders, name) = (self.own_orders.clone(), round.prepared.container().to_owned());
        round.prepared.when_ended(move || drop(orders.send(Order::Ended(name))));
        (self.tell)(Report::StandbyReady);
        round
    }

    /// Notes why no container can wait for the next build, if none can.
    fn learn(&mut self, why: Option<NoStandby>) {
        if let (true, Some(why)) = (self.standby.is_on(), why) {
            self.shop.reporter.note(&format!("no container is kept ready: {why}"));
        }
        self.standby.learn(why);
    }

    /// A workshop whose engine can be stopped by the helm.
    fn shop_with(&self, job: &'a Job) -> Workshop<'a> {
        let engine = self.shop.engine.with_cancel(self.helm.begin());
        Workshop { job, engine, ..self.shop.clone() }
    }

    /// Makes a build and tells how it went. What comes back is a standby for the next one, when none was needed.
    fn build(&mut self, request: &Request, waiting: Option<Round<'a>>) -> Option<Round<'a>> {
        let number = request.started.build;
        let mut progress = Progress::new();
        progress.phases.clone_from(&request.phases);
        let waited = request.ordered.elapsed();
        if waited > NOTABLE {
            progress.phases.push(("wait", waited));
        }
        self.helm.take(number);
        let mut using = StandbyUse::Used;
        let mut round = waiting;
        let result = self.try_build(request, &mut round, &mut using, &mut progress);
        self.helm.release();
        let total = request.saved.elapsed();
        let result = match result {
            Ok(Some(id)) => Ok(id),
            Ok(None) => {
                lock(&self.sight).close(Close::Tagged);
                (self.tell)(Report::Ended { outcome: None, engine: false, total, image: None });
                if !self.standby.is_on() {
                    self.throw_away(round);
                    return None;
                }
                return round.map(|round| self.keep_ready(round));
            }
            Err(error) => Err(error),
        };
        let outcome = build::outcome(&result);
        if outcome == Outcome::Cancelled && self.helm.is_stopping() {
            // The end is waited for, so that nothing is left.
            drop(round);
        } else {
            self.throw_away_superseding(round, result.as_ref().ok());
        }
        lock(&self.sight).close(match outcome {
            Outcome::Ok => Close::Tagged,
            Outcome::Failed => Close::Failed,
            Outcome::Cancelled => Close::Cancelled,
        });
        if let Err(error) = &result
            && outcome == Outcome::Failed
        {
            self.shop.reporter.tell(&Message::Error(error));
        }
        self.shop.reporter.tell(&Message::BuildFinished(&Finished {
            build: number,
            outcome,
            tag: self.shop.job.tag.clone(),
            image: result.as_ref().ok().cloned(),
            assemble_status: progress.assemble_status,
            total,
            standby: Some(using),
            phases: progress.phases,
        }));
        if outcome != Outcome::Cancelled {
            callback::tell_aside(&self.shop, outcome == Outcome::Ok);
        }
        let engine = result.as_ref().is_err_and(|error| failure::kind(error) == failure::Kind::Engine);
        (self.tell)(Report::Ended { outcome: Some(outcome), engine, total, image: result.ok() });
        None
    }

    /// Returns the id of the image; `None` when the tag is on such an image already. What was built in stays in `round`.
    fn try_build(
        &mut self,
        request: &Request,
        round: &mut Option<Round<'a>>,
        using: &mut StandbyUse,
        progress: &mut Progress,
    ) -> Result<Option<String>> {
        let revision = Revision::look(&self.shop.job.source.path);
        let mut view = SharedView::of_build(&self.sight);
        if let Some(reason) = self.unfit(request, round.as_ref())? {
            self.throw_away(round.take());
            *using = StandbyUse::None(reason.to_owned());
        }
        if let Some(ready) = round {
            match ready.prepared.settle(&mut view) {
                Ok(Ok(())) => progress.note("upload"),
                Ok(Err(_)) => {
                    self.throw_away(round.take());
                    *using = StandbyUse::None("a path became a folder, or a folder something else".to_owned());
                }
                Err(error) => self.give_up_on(round, using, error)?,
            }
        }
        let mut revision = Some(revision);
        loop {
            if round.is_none() {
                let fresh = self.fresh(request, &mut view, progress)?;
                self.learn(fresh.prepared.no_standby(&fresh.shop, &fresh.ground));
                *round = Some(fresh);
            }
            let ready = round.as_mut().expect("it was made where there was none");
            if request.unless_current {
                if build::is_current(ready.shop.job, &ready.ground, &ready.prepared) {
                    return Ok(None);
                }
                self.shop.reporter.tell(&Message::BuildStarted(&request.started));
            }
            let assembled = match build::assemble(&ready.shop, &ready.ground, &mut ready.prepared, progress) {
                Err(error) if !progress.began && *using == StandbyUse::Used => {
                    self.give_up_on(round, using, error)?;
                    continue;
                }
                assembled => assembled?,
            };
            self.helm.commit()?;
            let calls = self.last_commit.filter(|took| *took < SHORT_COMMIT).map_or(Calls::Two, |_| Calls::One);
            let begin = Instant::now();
            let revision = revision.take().unwrap_or_else(|| Revision::look(&self.shop.job.source.path));
            let Round { shop, ground, prepared } = &*ready;
            let id = build::commit(shop, ground, prepared, revision, assembled, calls, progress)?;
            self.last_commit = Some(begin.elapsed());
            return Ok(Some(id));
        }
    }

    /// Why there is no standby to use, if there is none.
    fn unfit(&self, request: &Request, round: Option<&Round>) -> Result<Option<&'static str>> {
        let Some(round) = round else { return Ok(Some(self.standby.why_none())) };
        if request.clean {
            return Ok(Some("artifacts are not wanted"));
        }
        let inputs = build::Inputs::read(&round.shop, &round.ground.contract)?;
        Ok((inputs != *round.prepared.inputs()).then_some("variables or scripts changed"))
    }

    /// A standby that fails before `assemble` began is replaced; a build that was cancelled is over.
    fn give_up_on(
        &mut self,
        round: &mut Option<Round<'a>>,
        using: &mut StandbyUse,
        error: anyhow::Error,
    ) -> Result<()> {
        let lost = round.take();
        let cancelled = lost.as_ref().is_some_and(|round| round.shop.engine.cancel().why().is_some());
        if cancelled || failure::kind(&error) != failure::Kind::Engine {
            *round = lost;
            return Err(error);
        }
        self.throw_away(lost);
        *using = StandbyUse::None("the one there was got lost".to_owned());
        Ok(())
    }

    fn fresh(&self, request: &Request, view: &mut SharedView, progress: &mut Progress) -> Result<Round<'a>> {
        let shop = self.shop_with(if request.clean { self.clean } else { self.shop.job });
        self.helm.take(request.started.build);
        let ground = Ground::look(&shop)?;
        let prepared = build::prepare_settled(&shop, &ground, view, progress)?;
        progress.note("upload");
        Ok(Round { shop, ground, prepared })
    }

    fn throw_away(&self, round: Option<Round>) {
        self.throw_away_superseding(round, None);
    }

    /// Leaves what a round used to be removed, and the image that lost the tag to `id`.
    fn throw_away_superseding(&self, round: Option<Round>, id: Option<&String>) {
        let Some(round) = round else { return };
        let mut leftovers = round.prepared.leave();
        leftovers.images.extend(id.and_then(|id| round.ground.superseded_by(id)));
        self.janitor.remove(leftovers);
    }
}
