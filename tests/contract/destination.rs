//! Where the source goes.

use crate::build::{BUILD, Build};
use crate::builder_image::{BUILDER, BuilderImage, NUMERIC_USER};
use crate::expectation::Expect;
use crate::source_item::Item;

const PRINT_DESTINATION: &str = "cd ${D:-/tmp}; ls; cat src/a; ls -d /tmp/src 2>/dev/null || true";

const SOURCE: &[Item] = &[Item::File("a", "source\n"), Item::File(".s2i/bin/run", "#!/bin/sh\necho ran\n")];

/// A builder with a folder that is meant for the source.
const WITH_DESTINATION: BuilderImage = BuilderImage { name: "roomy", files: &[("opt/in/keep", 0o644, "")], ..BUILDER };

/// The source and the scripts were put below `/opt/in`, and nowhere else.
const IN_DESTINATION: &[Expect] = &[
    Expect::AssemblePrints(&["keep", "scripts", "src", "source"]),
    Expect::Config("Cmd", r#"["/opt/in/scripts/run"]"#),
    Expect::NoPath("/opt/in/src"),
    Expect::NoPath("/tmp/scripts"),
];

cases! {
    the_label_names_the_destination {
        row: "2.1: `io.openshift.s2i.destination`",
        builder: BuilderImage {
            name: "label-place",
            changes: &["LABEL io.openshift.s2i.destination=/opt/in"],
            ..WITH_DESTINATION
        },
        source: SOURCE,
        build: Build { options: &["-e", "D=/opt/in"], assemble: PRINT_DESTINATION, ..BUILD },
        expect: IN_DESTINATION,
    }
    the_legacy_label_names_the_destination {
        row: "2.1: `io.s2i.destination`",
        builder: BuilderImage {
            name: "old-place",
            changes: &["LABEL io.s2i.destination=/opt/in/"],
            ..WITH_DESTINATION
        },
        source: SOURCE,
        build: Build { options: &["-e", "D=/opt/in"], assemble: PRINT_DESTINATION, ..BUILD },
        expect: IN_DESTINATION,
    }
    the_legacy_variable_names_the_destination {
        row: "2.1: `STI_LOCATION`, behind the labels",
        builder: BuilderImage { name: "older-place", changes: &["ENV STI_LOCATION=/opt/in"], ..WITH_DESTINATION },
        source: SOURCE,
        build: Build { options: &["-e", "D=/opt/in"], assemble: PRINT_DESTINATION, ..BUILD },
        expect: IN_DESTINATION,
    }
    the_option_wins_over_label_and_variable {
        row: "2.1: flags win over labels",
        builder: BuilderImage {
            name: "other-place",
            changes: &["LABEL io.openshift.s2i.destination=/none", "ENV STI_LOCATION=/none"],
            ..WITH_DESTINATION
        },
        source: SOURCE,
        build: Build { options: &["-d", "/opt/in", "-e", "D=/opt/in"], assemble: PRINT_DESTINATION, ..BUILD },
        expect: IN_DESTINATION,
    }
    a_relative_destination_is_below_the_workdir {
        row: "2.5: relative `D` works against WORKDIR",
        builder: BuilderImage { name: "room-inside", files: &[("app/in/keep", 0o644, "")], ..BUILDER },
        source: SOURCE,
        build: Build { options: &["-d", "in", "-e", "D=/app/in"], assemble: PRINT_DESTINATION, ..BUILD },
        expect: &[
            Expect::AssemblePrints(&["keep", "scripts", "src", "source"]),
            Expect::Config("Cmd", r#"["/app/in/scripts/run"]"#),
            Expect::ImagePrints("ran"),
        ],
    }
    a_destination_is_no_shell_text {
        row: "2.5 (bug left out): `D` is pasted unquoted into the shell line",
        builder: BuilderImage { name: "odd-room", files: &[("opt/a $(x) 'b'/keep", 0o644, "")], ..BUILDER },
        source: &[Item::File("a", "source\n")],
        build: Build { options: &["-d", "/opt/a $(x) 'b'"], assemble: "cat /opt/a*/src/a", ..BUILD },
        expect: &[Expect::AssemblePrints(&["source"]), Expect::Tree("/opt", &[
            "d 755 0:0 .", "d 755 0:0 a $(x) 'b'", "f 644 0:0 a $(x) 'b'/keep = ",
        ])],
    }
    a_destination_that_is_not_there_is_refused {
        row: "2.5: the directory must exist",
        source: SOURCE,
        build: Build { options: &["-d", "/none"], ..BUILD },
        status: 125,
        expect: &[Expect::InStderr("has no folder `/none`"), Expect::InStderr("hint: ")],
    }
    a_destination_of_another_user_is_refused {
        row: "2.5: and be writable by the user",
        builder: BuilderImage { name: "locked-room", files: &[("opt/in/keep", 0o644, "")], ..NUMERIC_USER },
        source: SOURCE,
        build: Build { options: &["-d", "/opt/in"], ..BUILD },
        status: 125,
        expect: &[Expect::InStderr("may not write to `/opt/in`"), Expect::InStderr("hint: ")],
    }
    content_of_the_builder_is_merged_and_stays {
        row: "2.5: content baked in below `D` is merged with; 0: and kept",
        builder: BuilderImage {
            name: "baked",
            files: &[("tmp/src/old", 0o644, "old"), ("tmp/src/same", 0o600, "old"), ("tmp/src/d/old", 0o644, "")],
            ..BUILDER
        },
        source: &[Item::File("same", "new"), Item::File("d/new", "new")],
        expect: &[Expect::Tree("/tmp/src", &[
            "d 755 0:0 .",
            "d 755 0:0 d",
            "f 644 0:0 d/new = new",
            "f 644 0:0 d/old = ",
            "f 644 0:0 old = old",
            "f 644 0:0 same = new",
        ])],
    }
    content_of_root_below_the_destination_does_not_stop_another_user {
        row: "2.5 (bug left out): non-root USER and root's folders in `D`",
        builder: BuilderImage {
            name: "baked-by-root",
            files: &[("tmp/src/old", 0o644, "old"), ("tmp/scripts/old", 0o644, "old")],
            ..NUMERIC_USER
        },
        source: &[Item::File("new", "new"), Item::File(".s2i/bin/run", "#!/bin/sh\necho ran\n")],
        expect: &[
            Expect::TreeHas("/tmp/src", "f 644 0:0 old = old"),
            Expect::TreeHas("/tmp/src", "f 644 1234:0 new = new"),
            Expect::ImagePrints("ran"),
        ],
    }
    artifacts_go_below_the_destination_too {
        row: "2.5: `D/artifacts`, also where the option named it before",
        builder: WITH_DESTINATION,
        before: &[Build {
            options: &["-d", "/opt/in"],
            assemble: "echo kept >/app/kept",
            save: "tar -C /app -cf - kept",
            ..BUILD
        }],
        build: Build { options: &["-d", "/opt/in"], assemble: "cat /opt/in/artifacts/kept", ..BUILD },
        expect: &[Expect::AssemblePrints(&["kept"]), Expect::NoPath("/tmp/artifacts")],
    }
    the_destination_may_be_the_root {
        row: "2.5: `D` of `/`",
        source: &[Item::File("a", "source\n"), Item::File(".s2i/bin/run", "#!/bin/sh\necho ran\n")],
        before: &[Build { options: &["-d", "/"], save: "tar -C /etc -cf - passwd", ..BUILD }],
        build: Build { options: &["-d", "/"], assemble: "cat /src/a; ls /artifacts", ..BUILD },
        expect: &[
            Expect::AssemblePrints(&["source", "passwd"]),
            Expect::Config("Cmd", r#"["/scripts/run"]"#),
            Expect::NoPath("/src"),
            Expect::ImagePrints("ran"),
        ],
    }
    a_temporary_folder_that_is_shut_is_refused {
        row: "2.5: `/tmp` at 0755 with a non-root USER",
        builder: BuilderImage { name: "shut-tmp", base: "chmod 755 /tmp", ..NUMERIC_USER },
        source: SOURCE,
        status: 125,
        expect: &[Expect::InStderr("may not write to `/tmp`"), Expect::InStderr("`--destination DIR`")],
    }
    no_temporary_folder_is_refused {
        row: "2.5: no `/tmp`",
        builder: BuilderImage { name: "no-tmp", base: "rm -rf /tmp", ..BUILDER },
        source: SOURCE,
        status: 125,
        expect: &[Expect::InStderr("has no folder `/tmp`"), Expect::InStderr("`--destination DIR`")],
    }
}
