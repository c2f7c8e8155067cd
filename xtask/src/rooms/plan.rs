//! The plan of the program: which rooms there are, which may use which, and what only some places may do.

/// The most lines that a file may have, its test module not counted. The number is from the design.
pub const FILE_LIMIT: usize = 400;

/// The most lines that a test module inside a file may have; a longer one makes the code above it hard to find.
pub const INLINE_TESTS_LIMIT: usize = 150;

/// All rooms, from top to bottom, and why each is where it is. A room is `src/NAME.rs` and all files below `src/NAME/`,
/// and may use those below it in this list.
pub const ROOMS: [(&str, &str); 28] = [
    ("main", "parses, dispatches, prints the error, exits"),
    ("commands", "what is typed after the program's name; each command is a thin start of what lies below"),
    ("watch", "builds on every save: many builds, so above one build"),
    ("app", "the app that a watch keeps on the newest image; it knows nothing of saves"),
    ("hooks", "commands of the user's that run after a build of a watch; it knows nothing of saves"),
    ("doctor", "what is slow or missing on this machine and in its engine"),
    ("pipeline", "one build from settings to tag; it knows nothing of watching"),
    ("settings", "what was typed, turned into what it means"),
    ("snippet", "configurations of editors and tools, as text"),
    ("contract", "what S2I asks of images and scripts; it does not know what a build is for"),
    ("cli", "what can be typed: words, before their meaning is known"),
    ("source", "the folder that the user edits: snapshots, deltas, sending"),
    ("engine", "calls of the engine's CLI; when to make them is decided above"),
    ("tar", "the format, without a policy"),
    ("git", "calls of git"),
    ("timings", "how long builds took, as data and as a page; when to write it is decided above"),
    ("output_paths", "paths of the source, and errors in it, in the output of a build: text only"),
    ("report", "messages and how they are printed; all rooms above have something to say"),
    ("http", "one GET"),
    ("signals", "INT, TERM and HUP: the first cancels, the second leaves"),
    ("run_lock", "which runs are alive"),
    ("child", "a child process and its streams"),
    ("input_file", "a file that the user names, read once where it is a pipe"),
    ("cancel", "the token by which work is cancelled"),
    ("time_limits", "the two seconds that an interrupted run has"),
    ("url", "the parts of a URL"),
    ("random", "random names for what must not clash"),
    ("error", "the kind of an error and its exit status; all rooms fail"),
];

/// Rooms that know nothing of each other, although they stand in one list.
pub const INDEPENDENT_ROOMS: [&str; 4] = ["source", "tar", "engine", "git"];

/// From, to, and why: what is allowed among [`INDEPENDENT_ROOMS`].
pub const INDEPENDENT_EXCEPTIONS: [(&str, &str, &str); 2] = [
    ("source", "tar", "a source is sent as a tar stream"),
    ("source", "git", "what git would take is sent, and git knows what it tracks"),
];

/// Rooms that only some of the rooms above may use: which, by which, and why.
pub const LIMITED_USERS: [(&str, &[&str], &str); 1] =
    [("cli", &["settings", "commands", "main"], "after settings are made, nothing asks the command line again")];

/// Something that only some places may do.
pub struct Restriction {
    /// The rule, as a message says it.
    pub rule: &'static str,
    /// Paths that do it when they or anything below them is named.
    pub paths: &'static [&'static str],
    /// Macros that do it, whichever crate they come from.
    pub macros: &'static [&'static str],
    /// Methods that do it, on whichever type.
    pub methods: &'static [&'static str],
    pub allowed: &'static [Allowance],
}

/// Where something is allowed.
pub struct Allowance {
    /// A file, or a room with all its files.
    pub place: &'static str,
    /// How often it may be done there; `None` where it does not matter.
    pub at_most: Option<usize>,
    pub why: &'static str,
}

pub const RESTRICTIONS: [Restriction; 6] = [
    Restriction {
        rule: "only the rooms engine, git and hooks start programs",
        paths: &["std::process::Command"],
        macros: &[],
        methods: &[],
        allowed: &[
            anywhere_in("src/engine", "starts the engine's CLI"),
            anywhere_in("src/git", "starts git"),
            anywhere_in("src/child.rs", "starts what the others have put together"),
            anywhere_in("src/hooks/process.rs", "starts the commands of the user's"),
            anywhere_in("src/app/browser.rs", "starts what opens the user's browser"),
            anywhere_in("src/pipeline/cleanup.rs", "starts minis2i itself, which removes things after the build's end"),
        ],
    },
    Restriction {
        rule: "only the room report prints",
        paths: &[],
        macros: &["print", "println", "eprint", "eprintln", "dbg"],
        methods: &[],
        allowed: &[anywhere_in("src/report", "prints")],
    },
    Restriction {
        rule: "only the room report holds the standard output and the standard error",
        paths: &[
            "std::io::stdout",
            "std::io::stderr",
            "anstream::stdout",
            "anstream::stderr",
            "rustix::stdio::stdout",
            "rustix::stdio::stderr",
        ],
        macros: &[],
        methods: &[],
        allowed: &[
            anywhere_in("src/report", "prints"),
            anywhere_in(
                "src/watch/keys.rs",
                "sets the mode of the terminal that the streams lead to; it prints nothing",
            ),
            once_in(
                "src/run_lock/handover.rs",
                "in a process that cleans up it is a socket to the run; it prints nothing",
            ),
        ],
    },
    Restriction {
        rule: "only main exits, and signals at the second signal: cleanup lives in `Drop`",
        paths: &[
            "std::process::exit",
            "std::process::abort",
            "signal_hook::low_level::exit",
            "signal_hook::low_level::abort",
            "signal_hook::low_level::emulate_default_handler",
            "signal_hook::flag::register_conditional_shutdown",
            "signal_hook::flag::register_conditional_default",
            "rustix::runtime::exit_group",
        ],
        macros: &[],
        methods: &["exit"],
        allowed: &[
            once_in("src/main.rs", "clap's own answers: help, version, wrong usage"),
            once_in("src/signals.rs", "the second Ctrl-C leaves at once"),
        ],
    },
    Restriction {
        rule: "only the room settings reads the environment",
        paths: &[
            "std::env::var",
            "std::env::var_os",
            "std::env::vars",
            "std::env::vars_os",
            "std::env::temp_dir",
            "std::env::home_dir",
            "std::env::set_var",
            "std::env::remove_var",
        ],
        macros: &[],
        methods: &[],
        allowed: &[anywhere_in("src/settings", "turns what is set around a run into settings")],
    },
    Restriction {
        rule: "only main reads the arguments",
        paths: &["std::env::args", "std::env::args_os"],
        macros: &[],
        methods: &[],
        allowed: &[anywhere_in("src/main.rs", "hands them to clap")],
    },
];

const fn anywhere_in(place: &'static str, why: &'static str) -> Allowance {
    Allowance { place, at_most: None, why }
}

const fn once_in(place: &'static str, why: &'static str) -> Allowance {
    Allowance { place, at_most: Some(1), why }
}
