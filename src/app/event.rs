//! What happens to the app.

use std::net::SocketAddr;
use std::time::Instant;

use super::decide::{AppId, Image};
use crate::engine::container::Container;
use crate::report::message::app::Since;

/// Something that wakes the supervisor.
pub enum Event {
    /// There is a new image, for a save or another reason at this time.
    Image(Image, Instant, Since),
    /// The user wants the app to be started again.
    Restart,
    /// The engine was away, and is back.
    EngineBack,
    /// The user wants to see the app in the browser.
    Open,
    /// The run ends.
    Leave,
    /// What an app was asked for is there.
    Ready(AppId, Facts),
    /// Something about an app that the user should know.
    Odd(String),
    /// The app cannot be started, for this reason.
    NotStarted(AppId, String),
    /// The app's container has ended with this exit status.
    Exited(AppId, i32),
    /// The app has ended. Its container is removed, or is given here, stopped, so that its image stays.
    Gone(AppId, Option<Container>),
    /// A stopped container is removed, whose image may be free.
    Released,
}

/// What is known of an app that is ready.
pub struct Facts {
    /// Where each published port is reached.
    pub targets: Vec<SocketAddr>,
    /// The id of its image.
    pub image: String,
}
