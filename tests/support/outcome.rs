//! How a run ended: its status and what it printed. A failed assertion shows all of that.

use serde_json::Value;

/// How a run went.
#[derive(Debug)]
pub struct Outcome {
    pub(super) line: String,
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub(super) fn of(line: String, output: std::process::Output) -> Self {
        Self {
            line,
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub fn status(self, expected: i32) -> Self {
        assert_eq!(self.status, Some(expected), "{self}");
        self
    }

    /// stderr has this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is missing\n{self}");
        self
    }

    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        assert!(!self.stderr.contains(text), "`{text}` is there\n{self}");
        self
    }

    /// The lines between the first and the last one, where everything else is output of `assemble`.
    #[track_caller]
    pub fn middle_lines(&self) -> Vec<&str> {
        let lines: Vec<&str> = self.stderr.lines().collect();
        let [first, middle @ .., last] = &lines[..] else { panic!("{self}") };
        assert!(first.starts_with("minis2i: build started: ") && last.starts_with("minis2i: build "), "{self}");
        middle.to_vec()
    }

    /// How many containers a run with `--verbose` started.
    pub fn containers_started(&self) -> usize {
        self.stderr.lines().filter(|line| line.starts_with("$ docker run ")).count()
    }

    /// The JSON objects on stdout.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}\n{self}")))
            .collect()
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, status, stdout, stderr } = self;
        write!(f, "{line}\nstatus: {status:?}\n--- stdout\n{stdout}--- stderr\n{stderr}---")
    }
}
