//! One run of the binary: what is typed and set for it, and the ways to carry it out.
//!
//! A run that goes on is in `running_process`, one that has ended in `outcome`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Once;

use super::outcome::Outcome;
use super::output_stream::collect;
use super::running_process::RunningProcess;
use super::terminal::script;

/// One run of the binary.
pub struct Run {
    command: Command,
    args: Vec<String>,
    /// What follows the options: source, builder and tag.
    positional: Vec<String>,
    /// What follows `--`.
    engine_options: Vec<String>,
    stdout: Option<Stdio>,
    network: Network,
}

/// The network of the build containers of a run.
#[derive(PartialEq)]
enum Network {
    /// What the program or the test chooses.
    AsTyped,
    /// The one of the machine: it takes the engine a third less time to start a container than with one of its own, and
    /// most tests are about other things.
    Host,
}

impl Run {
    pub fn new() -> Self {
        let command = without_settings(Command::new(env!("CARGO_BIN_EXE_minis2i")));
        Self {
            command,
            args: Vec::new(),
            positional: Vec::new(),
            engine_options: Vec::new(),
            stdout: None,
            network: Network::AsTyped,
        }
    }

    /// Runs another copy of the binary. Settings that were made before do not count.
    pub fn program(mut self, path: &Path) -> Self {
        let mut command = without_settings(Command::new(path));
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.command = command;
        self
    }

    /// A run of `minis2i build` or `watch`; options that are added later stand before what is given here.
    pub fn with_positional(command: &str, source: &str, builder: &str, tag: &str) -> Self {
        let positional = [source, builder, tag].map(str::to_owned).into();
        Self { positional, ..Self::new().arg(command) }
    }

    /// Has the build containers use the network of the machine, unless the test asks for a network or for an app.
    pub fn on_the_network_of_the_machine(self) -> Self {
        Self { network: Network::Host, ..self }
    }

    /// Has the build containers use the network that the engine gives to all.
    pub fn on_the_default_network(self) -> Self {
        Self { network: Network::AsTyped, ..self }
    }

    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Gives the source in another way than by its absolute path.
    pub fn source(mut self, typed: &str) -> Self {
        typed.clone_into(&mut self.positional[0]);
        self
    }

    /// Names the builder in another way, or another one.
    pub fn builder(mut self, typed: &str) -> Self {
        typed.clone_into(&mut self.positional[1]);
        self
    }

    /// Builds another tag.
    pub fn tag(mut self, typed: &str) -> Self {
        typed.clone_into(&mut self.positional[2]);
        self
    }

    /// Whether one of the options begins so.
    pub fn has_option(&self, beginning: &str) -> bool {
        self.args.iter().any(|arg| arg.starts_with(beginning))
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

    /// Has a shell do something first, as the root of a new user namespace, whose limits concern no other process.
    #[cfg(target_os = "linux")]
    pub fn after_in_user_namespace(mut self, script: &str) -> Self {
        let script = format!("{script}; exec \"$0\" \"$@\"");
        let mut command = without_settings(Command::new("unshare"));
        command.args(["--user", "--map-root-user", "sh", "-c", &script]).arg(self.command.get_program());
        self.command = command;
        self
    }

    /// Starts it with these signals ignored, as `nohup` does.
    pub fn ignoring(mut self, signals: &str) -> Self {
        let mut command = without_settings(Command::new("sh"));
        command.arg("-c").arg(format!("trap '' {signals}; exec \"$0\" \"$@\"")).arg(self.command.get_program());
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.command = command;
        self
    }

    fn prepared(&mut self) -> &mut Command {
        self.command.args(&self.args);
        let other = ["--network", "--run", "--publish", "-p", "--as-dockerfile"];
        if self.network == Network::Host && !other.iter().any(|option| self.has_option(option)) {
            self.command.args(["--network", "host"]);
        }
        self.command.args(&self.positional);
        if !self.engine_options.is_empty() {
            self.command.arg("--").args(&self.engine_options);
        }
        self.command.stdin(Stdio::null())
    }

    /// Where its standard output goes instead of being collected, for [`run`](Self::run).
    pub fn stdout(mut self, stdout: Stdio) -> Self {
        self.stdout = Some(stdout);
        self
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Outcome {
        let stdout = self.stdout.take().unwrap_or_else(Stdio::piped);
        let output = self.prepared().stdout(stdout).output().unwrap();
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
        let mut script = script(&line);
        script.stdin(Stdio::null());
        for (name, value) in self.command.get_envs().filter_map(|(name, value)| Some((name, value?))) {
            script.env(name, value);
        }
        Outcome::of(line, script.output().unwrap())
    }

    /// Runs it to its end; what it wrote to stderr, byte by byte.
    pub fn raw_stderr(mut self) -> Vec<u8> {
        self.prepared().output().unwrap().stderr
    }

    /// Runs it to its end with both its streams closed at the other end; its status.
    pub fn status_when_output_is_closed(mut self) -> Option<i32> {
        let mut child = self.prepared().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        child.wait().unwrap().code()
    }

    /// Starts it with pipes that are not read.
    pub fn start_unread(mut self) -> Child {
        self.prepared().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Takes away what lets root read files against their permissions.
    pub fn without_root_permissions(mut self) -> Self {
        if rustix::process::getuid().is_root() {
            let mut bound = without_settings(Command::new("setpriv"));
            bound.arg("--bounding-set=-dac_override,-dac_read_search").arg(self.command.get_program());
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

/// Has the runs of a test heed signals that were ignored when the tests were started, as they are for a background job.
pub fn heed_signals() {
    static HEED: Once = Once::new();
    HEED.call_once(|| {
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
            // SAFETY: the default action is no function of ours.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    });
}

/// Takes away the settings that the user who runs the tests may have for the binary.
fn without_settings(mut command: Command) -> Command {
    heed_signals();
    // Locks are in the folder for temporary files then, of which each project has one.
    command.env_remove("MINIS2I_ENGINE").env_remove("NO_COLOR").env_remove("XDG_RUNTIME_DIR");
    command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_WORKSPACE");
    command
}
