//! The thread that asks the engine short questions, so that the event loop never waits for an answer.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::engine_identity;
use super::known_images::Name;
use crate::engine::cli::Engine;
use crate::engine::dialect::full_id;
use crate::engine::image::says_missing;
use crate::engine::reference::with_tag;
use crate::settings::Job;

/// How long an answer may take: an engine that is busy with a large commit answers within a second, one that takes longer
/// than this is of no use.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A question to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether it answers at all.
    Answers,
    /// Which image a name is on.
    Image(Name),
    /// Which engine it is.
    Identity,
}

/// What the engine said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Answers(bool),
    Image(Name, Option<String>),
    /// It did not say which image this name is on.
    None(Name),
    Identity(String),
}

/// Asks until the questions end; the engine's handle must end calls then.
pub fn ask_on_request(job: &Job, engine: &Engine, questions: &Receiver<Question>, send: impl Fn(Reply)) {
    for question in questions {
        match question {
            Question::Answers => send(Reply::Answers(answers(engine))),
            Question::Identity => engine_identity::ask(engine).into_iter().for_each(|id| send(Reply::Identity(id))),
            Question::Image(name) => {
                let typed = match name {
                    Name::Builder => job.builder.clone(),
                    Name::Tag => with_tag(&job.tag),
                };
                match image_id(engine, &typed) {
                    Some(id) => send(Reply::Image(name, id)),
                    None => send(Reply::None(name)),
                }
            }
        }
    }
}

fn answers(engine: &Engine) -> bool {
    engine.call_for_at_most(&["version"], ANSWER_LIMIT).is_ok_and(|output| output.success)
}

/// The image that a name is on, if any; `None` when the engine does not say.
fn image_id(engine: &Engine, name: &str) -> Option<Option<String>> {
    let args = ["image", "inspect", "--format", "{{.Id}}", name];
    let output = engine.call_for_at_most(&args, ANSWER_LIMIT).ok()?;
    if output.success {
        return Some(Some(full_id(&output.stdout)));
    }
    says_missing(&output.stderr).then_some(None)
}
