//! The watch that is recorded, on a terminal of its own.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::screen::{COLUMNS, ROWS, Screen};

/// How long a build may take before the recording is given up.
const LIMIT: Duration = Duration::from_secs(120);

/// The time between a build and the next save: enough for the next standby, and as long as a picture can wait.
const PAUSE: Duration = Duration::from_millis(2500);

/// A running watch and what it has printed.
pub struct Watch {
    terminal: Child,
    output: Receiver<Vec<u8>>,
    screen: Screen,
    begun: Instant,
}

impl Watch {
    /// Shows a line as if it had been typed and carries it out in a folder, with the program in the place of its first word.
    pub fn start(program: &Path, line: &str, folder: &Path) -> Result<Self> {
        let words = line.split_once(' ').context("a line without arguments")?.1;
        let typed = format!("stty cols {COLUMNS} rows {ROWS}; echo '$ {line}'; exec '{}' {words}", program.display());
        let mut terminal = Command::new("script");
        terminal.args(["--quiet", "--return", "--command", &typed, "/dev/null"]).current_dir(folder);
        terminal.env("TERM", "xterm-256color").env("TMPDIR", folder).env("SHELL", "/bin/sh");
        for name in ["NO_COLOR", "MINIS2I_ENGINE", "XDG_RUNTIME_DIR", "GITHUB_ACTIONS", "VAR"] {
            terminal.env_remove(name);
        }
        terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut terminal = terminal.spawn().context("cannot start `script`")?;
        let mut stdout = terminal.stdout.take().context("`script` has no output")?;
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut piece = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = stdout.read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Self { terminal, output, screen: Screen::new(), begun: Instant::now() })
    }

    /// Waits until a text is on the screen so many times.
    pub fn wait_for(&mut self, text: &str, times: usize) -> Result<()> {
        self.wait_until(|shown| shown.matches(text).count() >= times)
    }

    /// Waits until so many builds have ended.
    pub fn wait_for_builds(&mut self, number: usize) -> Result<()> {
        self.wait_until(|shown| shown.matches("build ok:").count() + shown.matches("build failed:").count() >= number)
    }

    fn wait_until(&mut self, fact: impl Fn(&str) -> bool) -> Result<()> {
        let begin = Instant::now();
        while !fact(&self.screen.text()) {
            ensure!(begin.elapsed() < LIMIT, "the watch does not go on:\n{}", self.screen.text());
            ensure!(self.read(Duration::from_millis(100)), "the watch has ended:\n{}", self.screen.text());
        }
        Ok(())
    }

    /// Lets time pass.
    pub fn pause(&mut self) {
        let begin = Instant::now();
        while begin.elapsed() < PAUSE && self.read(PAUSE - begin.elapsed().min(PAUSE)) {}
    }

    /// Reads what is printed within a time; `false` at its end.
    fn read(&mut self, time: Duration) -> bool {
        match self.output.recv_timeout(time) {
            Ok(piece) => self.screen.print(&piece, self.begun.elapsed()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    /// Ends the watch with its key; what was on the screen.
    pub fn quit(mut self) -> Result<Screen> {
        let mut keyboard = self.terminal.stdin.take().context("`script` has no input")?;
        keyboard.write_all(b"q")?;
        let begin = Instant::now();
        while self.read(Duration::from_millis(100)) {
            if begin.elapsed() > LIMIT {
                bail!("the watch does not end:\n{}", self.screen.text());
            }
        }
        drop(keyboard);
        self.terminal.wait()?;
        Ok(std::mem::replace(&mut self.screen, Screen::new()))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Without its terminal, the watch gets HUP and cleans up.
        let _ = self.terminal.kill();
        let _ = self.terminal.wait();
    }
}
