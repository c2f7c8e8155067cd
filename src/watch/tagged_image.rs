//! The image that this watch left the tag on. Should another program take the tag from it, it is removed as if a build had.

use crate::run_lock::{RunLock, SupersededImage};

/// The image of the last build, or the one that had the tag before the first. It is noted in the file of the run's lock, so
/// that the next run removes it if it has lost its name when this run is killed.
pub struct TaggedImage<'a> {
    run_lock: &'a RunLock,
    image: Option<SupersededImage>,
    /// Images that lose the tag are kept for a while.
    pub keep_superseded: bool,
}

impl<'a> TaggedImage<'a> {
    /// Begins with the image that has the tag, if minis2i built it.
    pub fn new(run_lock: &'a RunLock, keep_superseded: bool, image: Option<SupersededImage>) -> Self {
        let mut tagged = Self { run_lock, image: None, keep_superseded };
        tagged.set(image);
        tagged
    }

    /// A build has put the tag on the image `id`; returns the image before.
    pub fn replace(&mut self, id: &str) -> Option<SupersededImage> {
        if self.image.as_ref().is_some_and(|image| image.id == id) {
            return None;
        }
        // What else belongs to its commit is asked of the engine when it is removed.
        self.set(Some(SupersededImage { id: id.to_owned(), commit: None }))
    }

    /// The image, to be removed now if another program took the tag from it; none if such images are kept.
    pub fn removable(&self) -> Option<SupersededImage> {
        self.image.clone().filter(|_| !self.keep_superseded)
    }

    fn set(&mut self, image: Option<SupersededImage>) -> Option<SupersededImage> {
        if let Some(image) = image.as_ref().filter(|_| !self.keep_superseded) {
            // A note that is missing only matters if this run is killed.
            let _ = self.run_lock.note_superseded(image);
        }
        std::mem::replace(&mut self.image, image)
    }
}

impl Drop for TaggedImage<'_> {
    fn drop(&mut self) {
        if let Some(image) = &self.image {
            // A note that stays only has the next run look again.
            let _ = self.run_lock.end_superseded(image);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TaggedImage;
    use crate::run_lock::{RunFolders, RunLock, SupersededImage};

    #[test]
    fn only_a_run_that_is_killed_leaves_its_image_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let folders = RunFolders { locks: folder.path().to_owned(), clones: folder.path().to_owned() };
        let run_lock = RunLock::take(folders).unwrap();
        let [one, two] = ["1", "2"].map(|id| SupersededImage { id: id.to_owned(), commit: None });
        let mut tagged = TaggedImage::new(&run_lock, false, Some(one.clone()));
        assert!(run_lock.is_superseded(&one));
        assert_eq!((tagged.replace("2"), tagged.replace("2")), (Some(one), None));
        assert!(run_lock.is_superseded(&two));
        drop(tagged);
        assert!(!run_lock.is_superseded(&two));
        drop(TaggedImage::new(&run_lock, true, Some(two.clone())));
        assert!(!run_lock.is_superseded(&two));
    }
}
