//! The owners, modes and times of the upload.

use crate::build::{BUILD, Build};
use crate::builder_image::{BUILDER, BuilderImage, NUMERIC_USER};
use crate::expectation::Expect;
use crate::source_item::Item;

const SOURCE: &[Item] = &[
    Item::File("file", "x"),
    Item::File("folder/file", "y"),
    Item::Mode("folder/file", 0o400),
    Item::Link("link", "file"),
    Item::File(".s2i/bin/run", "#!/bin/sh\n"),
    Item::Time("file", 1_000_000_000),
];

/// The user owns all of the upload, and may do with it what builders do.
const BUILD_AS_USER: Build = Build {
    assemble: "cd /tmp/src; stat -c %u:%g . file link folder folder/file ../scripts ../scripts/run
        echo more >>file; chmod -R ug+rwX .; mv folder /tmp/moved; cd /; rm -rf /tmp/src /tmp/moved",
    ..BUILD
};

const ACCOUNTS: &[(&str, u32, &str)] = &[
    (
        "etc/passwd",
        0o644,
        "root:x:0:0:root:/root:/bin/sh\ndefault:x:1001:0::/app:/bin/sh\nowner:x:1002:1003::/app:/bin/sh\n",
    ),
    ("etc/group", 0o644, "root:x:0:\nowner:x:1003:\nothers:x:2000:\n"),
];

const WITH_ACCOUNTS: BuilderImage = BuilderImage { files: ACCOUNTS, ..BUILDER };

/// A builder whose label names another user for `assemble` than USER.
const LABEL_USER: BuilderImage = BuilderImage {
    name: "label-user",
    user: Some(("1234", 1234, 0)),
    changes: &["LABEL io.openshift.s2i.assemble-user=1500:1600"],
    ..BUILDER
};

