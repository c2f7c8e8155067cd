//! The thread that pushes the newest image to its registry, beside the builds: no build and no standby waits for it.

use std::sync::mpsc::{self, Receiver, Sender};

use super::cleanup::Cleaner;
use super::pushing::Pushing;
use super::work::WorkerEvent;
use crate::error;
use crate::pipeline::cleanup::Leftovers;
use crate::pipeline::context::BuildContext;
use crate::pipeline::{push, steps};
use crate::report::message::Outcome;

/// The image that has the tag now.
enum Tagged {
    /// A build made it.
    Built { build: u64, image: String },
    /// It was there already.
    Found,
}

/// Has the newest image pushed.
pub struct Pusher {
    send: Sender<Tagged>,
    pushing: Pushing,
}

/// What [`push_on_request`] is told.
pub struct PushRequests {
    tagged: Receiver<Tagged>,
    pushing: Pushing,
}

/// The two ends of the way to the thread that pushes, and what that is about.
pub fn pusher() -> (Pusher, PushRequests, Pushing) {
    let (send, tagged) = mpsc::channel();
    let pushing = Pushing::default();
    (Pusher { send, pushing: pushing.clone() }, PushRequests { tagged, pushing: pushing.clone() }, pushing)
}

/// A function that sends what the worker reports, and has each new image pushed.
pub fn told<'a>(
    pusher: Option<Pusher>,
    send: impl Fn(WorkerEvent) + Send + 'a,
) -> Box<dyn Fn(WorkerEvent) + Send + 'a> {
    Box::new(move |event| {
        match (&pusher, &event) {
            (Some(pusher), WorkerEvent::Ended { outcome: Outcome::Ok, build, image: Some(image), .. }) => {
                pusher.take_in(Tagged::Built { build: *build, image: image.clone() });
            }
            (Some(pusher), WorkerEvent::NotNeeded) => pusher.take_in(Tagged::Found),
            _ => {}
        }
        send(event);
    })
}

impl Pusher {
    fn take_in(&self, tagged: Tagged) {
        // Until it is sent, so that an image either is the next one of a push under way, or comes before the next push.
        let mut held = self.pushing.lock();
        if let Tagged::Built { image, .. } = &tagged {
            held.is_followed_by(image);
        }
        // The thread lives as long as there may be images.
        let _ = self.send.send(tagged);
    }
}

/// Pushes the newest image whenever there is one, until there can be none any more. What a push may have kept from being
/// removed is removed after it.
pub fn push_on_request(cx: &BuildContext, PushRequests { tagged, pushing }: PushRequests, cleaner: &Cleaner) {
    let mut wanted = Wanted::default();
    while let Ok(first) = tagged.recv() {
        wanted.take_in(first);
        let mut held = pushing.lock();
        tagged.try_iter().for_each(|newer| wanted.take_in(newer));
        let Some(next) = wanted.begin() else { continue };
        let (build, image) = match next {
            Tagged::Built { build, image } => (Some(build), Some(image)),
            Tagged::Found => (None, None),
        };
        held.begin(image);
        drop(held);
        let push = push::of_tag(&cx.job.tag, build);
        let result = push::push(&cx.engine, cx.reporter, &push);
        pushing.lock().end();
        cleaner.remove(Leftovers::default());
        wanted.end(result.is_ok());
        match &result {
            Err(_) if steps::outcome(&result) == Outcome::Cancelled => return,
            Err(error) => cx.reporter.warn(&failure(error)),
            Ok(()) => {}
        }
    }
}

/// A failed push in one line.
fn failure(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(|cause| cause.to_string().trim().to_owned()).collect();
    let hint = error::hint(error).map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{}{hint}; the next build is pushed again", causes.join(": "))
}

/// Which image is to be pushed next.
#[derive(Default)]
struct Wanted {
    next: Option<Tagged>,
    /// The registry has the image that has the tag.
    in_registry: bool,
}

impl Wanted {
    /// An image that was there already is pushed unless it was before.
    fn take_in(&mut self, tagged: Tagged) {
        if matches!(tagged, Tagged::Built { .. }) {
            self.in_registry = false;
        }
        if !self.in_registry && (self.next.is_none() || matches!(tagged, Tagged::Built { .. })) {
            self.next = Some(tagged);
        }
    }

    /// The image to push now, if there is one.
    fn begin(&mut self) -> Option<Tagged> {
        self.next.take()
    }

    /// The push that was begun ended.
    fn end(&mut self, succeeded: bool) {
        self.in_registry = succeeded && self.next.is_none();
    }
}

#[cfg(test)]
mod tests {
    use super::{Tagged, Wanted};

    fn built(build: u64) -> Tagged {
        Tagged::Built { build, image: format!("image {build}") }
    }

    /// The build after which is pushed now: none for an image that was there already.
    fn begun(wanted: &mut Wanted) -> Option<Option<u64>> {
        wanted.begin().map(|tagged| match tagged {
            Tagged::Built { build, .. } => Some(build),
            Tagged::Found => None,
        })
    }

    #[test]
    fn only_the_newest_of_the_images_is_pushed_that_came_during_a_push() {
        let mut wanted = Wanted::default();
        wanted.take_in(built(1));
        assert_eq!(begun(&mut wanted), Some(Some(1)));
        wanted.take_in(built(2));
        wanted.take_in(built(3));
        wanted.take_in(Tagged::Found);
        wanted.end(true);
        assert_eq!((begun(&mut wanted), begun(&mut wanted)), (Some(Some(3)), None));
    }

    #[test]
    fn an_image_that_was_there_is_pushed_until_the_registry_has_it() {
        let mut wanted = Wanted::default();
        for (succeeds, again) in [(false, true), (true, false), (true, false)] {
            wanted.take_in(Tagged::Found);
            let began = begun(&mut wanted);
            if began.is_some() {
                wanted.end(succeeds);
            }
            wanted.take_in(Tagged::Found);
            assert_eq!(wanted.next.is_some(), again);
        }
    }
}
