//! A shell in which a document's commands are typed.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process_group};

use super::shown::{Names, Step, shape};
use crate::support::wait::{ENGINE_POLL, POLL, TIMEOUT, wait_until};

/// A running shell. What its commands print comes together in one file, in the order in which it was printed.
pub struct Session<'a> {
    shell: Child,
    input: ChildStdin,
    output: PathBuf,
    names: &'a Names,
    typed: usize,
}

impl<'a> Session<'a> {
    pub fn start(folder: &Path, names: &'a Names) -> Self {
        let output = folder.join(".output");
        let file = File::create(&output).unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_minis2i")).parent().unwrap();
        let path = std::env::join_paths(
            std::iter::once(binary.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let mut shell = Command::new("sh");
        shell.current_dir(folder).process_group(0).env("PATH", path.unwrap()).env("TMPDIR", folder);
        for name in ["XDG_RUNTIME_DIR", "MINIS2I_ENGINE", "VAR", "NO_COLOR", "GITHUB_ACTIONS"] {
            shell.env_remove(name);
        }
        shell.stdin(Stdio::piped()).stdout(file.try_clone().unwrap()).stderr(file);
        let mut shell = shell.spawn().unwrap();
        let input = shell.stdin.take().unwrap();
        Self { shell, input, output, names, typed: 0 }
    }

    /// Types a command, and waits until it has ended, unless it goes on in the background, and until all that the document
    /// shows below it was printed, in this order. Other lines may come between them.
    #[track_caller]
    pub fn type_and_compare(&mut self, step: &Step) {
        let begin = self.printed().len();
        let fails = step.shown.iter().any(|line| line.starts_with("error:"));
        let typed = self.names.typed(&step.command);
        let status = self.run(&typed);
        // A reader asks later than a test does.
        if typed.starts_with("curl ") {
            return self.ask_again(&typed, begin, &step.shown);
        }
        assert_eq!(status != "0", fails, "`{typed}`: status {status}\n{}", self.printed());
        let message = || format!("`{typed}` does not print what is shown: {:#?}\n{}", step.shown, self.printed());
        wait_until(POLL, || contains(&self.printed()[begin..], &step.shown), message);
    }

    /// Types a line again and again until it prints what is shown, at the latest after the time that facts have.
    #[track_caller]
    fn ask_again(&mut self, line: &str, mut begin: usize, shown: &[String]) {
        let asked_first = Instant::now();
        while !contains(&self.printed()[begin..], shown) {
            assert!(asked_first.elapsed() < TIMEOUT, "`{line}` never prints {shown:?}\n{}", self.printed());
            std::thread::sleep(ENGINE_POLL);
            begin = self.printed().len();
            self.run(line);
        }
    }

    /// Types a line; its exit status, which is 0 for what goes on in the background.
    #[track_caller]
    fn run(&mut self, line: &str) -> String {
        self.typed += 1;
        let mark = format!("@@ {}:", self.typed);
        let kept = if line.ends_with('&') { "BACKGROUND=\"$BACKGROUND $!\"; " } else { "" };
        writeln!(self.input, "{{ {line}\n}} </dev/null; echo \"{mark}$?\"; {kept}").unwrap();
        let status =
            || self.printed().split_once(&mark).and_then(|(_, rest)| Some(rest.split_once('\n')?.0.to_owned()));
        wait_until(POLL, || status().is_some(), || format!("`{line}` does not end\n{}", self.printed()));
        status().unwrap()
    }

    /// What was printed so far, with the names of the document.
    fn printed(&self) -> String {
        self.names.read(&String::from_utf8_lossy(&fs::read(&self.output).unwrap()))
    }

    /// Ends what is in the background, and the shell.
    pub fn end(mut self) {
        self.run("[ -z \"$BACKGROUND\" ] || { kill $BACKGROUND; wait $BACKGROUND; }");
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.shell), Signal::TERM);
        let _ = self.shell.wait();
    }
}

/// Whether the lines are in the output, in this order.
fn contains(output: &str, lines: &[String]) -> bool {
    let mut printed = output.lines().map(shape);
    lines.iter().all(|line| printed.any(|printed| printed.trim_start() == shape(line)))
}
