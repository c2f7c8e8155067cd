//! One file of a crate, read: what it mentions, by full paths, and how long it and its tests are.

use std::collections::HashMap;

use super::lexer::tokens;
use super::mentions::{Kind, Mention, Mentions, mentions};
use super::modules::{Modules, module_of};
use super::test_code::{InlineTests, without_tests};

/// How many names may stand for one another: more is a circle of imports.
const ALIAS_LIMIT: usize = 8;

/// A file, without the code of its tests.
pub struct SourceFile<'a> {
    pub name: &'a str,
    module: Vec<String>,
    mentions: Mentions<'a>,
    pub lines: usize,
    pub inline_tests: Vec<InlineTests>,
    /// Names of modules declared in it that are for tests only.
    test_modules: Vec<&'a str>,
}

/// A path with its beginning filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FullPath {
    /// In this crate, without `crate`.
    Inside(Vec<String>),
    /// In another crate, whose name is its first part.
    Outside(Vec<String>),
}

impl<'a> SourceFile<'a> {
    pub fn read(root: &str, name: &'a str, text: &'a str) -> Self {
        let rest = without_tests(&tokens(text));
        Self {
            name,
            module: module_of(root, name),
            mentions: mentions(&rest.code),
            lines: text.lines().count(),
            inline_tests: rest.modules,
            test_modules: rest.declared,
        }
    }

    /// The modules for tests only that this file declares.
    pub fn test_modules(&self) -> impl Iterator<Item = Vec<String>> {
        self.test_modules.iter().map(|name| joined(&self.module, &[*name]))
    }

    /// All that the file mentions, each with its full path. A method's name stays as it is.
    pub fn full_mentions(&self, modules: &Modules) -> Vec<(&Mention<'a>, FullPath)> {
        let names: HashMap<&str, &Mention<'a>> =
            self.mentions.names.iter().map(|(name, at)| (*name, &self.mentions.all[*at])).collect();
        let full = |mention| (mention, self.full_path(mention, modules, &names, ALIAS_LIMIT));
        self.mentions.all.iter().map(full).collect()
    }

    fn full_path(
        &self,
        mention: &Mention<'a>,
        modules: &Modules,
        names: &HashMap<&str, &Mention<'a>>,
        aliases_left: usize,
    ) -> FullPath {
        let mut here = joined(&self.module, &mention.within);
        let mut rest = &mention.path[..];
        match rest[0] {
            _ if mention.kind == Kind::Method => return outside(rest),
            "crate" => return FullPath::Inside(joined(&[], &rest[1..])),
            "self" | "super" => {
                while let [first @ ("self" | "super"), more @ ..] = rest {
                    if *first == "super" {
                        here.pop();
                    }
                    rest = more;
                }
                return FullPath::Inside(joined(&here, rest));
            }
            _ => {}
        }
        let child = joined(&here, &rest[..1]);
        let alias = names.get(rest[0]).filter(|alias| !std::ptr::eq(**alias, mention) && aliases_left > 0);
        match alias {
            _ if mention.kind == Kind::Import && modules.has(&child) => FullPath::Inside(joined(&here, rest)),
            Some(alias) => match self.full_path(alias, modules, names, aliases_left - 1) {
                FullPath::Inside(path) => FullPath::Inside(joined(&path, &rest[1..])),
                FullPath::Outside(path) => FullPath::Outside(joined(&path, &rest[1..])),
            },
            None if modules.has(&child) => FullPath::Inside(joined(&here, rest)),
            None => outside(rest),
        }
    }
}

fn outside(path: &[&str]) -> FullPath {
    FullPath::Outside(joined(&[], path))
}

fn joined(path: &[String], more: &[&str]) -> Vec<String> {
    path.iter().cloned().chain(more.iter().map(|&part| part.to_owned())).collect()
}
