//! The scripts of a builder, and the labels that say where they are.

/// Labels that say where a builder's scripts are, the current one first.
pub const SCRIPTS_LABELS: [&str; 2] = ["io.openshift.s2i.scripts-url", "io.s2i.scripts-url"];
/// A script's part in a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    Assemble,
    Run,
    SaveArtifacts,
}

impl Script {
    pub const ALL: [Script; 3] = [Script::Assemble, Script::Run, Script::SaveArtifacts];

    pub fn name(self) -> &'static str {
        match self {
            Script::Assemble => "assemble",
            Script::Run => "run",
            Script::SaveArtifacts => "save-artifacts",
        }
    }
}
