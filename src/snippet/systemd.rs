//! systemd: a user unit that keeps a watch running.

use anyhow::Result;

use super::quote::{is_hidden, systemd};
use super::{Request, Verb};
use crate::error::Error;

/// A unit for the user's own manager.
///
/// # Errors
/// If the path of the folder cannot be written into a unit.
pub fn unit(request: &Request) -> Result<String> {
    let folder = &request.folder;
    // Other than in a command line, there are no quotes and no escapes for this one.
    if folder.contains(is_hidden) || folder.ends_with(char::is_whitespace) || folder.ends_with('\\') {
        return Err(Error::usage("the path of this folder cannot be written into a unit of systemd")
            .hint("call minis2i in another folder, and name the source by its whole path")
            .into());
    }
    let mut words = request.command(Verb::Watch);
    words[0].clone_from(&request.program);
    let command = words.iter().map(|word| systemd(word)).collect::<Vec<_>>().join(" ");
    let name: String = request.tag.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Ok(format!(
        "# ~/.config/systemd/user/minis2i-{name}.service\n\
         # Then: systemctl --user daemon-reload && systemctl --user enable --now minis2i-{name}\n\
         [Unit]\nDescription=minis2i watch: {tag}\n\n\
         [Service]\nType=exec\nWorkingDirectory={folder}\nExecStart={command}\n\
         # The watch is asked to end and removes its containers, for which it needs the engine's CLI.\n\
         KillMode=mixed\nTimeoutStopSec=10\nSuccessExitStatus=143\n\
         # Status 2: what was typed cannot be used, so that another try is no use.\n\
         Restart=on-failure\nRestartSec=5\nRestartPreventExitStatus=2\n\n\
         [Install]\nWantedBy=default.target\n",
        tag = request.tag.replace('%', "%%"),
        folder = folder.replace('%', "%%"),
    ))
}
