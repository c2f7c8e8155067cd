//! Variables: the lines of their files, who wins, where they end up.

use crate::case::{BUILD, Build, Expect, Item, PROBE, Shape};

/// A case of one `.s2i/environment` and the variables that the image has of it.
macro_rules! environment {
    ($($name:ident: $row:literal, $text:literal => [$($variable:expr),*];)*) => {
        cases! {
            $($name {
                row: $row,
                source: &[Item::File(".s2i/environment", $text)],
                expect: &[Expect::Env(&[$($variable),*])],
            })*
        }
    };
}

environment! {
    lines_that_say_nothing_are_no_variables: "2.3: blank, or without `=`, or starting with `=`",
        "\n  \nNOTHING\n=x\n = y\nA=1\n" => [("A", "1")];
    comments_are_no_variables: "2.3: `#…` in column 1; 0: indented too",
        "# A=1\n#B=1\n  # x=2\n\t# y=2\nC=1\n" => [("C", "1")];
    names_and_values_are_trimmed: "2.3: `A = b c  `, tabs too",
        "A = b c  \n\tB\t=\tx\t\n" => [("A", "b c"), ("B", "x")];
    quotes_are_part_of_the_value: "2.3: `A=\"x\"`, `A='x'`",
        "A=\"x\"\nB='y z'\n" => [("A", "\"x\""), ("B", "'y z'")];
    the_first_equals_sign_splits: "2.3: `A=b=c`",
        "A=b=c\nB==\n" => [("A", "b=c"), ("B", "=")];
    an_empty_value_is_one: "2.3: `A=`",
        "A=\nB= \n" => [("A", ""), ("B", "")];
    the_word_export_is_dropped: "0: `export A=1` is `A`",
        "export A=1\nexport  B = 2\nexported=3\n" => [("A", "1"), ("B", "2"), ("exported", "3")];
    a_hash_in_a_value_is_part_of_it: "2.3: `A=a # b`",
        "A=a # b\n" => [("A", "a # b")];
    values_are_literal: "2.3: `A=$B ${HOME}`, `A=a\\nb`",
        "A=$B ${HOME} $(id) `id`\nB=a\\nb\\\\\n" => [("A", "$B ${HOME} $(id) `id`"), ("B", "a\\nb\\\\")];
    a_line_ends_at_its_end: "2.3: trailing `\\`, quoted newline: no continuation",
        "A=1\\\nB=2\nC=\"x\ny\"\n" => [("A", "1\\"), ("B", "2"), ("C", "\"x")];
    two_slashes_are_no_comment: "2.3: `//x=1`",
        "//x=1\n" => [("//x", "1")];
    a_comma_is_part_of_the_value: "2.3: `A=a,b=c` kept whole",
        "A=a,b=c\n" => [("A", "a,b=c")];
    windows_line_ends_are_removed: "2.3: CRLF",
        "A=1\r\nB=2 \r\n" => [("A", "1"), ("B", "2")];
    a_byte_order_mark_is_dropped: "0: a BOM is dropped",
        "\u{feff}A=1\n" => [("A", "1")];
    the_last_of_equal_names_wins_and_is_alone: "0, 2.4: no duplicates",
        "A=1\nB=x\nA=2\n" => [("A", "2"), ("B", "x")];
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
        expect: &[Expect::Said(&["70000 1"])],
    }
    the_file_stays_in_the_source {
        row: "2.3: the file stays in `src`; assemble sees the variables",
        source: &[Item::File(".s2i/environment", "A=b c\n")],
        build: Build { assemble: "cat /tmp/src/.s2i/environment; echo \"$A\"", ..BUILD },
        expect: &[Expect::Said(&["A=b c", "b c"])],
    }
    a_folder_in_its_place_is_not_passed_over {
        row: "2.3: a directory instead of a file (an error, not silence)",
        source: &[Item::Folder(".s2i"), Item::Folder(".s2i/environment")],
        status: 2,
        expect: &[Expect::Says(".s2i/environment"), Expect::Says("hint: ")],
    }
    options_win_over_the_file_of_options_which_wins_over_the_source {
        row: "0: `.s2i/environment` < `-E` < `-e`, wherever they stand; last wins; no duplicates",
        source: FILES,
        build: Build {
            options: &["-e", "C=first", "-e", "C=last", "-e", "E=typed", "-E", "vars"],
            assemble: "echo $A $B $C $D $E",
            ..BUILD
        },
        expect: &[
            Expect::Said(&["source file last file typed"]),
            Expect::Env(&[("A", "source"), ("B", "file"), ("C", "last"), ("D", "file"), ("E", "typed")]),
        ],
    }
    an_overridden_variable_of_the_builder_is_there_once {
        row: "2.4: an overridden builder variable (also `PATH`) disappears from its old place",
        builder: Shape { name: "variables", changes: &["ENV OWN=builder OTHER=builder"], ..PROBE },
        build: Build {
            options: &["-e", "OWN=mine", "-e", "PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            assemble: "echo $OWN $OTHER $PATH",
            ..BUILD
        },
        expect: &[
            Expect::Said(&["mine builder /opt/bin:/usr/sbin:/usr/bin:/sbin:/bin"]),
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
        expect: &[Expect::Says("error: ")],
    }
    an_option_without_a_value_here_is_refused {
        row: "2.4: `-e NOEQ`: usage error where this machine has no such variable",
        build: Build { options: &["-e", "MINIS2I_NONE_SUCH"], ..BUILD },
        status: 2,
        expect: &[Expect::Says("MINIS2I_NONE_SUCH")],
    }
    a_missing_file_of_variables_is_an_error {
        row: "0: a missing `-E` file is an error",
        build: Build { options: &["-E", "none-such"], ..BUILD },
        status: 2,
        expect: &[Expect::Says("none-such"), Expect::Says("hint: ")],
    }
    the_file_of_options_is_read_as_that_of_the_source {
        row: "2.4: `-E`: trims, comments, quotes literal, the last wins",
        source: &[Item::File("../vars", "# x=1\n  # y=1\nA = 1 \nB='q'\nA=2\nNOTHING\n")],
        build: Build { options: &["-E", "vars"], ..BUILD },
        expect: &[Expect::Env(&[("A", "2"), ("B", "'q'")])],
    }
    save_artifacts_has_the_variables_of_its_image {
        row: "2.4: `-e S=new` while the old image has `S=old`: it saw `old`",
        before: &[Build { options: &["-e", "S=old"], save: "echo \"saved with $S\" >&2", ..BUILD }],
        build: Build { options: &["-e", "S=new"], ..BUILD },
        expect: &[Expect::Says("saved with old\n"), Expect::Env(&[("S", "new")])],
    }
    a_variable_that_is_not_given_again_is_gone {
        row: "2.4: each build starts from the builder",
        before: &[Build { options: &["-e", "ONCE=1"], ..BUILD }],
        expect: &[Expect::Env(&[])],
    }
}
