//! How Visual Studio Code finds problems in the lines of a task.

use serde_json::Value;

/// The matcher of a task, with its expressions compiled.
pub struct Matcher {
    matcher: Value,
    problem: regress::Regex,
    begins: regress::Regex,
    ends: regress::Regex,
}

/// A problem as the editor shows it: file, line, column, message.
pub type Problem = (String, u32, u32, String);

/// What the editor learns from a line.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Found {
    Begin,
    End,
    Problem(Problem),
}

impl Matcher {
    pub fn of(task: &Value) -> Self {
        let matcher = task["problemMatcher"].clone();
        let background = &matcher["background"];
        assert_eq!((&background["activeOnStart"], &matcher["severity"]), (&true.into(), &"error".into()));
        let (begins, ends) = (expression(&background["beginsPattern"]), expression(&background["endsPattern"]));
        let problem = expression(&matcher["pattern"]["regexp"]);
        Self { matcher, problem, begins, ends }
    }

    /// Everything that is found in an output, in its order.
    pub fn found(&self, output: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for line in output.lines() {
            found.extend(self.begins.find(line).map(|_| Found::Begin));
            found.extend(self.ends.find(line).map(|_| Found::End));
            found.extend(self.problem(line).map(Found::Problem));
        }
        found
    }

    /// The problem that a line is.
    fn problem(&self, line: &str) -> Option<Problem> {
        let groups = self.problem.find(line)?;
        let part = |name: &str| {
            let group = self.matcher["pattern"][name].as_u64().unwrap().try_into().unwrap();
            line[groups.group(group).unwrap()].to_owned()
        };
        Some((part("file"), part("line").parse().unwrap(), part("column").parse().unwrap(), part("message")))
    }
}

fn expression(value: &Value) -> regress::Regex {
    regress::Regex::new(value.as_str().unwrap()).unwrap_or_else(|error| panic!("{value}: {error}"))
}
