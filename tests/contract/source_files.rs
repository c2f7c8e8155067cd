//! Which files of the source are sent.

use crate::build::{BUILD, Build};
use crate::expectation::Expect;
use crate::source_item::Item;

/// Prints the files that arrived.
const LIST_FILES: &str = "cd /tmp/src; find . -type f | LC_ALL=C sort";

const LISTING: Build = Build { assemble: LIST_FILES, ..BUILD };

cases! {
    everything_else_is_sent {
        row: "2.8: dotfiles, `.gitignore`, `.dockerignore`, `.s2iignore`, and empty folders arrive",
        source: &[
            Item::File(".gitignore", ""),
            Item::File(".dockerignore", "*\n"),
            Item::File(".s2iignore", ""),
            Item::File(".hidden/.x", ""),
            Item::Folder("empty"),
        ],
        build: Build { assemble: "cd /tmp/src; find . | LC_ALL=C sort", ..BUILD },
        expect: &[Expect::AssemblePrints(&[
            ".", "./.dockerignore", "./.gitignore", "./.hidden", "./.hidden/.x", "./.s2iignore", "./empty",
        ])],
    }
    git_is_left_out_at_any_depth {
        row: "2.8: directories and files named `.git`, at any depth",
        source: &[
            Item::File(".git/config", ""),
            Item::File("sub/.git", "gitdir: elsewhere\n"),
            Item::File("deep/er/.git/HEAD", ""),
            Item::File("deep/er/kept", ""),
            Item::File(".github/kept", ""),
        ],
        build: LISTING,
        expect: &[Expect::AssemblePrints(&["./.github/kept", "./deep/er/kept"])],
    }
    what_git_ignores_is_left_out {
        row: "0: not those that git ignores",
        source: &[
            Item::File(".gitignore", "*.log\n/build/\n!keep.log\n"),
            Item::File("sub/.gitignore", "here\n"),
            Item::File("a.log", ""),
            Item::File("keep.log", ""),
            Item::File("build/x", ""),
            Item::File("sub/build/x", ""),
            Item::File("sub/here", ""),
        ],
        build: LISTING,
        expect: &[
            Expect::AssemblePrints(&["./.gitignore", "./keep.log", "./sub/.gitignore", "./sub/build/x"]),
            Expect::InStderr("note: "),
        ],
    }
    what_git_ignores_can_be_sent {
        row: "0: `--no-gitignore` sends them; `.s2iignore` still counts",
        source: &[
            Item::File(".gitignore", "*.log\n"),
            Item::File(".s2iignore", "b.log\n"),
            Item::File("a.log", ""),
            Item::File("b.log", ""),
        ],
        build: Build { options: &["--no-gitignore"], assemble: LIST_FILES, ..BUILD },
        expect: &[Expect::AssemblePrints(&["./.gitignore", "./.s2iignore", "./a.log"])],
    }
    s2iignore_has_gitignore_rules {
        row: "0, 2.8: at any depth, `**`, negation, anchors, comments, escapes, CRLF",
        source: &[
            Item::File(
                ".s2iignore",
                "# comment\r\n*.log\r\n!keep.log\r\n/top\r\n**/cache/*\r\n!**/cache/keep\r\nlogs/\r\n\\#odd\r\n\\!odd\r\n",
            ),
            Item::File("sub/.s2iignore", "mine\n"),
            Item::File("a.log", ""),
            Item::File("sub/b.log", ""),
            Item::File("sub/keep.log", ""),
            Item::File("top", ""),
            Item::File("sub/top", ""),
            Item::File("sub/cache/x", ""),
            Item::File("sub/cache/keep", ""),
            Item::File("logs/x", ""),
            Item::File("sub/mine", ""),
            Item::File("#odd", ""),
            Item::File("!odd", ""),
            Item::File("mine", ""),
        ],
        build: LISTING,
        expect: &[Expect::AssemblePrints(&[
            "./.s2iignore", "./mine", "./sub/.s2iignore", "./sub/cache/keep", "./sub/keep.log", "./sub/top",
        ])],
    }
    s2iignore_may_cover_itself {
        row: "2.8 (bug left out): the self-ignore trap leaves no empty files",
        source: &[
            Item::File(".s2iignore", "*\n!/kept\n"),
            Item::File("kept", "content\n"),
            Item::File("secret", "x"),
            Item::File("d/x", ""),
        ],
        build: Build { assemble: "cd /tmp/src; find . | LC_ALL=C sort; cat kept", ..BUILD },
        expect: &[Expect::AssemblePrints(&[".", "./kept", "content"])],
    }
    s2iignore_reaches_nothing_outside {
        row: "2.8 (danger left out): patterns cannot leave the source",
        source: &[
            Item::File(".s2iignore", "../beside\n../../tmp/scripts/assemble\n/../beside\n"),
            Item::File("../beside", "x"),
            Item::File("beside", ""),
            Item::File(".s2i/bin/assemble", "#!/bin/sh\necho ran with $(ls /tmp/src)\n"),
        ],
        expect: &[Expect::InStderr("ran with beside\n")],
    }
    an_ignored_script_is_still_the_script {
        row: "2.8 (bug left out): `.s2i/bin/assemble` in `.s2iignore` does not run an empty one",
        source: &[
            Item::File(".s2iignore", ".s2i/bin/assemble\n"),
            Item::File(".s2i/bin/assemble", "#!/bin/sh\necho ran\nfind /tmp/src -name assemble\n"),
        ],
        expect: &[Expect::InStderr("ran\n"), Expect::NotInStderr("/tmp/src")],
    }
    exclude_names_paths_of_the_source_only {
        row: "2.8 (bug left out): `--exclude` does not see the host's paths; `src` and `tmp` in them are nothing",
        source: &[
            Item::File("node_modules/x", ""),
            Item::File("deep/node_modules/y", ""),
            Item::File("a.pyc", ""),
            Item::File("deep/b.pyc", ""),
            Item::File("app", ""),
            Item::File(".git/config", ""),
        ],
        build: Build {
            options: &["--exclude", "node_modules", "--exclude=/*.pyc", "--exclude", "tmp", "--exclude", "src"],
            assemble: LIST_FILES,
            ..BUILD
        },
        expect: &[Expect::AssemblePrints(&["./app", "./deep/b.pyc"])],
    }
    include_brings_one_ignored_file_back {
        row: "0: what `.s2iignore` hides can be sent all the same",
        source: &[
            Item::File(".gitignore", "dist/\n*.log\n"),
            Item::File("dist/app.js", ""),
            Item::File("dist/app.map", ""),
            Item::File("a.log", ""),
        ],
        build: Build { options: &["--include", "dist/*.js"], assemble: LIST_FILES, ..BUILD },
        expect: &[Expect::AssemblePrints(&["./.gitignore", "./dist/app.js"])],
    }
    an_empty_source_is_a_source {
        row: "2.12: source empty: exit 0, empty `src`",
        build: Build { assemble: "cd /tmp/src; find .", ..BUILD },
        expect: &[Expect::AssemblePrints(&["."])],
    }
    a_context_folder_is_all_the_source {
        row: "2.3, 3: `--context-dir`: files, `.s2iignore` and environment of that folder alone",
        source: &[
            Item::File("outer", ""),
            Item::File(".s2i/environment", "WHICH=outer\n"),
            Item::File("part/inner", ""),
            Item::File("part/ignored", ""),
            Item::File("part/.s2iignore", "ignored\n.s2iignore\n"),
            Item::File("part/.s2i/environment", "WHICH=inner\n"),
        ],
        build: Build { options: &["--context-dir", "part"], assemble: LIST_FILES, ..BUILD },
        expect: &[
            Expect::AssemblePrints(&["./.s2i/environment", "./inner"]),
            Expect::Env(&[("WHICH", "inner")]),
            Expect::Label("io.openshift.s2i.build.source-context-dir", "part"),
        ],
    }
    a_context_folder_does_not_leave_the_source {
        row: "3 (trap left out): `--context-dir` with `..`",
        source: &[Item::File("../beside/a", "")],
        build: Build { options: &["--context-dir", "../beside"], ..BUILD },
        status: 2,
        expect: &[Expect::InStderr("--context-dir"), Expect::InStderr("hint: ")],
    }
    a_source_may_hold_the_temporary_folder {
        row: "2.12 (bug left out): a source that contains `$TMPDIR`",
        source: &[Item::File("a", ""), Item::File("../beside", "")],
        build: Build { typed_source: ".", assemble: "cd /tmp/src; cat source/a; ls -d beside source", ..BUILD },
        expect: &[Expect::AssemblePrints(&["beside", "source"])],
    }
}
