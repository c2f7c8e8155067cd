//! Images to make builders of, where the shared base will not do.

use super::containers::remove_container;
use super::engine::{BASE, docker, docker_with_input, unique_name};
use super::image::remove_image;

/// An image to make builders of, where the shared base will not do.
pub struct BaseImage(String);

impl BaseImage {
    /// The shared base after this shell command.
    pub fn after(command: &str) -> Self {
        let name = unique_name("base");
        docker(&["run", "--name", &name, "--network", "none", BASE, "/bin/sh", "-c", command]);
        docker(&["commit", &name, &name]);
        remove_container(&name);
        Self(name)
    }

    /// An image with nothing but an empty `/tmp`.
    pub fn empty() -> Self {
        Self::import(Self::tar_of_tmp(), &["--change", "CMD [\"/none\"]"])
    }

    /// An image of this archive.
    pub fn import(tar: tar::Builder<Vec<u8>>, options: &[&str]) -> Self {
        let name = unique_name("base");
        docker_with_input(&[&["import"], options, &["-", &name]].concat(), &tar.into_inner().unwrap());
        Self(name)
    }

    /// An archive with nothing but `/tmp`, to which more can be added.
    pub fn tar_of_tmp() -> tar::Builder<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o1777);
        header.set_size(0);
        tar.append_data(&mut header, "tmp/", std::io::empty()).unwrap();
        tar
    }

    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Drop for BaseImage {
    fn drop(&mut self) {
        remove_image(&self.0);
    }
}
