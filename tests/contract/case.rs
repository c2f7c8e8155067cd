//! A case of the contract as data: a builder, a source, builds, and what is expected. Running it is here, too.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::build::{BUILD, Build, CaseContext};
use crate::builder_image::{BUILDER, BuilderImage};
use crate::expectation::{BuiltImage, Expect};
use crate::source_item::{Item, write_source};
use crate::support::project::Project;

/// Makes a test of each case.
macro_rules! cases {
    ($($name:ident { $($fields:tt)* })*) => {
        $(
            #[test]
            fn $name() {
                const CASE: $crate::case::Case = $crate::case::Case { $($fields)* ..$crate::case::CASE };
                CASE.check();
            }
        )*
    };
}

/// A builder, a source, builds, and what is expected after the last one.
pub struct Case {
    /// The row of the contract.
    pub row: &'static str,
    pub builder: BuilderImage,
    pub source: &'static [Item],
    /// The builds before, which must succeed.
    pub before: &'static [Build],
    pub build: Build,
    /// The exit status of the last build. After any but 0 the tag must be on the image that it was on before.
    pub status: i32,
    pub expect: &'static [Expect],
}

pub const CASE: Case =
    Case { row: "", builder: BUILDER, source: &[], before: &[], build: BUILD, status: 0, expect: &[] };

impl Case {
    /// Runs the builds and checks what is expected.
    pub fn check(&self) {
        // Tests that fail show what they printed.
        println!("the contract's row {}", self.row);
        let mut context = CaseContext { builder: self.builder.make(), project: Project::new() };
        fs::create_dir_all(context.project.path()).unwrap();
        fs::set_permissions(context.project.path(), Permissions::from_mode(0o755)).unwrap();
        write_source(&context.project.path(), self.source);
        for build in self.before {
            context.run(build).status(0);
        }
        let tag = context.project.tag.clone();
        let before = if self.status == 0 { None } else { context.project.id() };
        let outcome = context.run(&self.build).status(self.status);
        if self.status != 0 {
            context.project.tag = tag;
            assert_eq!(context.project.id(), before, "the tag moved\n{outcome}");
        }
        let result = BuiltImage::new(&context);
        assert!(self.status != 0 || result.inspected()["Id"] == outcome.stdout.trim(), "{outcome}");
        for expect in self.expect {
            result.check(expect, &outcome);
        }
    }
}
