//! A builder whose scripts evaluate variables, so that one image serves many tests; with the options that set the
//! variables, and what the scripts printed.

use std::sync::Arc;

use super::builder::{Builder, shared_builder};
use super::outcome::Outcome;
use super::run::Run;

/// The lines before and after what the text in `ASSEMBLE` prints.
const BEGIN: &str = "--- said";
const END: &str = "--- end";

/// A `save-artifacts` that evaluates `SAVE`.
pub const SAVE_ARTIFACTS: &str = "#!/bin/sh\neval \"$SAVE\"\n";

/// An `assemble` that evaluates `ASSEMBLE` after this command.
pub fn assemble_after(command: &str) -> String {
    format!("#!/bin/sh\nset -e\n{command}\necho '{BEGIN}'\neval \"$ASSEMBLE\"\necho '{END}'\n")
}

impl Builder {
    /// A builder whose scripts do what variables tell them: `assemble` evaluates `ASSEMBLE` in `/tmp/src`, and what it
    /// prints is [`Outcome::assemble_output`]; `save-artifacts` evaluates `SAVE`, of the previous build.
    pub fn evaluating() -> Self {
        Self::new().script("assemble", &assemble_after("cd /tmp/src")).script("save-artifacts", SAVE_ARTIFACTS)
    }

    /// The shared [`Builder::evaluating`] with root as its user.
    pub fn shared_evaluating() -> Arc<Self> {
        shared_builder("evaluating", || Self::evaluating().make())
    }
}

impl Run {
    /// What the `assemble` of [`Builder::evaluating`] does.
    pub fn assemble(self, script: &str) -> Self {
        self.args(&["--env", &format!("ASSEMBLE={script}")])
    }

    /// What the `save-artifacts` of [`Builder::evaluating`] does when the next build asks this one's image.
    pub fn save(self, script: &str) -> Self {
        self.args(&["--env", &format!("SAVE={script}")])
    }
}

impl Outcome {
    /// What the `assemble` of [`Builder::evaluating`] printed, by line.
    #[track_caller]
    pub fn assemble_output(&self) -> Vec<&str> {
        let lines = self.stderr.lines().skip_while(|line| *line != BEGIN).skip(1);
        assert!(self.stderr.contains(&format!("{END}\n")), "`assemble` did not get to its end\n{self}");
        lines.take_while(|line| *line != END).collect()
    }
}
