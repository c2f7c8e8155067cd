//! Rule files of one name in the folders that lead to a path: the deepest one that says something decides.

use std::sync::Arc;

use super::repository::below;
use crate::source::rule_file::{Match, RuleFile};

/// The rule file of a folder, and those above it.
pub struct Layer {
    file: RuleFile,
    /// The path of the folder, relative to the top of all rules.
    folder: Box<[u8]>,
    above: Option<Arc<Layer>>,
}

impl Layer {
    /// Puts the rules of a folder below those `above` it; a file without rules changes nothing.
    pub fn below(above: Option<Arc<Self>>, folder: &[u8], file: Option<RuleFile>) -> Option<Arc<Self>> {
        match file {
            Some(file) if file.has_rules() => Some(Arc::new(Self { file, folder: folder.into(), above })),
            _ => above,
        }
    }

    /// The rule that decides about a path, relative to the top of all rules.
    pub fn last_match(&self, path: &[u8], is_folder: bool, fold: bool) -> Option<Match<'_>> {
        let mut layer = Some(self);
        while let Some(Self { file, folder, above }) = layer {
            let found = file.last_match(below(folder, path), is_folder, fold);
            if found.is_some() {
                return found;
            }
            layer = above.as_deref();
        }
        None
    }
}
