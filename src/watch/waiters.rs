//! Those who wait for the tag to be up to date: who may be answered, and with what. No process, no file, no clock.

use super::decide::standing::{Facts, Standing};
use super::wait_protocol::{Answer, Failure};

/// Those who wait, and how the newest build ended.
#[derive(Debug, Default)]
pub struct Waiters {
    waiting: Vec<Waiter>,
    /// How the newest build failed, if it did.
    failure: Option<Failure>,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    id: u64,
    /// The number of the first look that began after it asked.
    look: u64,
}

impl Waiters {
    /// A waiter asked; the look with this number is the first that begins after that.
    pub fn asked(&mut self, id: u64, look: u64) {
        self.waiting.push(Waiter { id, look });
    }

    /// A waiter waits no more.
    pub fn gone(&mut self, id: u64) {
        self.waiting.retain(|waiter| waiter.id != id);
    }

    /// The newest build failed.
    pub fn build_failed(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }

    /// The newest build did not fail.
    pub fn no_failure(&mut self) {
        self.failure = None;
    }

    /// The look with this number, or one before it, failed for this reason; those who waited for it, with their answers.
    pub fn look_failed(&mut self, look: u64, why: &str) -> Vec<(u64, Answer)> {
        let (failed, rest) = self.waiting.iter().copied().partition(|waiter| waiter.look <= look);
        self.waiting = rest;
        answered(failed, &Answer::Unreadable { why: why.to_owned() })
    }

    /// Those who can be answered now, with their answers. To be asked after each decision.
    pub fn review(&mut self, facts: &Facts) -> Vec<(u64, Answer)> {
        let Some(answer) = self.answer(facts) else { return Vec::new() };
        let (ready, rest) = self.waiting.iter().copied().partition(|waiter| waiter.look <= facts.compared);
        self.waiting = rest;
        answered(ready, &answer)
    }

    /// Whether someone waits for a tag that is only behind since another program moved it.
    pub fn want_tag_back(&self, facts: &Facts) -> bool {
        let waits = self.waiting.iter().any(|waiter| waiter.look <= facts.compared);
        waits && self.failure(facts).is_none() && facts.standing == Standing::Settled { tag_moved: true }
    }

    /// The run ends: all who wait, with their answers.
    pub fn end(&mut self) -> Vec<(u64, Answer)> {
        answered(std::mem::take(&mut self.waiting), &Answer::Ended)
    }

    /// How the newest build failed, if it did, and the source is not back at what the image with the tag is made of.
    fn failure(&self, facts: &Facts) -> Option<&Failure> {
        self.failure.as_ref().filter(|_| !facts.is_tagged)
    }

    /// The answer for those whose look was compared, if there is one yet.
    fn answer(&self, facts: &Facts) -> Option<Answer> {
        match (&facts.standing, self.failure(facts)) {
            (Standing::Busy, _) => None,
            (Standing::Paused, _) => Some(Answer::Paused),
            (Standing::EngineGone, _) => Some(Answer::EngineGone),
            (Standing::Settled { .. }, Some(failure)) => Some(Answer::Failed(failure.clone())),
            (Standing::Settled { tag_moved: true }, None) => None,
            (Standing::Settled { tag_moved: false }, None) => {
                facts.tagged.clone().map(|image| Answer::UpToDate { image })
            }
        }
    }
}

fn answered(waiters: Vec<Waiter>, answer: &Answer) -> Vec<(u64, Answer)> {
    waiters.into_iter().map(|waiter| (waiter.id, answer.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::{Answer, Facts, Failure, Standing, Waiters};

    const SETTLED: Standing = Standing::Settled { tag_moved: false };

    fn facts(standing: Standing, compared: u64) -> Facts {
        Facts { standing, compared, is_tagged: false, tagged: Some("sha256:1".to_owned()) }
    }

    #[test]
    fn a_waiter_waits_for_a_look_of_its_own_and_for_the_build_that_it_leads_to() {
        let mut waiters = Waiters::default();
        waiters.asked(7, 3);
        for behind in [facts(SETTLED, 2), facts(Standing::Paused, 2), facts(Standing::Busy, 3)] {
            assert_eq!(waiters.review(&behind), []);
        }
        let answer = Answer::UpToDate { image: "sha256:1".to_owned() };
        assert_eq!(waiters.review(&facts(SETTLED, 3)), [(7, answer)]);
        assert_eq!(waiters.review(&facts(SETTLED, 3)), []);
    }

    #[test]
    fn a_failure_is_told_unless_the_source_is_that_of_the_image_again() {
        let mut waiters = Waiters::default();
        let failure = Failure { exit_status: 9, causes: Vec::new() };
        waiters.build_failed(failure.clone());
        waiters.asked(1, 1);
        assert!(!waiters.want_tag_back(&facts(Standing::Settled { tag_moved: true }, 1)));
        assert_eq!(waiters.review(&facts(SETTLED, 1)), [(1, Answer::Failed(failure.clone()))]);
        waiters.asked(2, 2);
        let back = Facts { is_tagged: true, ..facts(SETTLED, 2) };
        assert!(matches!(&waiters.review(&back)[..], [(2, Answer::UpToDate { .. })]));
        // What failed is saved once more, which is not built again.
        waiters.asked(3, 3);
        assert_eq!(waiters.review(&facts(SETTLED, 3)), [(3, Answer::Failed(failure))]);
    }

    #[test]
    fn a_tag_that_another_program_moved_is_wanted_back() {
        let mut waiters = Waiters::default();
        waiters.asked(2, 2);
        let moved = facts(Standing::Settled { tag_moved: true }, 2);
        assert!(waiters.want_tag_back(&moved));
        assert_eq!(waiters.review(&moved), []);
        assert!(matches!(&waiters.review(&facts(SETTLED, 2))[..], [(2, Answer::UpToDate { .. })]));
    }

    #[test]
    fn a_source_that_cannot_be_looked_at_and_the_end_of_the_watch_are_answers() {
        let mut waiters = Waiters::default();
        (0..4).for_each(|id| waiters.asked(id, id));
        waiters.gone(3);
        let why = Answer::Unreadable { why: "gone".to_owned() };
        assert_eq!(waiters.look_failed(1, "gone"), [(0, why.clone()), (1, why)]);
        assert_eq!(waiters.end(), [(2, Answer::Ended)]);
        assert_eq!(waiters.end(), []);
    }
}
