//! The tools that `--cache auto` knows, and where each keeps what it downloads.

/// A tool that has a cache.
#[derive(Debug)]
pub struct Tool {
    pub name: &'static str,
    /// A program that shows that a builder has the tool.
    pub program: &'static str,
    pub place: Place,
    /// Variables that switch its cache off.
    pub off: &'static [&'static str],
    /// Variables and values that it needs with a cache on another file system.
    pub extra: &'static [(&'static str, &'static str)],
    /// Several builds may use the same cache at once, since the tool writes each file under another name and renames it, or
    /// locks what it writes. Otherwise each has a folder of its own.
    pub shared: bool,
    /// It runs on Java, whose idea of the user's home is that of `/etc/passwd`, and HOME only where that has none.
    pub on_java: bool,
    /// Patterns for the names of files in its folder that say what it did not find, or what was the newest, and when. They are
    /// removed before `assemble`, so that it looks again.
    pub findings: &'static [&'static str],
}

/// How a tool is told where its cache is.
#[derive(Debug)]
pub enum Place {
    /// By this variable.
    Variable(&'static str),
    /// By this variable, and the folder is to be a mount point where the builder can tell: those of the sclorg family remove
    /// any other one.
    MountPoint(&'static str),
    /// Its folder is always at this path below the user's home, or below the folder that the variable names. A link is put there.
    /// Used for tools whose results name the path.
    Link(&'static str, Option<(&'static str, &'static str)>),
}

/// All of them. Yarn's is not used with Yarn 2 and later, which keep there what the app needs when it runs; NuGet's is that
/// of its downloads, and not the folder of packages, which results name.
pub const TOOLS: [Tool; 15] = [
    Tool { off: &["PIP_NO_CACHE_DIR"], ..shared("pip", "pip", Place::Variable("PIP_CACHE_DIR")) },
    Tool { off: &["PIP_NO_CACHE_DIR"], ..shared("pip", "pip3", Place::Variable("PIP_CACHE_DIR")) },
    Tool {
        off: &["UV_NO_CACHE"],
        extra: &[("UV_LINK_MODE", "copy")],
        ..shared("uv", "uv", Place::Variable("UV_CACHE_DIR"))
    },
    shared("npm", "npm", Place::MountPoint("npm_config_cache")),
    Tool { shared: false, ..shared("yarn", "yarn", Place::Variable("YARN_CACHE_FOLDER")) },
    shared("pnpm", "pnpm", Place::Link(".local/share/pnpm/store", Some(("PNPM_HOME", "store")))),
    shared("composer", "composer", Place::Variable("COMPOSER_CACHE_DIR")),
    Tool {
        extra: &[("BUNDLE_GLOBAL_GEM_CACHE", "true")],
        ..shared("bundler", "bundle", Place::Variable("BUNDLE_USER_CACHE"))
    },
    Tool {
        shared: false,
        on_java: true,
        findings: &["*.lastUpdated", "resolver-status.properties"],
        ..shared("maven", "mvn", Place::Link(".m2/repository", None))
    },
    Tool {
        shared: false,
        on_java: true,
        ..shared("gradle", "gradle", Place::Link(".gradle/caches", Some(("GRADLE_USER_HOME", "caches"))))
    },
    shared("go-build", "go", Place::Variable("GOCACHE")),
    shared("go-mod", "go", Place::Link("go/pkg/mod", Some(("GOPATH", "pkg/mod")))),
    Tool {
        shared: false,
        ..shared("cargo", "cargo", Place::Link(".cargo/registry", Some(("CARGO_HOME", "registry"))))
    },
    shared("nuget", "dotnet", Place::Variable("NUGET_HTTP_CACHE_PATH")),
    Tool { off: &["CCACHE_DISABLE"], ..shared("ccache", "ccache", Place::Variable("CCACHE_DIR")) },
];

const fn shared(name: &'static str, program: &'static str, place: Place) -> Tool {
    Tool { name, program, place, off: &[], extra: &[], shared: true, on_java: false, findings: &[] }
}

/// The words by which the program of a container looks for them: `NAME=PROGRAM` each.
pub fn known_words() -> String {
    TOOLS.iter().map(|tool| format!("{}={}", tool.name, tool.program)).collect::<Vec<_>>().join(" ")
}

/// Those of these names, in the order of the table, each once.
pub fn named<'a>(names: &'a [String]) -> impl Iterator<Item = &'static Tool> + use<'a> {
    let mut last = "";
    TOOLS.iter().filter(move |tool| {
        let is_first = std::mem::replace(&mut last, tool.name) != tool.name;
        is_first && names.iter().any(|name| name == tool.name)
    })
}

#[cfg(test)]
mod tests {
    use super::{TOOLS, named};

    #[test]
    fn a_tool_with_two_programs_comes_once() {
        let names = ["npm", "pip", "pip", "unknown"].map(str::to_owned);
        let found: Vec<_> = named(&names).map(|tool| tool.name).collect();
        assert_eq!(found, ["pip", "npm"]);
    }

    #[test]
    fn names_are_words_for_a_shell() {
        let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        assert!(TOOLS.iter().all(|tool| word(tool.name) && word(tool.program)));
    }
}
