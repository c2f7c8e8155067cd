//! The scripts of a builder, and the labels that name their location.

/// Labels that hold the URL of a builder's scripts, the current one first.
pub const SCRIPTS_LABELS: [&str; 2] = ["io.openshift.s2i.scripts-url", "io.s2i.scripts-url"];

/// A script that minis2i runs or sets as the command of an image. `usage` and `assemble-runtime` are handled where they
/// are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    Assemble,
    Run,
    SaveArtifacts,
}

impl Script {
    /// All scripts, in the order in which the container reports on them.
    pub const ALL: [Script; 3] = [Script::Assemble, Script::Run, Script::SaveArtifacts];

    /// The file name of the script.
    pub fn name(self) -> &'static str {
        match self {
            Script::Assemble => "assemble",
            Script::Run => "run",
            Script::SaveArtifacts => "save-artifacts",
        }
    }
}
