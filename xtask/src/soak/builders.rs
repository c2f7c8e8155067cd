//! The builders of a soak: `assemble` copies the whole source to `/app`, so that an image can be held against a fresh one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::Result;

use super::command;
use super::operation::{FAIL, SLOW};
use crate::base_image;

/// Builds a builder whose images say in `/app/.builder` which one made them. Its containers and images have the label, since
/// labels of the engine's `run` do not get into an image.
pub fn build(name: &str, which: &str, label: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let scripts = folder.path().join("s2i");
    fs::create_dir(&scripts)?;
    let assemble = format!(
        "#!/bin/sh\nset -e\ncd /tmp/src\n[ ! -e {SLOW} ] || sleep \"$(cat {SLOW})\"\n[ ! -e {FAIL} ] || exit 9\n\
         [ ! -d /tmp/artifacts ] || cp -a /tmp/artifacts/. /cache/\necho more >>/cache/builds\n\
         cp -a . /app/\necho {which} >/app/.builder\necho assembled\n"
    );
    let texts = [
        ("assemble", assemble.as_str()),
        ("save-artifacts", "#!/bin/sh\nexec tar -c -f - -C /cache .\n"),
        ("run", "#!/bin/sh\nexec sleep 1\n"),
    ];
    for (name, text) in texts {
        fs::write(scripts.join(name), text)?;
        fs::set_permissions(scripts.join(name), fs::Permissions::from_mode(0o755))?;
    }
    let dockerfile = format!(
        "FROM {}\nLABEL io.openshift.s2i.scripts-url=image:///usr/libexec/s2i\nCOPY s2i/ /usr/libexec/s2i/\n\
         RUN mkdir -p /app /cache && chown 1001:0 /app /cache\nUSER 1001:0\nLABEL {label}\n",
        base_image::NAME
    );
    fs::write(folder.path().join("Dockerfile"), dockerfile)?;
    let folder = folder.path().to_string_lossy();
    command::docker(&["build", "--quiet", "--tag", name, &folder]).map(drop)
}
