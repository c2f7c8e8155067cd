//! The exit statuses that `docs/messages.md` promises, beside that of `assemble`.

/// What the user gave cannot be used.
pub const USAGE: i32 = 2;

/// The engine, or an image in it, cannot do what is needed.
pub const ENGINE: i32 = 125;

/// The signals that end a run in order, each with the exit status that it leads to: 128 and the signal's number.
pub const SIGNALS: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];
