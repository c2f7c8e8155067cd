//! Messages about the app, as text.

use std::io::{self, Write};

use super::line::{BAD, FAINT, GOOD, LINE_CUT, WARN, write_line};
use crate::report::message::app::{AppExited, AppFailed, AppMessage, AppOutput, AppReady};
use crate::report::message::short_id;
use crate::report::strip_escapes::without_escapes;

/// How lines about the app begin. Other programs may match on these texts, so they do not change.
const OUTPUT: &str = "app | ";
const READY: &str = "minis2i: app ready:";
const FAILED: &str = "minis2i: app failed:";
const EXITED: &str = "minis2i: app exited:";

/// Writes a message but for output. With `last_lines`, a failure is followed by the last lines that the app printed.
pub fn write(out: &mut impl Write, message: &AppMessage, last_lines: bool) -> io::Result<()> {
    let lines = match message {
        AppMessage::Output(_) => return Ok(()),
        AppMessage::Ready(ready) => return write_line(out, GOOD, READY, &ready_text(ready)),
        AppMessage::Failed(failed) => {
            write_line(out, BAD, FAILED, &failed_text(failed))?;
            &failed.output
        }
        AppMessage::Exited(exited) => {
            write_line(out, WARN, EXITED, &exited_text(exited))?;
            &exited.output
        }
    };
    for line in lines.iter().filter(|_| last_lines) {
        writeln!(out, "{FAINT}{OUTPUT}{FAINT:#}{}", String::from_utf8_lossy(&without_escapes(line.as_bytes())))?;
    }
    Ok(())
}

/// A line of the app's output, byte for byte; without escape sequences unless it is `colored`.
pub fn output(output: &AppOutput, colored: bool) -> Vec<u8> {
    let mut text = match colored {
        true => [format!("{FAINT}{OUTPUT}{FAINT:#}").as_bytes(), output.text].concat(),
        false => [OUTPUT.as_bytes(), &without_escapes(output.text)].concat(),
    };
    text.extend_from_slice(if output.more { LINE_CUT } else { b"\n" });
    text
}

fn ready_text(ready: &AppReady) -> String {
    let urls: Vec<_> = ready.urls().collect();
    let on = if urls.is_empty() { String::new() } else { format!(" on {}", urls.join(", ")) };
    let took = ready.took.as_secs_f64();
    format!("{} {}{on}, {took:.2} s {}", ready.tag, short_id(&ready.image), ready.since.words())
}

fn failed_text(failed: &AppFailed) -> String {
    let id = failed.image.as_deref().map(|id| format!(" {}", short_id(id))).unwrap_or_default();
    let rest = match (&failed.serving, &failed.again) {
        (Some(serving), _) => format!("{} goes on serving", short_id(serving)),
        (None, Some(again)) => format!("{} is started again", short_id(again)),
        (None, None) => "no app serves".to_owned(),
    };
    format!("{}{id}: {}; {rest}", failed.tag, failed.why)
}

fn exited_text(exited: &AppExited) -> String {
    let next = match exited.again {
        Some(pause) => format!("it is started again in {:.1} s", pause.as_secs_f64()),
        None => "the next save starts it again".to_owned(),
    };
    format!("status {}; {} {}; {next}", exited.status, exited.tag, short_id(&exited.image))
}
