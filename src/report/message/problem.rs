//! An error in a file of the source, as the output of a build names it.

/// An error in a file of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path as the user calls it.
    pub path: String,
    /// The line, from 1.
    pub line: u64,
    /// The column, if it is known.
    pub column: Option<u64>,
    pub message: String,
}

/// How a problem is printed as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemStyle {
    /// `PATH:LINE:COLUMN: error: MESSAGE`
    Line,
    /// A command of GitHub Actions, which shows the error beside the line of the file. `folder` is where the user is in the
    /// workspace, empty or with a slash at its end.
    GithubActions { folder: String },
}
