//! Which scripts run, and where they come from.

use crate::build::{BUILD, Build};
use crate::builder_image::{BUILDER, BuilderImage};
use crate::expectation::Expect;
use crate::source_item::Item;

const WITH_OTHER_FOLDER: BuilderImage = BuilderImage {
    name: "elsewhere",
    scripts: "opt/s2i",
    label: "LABEL io.openshift.s2i.scripts-url=image:///opt/s2i",
    ..BUILDER
};

/// A builder without scripts, at its label or elsewhere.
const WITHOUT_SCRIPTS: BuilderImage = BuilderImage { name: "without", scripts: "", ..BUILDER };

const WITHOUT_LABEL: BuilderImage = BuilderImage { name: "unlabelled", label: "", ..BUILDER };

/// A script that prints this name and its path.
macro_rules! script_named {
    ($name:literal) => {
        concat!("#!/bin/sh\necho ", $name, " is $0\n")
    };
}

cases! {
    the_label_names_the_folder {
        row: "2.1: `io.openshift.s2i.scripts-url`",
        builder: WITH_OTHER_FOLDER,
        build: Build { assemble: "echo $0", ..BUILD },
        expect: &[
            Expect::AssemblePrints(&["/opt/s2i/assemble"]),
            Expect::Config("Cmd", r#"["/opt/s2i/run"]"#),
            Expect::NotInStderr("note:"),
        ],
    }
    a_slash_at_the_end_does_not_double {
        row: "0, 2.10: `image:///x/` gives no double slash in Cmd",
        builder: BuilderImage {
            name: "slash",
            label: "LABEL io.openshift.s2i.scripts-url=image:///opt/s2i/",
            ..WITH_OTHER_FOLDER
        },
        expect: &[Expect::Config("Cmd", r#"["/opt/s2i/run"]"#)],
    }
    the_legacy_label_counts {
        row: "2.1: `io.s2i.scripts-url`",
        builder: BuilderImage {
            name: "legacy-label",
            label: "LABEL io.s2i.scripts-url=image:///opt/s2i",
            ..WITH_OTHER_FOLDER
        },
        expect: &[Expect::Config("Cmd", r#"["/opt/s2i/run"]"#)],
    }
    the_legacy_variable_counts {
        row: "2.1: `STI_SCRIPTS_URL`",
        builder: BuilderImage {
            name: "legacy-variable",
            label: "ENV STI_SCRIPTS_URL=image:///opt/s2i",
            ..WITH_OTHER_FOLDER
        },
        expect: &[Expect::Config("Cmd", r#"["/opt/s2i/run"]"#)],
    }
    the_current_label_wins_over_the_legacy_forms {
        row: "2.1: current > legacy label > variable",
        builder: BuilderImage {
            name: "all-labels",
            changes: &["LABEL io.s2i.scripts-url=image:///none", "ENV STI_SCRIPTS_URL=image:///none/either"],
            ..WITH_OTHER_FOLDER
        },
        expect: &[Expect::Config("Cmd", r#"["/opt/s2i/run"]"#)],
    }
    the_legacy_label_wins_over_the_variable {
        row: "2.1: current > legacy label > variable",
        builder: BuilderImage {
            name: "legacy-labels",
            label: "LABEL io.s2i.scripts-url=image:///opt/s2i",
            changes: &["ENV STI_SCRIPTS_URL=image:///none"],
            ..WITH_OTHER_FOLDER
        },
        expect: &[Expect::Config("Cmd", r#"["/opt/s2i/run"]"#)],
    }
    a_relative_label_is_below_the_workdir {
        row: "2.1: `image://rel/path` is relative to WORKDIR",
        builder: BuilderImage {
            name: "relative",
            scripts: "app/own/s2i",
            label: "LABEL io.openshift.s2i.scripts-url=image://own/s2i",
            ..BUILDER
        },
        source: &[Item::File("a", "from the source")],
        build: Build { assemble: "cp /tmp/src/a /app/out", ..BUILD },
        expect: &[Expect::ImagePrints("from the source")],
    }
    a_label_without_slashes_is_an_error {
        row: "2.1: `image:/path` is no address; refused at once",
        builder: BuilderImage {
            name: "malformed",
            label: "LABEL io.openshift.s2i.scripts-url=image:/opt/s2i",
            ..WITH_OTHER_FOLDER
        },
        status: 125,
        expect: &[Expect::InStderr("error: "), Expect::InStderr("image:"), Expect::InStderr("hint: ")],
    }
    no_label_means_the_usual_folder_and_a_note {
        row: "0: no label at all: `/usr/libexec/s2i`, with a note",
        builder: WITHOUT_LABEL,
        build: Build { assemble: "echo $0", ..BUILD },
        expect: &[
            Expect::AssemblePrints(&["/usr/libexec/s2i/assemble"]),
            Expect::InStderr("note: the builder has no label `io.openshift.s2i.scripts-url`"),
        ],
    }
    no_label_means_the_other_usual_folder_then {
        row: "0: no label at all: then `/usr/local/s2i`, with a note",
        builder: BuilderImage { name: "unlabelled-local", scripts: "usr/local/s2i", ..WITHOUT_LABEL },
        expect: &[Expect::Config("Cmd", r#"["/usr/local/s2i/run"]"#), Expect::InStderr("note: ")],
    }
    no_label_and_no_scripts_is_an_error_with_its_cures {
        row: "0: nothing there: the error names the label and `-s`",
        builder: BuilderImage { name: "nothing", scripts: "", label: "", ..BUILDER },
        status: 125,
        expect: &[Expect::InStderr("`io.openshift.s2i.scripts-url`"), Expect::InStderr("`--scripts-url`")],
    }
    a_fallback_serves_a_builder_without_a_label {
        row: "2.1: `--image-scripts-url` (helps here)",
        builder: BuilderImage { name: "fallback", scripts: "srv/s2i", label: "", ..BUILDER },
        build: Build { options: &["--image-scripts-url", "image:///srv/s2i"], ..BUILD },
        expect: &[Expect::Config("Cmd", r#"["/srv/s2i/run"]"#), Expect::NotInStderr("note:")],
    }
    the_sources_scripts_win_over_the_label {
        row: "2.2: `.s2i/bin`, executable or not, from `<dest>/scripts`",
        source: &[
            Item::File(".s2i/bin/assemble", script_named!("mine")),
            Item::File(".s2i/bin/run", script_named!("run")),
        ],
        expect: &[
            Expect::InStderr("mine is /tmp/scripts/assemble\n"),
            Expect::Config("Cmd", r#"["/tmp/scripts/run"]"#),
            Expect::TreeHas("/tmp/scripts", "f 755 0:0 run = #!/bin/sh\\necho run is $0\\n"),
            Expect::ImagePrints("run is /tmp/scripts/run"),
        ],
    }
    one_script_of_the_source_leaves_the_others {
        row: "2.2: per script",
        source: &[Item::File(".s2i/bin/run", script_named!("mine"))],
        build: Build { assemble: "echo $0", ..BUILD },
        expect: &[
            Expect::AssemblePrints(&["/usr/libexec/s2i/assemble"]),
            Expect::Config("Cmd", r#"["/tmp/scripts/run"]"#),
            Expect::Tree("/tmp/scripts", &["d 755 0:0 .", "f 755 0:0 run = #!/bin/sh\\necho mine is $0\\n"]),
        ],
    }
    scripts_of_the_source_find_their_helpers {
        row: "2.2: `.s2i/bin` is not moved out of the source: `.s2i/bin/helper` is beside it there",
        source: &[
            Item::File(".s2i/bin/assemble", "#!/bin/sh\nls /tmp/src/.s2i/bin\n. /tmp/src/.s2i/bin/helper\n"),
            Item::File(".s2i/bin/helper", "echo helped\n"),
        ],
        expect: &[Expect::InStderr("assemble\nhelper\nhelped\n")],
    }
    the_old_folder_of_the_source_counts_behind_the_new_one {
        row: "2.2: then `.sti/bin`",
        source: &[
            Item::File(".sti/bin/assemble", script_named!("old")),
            Item::File(".sti/bin/run", script_named!("old-run")),
            Item::File(".s2i/bin/run", script_named!("new-run")),
        ],
        expect: &[
            Expect::InStderr("old is /tmp/scripts/assemble\n"),
            Expect::ImagePrints("new-run is /tmp/scripts/run"),
        ],
    }
    a_linked_script_of_the_source_is_its_content {
        row: "2.2: a symlinked `.s2i/bin/assemble` (no dangling link, no fallback)",
        source: &[
            Item::File("ci/build.sh", script_named!("linked")),
            Item::Link(".s2i/bin/assemble", "../../ci/build.sh"),
        ],
        build: Build { options: &["--keep-symlinks"], ..BUILD },
        expect: &[
            Expect::InStderr("linked is /tmp/scripts/assemble\n"),
            Expect::TreeHas("/tmp/scripts", "f 755 0:0 assemble = #!/bin/sh\\necho linked is $0\\n"),
        ],
    }
    a_folder_of_this_machine_wins_over_source_and_label {
        row: "2.2: 1. `--scripts-url` → 2. `.s2i/bin` → 3. label",
        source: &[
            Item::File("../mine/assemble", script_named!("asked")),
            Item::File(".s2i/bin/assemble", script_named!("source")),
            Item::File(".s2i/bin/run", script_named!("source-run")),
        ],
        build: Build { options: &["-s", "file://mine"], ..BUILD },
        expect: &[
            Expect::InStderr("asked is /tmp/scripts/assemble\n"),
            Expect::NotInStderr("source is"),
            Expect::ImagePrints("source-run is /tmp/scripts/run"),
        ],
    }
    a_folder_with_run_alone_leaves_assemble_to_the_image {
        row: "0, 2.2 (bug left out): `-s file://dir` with only `run` in it",
        source: &[Item::File("../mine/run", script_named!("asked"))],
        build: Build { options: &["-s", "file://mine"], assemble: "echo $0", ..BUILD },
        expect: &[
            Expect::AssemblePrints(&["/usr/libexec/s2i/assemble"]),
            Expect::Config("Cmd", r#"["/tmp/scripts/run"]"#),
        ],
    }
    a_folder_of_the_image_leaves_out_the_source {
        row: "2.2: with `-s image:///…`, `.s2i/bin` is ignored",
        builder: BuilderImage {
            name: "two-folders",
            files: &[("srv/s2i/assemble", 0o755, script_named!("asked"))],
            ..BUILDER
        },
        source: &[Item::File(".s2i/bin/assemble", script_named!("source"))],
        build: Build { options: &["-s", "image:///srv/s2i"], ..BUILD },
        expect: &[
            Expect::InStderr("asked is /srv/s2i/assemble\n"),
            Expect::InStderr("note: "),
            Expect::Config("Cmd", r#"["/usr/libexec/s2i/run"]"#),
            Expect::NoPath("/tmp/scripts"),
        ],
    }
    a_folder_without_scripts_is_refused {
        row: "2.2: `-s` that yields no script at all",
        source: &[Item::Folder("../mine"), Item::File(".s2i/bin/assemble", script_named!("source"))],
        build: Build { options: &["-s", "mine"], ..BUILD },
        status: 2,
        expect: &[Expect::InStderr("`--scripts-url` names a place without scripts"), Expect::InStderr("hint: ")],
    }
    an_address_with_an_unknown_scheme_is_refused {
        row: "2.1: `ftp://` or another scheme",
        build: Build { options: &["-s", "ftp://host.example/s2i"], ..BUILD },
        status: 2,
        expect: &[Expect::InStderr("`ftp://`"), Expect::InStderr("hint: ")],
    }
    the_sources_save_artifacts_is_used_at_once {
        row: "0, 2.2: save-artifacts of `.s2i/bin`, not one build late",
        source: &[Item::File("a", "")],
        before: &[Build { assemble: "echo kept >/app/kept", ..BUILD }],
        build: Build {
            change: &[Item::File(".s2i/bin/save-artifacts", "#!/bin/sh\nexec tar -C /app -cf - kept\n")],
            assemble: "cat /tmp/artifacts/kept",
            ..BUILD
        },
        expect: &[Expect::AssemblePrints(&["kept"]), Expect::NotInStderr("warning:")],
    }
    save_artifacts_of_an_asked_for_folder_is_used {
        row: "2.2: with `-s image:///x` save-artifacts is looked up there",
        builder: BuilderImage {
            name: "two-savers",
            files: &[("srv/s2i/save-artifacts", 0o755, "#!/bin/sh\nexec tar -C /app -cf - kept\n")],
            ..BUILDER
        },
        before: &[Build {
            options: &["-s", "image:///srv/s2i"],
            assemble: "echo kept >/app/kept",
            save: "echo wrong >&2",
            ..BUILD
        }],
        build: Build { options: &["-s", "image:///srv/s2i"], assemble: "cat /tmp/artifacts/kept", ..BUILD },
        expect: &[Expect::AssemblePrints(&["kept"]), Expect::NotInStderr("wrong")],
    }
    an_image_without_run_is_made_with_a_note {
        row: "2.2: missing `run`: said, not checked later",
        builder: WITHOUT_SCRIPTS,
        source: &[Item::File(".s2i/bin/assemble", script_named!("mine"))],
        expect: &[
            Expect::InStderr("note: `/usr/libexec/s2i/run` "),
            Expect::InStderr("the image will not start by itself"),
            Expect::Config("Cmd", r#"["/usr/libexec/s2i/run"]"#),
        ],
    }
    windows_line_ends_in_the_first_line_are_named {
        row: "2.2: a CRLF shebang",
        source: &[Item::File(".s2i/bin/assemble", "#!/bin/sh\r\necho x\r\n")],
        status: 2,
        expect: &[Expect::InStderr("cannot run the script `.s2i/bin/assemble`"), Expect::InStderr("line ends")],
    }
    a_script_runs_by_its_first_line_with_nothing_to_read {
        row: "1: no arguments, no terminal, stdin at its end, in WORKDIR",
        source: &[Item::File(
            ".s2i/bin/assemble",
            "#!/usr/bin/env -S FIRST=line sh\necho \"$FIRST in $PWD, $# arguments\"\nwc -c\n[ -t 0 ] || echo none\n",
        )],
        expect: &[Expect::InStderr("line in /app, 0 arguments\n0\nnone\n")],
    }
}
