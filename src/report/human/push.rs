//! Messages about a push, as text.

use std::borrow::Cow;
use std::io::{self, Write};

use super::line::{BAD, GOOD, WARN, write_line};
use crate::report::message::push::{Layers, Push, PushEnd, PushMessage};
use crate::report::message::{Outcome, short_id};
use crate::report::queue::Piece;

/// How a line of the output of the engine's CLI begins.
pub const OUTPUT: &str = "push | ";

/// How lines about a push begin. Other programs may match on these texts, so they do not change.
const OK: &str = "minis2i: push ok:";
const FAILED: &str = "minis2i: push failed:";
const CANCELLED: &str = "minis2i: push cancelled:";

/// Writes a message but for output.
pub fn write(out: &mut impl Write, message: &PushMessage) -> io::Result<()> {
    let PushMessage::Finished(push, end) = message else { return Ok(()) };
    let (style, beginning) = match end.outcome {
        Outcome::Ok => (GOOD, OK),
        Outcome::Failed => (BAD, FAILED),
        Outcome::Cancelled => (WARN, CANCELLED),
    };
    write_line(out, style, beginning, &finished_text(push, end))
}

/// What stands beside the spinner; nothing for a push beside builds, whose phases stand there.
pub fn phase(push: &Push, Layers { in_registry, all }: Layers) -> Option<Piece> {
    let text = || format!("pushing: {in_registry} of {all} layers");
    push.awaited.then(|| Piece::Phase(Cow::Owned(text())))
}

fn finished_text(push: &Push, end: &PushEnd) -> String {
    let tag = &push.tag;
    let what = match (end.outcome, &end.digest) {
        (Outcome::Ok, Some(digest)) => format!("{tag} is {} in its registry", short_id(digest)),
        (Outcome::Ok, None) => format!("{tag} is in its registry"),
        _ => format!("{tag} stays as it was in its registry"),
    };
    format!("{what}, {:.2} s", end.took.as_secs_f64())
}
