//! Variables, secrets and files for `assemble` alone, which are nowhere in the image.

use crate::build::{BUILD, Build};
use crate::builder_image::{BUILDER, BuilderImage, NUMERIC_USER};
use crate::expectation::Expect;
use crate::source_item::Item;

const WORD: &str = "xyzzy-4711-plugh";

cases! {
    a_build_variable_is_nowhere_in_the_image {
        row: "0: `--build-env` is for assemble only; neither config, history nor layers",
        source: &[Item::File("a", "")],
        build: Build {
            options: &["--build-env", "TOKEN=xyzzy-4711-plugh", "-e", "PLAIN=1"],
            assemble: "echo ${#TOKEN} $PLAIN",
            ..BUILD
        },
        expect: &[Expect::AssemblePrints(&["16 1"]), Expect::Env(&[("PLAIN", "1")]), Expect::NoBytes(WORD)],
    }
    a_secret_is_nowhere_in_the_image {
        row: "0: `--secret` is a file in memory for assemble only",
        builder: NUMERIC_USER,
        source: &[Item::File("../token", WORD)],
        build: Build {
            options: &["--secret", "id=token,src=token"],
            assemble: "wc -c </run/secrets/token; stat -c %u /run/secrets/token; ls /run/secrets",
            ..BUILD
        },
        expect: &[Expect::AssemblePrints(&["16", "1234", "token"]), Expect::Env(&[]), Expect::NoBytes(WORD)],
    }
    a_secret_is_not_there_for_save_artifacts {
        row: "0: for assemble only: not for save-artifacts, not for the next build",
        source: &[Item::File("../token", WORD)],
        before: &[Build {
            options: &["--secret", "id=token,src=token", "--build-env", "TOKEN=x"],
            save: "ls /run/secrets >&2; echo \"saved with .$TOKEN.\" >&2",
            ..BUILD
        }],
        build: Build { options: &["--secret", "id=token,src=token", "--build-env", "TOKEN=x"], ..BUILD },
        expect: &[Expect::InStderr("saved with ..\n"), Expect::NotInStderr("token\n")],
    }
    injected_files_are_nowhere_in_the_image {
        row: "0, 2.9 (bug left out): `--inject` leaves nothing of it in any layer, no empty files either",
        source: &[Item::File("../secrets/plain", WORD), Item::File("../secrets/deep/er", WORD)],
        build: Build {
            options: &["--inject", "secrets:/etc/mine"],
            assemble: "cd /etc/mine; cat plain deep/er | wc -c; cat plain >/tmp/src/copy",
            ..BUILD
        },
        expect: &[
            Expect::AssemblePrints(&["32"]),
            Expect::NoPath("/etc/mine"),
            Expect::NoPath("/tmp/rm-injections"),
            Expect::Tree("/tmp", &["d 1777 0:0 ."]),
            Expect::NoBytes(WORD),
        ],
    }
    what_assemble_copies_of_it_is_somewhere {
        row: "0: what assemble itself copies elsewhere stays; the control for those above",
        source: &[Item::File("../secrets/plain", WORD)],
        build: Build { options: &["--inject", "secrets:/etc/mine"], assemble: "cp /etc/mine/plain /app/", ..BUILD },
        expect: &[Expect::HasBytes(WORD), Expect::NoPath("/etc/mine")],
    }
    what_was_there_before_an_injection_comes_back {
        row: "0: `--inject` over the builder's own files",
        builder: BuilderImage { name: "injected", files: &[("app/conf/plain", 0o640, "own")], ..BUILDER },
        source: &[Item::File("../secrets/plain", WORD)],
        build: Build {
            options: &["--inject", "secrets:conf"],
            assemble: "wc -c </app/conf/plain; echo made >/app/conf/made",
            ..BUILD
        },
        expect: &[
            Expect::AssemblePrints(&["16"]),
            Expect::Tree("/app", &[
                "d 755 0:0 .",
                "d 755 0:0 conf",
                "f 644 0:0 conf/made = made\\n",
                "f 640 0:0 conf/plain = own",
            ]),
            Expect::NoBytes(WORD),
        ],
    }
    a_failed_build_with_secrets_leaves_no_image {
        row: "2.12: a failure with `--secret` and `--inject`",
        source: &[Item::File("../secrets/token", WORD)],
        before: &[BUILD],
        build: Build {
            options: &["--secret", "id=t,src=secrets/token", "-i", "secrets:/opt"],
            assemble: "exit 5",
            ..BUILD
        },
        status: 5,
        expect: &[Expect::NotInStderr(WORD)],
    }
    volumes_and_networks_are_for_both_containers {
        row: "2.16, 3: save-artifacts and assemble get the same `-v`, `--network`, `--add-host`, `--cap-drop`",
        source: &[Item::File("../cache/note", "noted\n"), Item::File("a", "")],
        before: &[Build {
            options: &["-v", "./cache:/cache", "--network", "none", "--add-host", "far:10.1.2.3"],
            save: "cat /cache/note >&2; grep far /etc/hosts >&2",
            ..BUILD
        }],
        build: Build {
            options: &["-v", "./cache:/cache", "--network", "none", "--add-host", "far:10.1.2.3"],
            assemble: "cat /cache/note; grep far /etc/hosts",
            ..BUILD
        },
        expect: &[
            Expect::AssemblePrints(&["noted", "10.1.2.3\tfar"]),
            Expect::InStderrTimes("noted\n", 2),
            Expect::InStderrTimes("10.1.2.3\tfar\n", 2),
            Expect::Tree("/cache", &["d 755 0:0 ."]),
        ],
    }
}
