//! Environment variables: how their files are read, which one wins, and where they are set.

use crate::build::{BUILD, Build};
use crate::builder_image::{BUILDER, BuilderImage};
use crate::expectation::Expect;
use crate::source_item::Item;

cases! {
    lines_that_say_nothing_are_no_variables {
        row: "2.3: blank, without `=`, starting with `=`, `#…` in column 1; 0: indented `#` too",
        source: &[Item::File(
            ".s2i/environment",
            "\n  \nNOTHING\n=x\n = y\n# A=1\n#B=1\n  # x=2\n\t# y=2\nC=1\n",
        )],
        expect: &[Expect::Env(&[("C", "1")])],
    }
    names_and_values_are_trimmed_and_nothing_else {
        row: "2.3: `A = b c  `, tabs too; quotes stay; first `=` splits; `A=` is empty; `A=a # b`; `A=a,b=c`",
        source: &[Item::File(
            ".s2i/environment",
            "A = b c  \n\tB\t=\tx\t\nC=\"x\"\nD='y z'\nE=b=c\nF==\nG=\nH= \nI=a # b\nJ=a,b=c\n//x=1\n",
        )],
        expect: &[Expect::Env(&[
            ("//x", "1"),
            ("A", "b c"),
            ("B", "x"),
            ("C", "\"x\""),
            ("D", "'y z'"),
            ("E", "b=c"),
            ("F", "="),
            ("G", ""),
            ("H", ""),
            ("I", "a # b"),
            ("J", "a,b=c"),
        ])],
    }
    values_are_literal_and_a_line_ends_at_its_end {
        row: "2.3: `A=$B ${HOME}`, `A=a\\nb`: no expansion, no escapes; trailing `\\`, quoted newline: no continuation",
        source: &[Item::File(
            ".s2i/environment",
            "A=$B ${HOME} $(id) `id`\nB=a\\nb\\\\\nC=1\\\nD=2\nE=\"x\ny\"\n",
        )],
        expect: &[Expect::Env(&[
            ("A", "$B ${HOME} $(id) `id`"),
            ("B", "a\\nb\\\\"),
            ("C", "1\\"),
            ("D", "2"),
            ("E", "\"x"),
        ])],
    }
    files_of_other_systems_are_read {
        row: "2.3: CRLF; 0: a BOM is dropped, `export ` is dropped",
        source: &[Item::File(
            ".s2i/environment",
            "\u{feff}A=1\r\nB=2 \r\n\r\nexport C=3\r\nexport  D = 4\r\nexported=5\r\n",
        )],
        expect: &[Expect::Env(&[("A", "1"), ("B", "2"), ("C", "3"), ("D", "4"), ("exported", "5")])],
    }
    the_last_of_equal_names_wins_and_is_alone {
        row: "0, 2.4: no duplicates",
        source: &[Item::File(".s2i/environment", "A=1\nB=x\nA=2\n")],
        expect: &[Expect::Env(&[("A", "2"), ("B", "x")])],
    }
}

const FILES: &[Item] = &[
    Item::File(".s2i/environment", "A=source\nB=source\nC=source\n"),
    Item::File("../vars", "B=file\nC=file\nD=file\n"),
];

