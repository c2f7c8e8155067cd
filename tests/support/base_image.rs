//! Images to make builders of, where the shared base will not do.

use std::io::Write;
use std::process::{Command, Stdio};

use super::engine::{BASE, docker, try_docker, unique_name};

/// An image to make builders of, where the shared base will not do.
pub struct BaseImage(String);

impl BaseImage {
    /// The shared base after this shell command.
    pub fn after(command: &str) -> Self {
        let name = unique_name("base");
        docker(&["run", "--name", &name, "--network", "none", BASE, "/bin/sh", "-c", command]);
        docker(&["commit", &name, &name]);
        docker(&["rm", "-fv", &name]);
        Self(name)
    }

    /// An image with nothing but an empty `/tmp`.
    pub fn empty() -> Self {
        let name = unique_name("base");
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o1777);
        header.set_size(0);
        tar.append_data(&mut header, "tmp/", &b""[..]).unwrap();
        let mut import = Command::new("docker");
        import.args(["import", "--change", "CMD [\"/none\"]", "-", &name]);
        let mut child = import.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&tar.into_inner().unwrap()).unwrap();
        assert!(child.wait().unwrap().success());
        Self(name)
    }

    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Drop for BaseImage {
    fn drop(&mut self) {
        try_docker(&["image", "rm", "--force", &self.0]);
    }
}
