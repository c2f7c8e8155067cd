//! Which files and layers the image has beside what `assemble` made.

use crate::build::{BUILD, Build};
use crate::builder_image::{BUILDER, BuilderImage};
use crate::expectation::Expect;
use crate::source_item::Item;

cases! {
    the_source_is_not_in_the_image {
        row: "0: what is left of `DEST/src` is removed before the commit",
        source: &[Item::File("a", "from the source"), Item::File("locked/b", ""), Item::Mode("locked", 0o555)],
        build: Build { assemble: "cp /tmp/src/a /app/out", ..BUILD },
        expect: &[
            Expect::Tree("/tmp", &["d 1777 0:0 ."]),
            Expect::Tree("/app", &["d 755 0:0 .", "f 644 0:0 out = from the source"]),
            Expect::ImagePrints("from the source"),
            Expect::AddedLayers(1),
        ],
    }
    the_source_can_be_kept {
        row: "0, 2.9: `--keep-source`: as assemble left it, with `.s2i/environment`",
        source: &[Item::File("a", "x"), Item::File("b", "y"), Item::File(".s2i/environment", "A=1\n")],
        build: Build { options: &["--keep-source"], assemble: "rm /tmp/src/b; echo made >/tmp/src/c", ..BUILD },
        expect: &[Expect::Tree("/tmp/src", &[
            "d 755 0:0 .",
            "d 755 0:0 .s2i",
            "f 644 0:0 .s2i/environment = A=1\\n",
            "f 644 0:0 a = x",
            "f 644 0:0 c = made\\n",
        ])],
    }
    a_source_that_the_image_works_in_is_kept {
        row: "0: unless WORKDIR lies in it",
        builder: BuilderImage { name: "works-in-source", changes: &["WORKDIR /tmp/src/app"], ..BUILDER },
        source: &[Item::File("app/a", "x")],
        expect: &[Expect::TreeHas("/tmp/src", "f 644 0:0 app/a = x"), Expect::Inherited(&["WorkingDir"])],
    }
    assemble_may_move_and_remove_the_source {
        row: "0: `assemble` may move, change and remove it and the folder itself",
        source: &[Item::File("a", "x"), Item::File(".hidden", "y"), Item::File("d/b", "z")],
        build: Build { assemble: "mv /tmp/src/* /tmp/src/.h* /app/; rmdir /tmp/src", ..BUILD },
        expect: &[
            Expect::Tree("/app", &[
                "d 755 0:0 .",
                "f 644 0:0 .hidden = y",
                "f 644 0:0 a = x",
                "d 755 0:0 d",
                "f 644 0:0 d/b = z",
            ]),
            Expect::NoPath("/tmp/src"),
        ],
    }
    a_volume_over_the_destination_keeps_the_source_out {
        row: "2.15: `VOLUME /tmp` works; an external `run` is missing, which is said",
        builder: BuilderImage { name: "volume-tmp", changes: &["VOLUME /tmp"], ..BUILDER },
        source: &[Item::File("a", "from the source"), Item::File(".s2i/bin/run", "#!/bin/sh\n")],
        build: Build { assemble: "cp /tmp/src/a /app/out", ..BUILD },
        expect: &[
            Expect::InStderr("note: `/tmp/scripts/run` does not get into the image"),
            Expect::NoPath("/tmp/src"),
            Expect::NoPath("/tmp/scripts"),
            Expect::TreeHas("/app", "f 644 0:0 out = from the source"),
            Expect::Inherited(&["Volumes"]),
        ],
    }
    a_volume_over_the_result_is_warned_of {
        row: "2.15: `VOLUME` over the output directory: the loss is not silent",
        builder: BuilderImage { name: "volume-app", changes: &["VOLUME /app"], ..BUILDER },
        build: Build { assemble: "echo lost >/app/out", ..BUILD },
        expect: &[
            Expect::InStderr("warning: what `assemble` leaves in /app does not get into the image"),
            Expect::NoPath("/app/out"),
        ],
    }
    a_builder_without_tar_works {
        row: "0, 2.13: image without tar: works, artifacts and modes included, source stored once",
        builder: BuilderImage {
            name: "no-tar",
            base: "rm -f $(command -v tar)",
            user: Some(("1234", 1234, 0)),
            files: &[("app/kept", 0o644, "kept\n")],
            ..BUILDER
        },
        source: &[Item::File("a", "x"), Item::Mode("a", 0o640)],
        before: &[Build { assemble: "mkdir /tmp/artifacts", save: "cp /app/kept /tmp/artifacts/", ..BUILD }],
        build: Build {
            assemble: "cat /tmp/artifacts/kept; stat -c '%a %u:%g' /tmp/src/a /tmp/artifacts/kept",
            ..BUILD
        },
        expect: &[
            Expect::AssemblePrints(&["kept", "640 1234:0", "644 1234:0"]),
            Expect::NoPath("/tmp/src"),
            Expect::Label("io.openshift.s2i.build.image", "docker.io/library/{builder}:latest"),
        ],
    }
    output_comes_as_it_is_and_in_order {
        row: "0, 1: bytes as they are, both streams in the order they come, whole lines",
        build: Build { assemble: "echo '  a  '; echo b >&2; printf 'c\\td \\r\\n'; echo e >&2; printf f", ..BUILD },
        expect: &[Expect::InStderr("--- said\n  a  \nb\nc\td \r\ne\nf--- end\n")],
    }
    a_process_that_assemble_leaves_behind_does_not_hold_up_the_build {
        row: "2.12: a background process that holds the output is not waited for, and is not in the image",
        build: Build { assemble: "sleep 1000 & echo started >/app/out", ..BUILD },
        expect: &[Expect::AssemblePrints(&[]), Expect::TreeHas("/app", "f 644 0:0 out = started\\n")],
    }
    a_second_image_gets_the_artifacts_and_nothing_else {
        row: "3: `--runtime-image`, `-a`: artifacts go into another image, whose configuration counts",
        builder: BuilderImage {
            name: "second",
            files: &[("usr/libexec/s2i/assemble-runtime", 0o755, "#!/bin/sh\nls /app\n")],
            ..BUILDER
        },
        build: Build {
            options: &["--runtime-image", "{builder}", "-a", "/opt/made:/app"],
            assemble: "mkdir -p /opt/made; echo carried >/opt/made/out",
            ..BUILD
        },
        expect: &[
            Expect::NotInStderr("warning:"),
            Expect::Tree("/app", &["d 755 0:0 .", "d 755 0:0 made", "f 644 0:0 made/out = carried\\n"]),
            Expect::NoPath("/opt/made"),
            Expect::NoPath("/tmp/src"),
        ],
    }
}
