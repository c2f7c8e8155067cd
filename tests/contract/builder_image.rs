//! A builder image as data. Cases that name the same one share it.

use std::sync::Arc;

use crate::support::base_image::BaseImage;
use crate::support::builder::{Builder, shared_builder};
use crate::support::evaluating_builder::{SAVE_ARTIFACTS, assemble_after};

/// A builder image. Those of the same name are the same one.
#[derive(Clone, Copy)]
pub struct BuilderImage {
    pub name: &'static str,
    /// A command that is run in the base first.
    pub base: &'static str,
    /// The folder of its scripts, or nothing for a builder without any. `assemble` evaluates the variable `ASSEMBLE`,
    /// `save-artifacts` evaluates `SAVE`, and `run` prints `/app/out`.
    pub scripts: &'static str,
    /// The instruction that names the folder.
    pub label: &'static str,
    pub files: &'static [(&'static str, u32, &'static str)],
    /// The user of the image as USER has it, and as numbers; `/app` belongs to this user.
    pub user: Option<(&'static str, u64, u64)>,
    pub changes: &'static [&'static str],
    /// Instructions that a commit does not take.
    pub dockerfile: &'static str,
}

/// A complete builder whose user is root.
pub const BUILDER: BuilderImage = BuilderImage {
    name: "probe",
    base: "",
    scripts: "usr/libexec/s2i",
    label: "LABEL io.openshift.s2i.scripts-url=image:///usr/libexec/s2i",
    files: &[],
    user: None,
    changes: &[],
    dockerfile: "",
};

/// The same for a user without an account.
pub const NUMERIC_USER: BuilderImage = BuilderImage { name: "numeric", user: Some(("1234", 1234, 0)), ..BUILDER };

impl BuilderImage {
    pub fn make(&self) -> Arc<Builder> {
        shared_builder(self.name, || {
            let mut builder = Builder::without_scripts().instruction("WORKDIR /app");
            let base = (!self.base.is_empty()).then(|| BaseImage::after(self.base));
            if let Some(base) = &base {
                builder = builder.base(base.name());
            }
            if !self.scripts.is_empty() {
                let assemble = assemble_after(":");
                let scripts = [
                    ("assemble", &*assemble),
                    ("save-artifacts", SAVE_ARTIFACTS),
                    ("run", "#!/bin/sh\nexec cat /app/out\n"),
                ];
                for (name, text) in scripts {
                    builder = builder.file(&format!("{}/{name}", self.scripts), 0o755, text);
                }
            }
            for (path, mode, text) in self.files {
                builder = builder.file(path, *mode, text);
            }
            if let Some((user, uid, gid)) = self.user {
                builder = builder.user(user, uid, gid);
            }
            for change in [self.label].iter().chain(self.changes).filter(|change| !change.is_empty()) {
                builder = builder.instruction(change);
            }
            let builder = builder.make();
            if self.dockerfile.is_empty() { builder } else { builder.build_on(self.dockerfile) }
        })
    }
}
