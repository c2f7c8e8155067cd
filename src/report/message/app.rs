//! What is reported about the app that a watch keeps running.

use std::net::SocketAddr;
use std::time::Duration;

/// Something to report about the app.
pub enum AppMessage<'a> {
    Output(AppOutput<'a>),
    Ready(&'a AppReady),
    Failed(&'a AppFailed),
    Exited(&'a AppExited),
}

/// A line of the app's output.
#[derive(Clone, Copy)]
pub struct AppOutput<'a> {
    /// The build that made the app's image.
    pub build: u64,
    /// Without the line feed.
    pub text: &'a [u8],
    /// Whether the line goes on in the next message.
    pub more: bool,
}

/// An app serves now.
#[derive(Clone, Debug)]
pub struct AppReady {
    pub tag: String,
    /// The id of its image.
    pub image: String,
    /// The build that made its image.
    pub build: u64,
    /// Where it can be reached.
    pub addresses: Vec<SocketAddr>,
    /// How long it took.
    pub took: Duration,
    /// Since when.
    pub since: Since,
}

impl AppReady {
    /// Where a browser finds it.
    pub fn urls(&self) -> impl Iterator<Item = String> + '_ {
        self.addresses.iter().map(url)
    }
}

/// Where a browser finds what listens on an address.
pub fn url(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(it) if it.ip().is_unspecified() => format!("http://127.0.0.1:{}", it.port()),
        SocketAddr::V6(it) if it.ip().is_unspecified() => format!("http://[::1]:{}", it.port()),
        _ => format!("http://{address}"),
    }
}

/// What an app was started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    Save,
    /// A build without a save, such as the first one.
    Build,
    /// The user wanted it.
    Asked,
    /// The app before it had exited.
    Exit,
    /// The app of a newer image failed, after this one had to stop for it.
    Fallback,
}

impl Since {
    /// The end of a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Since::Save => "after the save",
            Since::Build => "after the build began",
            Since::Asked => "after it was asked for",
            Since::Exit => "after it was started again",
            Since::Fallback => "after the newer one failed",
        }
    }
}

/// An app did not get ready.
#[derive(Clone, Debug)]
pub struct AppFailed {
    pub tag: String,
    /// The id of its image, if it is known.
    pub image: Option<String>,
    pub build: u64,
    /// What is wrong, as a sentence.
    pub why: String,
    /// Its exit status, if it exited.
    pub status: Option<i32>,
    /// The last lines that it printed.
    pub output: Vec<String>,
    /// The id of the image whose app serves.
    pub serving: Option<String>,
    /// The id of the image before, which is run again since none serves.
    pub again: Option<String>,
}

/// An app that served has ended by itself.
#[derive(Clone, Debug)]
pub struct AppExited {
    pub tag: String,
    pub image: String,
    pub build: u64,
    pub status: i32,
    /// After what time it is started again, if it is.
    pub again: Option<Duration>,
    /// The last lines that it printed.
    pub output: Vec<String>,
}
