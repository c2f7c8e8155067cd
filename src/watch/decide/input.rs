//! What the decider is given: everything that happens to a watch.

use std::time::Duration;

use crate::git::work_tree::IndexLock;
use crate::watch::debounce::Burst;
use crate::watch::known_images::Name;

/// Something that happened. Each question of the decider is answered by one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Events of the source, all since the last look.
    FsEvents(Burst),
    /// The decider's deadline has come.
    Tick,
    /// Answers `AskGit`: the lock of git's index, if git holds it.
    GitBusy(Option<IndexLock>),
    /// Answers `AskPath`: whether the source, or a folder in it, means another folder than when it was last looked at.
    PathAsked { changed: bool },
    /// Answers `Look`.
    Looked(Look),
    /// Answers `Look`: the source cannot be looked at, for this reason.
    LookFailed(String),
    /// The build under way ended; `image` has the tag now.
    BuildEnded { end: BuildEnd, image: Option<String> },
    /// A build is needed whatever the source says.
    Demanded(Demand),
    /// Go on if builds are paused, else pause them.
    TogglePause,
    /// The engine says that this image got a name (the full one), or lost it.
    ImageEvent { name: String, id: String, removed: bool },
    /// The engine says that there is a new image, which may have any name.
    ImageMade,
    /// Answers `AskImage`: the image that a name is on.
    ImageIs { name: Name, id: Option<String> },
    /// Answers `AskImage`: the engine does not say.
    NoAnswer(Name),
    /// Answers `AskIdentity`, if the engine tells: which engine it is.
    EngineIs(String),
    /// The stream of engine events ended, after this time.
    StreamEnded { lasted: Duration },
    /// Answers `AskEngine`.
    EngineAnswered(bool),
    /// The run is to end.
    Stop(WatchEnd),
}

/// What a look at the source found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub comparison: Comparison,
    /// There are no events, so that everything is looked at now and then.
    pub polling: bool,
    /// The source came to mean another folder.
    pub moved: bool,
    pub took: Duration,
}

/// The source, against what the build under way (or the last one that was not cancelled) is made of, and against the
/// image with the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Nothing that counts had an event.
    Nothing,
    /// Events, but the content is that of the build under way, or of the last one.
    Same,
    /// It is that of the image with the tag.
    Tagged,
    /// It is another. `unsure`: something came or went, which may be the middle of a save.
    Changed { unsure: bool },
}

/// How a build ended, as far as it matters for what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildEnd {
    /// Well, or with a failure that is the build's own.
    Done,
    /// The tag was on an image of exactly this source, builder and options.
    NotNeeded,
    Cancelled,
    /// The source came to mean another folder before all of it was sent.
    SourceMoved,
    /// By an error of the engine, which may have gone away under it.
    EngineFailed,
}

/// Why a build is made though the source did not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It is the first one.
    First,
    Asked,
    AskedClean,
    /// The builder's name is on another image.
    Builder,
    /// The engine went away under the last build, and is back.
    Engine,
    /// Another program took the tag away from the image of this source.
    TagMoved,
}

/// How a watch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEnd {
    /// The user asked for it with a key.
    Asked,
    Signal(i32),
    /// What it says has no reader any more, or cannot be written.
    Unread,
    /// A thread of the watch panicked; its message.
    Panicked(String),
}
