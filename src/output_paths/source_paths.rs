//! Asking which paths a source has.

use super::boundaries::ends_path;

/// The paths that a source has, relative to it.
pub trait SourcePaths {
    /// How many there are.
    fn count(&self) -> usize;

    /// The path at an index. They are sorted by their bytes.
    fn path(&self, index: usize) -> &[u8];
}

/// The length of the longest path of the source with which `text` begins and that is not a part of a longer path there;
/// `None` if there is none. It looks at no more bytes than the longest path of the source has.
pub fn longest_path(paths: &dyn SourcePaths, text: &[u8]) -> Option<usize> {
    let mut longest = None;
    // The paths that have the first `length` bytes of the text.
    let (mut low, mut high) = (0, paths.count());
    for (length, byte) in text.iter().map(Some).chain([None]).enumerate() {
        if low == high {
            break;
        }
        if length > 0 && paths.path(low).len() == length && ends_path(text, length) {
            longest = Some(length);
        }
        let Some(byte) = byte else { break };
        low = first_index(low, high, |index| paths.path(index).get(length) >= Some(byte));
        high = first_index(low, high, |index| paths.path(index).get(length) > Some(byte));
    }
    longest
}

/// The first index from which on something is true.
fn first_index(mut low: usize, mut high: usize, is_true: impl Fn(usize) -> bool) -> usize {
    while low < high {
        let middle = low + (high - low) / 2;
        if is_true(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{SourcePaths, longest_path};
    use crate::output_paths::boundaries::ends_path;

    struct Sorted(Vec<Vec<u8>>);

    impl SourcePaths for Sorted {
        fn count(&self) -> usize {
            self.0.len()
        }

        fn path(&self, index: usize) -> &[u8] {
            &self.0[index]
        }
    }

    proptest! {
        #[test]
        fn it_is_the_longest_of_those_that_end_there(
            names in prop::collection::btree_set("[ab./-]{1,5}", 0..20),
            text in "[ab./: -]{0,9}",
        ) {
            let paths = Sorted(names.iter().map(|name| name.as_bytes().to_vec()).collect());
            let text = text.as_bytes();
            let fits = |name: &&Vec<u8>| text.starts_with(name) && ends_path(text, name.len());
            let expected = paths.0.iter().filter(fits).map(Vec::len).max();
            prop_assert_eq!(longest_path(&paths, text), expected);
        }
    }
}
