//! What stays true from build to build and is reported only when it changes, so that a watch does not repeat itself.

use std::collections::{HashMap, HashSet};

/// A question to which each build has an answer, or none. The answer is reported when it is another one than last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    IgnoredEntries,
    /// What is wrong with ignore rules.
    IgnoreRules,
    /// All files are ignored.
    EmptySource,
    /// Sockets, FIFOs and devices in the source.
    SpecialEntries,
    Symlinks,
    /// The `run` of the image lies in a volume.
    RunInVolume,
    /// What `assemble` makes lies in a volume.
    ResultInVolume,
    /// The previous image runs as a user whose scripts may not run.
    PreviousUser,
    SaveArtifacts,
    /// Entries of the artifacts that may not pass.
    ArtifactEntries,
}

/// What was reported so far.
#[derive(Default)]
pub struct Reported {
    texts: HashSet<String>,
    answers: HashMap<Topic, String>,
}

impl Reported {
    /// Whether this text was not reported before.
    pub fn is_new_text(&mut self, text: &str) -> bool {
        !self.texts.contains(text) && self.texts.insert(text.to_owned())
    }

    /// Whether this answer has to be reported: there is one, and it is another one than last time.
    pub fn is_new_answer(&mut self, topic: Topic, answer: Option<&str>) -> bool {
        match answer {
            None => {
                self.answers.remove(&topic);
                false
            }
            Some(answer) => self.answers.insert(topic, answer.to_owned()).is_none_or(|before| before != answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Reported, Topic};

    #[test]
    fn an_answer_is_new_when_it_changes_and_when_it_comes_back() {
        let mut reported = Reported::default();
        let answers = [Some("a"), Some("a"), Some("b"), None, None, Some("b")];
        let new = answers.map(|answer| reported.is_new_answer(Topic::Symlinks, answer));
        assert_eq!(new, [true, false, true, false, false, true]);
    }
}
