//! One running build container: its greeting, its upload, its output and its end. Which container to start and what to
//! send is left to the callers.

use std::io::{self, BufWriter, Write};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::backlog::{Backlog, Limited};
use super::end_signal::EndSignal;
use super::final_script::FinalScript;
use super::protocol::{Chunk, Greeting, MarkScanner, script};
use super::stderr_tail::StderrTail;
use crate::child::{for_each_piece, keep_end};
use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::engine::copy::{self, Delivered, Delivery};
use crate::engine::process::Process;
use crate::random;
use crate::tar::writer::Writer;

/// How long a running container may take until its shell sends the greeting; after that, its ENTRYPOINT is assumed not
/// to run the command it is given. Chosen so that an ENTRYPOINT can do some work first.
const GREETING_LIMIT: Duration = Duration::from_secs(30);

/// The size of the buffer for an upload, in bytes: four times the 64 KiB of a pipe, so that a write fills the pipe.
const UPLOAD_BUFFER: usize = 256 * 1024;

/// How long to wait for the remaining stderr of a container that failed, for the error message: chosen so that a slow
/// engine has time to print its error.
const STDERR_TIME_LIMIT: Duration = Duration::from_secs(5);

/// How much of the end of an ENTRYPOINT's output before `assemble` is kept, in bytes: more than is read.
const EARLY_SIZE_LIMIT: usize = 1024 * 1024;

/// How to start a container.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// The name for the container.
    pub name: String,
    /// The id of its image.
    pub image: &'a str,
    /// Options of `docker run` before the image.
    pub options: Vec<String>,
    /// The folder in which the upload is to be extracted.
    pub destination: &'a str,
    /// The PATH of the image, or nothing.
    pub search_path: &'a str,
    /// Folders that may hold scripts; the greeting reports on them.
    pub folders: &'a [String],
    /// Tools to look for, `NAME=PROGRAM` each; the greeting says which there are.
    pub tools: String,
    /// Run the shell instead of the image's ENTRYPOINT.
    pub bypass: bool,
}

/// An event in the container.
#[derive(Debug)]
pub enum SessionEvent {
    /// Output of a script, or a mark.
    Chunk(Chunk),
    /// There was stderr of the ENTRYPOINT, of `tar` or of the CLI. That of `assemble` is part of the output.
    Stderr,
    /// Both streams have ended.
    End,
}

/// Why a container did not send a greeting.
#[derive(Debug)]
pub enum NoGreeting {
    /// Its ENTRYPOINT did not run the command: the container ended, or runs without a greeting.
    Entrypoint,
    /// The image has no shell that could run the command.
    Shell,
    /// It cannot be started, its greeting is malformed, or work was cancelled.
    Error(anyhow::Error),
}

/// A running build container. Dropping it removes the container.
pub struct Session {
    engine: Engine,
    container: Container,
    /// The CLI that is attached to the container, until its end was waited for.
    process: Option<Process>,
    /// The upload, until it is finished.
    upload: Option<Writer<BufWriter<ChildStdin>>>,
    /// If the engine unpacks the upload: the stream to the engine, and the standard input of the container.
    delivery: Option<(Delivery, ChildStdin)>,
    events: Receiver<SessionEvent>,
    /// The output in `events`.
    backlog: Backlog,
    /// Until its end is waited for.
    limited: Option<Limited>,
    /// Marks the lines of the shell program.
    token: String,
    stderr: StderrTail,
    /// Output from before `assemble` started, for example of the ENTRYPOINT.
    early_output: Vec<u8>,
    end: EndSignal,
}

impl Session {
    /// Starts the container and does not wait until it runs.
    ///
    /// # Errors
    /// If the CLI cannot be started.
    pub fn start(engine: &Engine, start: Start) -> Result<Self> {
        let token = random::token()?;
        let mut options = vec!["--interactive".to_owned()];
        options.extend(start.options);
        let mut command = vec![start.image.to_owned()];
        if start.bypass {
            options.extend(["--entrypoint".to_owned(), "/bin/sh".to_owned()]);
        } else {
            command.push("/bin/sh".to_owned());
        }
        command.extend(["-c".to_owned(), script(&start.tools), "minis2i".to_owned(), token.clone()]);
        command.extend([start.destination.to_owned(), start.search_path.to_owned()]);
        command.extend_from_slice(start.folders);
        options.append(&mut command);
        let (container, mut process) = Container::run(engine, start.name, &options, Stdio::piped())?;
        let (sender, events) = mpsc::channel();
        let end = EndSignal::default();
        let (backlog, stderr) = (Backlog::default(), StderrTail::default());
        let limited = Some(backlog.limit());
        read_streams(&mut process, &token, &sender, &backlog, &stderr, end.clone());
        let upload = Writer::new(BufWriter::with_capacity(UPLOAD_BUFFER, process.stdin()));
        Ok(Self {
            engine: engine.clone(),
            container,
            process: Some(process),
            upload: Some(upload),
            delivery: None,
            events,
            backlog,
            limited,
            token,
            stderr,
            early_output: Vec::new(),
            end,
        })
    }

