//! Builds that fail: the exit status, the message, and that the tag stays where it was.

use crate::build::{BUILD, Build};
use crate::builder_image::{BUILDER, BuilderImage, NUMERIC_USER};
use crate::expectation::Expect;
use crate::source_item::Item;

/// A case of an `assemble` that ends with this status, after a build that succeeded.
macro_rules! failing {
    ($($name:ident: $row:literal, $assemble:literal => $status:literal;)*) => {
        cases! {
            $($name {
                row: $row,
                before: &[BUILD],
                build: Build { assemble: $assemble, ..BUILD },
                status: $status,
                expect: &[Expect::InStderr("minis2i: build failed:"), Expect::InStderrTimes("--- said\n", 1)],
            })*
        }
    };
}

failing! {
    a_status_of_one_is_passed_on: "0, 2.12: assemble exits 1", "exit 1" => 1;
    a_status_of_three_is_passed_on: "0, 2.12: assemble exits 3", "exit 3" => 3;
    a_command_not_found_is_passed_on: "0, 2.12: assemble exits 127", "/none/such" => 127;
    a_status_of_a_kill_is_passed_on: "0, 2.12: assemble exits 137", "kill -9 $$" => 137;
    the_largest_status_is_passed_on: "0, 2.12: assemble exits 255", "exit 255" => 255;
    words_about_tar_are_only_words: "0, 2.12: fails with `tar.*not found` in its words: it failed, once",
        "echo 'make: target tar not found' >&2; echo 'tar: not found' >&2; exit 4" => 4;
}

/// A builder with this `assemble`.
macro_rules! assemble {
    ($name:literal, $mode:literal, $text:literal) => {
        BuilderImage { name: $name, scripts: "", files: &[("usr/libexec/s2i/assemble", $mode, $text)], ..BUILDER }
    };
}

cases! {
    words_about_tar_with_success_are_success {
        row: "2.12: the same text, but exit 0: harmless",
        build: Build { assemble: "echo 'tar: not found' >&2", ..BUILD },
        expect: &[Expect::InStderr("tar: not found\n"), Expect::InStderrTimes("--- said\n", 1)],
    }
    an_assemble_that_is_missing_is_an_error {
        row: "2.12: assemble missing",
        builder: BuilderImage { name: "no-assemble", scripts: "", ..BUILDER },
        status: 125,
        expect: &[Expect::InStderr("`assemble` is missing in the builder"), Expect::InStderr("/usr/libexec/s2i")],
    }
    an_assemble_that_is_not_executable_is_an_error {
        row: "2.12: not executable",
        builder: assemble!("shut-assemble", 0o644, "#!/bin/sh\n"),
        status: 125,
        expect: &[Expect::InStderr("cannot run `/usr/libexec/s2i/assemble`"), Expect::InStderr("hint: ")],
    }
    an_assemble_with_a_bad_first_line_is_an_error {
        row: "2.12: bad shebang",
        builder: assemble!("odd-assemble", 0o755, "#!/none/sh\n"),
        status: 125,
        expect: &[Expect::InStderr("cannot run `/usr/libexec/s2i/assemble`"), Expect::InStderr("`/none/sh`")],
    }
    an_assemble_with_windows_line_ends_is_an_error {
        row: "2.2, 2.12: CRLF shebang",
        builder: assemble!("windows-assemble", 0o755, "#!/bin/sh\r\n"),
        status: 125,
        expect: &[Expect::InStderr("cannot run `/usr/libexec/s2i/assemble`"), Expect::InStderr("Unix line ends")],
    }
    a_builder_that_is_not_there_is_an_error {
        row: "0, 2.12: builder missing, `never`: no registry is asked; the error says how to get it",
        build: Build { typed_builder: "minis2i-none-such", ..BUILD },
        status: 125,
        expect: &[Expect::InStderr("there is no builder image `minis2i-none-such`"), Expect::InStderr("docker pull")],
    }
    onbuild_triggers_are_refused_with_the_cure {
        row: "0, 2.14: ONBUILD triggers",
        builder: BuilderImage { name: "onbuild", dockerfile: "ONBUILD RUN false", ..BUILDER },
        status: 125,
        expect: &[Expect::InStderr("ONBUILD"), Expect::InStderr("docker build")],
    }
    a_source_that_is_not_there_is_an_error {
        row: "2.12, 2.17: source missing; nothing is created",
        build: Build { typed_source: "none-such", ..BUILD },
        status: 2,
        expect: &[Expect::InStderr("`none-such`")],
    }
    a_source_that_is_a_file_is_an_error {
        row: "2.12: source a file",
        source: &[Item::File("a", "x")],
        build: Build { typed_source: "source/a", ..BUILD },
        status: 2,
        expect: &[Expect::InStderr("source/a")],
    }
    a_source_with_a_colon_is_a_folder {
        row: "2.12: source `name:with-colon`; `./a:b` works",
        source: &[Item::File("../a:b/file", "x\n")],
        build: Build { typed_source: "./a:b", assemble: "cat /tmp/src/file", ..BUILD },
        expect: &[Expect::AssemblePrints(&["x"])],
    }
    a_tag_that_is_none_is_an_error {
        row: "2.12: tag invalid or upper case: not exit 0",
        build: Build { tag: ":UPPER/case", ..BUILD },
        status: 2,
        expect: &[Expect::InStderr("error: "), Expect::NotInStderr("--- said")],
    }
    a_tag_with_a_digest_is_an_error_before_the_build {
        row: "2.12: tag with digest: not after the whole build",
        build: Build {
            tag: "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            ..BUILD
        },
        status: 2,
        expect: &[Expect::InStderr("error: "), Expect::NotInStderr("--- said")],
    }
    an_argument_too_many_is_an_error {
        row: "2.12: fourth argument: not ignored",
        build: Build { options: &["extra"], ..BUILD },
        status: 2,
        expect: &[Expect::NotInStderr("--- said")],
    }
    an_unknown_option_is_an_error {
        row: "2.12: unknown flag",
        build: Build { options: &["--none-such"], ..BUILD },
        status: 2,
        expect: &[Expect::InStderr("--none-such"), Expect::NotInStderr("--- said")],
    }
    incremental_and_a_runtime_image_do_not_go_together {
        row: "2.12: `--incremental` + `--runtime-image`: not exit 0",
        build: Build { options: &["--incremental", "--runtime-image", "{builder}"], ..BUILD },
        status: 2,
        expect: &[Expect::InStderr("--runtime-image"), Expect::NotInStderr("--- said")],
    }
    a_user_that_is_not_allowed_runs_nothing {
        row: "2.12: `--allowed-uids` violated",
        build: Build { options: &["-u", "1-"], ..BUILD },
        status: 125,
        expect: &[Expect::InStderr("error: "), Expect::InStderr("hint: "), Expect::NotInStderr("--- said")],
    }
    an_allowed_user_runs {
        row: "3: `-u 1-`",
        builder: NUMERIC_USER,
        build: Build { options: &["-u", "1-"], assemble: "echo ran", ..BUILD },
        expect: &[Expect::AssemblePrints(&["ran"])],
    }
}