cases! {
    a_long_line_is_kept_with_all_after_it {
        row: "0: a line over 64 KiB is kept, and all later lines",
        source: &[Item::Bytes(".s2i/environment", || format!("LONG={}\nB=1\n", "x".repeat(70_000)).into_bytes())],
        build: Build { assemble: "echo ${#LONG} $B", ..BUILD },
        expect: &[Expect::AssemblePrints(&["70000 1"])],
    }
    the_file_stays_in_the_source {
        row: "2.3: the file stays in `src`; assemble sees the variables",
        source: &[Item::File(".s2i/environment", "A=b c\n")],
        build: Build { assemble: "cat /tmp/src/.s2i/environment; echo \"$A\"", ..BUILD },
        expect: &[Expect::AssemblePrints(&["A=b c", "b c"])],
    }
    a_folder_in_its_place_is_not_passed_over {
        row: "2.3: a directory instead of a file (an error, not silence)",
        source: &[Item::Folder(".s2i"), Item::Folder(".s2i/environment")],
        status: 2,
        expect: &[Expect::InStderr(".s2i/environment"), Expect::InStderr("hint: ")],
    }
    options_win_over_environment_files_which_win_over_the_source {
        row: "0: `.s2i/environment` < `-E` < `-e`, wherever they stand; last wins; no duplicates",
        source: FILES,
        build: Build {
            options: &["-e", "C=first", "-e", "C=last", "-e", "E=typed", "-E", "vars"],
            assemble: "echo $A $B $C $D $E",
            ..BUILD
        },
        expect: &[
            Expect::AssemblePrints(&["source file last file typed"]),
            Expect::Env(&[("A", "source"), ("B", "file"), ("C", "last"), ("D", "file"), ("E", "typed")]),
        ],
    }
    an_overridden_variable_of_the_builder_is_there_once {
        row: "2.4: an overridden builder variable (also `PATH`) disappears from its old place",
        builder: BuilderImage { name: "variables", changes: &["ENV OWN=builder OTHER=builder"], ..BUILDER },
        build: Build {
            options: &["-e", "OWN=mine", "-e", "PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            assemble: "echo $OWN $OTHER $PATH",
            ..BUILD
        },
        expect: &[
            Expect::AssemblePrints(&["mine builder /opt/bin:/usr/sbin:/usr/bin:/sbin:/bin"]),
            Expect::Env(&[("OWN", "mine"), ("PATH", "/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin")]),
        ],
    }
    a_comma_in_an_option_is_no_list {
        row: "2.4: `-e A=1,B=2` is one variable",
        build: Build { options: &["-e", "A=1,B=2"], ..BUILD },
        expect: &[Expect::Env(&[("A", "1,B=2")])],
    }
    an_option_without_a_name_is_refused {
        row: "2.4: `-e =x`: usage error",
        build: Build { options: &["-e", "=x"], ..BUILD },
        status: 2,
        expect: &[Expect::InStderr("error: ")],
    }
    an_option_without_a_value_here_is_refused {
        row: "2.4: `-e NOEQ`: usage error where this machine has no such variable",
        build: Build { options: &["-e", "MINIS2I_NONE_SUCH"], ..BUILD },
        status: 2,
        expect: &[Expect::InStderr("MINIS2I_NONE_SUCH")],
    }
    a_missing_file_of_variables_is_an_error {
        row: "0: a missing `-E` file is an error",
        build: Build { options: &["-E", "none-such"], ..BUILD },
        status: 2,
        expect: &[Expect::InStderr("none-such"), Expect::InStderr("hint: ")],
    }
    environment_files_are_read_like_that_of_the_source {
        row: "2.4: `-E`: trims, comments, quotes literal, the last wins",
        source: &[Item::File("../vars", "# x=1\n  # y=1\nA = 1 \nB='q'\nA=2\nNOTHING\n")],
        build: Build { options: &["-E", "vars"], ..BUILD },
        expect: &[Expect::Env(&[("A", "2"), ("B", "'q'")])],
    }
    save_artifacts_has_the_variables_of_its_image {
        row: "2.4: `-e S=new` while the old image has `S=old`: it saw `old`",
        before: &[Build { options: &["-e", "S=old"], save: "echo \"saved with $S\" >&2", ..BUILD }],
        build: Build { options: &["-e", "S=new"], ..BUILD },
        expect: &[Expect::InStderr("saved with old\n"), Expect::Env(&[("S", "new")])],
    }
    a_variable_that_is_not_given_again_is_gone {
        row: "2.4: each build starts from the builder",
        before: &[Build { options: &["-e", "ONCE=1"], ..BUILD }],
        expect: &[Expect::Env(&[])],
    }
}
