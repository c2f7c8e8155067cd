//! The output of a program in a container without a shell. Messages of the engine are mixed with it, and no marks
//! separate them, so they are recognised by their text.

use std::io::Read;
use std::sync::mpsc::{self, SyncSender};

use anyhow::Result;

use crate::child::for_each_piece;
use crate::engine::process::Process;
use crate::pipeline::container::lines::Lines;
use crate::pipeline::context::BuildContext;
use crate::pipeline::script_output::ScriptOutput;
use crate::report::message::OutputLine;

/// The beginning of the CLI's message about a program that could not be started.
const ENGINE_ERROR: &[u8] = b"Error response from daemon:";

/// How many pieces of output may wait to be shown, of 32 KiB each: chosen so that a program rarely waits for a terminal,
/// and that memory stays bounded.
const WAITING_PIECES: usize = 128;

/// The output of a container, as far as it matters after it was shown.
#[derive(Default)]
pub struct AssembleOutput {
    /// Messages of the engine's CLI, which were not shown.
    pub stderr: String,
    /// The whole output of the program, if that is a single line.
    only_line: Option<String>,
    line_count: usize,
}

impl AssembleOutput {
    fn record(&mut self, line: &[u8]) {
        self.line_count += 1;
        self.only_line = (self.line_count == 1).then(|| String::from_utf8_lossy(line).into_owned());
    }

    /// The message of the container runtime that `program` cannot be run, if that is the only output. The runtime
    /// notices some faults only inside the container, so the program seems to have printed the message.
    pub fn runtime_error(&self, program: &str) -> Option<&str> {
        let beginnings = [format!("exec {program}: "), "standard_init_linux.go:".to_owned()];
        self.only_line.as_deref().filter(|line| beginnings.iter().any(|beginning| line.starts_with(beginning)))
    }
}

/// Shows the lines of both streams of an attached container in the order in which they arrive, until it ends.
///
/// # Errors
/// If work was cancelled, or the end of the CLI cannot be waited for.
pub fn relay_output(mut process: Process, cx: &BuildContext, shown: &mut ScriptOutput) -> Result<AssembleOutput> {
    let (sender, pieces) = mpsc::sync_channel::<(usize, Vec<u8>)>(WAITING_PIECES);
    read_stream(process.stdout(), 0, sender.clone());
    read_stream(process.stderr(), 1, sender);
    let mut streams = [Lines::default(), Lines::default()];
    let mut output = AssembleOutput::default();
    let mut show = |line: OutputLine| {
        if line.text.starts_with(ENGINE_ERROR) {
            output.stderr.push_str(&String::from_utf8_lossy(line.text));
            output.stderr.push('\n');
        } else {
            output.record(line.text);
            shown.show(line);
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

/// Reads a stream on a thread of its own and sends its pieces, together with the number of the stream.
fn read_stream(mut from: impl Read + Send + 'static, stream: usize, pieces: SyncSender<(usize, Vec<u8>)>) {
    std::thread::spawn(move || for_each_piece(&mut from, |piece| drop(pieces.send((stream, piece.to_vec())))));
}
