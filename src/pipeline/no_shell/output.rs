//! The output of a program that runs in a container without a shell: nothing marks where what the engine says begins.

use std::io::Read;
use std::sync::mpsc::{self, Sender};

use anyhow::Result;

use crate::child::for_each_piece;
use crate::engine::process::Process;
use crate::pipeline::container::lines::Lines;
use crate::pipeline::context::BuildContext;
use crate::report::message::Message;

/// What the engine's words about a program that could not be started begin with.
const REFUSAL: &[u8] = b"Error response from daemon:";

/// What a container printed.
#[derive(Default)]
pub struct AssembleOutput {
    /// What the engine's CLI said itself.
    pub words: String,
    /// All of the output, if that is one line.
    line: Option<String>,
    lines: usize,
}

impl AssembleOutput {
    fn note(&mut self, line: &[u8]) {
        self.lines += 1;
        self.line = (self.lines == 1).then(|| String::from_utf8_lossy(line).into_owned());
    }

    /// The words of the engine's runtime, where it found out only in the container that the program can not be run.
    pub fn runtime_error(&self, program: &str) -> Option<&str> {
        let beginnings = [format!("exec {program}: "), "standard_init_linux.go:".to_owned()];
        self.line.as_deref().filter(|line| beginnings.iter().any(|beginning| line.starts_with(beginning)))
    }
}

/// Shows what comes from both streams, in the order it comes.
///
/// # Errors
/// When work was cancelled.
pub fn relay_output(mut process: Process, cx: &BuildContext) -> Result<AssembleOutput> {
    let (send, pieces) = mpsc::channel::<(usize, Vec<u8>)>();
    read_stream(process.stdout(), 0, send.clone());
    read_stream(process.stderr(), 1, send);
    let mut streams = [Lines::default(), Lines::default()];
    let mut output = AssembleOutput::default();
    let mut show = |line: &[u8]| {
        if line.starts_with(REFUSAL) {
            output.words.push_str(&String::from_utf8_lossy(line));
            output.words.push('\n');
        } else {
            output.note(line);
            cx.reporter.emit(&Message::Output(line));
        }
    };
    for (stream, piece) in pieces {
        streams[stream].feed(&piece, &mut show);
    }
    streams.iter_mut().for_each(|lines| lines.flush(&mut show));
    process.wait()?;
    cx.engine.cancel().check()?;
    Ok(output)
}

fn read_stream(mut from: impl Read + Send + 'static, stream: usize, pieces: Sender<(usize, Vec<u8>)>) {
    std::thread::spawn(move || for_each_piece(&mut from, |piece| drop(pieces.send((stream, piece.to_vec())))));
}