    /// Waits for the greeting, which proves that the shell program runs.
    ///
    /// # Errors
    /// If the container does not send one; see [`NoGreeting`].
    pub fn greeting(&mut self) -> Result<Greeting, NoGreeting> {
        loop {
            let event = self.events.recv_timeout(GREETING_LIMIT);
            if let Ok(event) = &event {
                self.taken(event);
            }
            match event {
                Ok(SessionEvent::Chunk(Chunk::Mark(mark))) => {
                    self.container.mark_created();
                    let words =
                        mark.strip_prefix("hello ").ok_or_else(|| NoGreeting::Error(anyhow!("unexpected `{mark}`")))?;
                    return Greeting::parse(words).map_err(NoGreeting::Error);
                }
                Ok(SessionEvent::Chunk(Chunk::Output(bytes))) => {
                    keep_end(&mut self.early_output, &bytes, EARLY_SIZE_LIMIT);
                }
                Ok(SessionEvent::Stderr) => {}
                Ok(SessionEvent::End) | Err(RecvTimeoutError::Disconnected) => return Err(self.no_greeting()),
                Err(RecvTimeoutError::Timeout) if self.is_running() => return Err(NoGreeting::Entrypoint),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Whether the engine has started the container; a slow engine may still be busy with that.
    fn is_running(&self) -> bool {
        let args = ["container", "inspect", "--format", "{{.State.Running}}", self.container.name()];
        self.engine.call(&args).is_ok_and(|output| output.stdout.trim() == "true")
    }

    /// Why a container whose streams have ended sent no greeting.
    fn no_greeting(&mut self) -> NoGreeting {
        if let Err(cancelled) = self.engine.cancel().check() {
            return NoGreeting::Error(cancelled);
        }
        let status = match self.wait() {
            Ok(status) => status,
            Err(error) => return NoGreeting::Error(error),
        };
        let stderr = self.stderr.text();
        let refused = stderr.contains("Error response from daemon") || status == 125;
        if !refused {
            // An ENTRYPOINT that runs its arguments fails if there is no shell.
            return match copy::exists(&self.engine, self.container.name(), "/bin/sh") {
                Ok(false) if status != 0 => NoGreeting::Shell,
                Ok(_) => NoGreeting::Entrypoint,
                Err(error) => NoGreeting::Error(error),
            };
        }
        let lower = stderr.to_lowercase();
        let no_program = lower.contains("executable file not found") || lower.contains("no such file or directory");
        if matches!(status, 126 | 127) && no_program && lower.contains("/bin/sh") {
            return NoGreeting::Shell;
        }
        NoGreeting::Error(self.engine.error("cannot start the build container", &stderr))
    }

    /// Sends the shell text that the container runs before it receives the upload, in parts that are run one by one.
    ///
    /// # Errors
    /// If the container does not accept it.
    pub fn send_opening(&mut self, parts: &[Vec<u8>]) -> io::Result<()> {
        let (part_end, end) = (format!("{} part\n", self.token), format!("{}\n", self.token));
        let out = self.upload().out();
        for part in parts {
            out.write_all(part)?;
            out.write_all(part_end.as_bytes())?;
        }
        out.write_all(end.as_bytes())
    }

    /// The writer for the upload. It must not be finished yet.
    pub fn upload(&mut self) -> &mut Writer<BufWriter<ChildStdin>> {
        self.upload.as_mut().expect("the upload is not finished yet")
    }

    /// Sends what was written to the upload so far, so that a container that waits for the rest has it, and a slow line does
    /// not have to carry it once the rest comes.
    ///
    /// # Errors
    /// If the container does not accept it.
    pub fn flush_upload(&mut self) -> io::Result<()> {
        self.upload().out().flush()
    }

    /// Has the engine unpack the upload in `folder`, for a container that cannot do so itself. The files get the user
    /// id and group id `owner`.
    ///
    /// # Errors
    /// If the container does not accept the text before the upload, or the CLI cannot be started.
    pub fn unpack_by_engine(&mut self, folder: &str, owner: (u32, u32)) -> Result<()> {
        let stdin = self.upload.take().expect("the upload has not begun yet").into_out();
        let stdin = stdin.into_inner().map_err(io::IntoInnerError::into_error)?;
        let (delivery, stream) = Delivery::start(&self.engine, self.container.name(), folder)?;
        self.delivery = Some((delivery, stdin));
        let mut upload = Writer::new(stream);
        upload.owner = owner;
        self.upload = Some(upload);
        Ok(())
    }

    /// Ends the upload with the final script, which makes the container run `assemble`. An upload without it, for
    /// example of a process that was killed, does not.
    ///
    /// # Errors
    /// If the container or the engine does not accept the upload.
    pub fn finish(&mut self, script: &FinalScript) -> Result<()> {
        let name = format!(".minis2i-{}", self.token);
        let mut upload = self.upload.take().expect("an upload is finished once");
        if let Some((delivery, mut stdin)) = self.delivery.take() {
            // If the engine refuses the upload, writing to the stream fails too, but the stderr of the CLI has the
            // reason.
            let written = upload.finish().map(drop);
            if let Delivered::Refused(stderr) = delivery.end(&self.engine)? {
                return Err(source_refused(&self.engine, &stderr));
            }
            written?;
            return Ok(stdin.write_all(&script.text())?);
        }
        upload.file(name.as_bytes(), 0o600, (0, 0), &script.text())?;
        drop(upload.finish()?);
        Ok(())
    }

    /// Waits for the next event.
    pub fn next_event(&mut self) -> SessionEvent {
        let event = self.events.recv().unwrap_or(SessionEvent::End);
        self.taken(&event);
        event
    }

    /// Takes the output from before `assemble` started.
    pub fn take_early_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.early_output)
    }

    /// The error `what` for a container that failed, with its stderr or that of the CLI as the cause. The container is
    /// of no use afterwards.
    pub fn failure(&mut self, what: &str) -> anyhow::Error {
        if let Some((delivery, stdin)) = self.delivery.take() {
            self.upload = None;
            if let Ok(Delivered::Refused(stderr)) = delivery.end(&self.engine) {
                return self.engine.error(what, &stderr);
            }
            drop(stdin);
        }
        while let Ok(event) = self.events.recv_timeout(STDERR_TIME_LIMIT) {
            self.taken(&event);
            if matches!(event, SessionEvent::End) {
                break;
            }
        }
        if let Err(cancelled) = self.engine.cancel().check() {
            return cancelled;
        }
        let status = self.wait();
        let stderr = self.stderr.text();
        match status {
            Ok(status) if stderr.trim().is_empty() => {
                self.engine.error(what, &format!("the build container ended with status {status}"))
            }
            Ok(_) => self.engine.error(what, &stderr),
            Err(error) => error,
        }
    }

    /// Calls the listener once when the container or its CLI has ended.
    pub fn when_ended(&self, listener: impl FnOnce() + Send + 'static) {
        self.end.listen(Box::new(listener));
    }

    /// The name of the container.
    pub fn container(&self) -> &str {
        self.container.name()
    }

    /// Ends the CLI and hands over the container, which may still run.
    pub fn into_container(self) -> Container {
        drop(self.process);
        self.container
    }

    /// Waits for the end of the CLI; returns its exit status, or -1 if that was already waited for.
    fn wait(&mut self) -> Result<i32> {
        (self.upload, self.limited) = (None, None);
        match self.process.take() {
            Some(process) => process.wait(),
            None => Ok(-1),
        }
    }

    /// Counts an event that was taken.
    fn taken(&self, event: &SessionEvent) {
        if let SessionEvent::Chunk(Chunk::Output(bytes)) = event {
            self.backlog.remove(bytes.len());
        }
    }
}

/// The error for an upload that the engine does not unpack; `stderr` is that of its CLI.
pub fn source_refused(engine: &Engine, stderr: &str) -> anyhow::Error {
    engine.error("cannot put the source into the build container", stderr)
}

/// Sends events for both streams, each from a thread of its own, so that a full pipe cannot block the container.
fn read_streams(
    process: &mut Process,
    token: &str,
    events: &Sender<SessionEvent>,
    backlog: &Backlog,
    tail: &StderrTail,
    end: EndSignal,
) {
    let mut scanner = MarkScanner::new(token);
    let mut stdout = process.stdout();
    let mut stderr = process.stderr();
    let (stderr_events, tail) = (events.clone(), tail.clone());
    let stderr_reader = std::thread::spawn(move || {
        for_each_piece(&mut stderr, |piece| {
            tail.add(piece);
            let _ = stderr_events.send(SessionEvent::Stderr);
        });
    });
    let (sender, backlog) = (events.clone(), backlog.clone());
    std::thread::spawn(move || {
        let send = |chunk: Chunk| {
            if let Chunk::Output(bytes) = &chunk {
                backlog.add(bytes.len());
            }
            let _ = sender.send(SessionEvent::Chunk(chunk));
        };
        for_each_piece(&mut stdout, |piece| {
            scanner.feed(piece).into_iter().for_each(&send);
        });
        let rest = scanner.rest();
        if !rest.is_empty() {
            send(Chunk::Output(rest));
        }
        let _ = stderr_reader.join();
        let _ = sender.send(SessionEvent::End);
        end.trigger();
    });
}