cases! {
    a_numeric_user_owns_the_source {
        row: "2.6: owner of `src`, `scripts` for a numeric user",
        builder: NUMERIC_USER,
        source: SOURCE,
        build: BUILD_AS_USER,
        expect: &[Expect::AssemblePrints(&["1234:0"; 7]), Expect::Inherited(&["User"]), Expect::NoPath("/tmp/src")],
    }
    a_user_with_a_group_owns_the_source {
        row: "2.6: for `uid:gid`",
        builder: BuilderImage { name: "grouped", user: Some(("1234:2000", 1234, 2000)), ..BUILDER },
        source: SOURCE,
        build: BUILD_AS_USER,
        expect: &[Expect::AssemblePrints(&["1234:2000"; 7]), Expect::Inherited(&["User"])],
    }
    a_named_user_owns_the_source {
        row: "2.6: for a name",
        builder: BuilderImage { name: "named", user: Some(("default", 1001, 0)), ..WITH_ACCOUNTS },
        source: SOURCE,
        build: BUILD_AS_USER,
        expect: &[Expect::AssemblePrints(&["1001:0"; 7]), Expect::Config("User", r#""default""#)],
    }
    a_numeric_user_has_the_group_of_its_account {
        row: "2.6: the container user and its primary group",
        builder: BuilderImage { name: "account", user: Some(("1002", 1002, 1003)), ..WITH_ACCOUNTS },
        source: SOURCE,
        build: BUILD_AS_USER,
        expect: &[Expect::AssemblePrints(&["1002:1003"; 7])],
    }
    a_named_user_with_a_named_group_owns_the_source {
        row: "2.6: for `name:group`",
        builder: BuilderImage { name: "named-group", user: Some(("default:others", 1001, 2000)), ..WITH_ACCOUNTS },
        source: SOURCE,
        build: BUILD_AS_USER,
        expect: &[Expect::AssemblePrints(&["1001:2000"; 7])],
    }
    root_owns_the_source {
        row: "0: root: `0:0`, whichever user runs the build",
        source: SOURCE,
        build: BUILD_AS_USER,
        expect: &[Expect::AssemblePrints(&["0:0"; 7])],
    }
    the_assemble_user_of_the_label_owns_the_source {
        row: "2.1: `io.openshift.s2i.assemble-user`; 0: User is the builder's",
        builder: LABEL_USER,
        source: SOURCE,
        build: BUILD_AS_USER,
        expect: &[Expect::AssemblePrints(&["1500:1600"; 7]), Expect::Config("User", r#""1234""#)],
    }
    the_assemble_user_of_the_option_wins {
        row: "2.1: flag > label > USER, for save-artifacts too",
        builder: LABEL_USER,
        source: SOURCE,
        before: &[Build { save: "touch /tmp/me; stat -c 'saved by %u' /tmp/me >&2", ..BUILD }],
        build: Build { options: &["--assemble-user", "1700"], ..BUILD_AS_USER },
        expect: &[
            Expect::AssemblePrints(&["1700:0"; 7]),
            Expect::InStderr("saved by 1700\n"),
            Expect::Config("User", r#""1234""#),
        ],
    }
    the_assemble_user_does_not_leak_into_the_image {
        row: "0, 2.10 (bug left out): `--assemble-user` on a root builder",
        source: SOURCE,
        build: Build { options: &["--assemble-user", "1500"], assemble: "stat -c %u:%g /tmp/src/file", ..BUILD },
        expect: &[Expect::AssemblePrints(&["1500:0"]), Expect::Config("User", r#""0""#)],
    }
    an_assemble_user_that_the_image_does_not_know_is_an_error {
        row: "2.12: assemble user unknown in the image",
        build: Build { options: &["--assemble-user", "nobodyknows"], ..BUILD },
        status: 125,
        expect: &[Expect::InStderr("error: "), Expect::InStderr("nobodyknows")],
    }
    modes_are_exact_for_root {
        row: "0, 2.6: modes exactly as on disk, special bits too",
        source: MODES,
        build: Build { options: &["--keep-source"], ..BUILD },
        expect: &[Expect::Tree("/tmp/src", &[
            "d 755 0:0 .",
            "f 4755 0:0 a-setuid = ",
            "f 2750 0:0 b-setgid = ",
            "f 666 0:0 c-open = ",
            "f 400 0:0 d-shut = secret",
            "d 1777 0:0 e-sticky",
            "d 2775 0:0 f-group",
            "d 555 0:0 g-fixed",
            "f 444 0:0 g-fixed/file = x",
            "d 700 0:0 h-empty",
        ])],
    }
    modes_are_exact_for_others {
        row: "0: modes exactly as on disk, whatever the umask of the container",
        builder: NUMERIC_USER,
        source: MODES,
        build: Build { options: &["--keep-source"], ..BUILD },
        expect: &[Expect::Tree("/tmp/src", &[
            "d 755 1234:0 .",
            "f 4755 1234:0 a-setuid = ",
            "f 2750 1234:0 b-setgid = ",
            "f 666 1234:0 c-open = ",
            "f 400 1234:0 d-shut = secret",
            "d 1777 1234:0 e-sticky",
            "d 2775 1234:0 f-group",
            "d 555 1234:0 g-fixed",
            "f 444 1234:0 g-fixed/file = x",
            "d 700 1234:0 h-empty",
        ])],
    }
    times_are_kept {
        row: "0: mtimes of the source are kept",
        source: &[
            Item::File("d/file", "x"),
            Item::Link("d/link", "file"),
            Item::Time("d/file", 1_000_000_001),
            Item::Time("d/link", 1_000_000_002),
            Item::Time("d", 1_000_000_003),
        ],
        build: Build { options: &["--keep-source"], ..BUILD },
        expect: &[
            Expect::Time("/tmp/src", "d/file", 1_000_000_001),
            Expect::Time("/tmp/src", "d/link", 1_000_000_002),
            Expect::Time("/tmp/src", "d", 1_000_000_003),
        ],
    }
    hard_links_holes_and_odd_names_arrive {
        row: "2.6: hard links become independent, sparse files and odd names arrive",
        source: &[
            Item::File("a", "one"),
            Item::HardLink("b", "a"),
            Item::Hole("hole", 100_000_000),
            Item::File("two words", "2"),
            Item::File("two\nlines", "3"),
            Item::File("gr\u{fc}n", "4"),
            Item::File(LONG, "5"),
        ],
        build: Build {
            assemble: "cd /tmp/src; echo more >>b; cat a b; stat -c %s hole; cat two* gr* n*/*/*/*; echo
                [ $(du -m hole | cut -f1) -lt 10 ] && echo sparse",
            ..BUILD
        },
        expect: &[Expect::AssemblePrints(&["oneonemore", "100000000", "3245", "sparse"])],
    }
    root_may_assemble_for_others {
        row: "2.1: label `assemble-user` of root, USER another",
        builder: BuilderImage {
            name: "label-root",
            user: Some(("1234", 1234, 0)),
            changes: &["LABEL io.openshift.s2i.assemble-user=root"],
            ..BUILDER
        },
        source: SOURCE,
        build: BUILD_AS_USER,
        expect: &[Expect::AssemblePrints(&["0:0"; 7]), Expect::Config("User", r#""1234""#)],
    }
}

const LONG: &str = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn/\
    nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn/\
    nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn/\
    nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";

const MODES: &[Item] = &[
    Item::File("a-setuid", ""),
    Item::Mode("a-setuid", 0o4755),
    Item::File("b-setgid", ""),
    Item::Mode("b-setgid", 0o2750),
    Item::File("c-open", ""),
    Item::Mode("c-open", 0o666),
    Item::File("d-shut", "secret"),
    Item::Mode("d-shut", 0o400),
    Item::Folder("e-sticky"),
    Item::Mode("e-sticky", 0o1777),
    Item::Folder("f-group"),
    Item::Mode("f-group", 0o2775),
    Item::File("g-fixed/file", "x"),
    Item::Mode("g-fixed/file", 0o444),
    Item::Mode("g-fixed", 0o555),
    Item::Folder("h-empty"),
    Item::Mode("h-empty", 0o700),
];
