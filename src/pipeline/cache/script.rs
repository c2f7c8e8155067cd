//! The shell text that gives `assemble` its caches in a container that has their volumes.

use super::mounted::{Mounted, TARGET, USED, folder_target};
use super::tools::{self, Place, Tool};
use crate::pipeline::container::shell::{quote, without_comments};
use crate::settings::cache::CacheFolder;

/// What containers do with the caches that they have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Use,
    /// They leave them alone.
    Avoid,
    /// They leave them alone, and remove what is in them if `assemble` succeeds.
    Empty,
}

/// What the text depends on, besides the volumes.
pub struct Facts<'a> {
    /// The names of the tools that the builder has.
    pub tools: &'a [String],
    pub mode: Mode,
    /// Names of variables that the user has set.
    pub set_by_user: Vec<&'a str>,
    /// The builder keeps what its tools download itself: it has a `save-artifacts`.
    pub keeps_its_own: bool,
    /// The path of `run`: a tool that it names may need what it downloaded in the image.
    pub run: &'a str,
}

/// The parts of the text; none without volumes.
pub fn opening(mounted: &Mounted, facts: &Facts) -> Vec<Vec<u8>> {
    if mounted.is_empty() {
        return Vec::new();
    }
    let mode = match facts.mode {
        Mode::Use => "use",
        Mode::Avoid => "avoid",
        Mode::Empty => "empty",
    };
    let targets: Vec<String> = mounted.targets().collect();
    let first = format!(
        "minis2i_cache_mode={mode} minis2i_cache_volumes='{}' minis2i_cache_run={}\n",
        targets.join(" "),
        String::from_utf8_lossy(&quote(facts.run.as_bytes())),
    );
    let mut text = b"minis2i_cache_tools() { :\n".to_vec();
    for target in &targets {
        text.extend(format!("(: >{target}/{USED}) 2>/dev/null || :\n").into_bytes());
    }
    if mounted.has_auto() {
        for tool in tools::named(facts.tools) {
            text.extend(tool_line(tool, facts));
            text.extend(b" || :\n");
        }
    }
    for (number, folder) in mounted.folders() {
        text.extend(folder_lines(number, folder));
    }
    text.extend(b"}\n");
    let program = without_comments(include_str!("cache.sh")) + "\n";
    vec![program.into_bytes(), [first.into_bytes(), text].concat()]
}

/// The shell command for one tool.
fn tool_line(tool: &Tool, facts: &Facts) -> Vec<u8> {
    let Tool { name, program, .. } = tool;
    let mut steps: Vec<String> = Vec::new();
    let folder = if tool.shared {
        format!("{TARGET}/{name}")
    } else {
        steps.push(format!("minis2i_cache_lane {TARGET} auto"));
        format!("\"$minis2i_lane\"/{name}")
    };
    if tool.off.iter().any(|off| facts.set_by_user.contains(off)) {
        return b":".to_vec();
    }
    match tool.place {
        Place::Variable(variable) => {
            steps.insert(0, format!("minis2i_cache_free {variable} {}", variable.to_uppercase()));
            if *name == "yarn" {
                steps.insert(0, YARN_1.to_owned());
            }
            steps.push(format!("minis2i_cache_folder {name} {folder} ''"));
            steps.push(format!("minis2i_cache_pairs=\"$minis2i_cache_pairs {variable}=\"{folder}"));
        }
        Place::MountPoint(variable) => {
            steps.push(format!("minis2i_cache_free {variable} {}", variable.to_uppercase()));
            steps.push(format!(
                "if command -v mountpoint >/dev/null 2>&1; then minis2i_cache_folder {name} {TARGET} _ && \
                 minis2i_cache_pairs=\"$minis2i_cache_pairs {variable}={TARGET}\"; else \
                 minis2i_cache_folder {name} {folder} '' && minis2i_cache_pairs=\"$minis2i_cache_pairs {variable}={folder}\"; fi"
            ));
        }
        Place::Link(path, below) => {
            if facts.keeps_its_own {
                return b":".to_vec();
            }
            steps.insert(0, format!("! grep -q {program} \"$minis2i_cache_run\" 2>/dev/null"));
            let path = match below {
                Some((variable, path_below)) => {
                    format!("\"${{{variable}:-$minis2i_home/{}}}/{path_below}\"", above(path, path_below))
                }
                None => format!("\"$minis2i_home/{path}\""),
            };
            let home = if tool.on_java { "minis2i_cache_java_home" } else { "minis2i_home=${HOME-}" };
            steps.splice(0..0, [home, "[ -d \"$minis2i_home\" ]"].map(str::to_owned));
            if !tool.findings.is_empty() {
                steps.push("command -v find >/dev/null 2>&1".to_owned());
            }
            steps.push(format!("minis2i_cache_link {name} {path} {folder}"));
            steps.extend(tool.findings.iter().map(|pattern| format!("minis2i_cache_forget {folder} '{pattern}'")));
        }
    }
    for (variable, value) in tool.extra {
        steps.push(format!(
            "{{ ! minis2i_cache_free {variable} || minis2i_cache_pairs=\"$minis2i_cache_pairs {variable}={value}\"; }}"
        ));
    }
    if !tool.off.is_empty() {
        steps.push(format!("minis2i_cache_unset=\"$minis2i_cache_unset {}\"", tool.off.join(" ")));
    }
    format!("{{ {}; }}", steps.join(" && ")).into_bytes()
}

