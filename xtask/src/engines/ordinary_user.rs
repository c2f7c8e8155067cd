//! A user without rights, whom only the commands know that are run as this user: nothing in the system's own files changes.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;

/// The id of the user and of the group. Chosen: one that no system gives to a user by itself.
const ID: u32 = 47110;

/// The Debian packages that a container engine of such a user needs: ids below its own, and a network.
pub const PACKAGES: [&str; 2] = ["uidmap", "slirp4netns"];

/// Enters a name space where the user exists, may open the device for networks and finds the compiler that root has, and runs
/// the command there. In it `/` is shared, as systemd has it, so that what the user mounts is seen by its containers.
const ENTER: &str = r#"#!/bin/sh
[ "$(id -u)" = 0 ] || exec "$@"
exec unshare --mount --propagation private sh -c '
set -e
for file in passwd group subuid subgid; do mount --bind "$0/$file" "/etc/$file"; done
mount --bind "$0/tun" /dev/net/tun
mount --bind "COMPILER" "$0/compiler"
mount --make-rshared /
exec setpriv --reuid ID --regid ID --clear-groups env HOME="$0/home" USER=rootless PATH="$0/compiler/bin:$PATH" "$@"
' 'FOLDER' "$@"
"#;

/// The user, with what belongs to it in one folder.
pub struct OrdinaryUser {
    folder: PathBuf,
}

impl OrdinaryUser {
    /// Makes the user in this folder.
    ///
    /// # Errors
    /// When the folder cannot be written to, or the system has no device for networks of users.
    pub fn make(folder: &Path) -> Result<Self> {
        let user = Self { folder: folder.to_owned() };
        let line = |file: &str, line: &str| -> Result<()> {
            let known = fs::read_to_string(Path::new("/etc").join(file)).unwrap_or_default();
            Ok(fs::write(folder.join(file), format!("{known}{line}\n"))?)
        };
        line("passwd", &format!("rootless:x:{ID}:{ID}::{}:/bin/sh", user.home().display()))?;
        line("group", &format!("rootless:x:{ID}:"))?;
        for file in ["subuid", "subgid"] {
            line(file, "rootless:1000000:65536")?;
        }
        // The device is a copy that everyone may open.
        let tun = folder.join("tun").display().to_string();
        process::output(&["mknod", "-m", "666", &tun, "c", "10", "200"]).context("the system has no /dev/net/tun")?;
        let compiler = process::output(&["rustc", "--print", "sysroot"])?;
        fs::create_dir(folder.join("compiler"))?;
        let enter = ENTER.replace("ID", &ID.to_string()).replace("FOLDER", &folder.display().to_string());
        let enter = enter.replace("COMPILER", compiler.trim());
        fs::write(user.enter(), enter)?;
        fs::set_permissions(user.enter(), Permissions::from_mode(0o755))?;
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
        for own in [user.home(), user.runtime()] {
            fs::create_dir(&own)?;
            fs::set_permissions(&own, Permissions::from_mode(0o700))?;
            chown(&own, Some(ID), Some(ID))?;
        }
        Ok(user)
    }

    /// The program that runs a command as this user.
    pub fn enter(&self) -> PathBuf {
        self.folder.join("enter")
    }

    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The folder for what is there as long as the user is.
    pub fn runtime(&self) -> PathBuf {
        self.folder.join("runtime")
    }

    /// Ends all that runs as this user.
    pub fn end_all(&self) {
        let _ = process::output(&["pkill", "--signal", "KILL", "--uid", &ID.to_string()]);
    }
}
