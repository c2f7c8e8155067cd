//! All that an engine has.

use std::collections::BTreeSet;

use anyhow::Result;

use super::command::docker_lines;

/// What is there, one text for each.
pub struct Inventory(BTreeSet<String>);

impl Inventory {
    pub fn look() -> Result<Self> {
        let kinds: [(&str, &[&str]); 4] = [
            ("container", &["ps", "--all", "--format", "{{.Names}}"]),
            ("image", &["images", "--no-trunc", "--format", "{{.ID}} {{.Repository}}"]),
            ("volume", &["volume", "ls", "--quiet"]),
            ("network", &["network", "ls", "--format", "{{.Name}}"]),
        ];
        let mut all = BTreeSet::new();
        for (kind, args) in kinds {
            all.extend(docker_lines(args)?.into_iter().map(|line| format!("the {kind} {line}")));
        }
        Ok(Self(all))
    }

    pub fn more_than(&self, before: &Self) -> Vec<String> {
        self.0.difference(&before.0).cloned().collect()
    }
}
