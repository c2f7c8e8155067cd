//! How Visual Studio Code finds problems in the lines of a task: of the last lines, it tries the longest pattern first, and
//! forgets the lines when one matches.

use std::collections::BTreeSet;

use serde_json::Value;

/// The matchers of a task, with their expressions compiled.
pub struct Matchers {
    all: Vec<(Value, Vec<regress::Regex>)>,
    begins: regress::Regex,
    ends: regress::Regex,
}

/// A problem as the editor shows it: the folder that the file is relative to, file, line, column, severity, message.
pub type Problem = (String, String, u32, Option<u32>, String, String);

/// What the editor learns from a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Begin,
    End,
    Problem(Problem),
}

impl Matchers {
    pub fn of(task: &Value) -> Self {
        let matchers = task["problemMatcher"].as_array().unwrap().clone();
        let background = &matchers[0]["background"];
        assert_eq!(background["activeOnStart"], true);
        let begins = expression(&background["beginsPattern"]);
        let ends = expression(&background["endsPattern"]);
        let compiled = |matcher: &Value| {
            let patterns = matcher["pattern"].as_array().unwrap();
            patterns.iter().map(|pattern| expression(&pattern["regexp"])).collect()
        };
        let all = matchers.into_iter().map(|matcher| (matcher.clone(), compiled(&matcher))).collect();
        Self { all, begins, ends }
    }

    /// Everything that is found in an output, in its order.
    pub fn found(&self, output: &str) -> Vec<Found> {
        let longest = self.all.iter().map(|(_, lines)| lines.len()).max().unwrap();
        let mut found = Vec::new();
        let mut last: Vec<&str> = Vec::new();
        for line in output.lines() {
            if self.begins.find(line).is_some() {
                found.push(Found::Begin);
            }
            if self.ends.find(line).is_some() {
                found.push(Found::End);
            }
            last.push(line);
            if last.len() > longest {
                last.remove(0);
            }
            let problem = (0..last.len()).find_map(|first| self.problem(&last[first..]));
            if let Some(problem) = problem {
                found.push(Found::Problem(problem));
                last.clear();
            }
        }
        found
    }

    /// The problem that these lines are, according to the first of the matchers with as many lines that matches.
    fn problem(&self, lines: &[&str]) -> Option<Problem> {
        self.all.iter().filter(|(_, expressions)| expressions.len() == lines.len()).find_map(
            |(matcher, expressions)| {
                let mut parts: [Option<String>; 5] = Default::default();
                for (index, (expression, line)) in expressions.iter().zip(lines).enumerate() {
                    let groups = expression.find(line)?;
                    let pattern = &matcher["pattern"][index];
                    for (part, name) in parts.iter_mut().zip(["file", "line", "column", "severity", "message"]) {
                        if let Some(group) = pattern[name].as_u64() {
                            *part = groups.group(group.try_into().unwrap()).map(|range| line[range].to_owned());
                        }
                    }
                }
                let [file, line, column, severity, message] = parts;
                assert_eq!(matcher["fileLocation"][0], "relative");
                Some((
                    matcher["fileLocation"][1].as_str().unwrap().to_owned(),
                    file.unwrap(),
                    line.unwrap().parse().unwrap(),
                    column.map(|column| column.parse().unwrap()),
                    severity.unwrap_or_else(|| matcher["severity"].as_str().unwrap().to_owned()),
                    message.unwrap(),
                ))
            },
        )
    }

    /// The owners of all problems.
    pub fn owners(&self) -> BTreeSet<&str> {
        self.all.iter().map(|(matcher, _)| matcher["owner"].as_str().unwrap()).collect()
    }
}

fn expression(value: &Value) -> regress::Regex {
    regress::Regex::new(value.as_str().unwrap()).unwrap_or_else(|error| panic!("{value}: {error}"))
}
