//! Telling the app's thread what it has to know.

use std::sync::mpsc::Sender;
use std::time::Instant;

use super::decide::Image;
use super::event::Event;
use crate::report::message::app::Since;

/// The way to the app's thread. Without an app, nothing comes of what is said.
#[derive(Clone, Default)]
pub struct AppHandle(Option<Sender<Event>>);

impl AppHandle {
    pub(super) fn new(send: Sender<Event>) -> Self {
        Self(Some(send))
    }

    /// Whether there is an app.
    pub fn exists(&self) -> bool {
        self.0.is_some()
    }

    /// The tag is on the image `id` now, that of the build with this number; without an id, on an image that is not known. It
    /// was wanted at `asked`.
    pub fn run_image(&self, id: Option<String>, build: u64, asked: Instant, since: Since) {
        self.send(Event::Image(Image { id, build }, asked, since));
    }

    /// Starts the app again.
    pub fn restart(&self) {
        self.send(Event::Restart);
    }

    /// Starts the app again if the engine took it along.
    pub fn engine_back(&self) {
        self.send(Event::EngineBack);
    }

    /// Opens the app in the browser.
    pub fn open(&self) {
        self.send(Event::Open);
    }

    /// Stops the app for good.
    pub fn leave(&self) {
        self.send(Event::Leave);
    }

    fn send(&self, event: Event) {
        if let Some(send) = &self.0 {
            // A thread that has ended needs nothing any more.
            let _ = send.send(event);
        }
    }
}
