//! Links and special files in the source.

use crate::build::{BUILD, Build};
use crate::expectation::Expect;
use crate::source_item::Item;

const KEEP: Build = Build { options: &["--keep-source"], ..BUILD };

const FOLLOW: Build = Build { options: &["--keep-source", "--follow-symlinks"], ..BUILD };

cases! {
    links_inside_the_source_stay_links {
        row: "2.7, 0: a link to a file, a folder, a link, nothing, and itself",
        source: &[
            Item::File("file", "x"),
            Item::Folder("folder"),
            Item::Link("a-file", "file"),
            Item::Link("b-folder", "folder"),
            Item::Link("c-link", "a-file"),
            Item::Link("d-dangling", "none"),
            Item::Link("e-self", "e-self"),
            Item::Link("f-dot", "."),
        ],
        build: KEEP,
        expect: &[
            Expect::NotInStderr("warning:"),
            Expect::Tree("/tmp/src", &[
                "d 755 0:0 .",
                "l 0:0 a-file -> file",
                "l 0:0 b-folder -> folder",
                "l 0:0 c-link -> a-file",
                "l 0:0 d-dangling -> none",
                "l 0:0 e-self -> e-self",
                "l 0:0 f-dot -> .",
                "f 644 0:0 file = x",
                "d 755 0:0 folder",
            ]),
        ],
    }
    a_link_out_of_the_source_stays_one_with_a_warning {
        row: "0: one that leaves the source is kept, with a warning that names it and `--follow-symlinks`",
        source: &[
            Item::File("../beside", "x"),
            Item::Link("out", "../beside"),
            Item::Link("absolute", "/etc/passwd"),
        ],
        build: KEEP,
        expect: &[
            Expect::InStderr("warning: the link `absolute` -> `/etc/passwd` points out of the source"),
            Expect::InStderr("`--follow-symlinks`"),
            Expect::Tree("/tmp/src", &[
                "d 755 0:0 .",
                "l 0:0 absolute -> /etc/passwd",
                "l 0:0 out -> ../beside",
            ]),
        ],
    }
    kept_knowingly_a_link_is_worth_no_warning {
        row: "2.7: `--keep-symlinks`: kept verbatim",
        source: &[Item::Link("absolute", "/etc/passwd"), Item::Link("self", "self")],
        build: Build { options: &["--keep-source", "--keep-symlinks"], ..BUILD },
        expect: &[
            Expect::NotInStderr("warning:"),
            Expect::Tree("/tmp/src", &["d 755 0:0 .", "l 0:0 absolute -> /etc/passwd", "l 0:0 self -> self"]),
        ],
    }
    followed_links_are_content {
        row: "2.7: to a file, a folder, a chain of links, outside: content is copied",
        source: &[
            Item::File("file", "x"),
            Item::File("../beside/deep/far", "y"),
            Item::Link("a-file", "file"),
            Item::Link("b-link", "a-file"),
            Item::Link("c-folder", "../beside"),
        ],
        build: FOLLOW,
        expect: &[Expect::Tree("/tmp/src", &[
            "d 755 0:0 .",
            "f 644 0:0 a-file = x",
            "f 644 0:0 b-link = x",
            "d 755 0:0 c-folder",
            "d 755 0:0 c-folder/deep",
            "f 644 0:0 c-folder/deep/far = y",
            "f 644 0:0 file = x",
        ])],
    }
    followed_links_stop_at_loops {
        row: "0, 2.7: dangling, `a -> a`, `dot -> .`: no failure and no forty levels",
        source: &[
            Item::File("d/file", "x"),
            Item::Link("dangling", "none"),
            Item::Link("self", "self"),
            Item::Link("d/dot", "."),
            Item::Link("d/up", ".."),
        ],
        build: FOLLOW,
        expect: &[
            Expect::InStderr("warning: "),
            Expect::Tree("/tmp/src", &[
                "d 755 0:0 .",
                "d 755 0:0 d",
                "l 0:0 d/dot -> .",
                "f 644 0:0 d/file = x",
                "l 0:0 d/up -> ..",
                "l 0:0 dangling -> none",
                "l 0:0 self -> self",
            ]),
        ],
    }
    the_source_may_be_a_link_itself {
        row: "2.7: the source argument itself a link",
        source: &[Item::File("a", "x"), Item::Link("../link", "source")],
        build: Build { typed_source: "link", ..KEEP },
        expect: &[Expect::Tree("/tmp/src", &["d 755 0:0 .", "f 644 0:0 a = x"])],
    }
    fifos_and_sockets_are_left_out_with_one_note {
        row: "0, 2.7: FIFO: no hang; socket: no failure",
        source: &[Item::File("a", "x"), Item::Fifo("fifo"), Item::Socket("d/socket")],
        build: KEEP,
        expect: &[
            Expect::InStderr("note: 2 sockets, FIFOs or devices are left out of the source: "),
            Expect::InStderrTimes("note:", 1),
            Expect::Tree("/tmp/src", &["d 755 0:0 .", "f 644 0:0 a = x", "d 755 0:0 d"]),
        ],
    }
    ignored_fifos_and_sockets_are_nothing {
        row: "2.7: also when ignored or excluded",
        source: &[
            Item::File("a", "x"),
            Item::Fifo("fifo"),
            Item::Socket("socket"),
            Item::File(".s2iignore", "socket\n.s2iignore\n"),
        ],
        build: Build { options: &["--keep-source", "--exclude", "fifo"], ..BUILD },
        expect: &[Expect::Tree("/tmp/src", &["d 755 0:0 .", "f 644 0:0 a = x"])],
    }
}
