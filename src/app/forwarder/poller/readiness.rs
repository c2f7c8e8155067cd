//! What a poller is asked about a socket, and what it answers.

/// What a socket is asked about. That it broke, or that both of its directions have ended, is told in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    pub read: bool,
    pub write: bool,
}

impl Interest {
    pub const NONE: Self = Self { read: false, write: false };
    pub const READ: Self = Self { read: true, write: false };
    pub const WRITE: Self = Self { read: false, write: true };
}

/// Which socket is ready, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What the socket was registered as.
    pub token: u64,
    pub readable: bool,
    pub writable: bool,
    /// It broke, or both of its directions have ended.
    pub hangup: bool,
}
