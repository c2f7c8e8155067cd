//! Which images may be pushed at the moment, and so stay in the engine.

use std::sync::{Arc, Mutex, MutexGuard};

/// The images that are not to be removed now, since they may be pushed. Clones are about the same push.
///
/// The engine pushes what has the tag when its call begins, which may be the next image already. It takes notes about an image
/// at the end of a push, also if the image is gone.
#[derive(Clone, Default)]
pub struct Pushing(Arc<Mutex<Held>>);

/// Which images these are.
#[derive(Debug, Default)]
pub enum Held {
    #[default]
    Nothing,
    /// The image that had the tag before the push began, and the one that got it next.
    Images(String, Option<String>),
    /// It is not known which image has the tag.
    All,
}

impl Pushing {
    /// Whether this image is to be kept until the push has ended.
    pub fn holds(&self, image: &str) -> bool {
        match &*self.lock() {
            Held::Nothing => false,
            Held::Images(first, second) => first == image || second.as_deref() == Some(image),
            Held::All => true,
        }
    }

    /// For several looks at it, and changes.
    pub fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().expect("no thread panics while it holds this lock")
    }
}

impl Held {
    /// A push begins; `image` has the tag, if it is known which has.
    pub fn begin(&mut self, image: Option<String>) {
        *self = image.map_or(Self::All, |image| Self::Images(image, None));
    }

    /// The tag moved to this image.
    pub fn is_followed_by(&mut self, image: &str) {
        if let Self::Images(_, second) = self {
            second.get_or_insert_with(|| image.to_owned());
        }
    }

    /// The push ended.
    pub fn end(&mut self) {
        *self = Self::Nothing;
    }
}

#[cfg(test)]
mod tests {
    use super::Pushing;

    #[test]
    fn what_may_be_pushed_is_kept_meanwhile() {
        let pushing = Pushing::default();
        assert!(!pushing.holds("image 1"));
        pushing.lock().begin(Some("image 1".to_owned()));
        pushing.lock().is_followed_by("image 2");
        pushing.lock().is_followed_by("image 3");
        assert_eq!(
            ["image 0", "image 1", "image 2", "image 3"].map(|image| pushing.holds(image)),
            [false, true, true, false]
        );
        pushing.lock().begin(None);
        assert!(pushing.holds("image 0"));
    }
}
