//! One build container and the talk with it: greeting, upload, output, end.

use std::io::{self, BufWriter, Write};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::final_script::FinalScript;
use super::protocol::{Chunk, Greeting, MarkScanner, script};
use crate::child::for_each_piece;
use crate::engine::cli::Engine;
use crate::engine::container::Container;
use crate::engine::copy::{self, Delivered, Delivery};
use crate::engine::process::Process;
use crate::random;
use crate::tar::writer::Writer;

/// How long a container that runs may take until its shell says something: an ENTRYPOINT may do work before. After that it
/// is taken for one that does not run what it is given.
const GREETING_LIMIT: Duration = Duration::from_secs(30);

/// How much of an upload is gathered before it is written, in bytes: several of a pipe's 64 KiB.
const UPLOAD_BUFFER: usize = 256 * 1024;

/// How long the container's last words are waited for, once it does not answer as it should.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(5);

/// How much of the container's error output is kept for an error message, in bytes: some screens full.
const WORDS_LIMIT: usize = 16 * 1024;

/// What the container is started with.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    pub name: String,
    pub image: &'a str,
    /// Options of `docker run` before the image.
    pub options: Vec<String>,
    pub destination: &'a str,
    /// Folders that may hold scripts.
    pub folders: &'a [String],
    /// Put the shell in the place of the image's ENTRYPOINT.
    pub bypass: bool,
}

/// What happens in the container.
#[derive(Debug)]
pub enum SessionEvent {
    Chunk(Chunk),
    /// Error output that is not `assemble`'s: of the ENTRYPOINT, of `tar`, of the CLI.
    Words(Vec<u8>),
    /// Both streams have ended.
    End,
}

/// A container without a greeting.
#[derive(Debug)]
pub enum NoGreeting {
    /// It ended, or says nothing: the command was not run.
    Entrypoint,
    /// There is no shell that could run it.
    Shell,
    /// It can not be started, or work was cancelled.
    Error(anyhow::Error),
}

pub struct Session {
    engine: Engine,
    container: Container,
    process: Option<Process>,
    upload: Option<Writer<BufWriter<ChildStdin>>>,
    /// Where the engine unpacks the upload, and the way to the container's own standard input.
    delivery: Option<(Delivery, ChildStdin)>,
    events: Receiver<SessionEvent>,
    token: String,
    words: Vec<u8>,
    /// Output that came before `assemble` began.
    early: Vec<u8>,
    end: EndSignal,
}

/// A listener for the end of a container's streams.
#[derive(Clone, Default)]
struct EndSignal(Arc<Mutex<EndState>>);

#[derive(Default)]
struct EndState {
    ended: bool,
    listener: Option<Box<dyn FnOnce() + Send>>,
}

impl EndSignal {
    fn happen(&self) {
        let listener = {
            let mut state = self.0.lock().expect("no thread panics while it holds this lock");
            state.ended = true;
            state.listener.take()
        };
        if let Some(listener) = listener {
            listener();
        }
    }

    fn listen(&self, listener: Box<dyn FnOnce() + Send>) {
        let mut state = self.0.lock().expect("no thread panics while it holds this lock");
        if state.ended {
            drop(state);
            listener();
        } else {
            state.listener = Some(listener);
        }
    }
}

