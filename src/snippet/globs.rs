//! What tools that watch the source themselves need not look at, as patterns of a `.dockerignore`.
//!
//! A pattern too few costs a build that was not needed; one too many would lose a save. So only rules are translated that
//! mean the same in both languages.

use super::Request;

/// Never sent, whatever the options are.
const NEVER_SENT: [&str; 1] = ["**/.git"];

/// Written by editors beside a file.
const EDITOR_FILES: [&str; 7] =
    ["**/.*.sw[a-p]", "**/4913", "**/*~", "**/.#*", "**/#*#", "**/*___jb_tmp___", "**/*___jb_old___"];

/// The patterns, relative to the folder that is sent.
pub fn ignored(request: &Request) -> Vec<String> {
    let never = NEVER_SENT.iter().map(|pattern| (*pattern).to_owned());
    // What `--include` names is sent although another rule leaves it out.
    if !request.include.is_empty() {
        return never.collect();
    }
    let editors = EDITOR_FILES.iter().map(|pattern| (*pattern).to_owned());
    never.chain(editors).chain(request.exclude.iter().filter_map(|glob| translated(glob))).collect()
}

/// A rule of a `.gitignore` in the language of a `.dockerignore`, if that is certain to be the same.
fn translated(glob: &str) -> Option<String> {
    let is_simple = |c: char| c.is_alphanumeric() || "_.*/- ".contains(c);
    let trimmed = glob.trim_end_matches('/');
    if trimmed.is_empty() || trimmed != trimmed.trim() || !trimmed.chars().all(is_simple) {
        return None;
    }
    // A slash at the beginning or in the middle ties a rule to the top folder; one at the end makes it one for folders.
    let top = trimmed.strip_prefix('/');
    let place = match top {
        Some(rest) => rest.to_owned(),
        None if trimmed.contains('/') => trimmed.to_owned(),
        None => format!("**/{trimmed}"),
    };
    Some(if trimmed.len() < glob.len() { format!("{place}/**") } else { place })
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn only_rules_that_mean_the_same_are_translated() {
        for (glob, pattern) in [
            ("*.log", Some("**/*.log")),
            ("/dist", Some("dist")),
            ("a/b", Some("a/b")),
            ("build/", Some("**/build/**")),
            ("/build/", Some("build/**")),
            ("!keep", None),
            ("[ab]", None),
            (r"\*", None),
            ("#x", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(translated(glob).as_deref(), pattern, "{glob}");
        }
    }
}
