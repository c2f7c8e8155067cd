//! Noticing that an engine's commits are what saves wait for, which its storage may be the reason of.

use std::time::Duration;

/// A commit of a small layer takes 0.07 to 0.2 s where the engine knows what changed; where it compares the whole root or waits
/// for the next second, 0.5 s and more.
const SLOW: Duration = Duration::from_millis(400);

/// How many builds in a row have to be so, since a busy machine makes single ones slow.
const BUILDS: u32 = 5;

/// The commits of a watch so far.
#[derive(Debug, Default)]
pub struct SlowCommits {
    in_a_row: u32,
    told: bool,
}

impl SlowCommits {
    /// Takes a build of which the commit took `commit`, of `total` from the save to the tag. Returns what to tell the user, once.
    pub fn note(&mut self, commit: Duration, total: Duration) -> Option<String> {
        let is_slow = commit >= SLOW && commit * 2 >= total;
        self.in_a_row = if is_slow { self.in_a_row + 1 } else { 0 };
        if self.told || self.in_a_row < BUILDS {
            return None;
        }
        self.told = true;
        Some(format!(
            "the engine's commit takes {:.1} s of each build, which its storage may be the reason of: `minis2i doctor` measures it and says what helps",
            commit.as_secs_f64()
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::SlowCommits;

    fn noted(commits: &[u64], total: u64) -> Vec<bool> {
        let mut slow = SlowCommits::default();
        let ms = Duration::from_millis;
        commits.iter().map(|commit| slow.note(ms(*commit), ms(total)).is_some()).collect()
    }

    #[test]
    fn the_fifth_slow_commit_in_a_row_is_told_and_no_other() {
        assert_eq!(noted(&[500; 7], 600), [false, false, false, false, true, false, false]);
        assert!(!noted(&[500, 500, 100, 500, 500, 500, 500], 600).contains(&true));
        // There, `assemble` is what takes the time.
        assert!(!noted(&[500; 7], 5000).contains(&true));
    }
}
