//! The configuration of the image, and its labels.

use crate::build::{BUILD, Build, SAVE_KEPT};
use crate::builder_image::{BUILDER, BuilderImage};
use crate::expectation::Expect;
use crate::source_item::Item;

const WITH_ALL_SETTINGS: BuilderImage = BuilderImage {
    name: "rich",
    user: Some(("1234:2000", 1234, 2000)),
    changes: &["EXPOSE 8080 9090/udp", "VOLUME /data", "LABEL own=label", r#"CMD ["usage"]"#],
    dockerfile: "HEALTHCHECK --interval=7s CMD [\"true\"]\nSTOPSIGNAL SIGQUIT\nSHELL [\"/bin/sh\", \"-ec\"]",
    ..BUILDER
};

/// An ENTRYPOINT that does not run what it is given.
macro_rules! bypassed {
    ($name:literal, $changes:expr, $dockerfile:literal) => {
        BuilderImage { name: $name, changes: $changes, dockerfile: $dockerfile, ..BUILDER }
    };
}

const BYPASSED: &[Expect] = &[
    Expect::AssemblePrints(&["source", "kept"]),
    Expect::Inherited(&["Entrypoint"]),
    Expect::Config("Cmd", r#"["/usr/libexec/s2i/run"]"#),
];

const PRINT_SOURCE_AND_ARTIFACTS: Build = Build { assemble: "cat /tmp/src/a /tmp/artifacts/file", ..BUILD };

cases! {
    the_builders_settings_are_kept {
        row: "2.10, 0: Entrypoint, User, WorkingDir, ExposedPorts, Volumes, Healthcheck, StopSignal, Shell",
        builder: WITH_ALL_SETTINGS,
        before: &[BUILD],
        expect: &[
            Expect::Inherited(&["Entrypoint", "User", "WorkingDir", "ExposedPorts", "Volumes"]),
            Expect::Inherited(&["Healthcheck", "StopSignal", "Shell", "OnBuild", "Tty", "OpenStdin"]),
            Expect::Config("Cmd", r#"["/usr/libexec/s2i/run"]"#),
            Expect::Label("own", "label"),
            Expect::Env(&[]),
        ],
    }
    a_builder_without_settings_gets_none {
        row: "2.10: Entrypoint `[]` or none, as the builder has it",
        expect: &[
            Expect::Inherited(&["Entrypoint", "User", "WorkingDir", "ExposedPorts", "Volumes", "Healthcheck"]),
            Expect::Inherited(&["StopSignal", "Shell", "OnBuild"]),
        ],
    }
    labels_say_what_the_image_was_made_of {
        row: "2.10: display-name, build.image, source-location; 0: ours and the OCI's",
        source: &[Item::File("a", "")],
        expect: &[
            Expect::Label("io.k8s.display-name", "{tag}"),
            Expect::Label("io.openshift.s2i.build.image", "docker.io/library/{builder}:latest"),
            Expect::Label("io.openshift.s2i.build.source-location", "{source}"),
            Expect::Label("org.opencontainers.image.base.name", "docker.io/library/{builder}:latest"),
            Expect::Label("org.opencontainers.image.base.digest", "{id}"),
            Expect::Label("io.github.minis2i.version", env!("CARGO_PKG_VERSION")),
            Expect::NoLabel("io.k8s.description"),
            Expect::NoLabel("io.openshift.s2i.build.source-context-dir"),
            Expect::NoLabel("io.openshift.s2i.build.commit.id"),
            Expect::NoLabel("org.opencontainers.image.revision"),
        ],
    }
    a_relative_source_stays_relative_in_the_label {
        row: "2.10: source as typed (relative stays relative)",
        build: Build { typed_source: "./source/", ..BUILD },
        expect: &[Expect::Label("io.openshift.s2i.build.source-location", "./source/")],
    }
    the_scheme_of_a_source_is_not_in_the_label {
        row: "2.10: `file://` stripped",
        source: &[Item::File("a", "x\n")],
        build: Build { typed_source: "file://{source}", assemble: "cat /tmp/src/a", ..BUILD },
        expect: &[
            Expect::AssemblePrints(&["x"]),
            Expect::Label("io.openshift.s2i.build.source-location", "{source}"),
        ],
    }
    the_image_is_called_what_people_want {
        row: "2.10: `-n`, `--description`",
        build: Build { options: &["-n", "my \"app\"", "--description", "costs $5, \\o/"], ..BUILD },
        expect: &[
            Expect::Label("io.k8s.display-name", "my \"app\""),
            Expect::Label("io.k8s.description", "costs $5, \\o/"),
        ],
    }
    a_builder_given_by_id_works {
        row: "0, 2.12: a builder given by id works",
        build: Build { typed_builder: "{id}", ..BUILD },
        expect: &[
            Expect::Label("io.openshift.s2i.build.image", "{id}"),
            Expect::Label("io.github.minis2i.builder", "{id}"),
        ],
    }
    labels_of_assemble_win {
        row: "2.10: builder labels, then generated, then metadata file: last wins",
        builder: WITH_ALL_SETTINGS,
        source: &[Item::File("labels", r#"{"labels":[{"a":"1"},{"own":"new","io.k8s.display-name":"mine $X"}]}"#)],
        build: Build { assemble: "mkdir /tmp/.s2i; cp /tmp/src/labels /tmp/.s2i/image_metadata.json", ..BUILD },
        expect: &[
            Expect::Label("a", "1"),
            Expect::Label("own", "new"),
            Expect::Label("io.k8s.display-name", "mine $X"),
        ],
    }
    labels_of_another_shape_are_an_error {
        row: "0, 2.10: malformed metadata: a clear error, no panic",
        source: &[Item::File("labels", r#"{"labels":[{"a":1}]}"#)],
        before: &[BUILD],
        build: Build { assemble: "mkdir /tmp/.s2i; cp /tmp/src/labels /tmp/.s2i/image_metadata.json", ..BUILD },
        status: 125,
        expect: &[
            Expect::InStderr("error: cannot use the labels that `assemble` left in "),
            Expect::InStderr("hint: "),
        ],
    }
    too_many_labels_are_an_error {
        row: "2.10: all labels together above 10,240 bytes",
        source: &[Item::Bytes("labels", || format!(r#"{{"labels":[{{"a":"{}"}}]}}"#, "x".repeat(10_240)).into())],
        build: Build { assemble: "mkdir /tmp/.s2i; cp /tmp/src/labels /tmp/.s2i/image_metadata.json", ..BUILD },
        status: 125,
        expect: &[Expect::InStderr("more than 10240")],
    }
    an_entrypoint_with_arguments_stays_in_force {
        row: "2.11, 0: `[\"/usr/bin/env\",\"W=1\"]`: visible in save-artifacts and assemble",
        builder: BuilderImage { name: "entry-env", changes: &[r#"ENTRYPOINT ["/usr/bin/env", "W=1"]"#], ..BUILDER },
        before: &[Build { save: "echo saved $W >&2", ..BUILD }],
        build: Build { assemble: "echo assembled $W", ..BUILD },
        expect: &[
            Expect::AssemblePrints(&["assembled 1"]),
            Expect::InStderr("saved 1\n"),
            Expect::NotInStderr("note:"),
            Expect::Inherited(&["Entrypoint"]),
        ],
    }
    an_entrypoint_that_ends_in_exec_stays_in_force {
        row: "2.11: a script ending in `exec \"$@\"` works and its exports are seen",
        builder: BuilderImage {
            name: "entry-exec",
            files: &[("entry", 0o755, "#!/bin/sh\nexport SEEN=yes\necho welcome\nexec \"$@\"\n")],
            changes: &[r#"ENTRYPOINT ["/entry"]"#],
            ..BUILDER
        },
        build: Build { assemble: "echo $SEEN", ..BUILD },
        expect: &[Expect::AssemblePrints(&["yes"]), Expect::InStderr("welcome\n"), Expect::Inherited(&["Entrypoint"])],
    }
    an_entrypoint_that_eats_its_arguments_is_bypassed {
        row: "0, 2.11 (bug left out): `[\"/bin/echo\"]`: no false success",
        builder: bypassed!("entry-echo", &[r#"ENTRYPOINT ["/bin/echo"]"#], ""),
        source: &[Item::File("a", "source\n")],
        before: &[SAVE_KEPT],
        build: PRINT_SOURCE_AND_ARTIFACTS,
        expect: BYPASSED,
    }
    an_entrypoint_in_shell_form_is_bypassed {
        row: "0, 2.11 (bug left out): a shell-form ENTRYPOINT",
        builder: bypassed!("entry-shell", &[], "ENTRYPOINT echo hello"),
        source: &[Item::File("a", "source\n")],
        before: &[SAVE_KEPT],
        build: PRINT_SOURCE_AND_ARTIFACTS,
        expect: BYPASSED,
    }
    a_bypass_is_said_once {
        row: "0: the build is done again with ENTRYPOINT bypassed, and a note says so",
        builder: bypassed!("entry-echo", &[r#"ENTRYPOINT ["/bin/echo"]"#], ""),
        expect: &[
            Expect::InStderrTimes("note: the builder's ENTRYPOINT does not run the command it is given", 1),
            Expect::InStderrTimes("--- said\n", 1),
        ],
    }
    a_build_on_an_image_of_ours_has_its_own_labels {
        row: "2.9, 2.10: an image of ours as the builder: layers stack, labels are of this build",
        source: &[Item::File("a", "x\n")],
        before: &[Build { tag: ":one", options: &["-n", "first"], assemble: "echo 1 >/app/one", ..BUILD }],
        build: Build {
            tag: ":two",
            typed_builder: "{name}:one",
            assemble: "cat /tmp/src/a; echo 2 >/app/two",
            ..BUILD
        },
        expect: &[
            Expect::AssemblePrints(&["x"]),
            Expect::AddedLayers(2),
            Expect::Label("io.k8s.display-name", "{tag}"),
            Expect::Label("io.openshift.s2i.build.image", "docker.io/library/{name}:one"),
        ],
    }
}