impl Session {
    /// Starts the container; returns before it runs.
    ///
    /// # Errors
    /// When the CLI can not be started.
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
        command.extend(["-c".to_owned(), script(), "minis2i".to_owned(), token.clone(), start.destination.to_owned()]);
        command.extend_from_slice(start.folders);
        options.append(&mut command);
        let (container, mut process) = Container::run(engine, start.name, &options, Stdio::piped())?;
        let (send, events) = mpsc::channel();
        let end = EndSignal::default();
        read_streams(&mut process, &token, &send, end.clone());
        let upload = Writer::new(BufWriter::with_capacity(UPLOAD_BUFFER, process.stdin()));
        Ok(Self {
            engine: engine.clone(),
            container,
            process: Some(process),
            upload: Some(upload),
            delivery: None,
            events,
            token,
            words: Vec::new(),
            early: Vec::new(),
            end,
        })
    }

    /// Waits for the greeting, which proves that the command runs.
    ///
    /// # Errors
    /// See [`NoGreeting`].
    pub fn greeting(&mut self) -> Result<Greeting, NoGreeting> {
        loop {
            match self.events.recv_timeout(GREETING_LIMIT) {
                Ok(SessionEvent::Chunk(Chunk::Mark(mark))) => {
                    self.container.mark_created();
                    let words =
                        mark.strip_prefix("hello ").ok_or_else(|| NoGreeting::Error(anyhow!("unexpected `{mark}`")))?;
                    return Greeting::parse(words).map_err(NoGreeting::Error);
                }
                Ok(SessionEvent::Chunk(Chunk::Output(bytes))) => self.early.extend(bytes),
                Ok(SessionEvent::Words(words)) => self.keep_words(&words),
                Ok(SessionEvent::End) | Err(RecvTimeoutError::Disconnected) => return Err(self.why_silent()),
                Err(RecvTimeoutError::Timeout) if self.is_running() => return Err(NoGreeting::Entrypoint),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Whether the engine says that the container runs; a slow engine may still be at work on starting it.
    fn is_running(&self) -> bool {
        let args = ["container", "inspect", "--format", "{{.State.Running}}", self.container.name()];
        self.engine.call(&args).is_ok_and(|output| output.stdout.trim() == "true")
    }

    fn why_silent(&mut self) -> NoGreeting {
        if let Err(cancelled) = self.engine.cancel().check() {
            return NoGreeting::Error(cancelled);
        }
        let status = match self.wait() {
            Ok(status) => status,
            Err(error) => return NoGreeting::Error(error),
        };
        let words = self.words();
        let refused = words.contains("Error response from daemon") || status == 125;
        if !refused {
            // One that runs what it is given fails where that is a shell and there is none.
            return match copy::exists(&self.engine, self.container.name(), "/bin/sh") {
                Ok(false) if status != 0 => NoGreeting::Shell,
                Ok(_) => NoGreeting::Entrypoint,
                Err(error) => NoGreeting::Error(error),
            };
        }
        let lower = words.to_lowercase();
        let no_program = lower.contains("executable file not found") || lower.contains("no such file or directory");
        if matches!(status, 126 | 127) && no_program && lower.contains("/bin/sh") {
            return NoGreeting::Shell;
        }
        NoGreeting::Error(self.engine.error("cannot start the build container", &words))
    }

    /// Gives the container its first text, which comes before the upload.
    ///
    /// # Errors
    /// When the container does not take it.
    pub fn open(&mut self, text: &[u8]) -> io::Result<()> {
        let end = format!("{}\n", self.token);
        let out = self.upload().out();
        out.write_all(text)?;
        out.write_all(end.as_bytes())
    }

    /// The upload, until it is finished.
    pub fn upload(&mut self) -> &mut Writer<BufWriter<ChildStdin>> {
        self.upload.as_mut().expect("the upload is not finished yet")
    }

    /// Has the engine unpack the upload in this folder, as this user's: the container has no `tar`.
    ///
    /// # Errors
    /// When the CLI can not be started.
    pub fn have_it_unpacked(&mut self, folder: &str, owner: (u32, u32)) -> Result<()> {
        let stdin = self.upload.take().expect("the upload has not begun yet").into_out();
        let stdin = stdin.into_inner().map_err(io::IntoInnerError::into_error)?;
        let (delivery, stream) = Delivery::start(&self.engine, self.container.name(), folder)?;
        self.delivery = Some((delivery, stdin));
        let mut upload = Writer::new(stream);
        upload.owner = owner;
        self.upload = Some(upload);
        Ok(())
    }

    /// Ends the upload with the consent to assemble.
    ///
    /// # Errors
    /// When the container does not take it.
    pub fn finish(&mut self, script: &FinalScript) -> Result<()> {
        let name = format!(".minis2i-{}", self.token);
        let mut upload = self.upload.take().expect("an upload is finished once");
        if let Some((delivery, mut stdin)) = self.delivery.take() {
            // A refused upload breaks the stream, too; the engine says why.
            let written = upload.finish().map(drop);
            if let Delivered::Refused(words) = delivery.end(&self.engine)? {
                return Err(source_refused(&self.engine, &words));
            }
            written?;
            return Ok(stdin.write_all(&script.text())?);
        }
        upload.file(name.as_bytes(), 0o600, (0, 0), &script.text())?;
        drop(upload.finish()?);
        Ok(())
    }

    /// Waits for the next thing to happen.
    pub fn next_event(&mut self) -> SessionEvent {
        let event = self.events.recv().unwrap_or(SessionEvent::End);
        if let SessionEvent::Words(words) = &event {
            self.keep_words(words);
        }
        event
    }

    /// Output from before `assemble`, for showing it in its place.
    pub fn take_early(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.early)
    }

    /// The error for a container that does not answer as it should: in its own words, or the engine's.
    pub fn lost(&mut self, what: &str) -> anyhow::Error {
        if let Some((delivery, stdin)) = self.delivery.take() {
            self.upload = None;
            if let Ok(Delivered::Refused(words)) = delivery.end(&self.engine) {
                return self.engine.error(what, &words);
            }
            drop(stdin);
        }
        while let Ok(event) = self.events.recv_timeout(LAST_WORDS_LIMIT) {
            match event {
                SessionEvent::Words(words) => self.keep_words(&words),
                SessionEvent::Chunk(_) => {}
                SessionEvent::End => break,
            }
        }
        if let Err(cancelled) = self.engine.cancel().check() {
            return cancelled;
        }
        let status = self.wait();
        let words = self.words();
        match status {
            Ok(status) if words.trim().is_empty() => {
                self.engine.error(what, &format!("the build container ended with status {status}"))
            }
            _ => self.engine.error(what, &words),
        }
    }

    /// Calls the listener, once, when the container is gone, or its CLI is.
    pub fn when_ended(&self, listener: impl FnOnce() + Send + 'static) {
        self.end.listen(Box::new(listener));
    }

    pub fn container(&self) -> &str {
        self.container.name()
    }

    /// Lets the CLI go and hands over the container as it stands.
    pub fn into_container(self) -> Container {
        drop(self.process);
        self.container
    }

    /// Waits for the CLI's end; its exit status.
    fn wait(&mut self) -> Result<i32> {
        self.upload = None;
        match self.process.take() {
            Some(process) => process.wait(),
            None => Ok(-1),
        }
    }

    fn words(&self) -> String {
        String::from_utf8_lossy(&self.words).into_owned()
    }

    fn keep_words(&mut self, words: &[u8]) {
        self.words.extend_from_slice(words);
        let over = self.words.len().saturating_sub(WORDS_LIMIT);
        self.words.drain(..over);
    }
}

/// The error for a source that the engine does not unpack in a container.
pub fn source_refused(engine: &Engine, words: &str) -> anyhow::Error {
    engine.error("cannot put the source into the build container", words)
}

/// Reads both streams, each on a thread of its own, so that neither can stop the container.
fn read_streams(process: &mut Process, token: &str, events: &Sender<SessionEvent>, end: EndSignal) {
    let mut scanner = MarkScanner::new(token);
    let mut out = process.stdout();
    let mut err = process.stderr();
    let from_err = events.clone();
    let errors = std::thread::spawn(move || {
        for_each_piece(&mut err, |piece| {
            let _ = from_err.send(SessionEvent::Words(piece.to_vec()));
        });
    });
    let events = events.clone();
    std::thread::spawn(move || {
        for_each_piece(&mut out, |piece| {
            for said in scanner.feed(piece) {
                let _ = events.send(SessionEvent::Chunk(said));
            }
        });
        let rest = scanner.rest();
        if !rest.is_empty() {
            let _ = events.send(SessionEvent::Chunk(Chunk::Output(rest)));
        }
        let _ = errors.join();
        let _ = events.send(SessionEvent::End);
        end.happen();
    });
}