/// Succeeds if the source is not one for Yarn 2 or later.
const YARN_1: &str = "[ ! -e \"$minis2i_dest/src/.yarnrc.yml\" ] && \
                      ! grep -q '\"packageManager\": *\"yarn@[2-9]' \"$minis2i_dest/src/package.json\" 2>/dev/null";

/// A path without the part `below` at its end.
fn above<'a>(path: &'a str, below: &str) -> &'a str {
    path.strip_suffix(below).unwrap_or(path).trim_end_matches('/')
}

/// The shell commands for a folder that the user named.
fn folder_lines(number: usize, folder: &CacheFolder) -> Vec<u8> {
    let path = quote(folder.path.as_bytes());
    let absolute = if folder.path.starts_with('/') { path.clone() } else { [b"\"$PWD\"/", &*path].concat() };
    let target = folder_target(number);
    let (lane, report) =
        (format!("if minis2i_cache_lane {target} {number}; then "), format!("minis2i_say uncached {number} "));
    [
        lane.as_bytes(),
        format!("minis2i_cache_link {number} ").as_bytes(),
        &absolute,
        b" \"$minis2i_lane\"/content || ",
        report.as_bytes(),
        b"$minis2i_why; else ",
        report.as_bytes(),
        b"$minis2i_why; fi\n",
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Facts, Mode, Mounted, opening, tools};
    use crate::settings::cache::CacheFolder;

    fn text(keeps_its_own: bool, set_by_user: Vec<&str>) -> String {
        let names: Vec<String> = tools::TOOLS.iter().map(|tool| tool.name.to_owned()).collect();
        let folder = CacheFolder { path: "it's here".to_owned(), id: None, shared: true };
        let mounted = Mounted { auto: Some("v".to_owned()), folders: vec![(folder, Some("w".to_owned()))] };
        let facts = Facts { tools: &names, mode: Mode::Use, set_by_user, keeps_its_own, run: "/a 'run'" };
        String::from_utf8(opening(&mounted, &facts).concat()).unwrap()
    }

    #[test]
    fn a_shell_can_read_it() {
        let output = Command::new("sh").args(["-n", "-c", &text(false, Vec::new())]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn repositories_that_a_builder_saves_itself_are_left_alone() {
        assert!(
            text(false, Vec::new())
                .contains("minis2i_cache_link maven \"$minis2i_home/.m2/repository\" \"$minis2i_lane\"/maven")
        );
        let text = text(true, Vec::new());
        assert!(!text.contains(".m2/repository") && text.contains("PIP_CACHE_DIR"));
    }

    #[test]
    fn a_folder_below_a_variable_is_found_without_it_too() {
        let text = text(false, Vec::new());
        for path in [
            "${GOPATH:-$minis2i_home/go}/pkg/mod",
            "${CARGO_HOME:-$minis2i_home/.cargo}/registry",
            "${PNPM_HOME:-$minis2i_home/.local/share/pnpm}/store",
        ] {
            assert!(text.contains(path), "{path}: {text}");
        }
    }

    #[test]
    fn a_tool_that_the_user_switched_off_has_none() {
        assert!(!text(false, vec!["PIP_NO_CACHE_DIR"]).contains("PIP_CACHE_DIR"));
    }
}
