//! The app that a watch keeps on the newest image: run it, know when it is ready, swap it, pass connections on to it. It knows
//! nothing of saves: it is told of images.

mod browser;
pub mod containers;
pub mod context;
mod decide;
mod event;
mod forwarder;
pub mod handle;
mod inspect;
mod readiness;
mod running;
mod sockets;
pub mod supervisor;

use std::sync::Arc;
use std::sync::mpsc;

use anyhow::Result;

use crate::cancel::Ending;
use crate::settings::app::AppSettings;
use context::AppContext;
use forwarder::Forwarder;
use handle::AppHandle;
use supervisor::Supervisor;

/// Listens on the published ports, and makes what keeps the app running: a handle for telling it of images, and what has to be
/// served on a thread of its own.
///
/// # Errors
/// When an address cannot be listened on.
pub fn prepare<'a>(cx: AppContext<'a>, settings: &'a AppSettings) -> Result<(AppHandle, Supervisor<'a>)> {
    settings.notes.iter().for_each(|note| cx.reporter.note(note));
    let addresses = settings.addresses();
    let forwarder = match addresses.as_slice() {
        [] => None,
        addresses => Some(Arc::new(Forwarder::listen(addresses, settings.ready_timeout)?)),
    };
    let (send, events) = mpsc::channel();
    let handle = AppHandle::new(send.clone());
    // Its calls end when the app is stopped, which may take longer than all else that is cleaned up.
    let engine = cx.engine.with_ending(Ending::default());
    let supervisor = Supervisor::new(cx, engine, settings, forwarder, (send, events));
    Ok((handle, supervisor))
}
