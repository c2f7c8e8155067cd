//! One run of the binary: what is typed and set for it, and the ways to carry it out.
//!
//! A run that goes on is in `running`, one that has ended in `outcome`.

use std::path::Path;
use std::process::{Command, Stdio};

use super::outcome::Outcome;
use super::output_stream::collect;
use super::running_process::RunningProcess;

/// One run of the binary.
pub struct Run {
    command: Command,
    pub(super) line: Vec<String>,
    pub(super) after: Vec<String>,
    engine_options: Vec<String>,
}

impl Run {
    pub fn new() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minis2i"));
        command.env_remove("MINIS2I_ENGINE").env_remove("NO_COLOR");
        Self { command, line: Vec::new(), after: Vec::new(), engine_options: Vec::new() }
    }

    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.line.push(arg.into());
        self
    }

    pub fn args(mut self, args: &[&str]) -> Self {
        self.line.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Gives the source in another way than by its absolute path.
    pub fn source(mut self, typed: &str) -> Self {
        typed.clone_into(&mut self.after[0]);
        self
    }

    /// Names the builder in another way, or another one.
    pub fn builder(mut self, typed: &str) -> Self {
        typed.clone_into(&mut self.after[1]);
        self
    }

    /// Arguments after `--`.
    pub fn engine_options(mut self, args: &[&str]) -> Self {
        self.engine_options = args.iter().map(|arg| (*arg).to_owned()).collect();
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn current_dir(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    /// Has a shell do something first, as the root of a user namespace of its own, whose limits are no matter to others.
    #[cfg(target_os = "linux")]
    pub fn after_in_user_namespace(mut self, script: &str) -> Self {
        let script = format!("{script}; exec \"$0\" \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c", &script]).arg(self.command.get_program());
        command.env_remove("MINIS2I_ENGINE").env_remove("NO_COLOR");
        self.command = command;
        self
    }

    fn prepared(&mut self) -> &mut Command {
        self.command.args(&self.line).args(&self.after);
        if !self.engine_options.is_empty() {
            self.command.arg("--").args(&self.engine_options);
        }
        self.command.stdin(Stdio::null())
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Outcome {
        let output = self.prepared().output().unwrap();
        Outcome::of(format!("{:?}", self.command), output)
    }

    /// Runs it to its end, which must be a success.
    pub fn success(self) -> Outcome {
        self.run().status(0)
    }

    /// Runs it to its end on a terminal; what the terminal gets is in `stdout`.
    pub fn on_a_terminal(mut self) -> Outcome {
        let words = std::iter::once(self.command.get_program().to_owned());
        let program: Vec<_> = words.chain(self.prepared().get_args().map(ToOwned::to_owned)).collect();
        let quoted = program.iter().map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''")));
        let line = quoted.collect::<Vec<_>>().join(" ");
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::null());
        script.env_remove("MINIS2I_ENGINE").env_remove("NO_COLOR").env("TERM", "xterm").env("SHELL", "/bin/sh");
        for (name, value) in self.command.get_envs().filter_map(|(name, value)| Some((name, value?))) {
            script.env(name, value);
        }
        Outcome::of(line, script.output().unwrap())
    }

    /// Runs it to its end; what it wrote to stderr, byte by byte.
    pub fn raw_stderr(mut self) -> Vec<u8> {
        self.prepared().output().unwrap().stderr
    }

    /// Runs it to its end while nobody reads what it prints; its status.
    pub fn status_when_output_is_closed(mut self) -> Option<i32> {
        let mut child = self.prepared().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        child.wait().unwrap().code()
    }

    /// As a user whom file permissions bind, which root's are not.
    pub fn without_root_permissions(mut self) -> Self {
        if rustix::process::getuid().is_root() {
            let mut bound = Command::new("setpriv");
            bound.arg("--bounding-set=-dac_override,-dac_read_search").arg(self.command.get_program());
            bound.env_remove("MINIS2I_ENGINE").env_remove("NO_COLOR");
            let set = self.command.get_envs().filter_map(|(name, value)| Some((name, value?)));
            bound.envs(set);
            self.command = bound;
        }
        self
    }

    /// Starts it; what it prints is collected.
    pub fn start(mut self) -> RunningProcess {
        let mut child = self.prepared().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        RunningProcess { line: format!("{:?}", self.command), child, stdout, stderr }
    }
}
