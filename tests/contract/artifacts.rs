//! What `save-artifacts` passes on to the next build.

use tar::EntryType;

use crate::build::{BUILD, Build, SAVE_KEPT};
use crate::builder_image::{BUILDER, BuilderImage, NUMERIC_USER};
use crate::expectation::Expect;
use crate::source_item::Item;
use crate::support::archive::{END_OF_ARCHIVE, unchecked_entry};

/// A build that prints the artifacts.
const PRINT_ARTIFACTS: Build = Build { assemble: "cat /tmp/artifacts/file", ..BUILD };

/// A build that prints that there are no artifacts.
const PRINT_NO_ARTIFACTS: Build = Build { assemble: "[ ! -e /tmp/artifacts ] && echo nothing", ..BUILD };

const NO_ARTIFACTS: &[Expect] =
    &[Expect::AssemblePrints(&["nothing"]), Expect::NotInStderr("warning:"), Expect::NoPath("/tmp/artifacts")];

const NO_ARTIFACTS_WITH_WARNING: &[Expect] = &[
    Expect::AssemblePrints(&["nothing"]),
    Expect::InStderrTimes("warning: `save-artifacts` failed, building without artifacts: ", 1),
    Expect::NoPath("/tmp/artifacts"),
];

const ENTRY_LEFT_OUT: &str = "warning: an entry of the artifacts is left out: ";

/// A case of what `save-artifacts` does after a build that left `/tmp/kept`.
macro_rules! saving {
    ($($name:ident: $row:literal, $save:literal, $build:ident, $expect:expr;)*) => {
        cases! {
            $($name {
                row: $row,
                before: &[Build { save: $save, ..SAVE_KEPT }],
                build: $build,
                expect: $expect,
            })*
        }
    };
}

const ARTIFACTS: &[Expect] = &[Expect::AssemblePrints(&["kept"]), Expect::NotInStderr("warning:")];

saving! {
    an_archive_is_delivered: "0: artifacts are piped from container to container",
        "tar -C /tmp/kept -cf - .", PRINT_ARTIFACTS, ARTIFACTS;
    nothing_is_nothing: "0, 2.12: prints nothing, exit 0: no `artifacts` at all",
        ":", PRINT_NO_ARTIFACTS, NO_ARTIFACTS;
    zeros_are_nothing: "0: zeros only: fine",
        "head -c 10240 /dev/zero", PRINT_NO_ARTIFACTS, NO_ARTIFACTS;
    complaints_and_zeros_are_nothing: "0: zeros with words on stderr: fine",
        "echo 'tar: vendor: Cannot stat' >&2; head -c 10240 /dev/zero", PRINT_NO_ARTIFACTS, NO_ARTIFACTS;
    garbage_is_a_warning: "0, 2.12: garbage: warning, clean build",
        "yes no archive | head -c 4000", PRINT_NO_ARTIFACTS, NO_ARTIFACTS_WITH_WARNING;
    text_before_the_archive_is_a_warning: "0, 2.12: text before: warning, clean build",
        "echo saving; tar -C /tmp/kept -cf - .", PRINT_NO_ARTIFACTS, NO_ARTIFACTS_WITH_WARNING;
    a_truncated_archive_is_a_warning: "0, 2.12: truncated: warning, clean build, nothing half",
        "mkdir /tmp/k; yes | head -c 5000 >/tmp/k/big; tar -C /tmp/k -cf - big | head -c 3000",
        PRINT_NO_ARTIFACTS, NO_ARTIFACTS_WITH_WARNING;
    text_after_the_archive_is_fine: "0, 2.12: text after the tar: ignored",
        "tar -C /tmp/kept -cf - .; echo /opt/jboss", PRINT_ARTIFACTS, ARTIFACTS;
    a_failure_after_a_good_archive_delivers_nothing: "0, 2.12: non-zero after a good tar",
        "tar -C /tmp/kept -cf - .; exit 3", PRINT_NO_ARTIFACTS, NO_ARTIFACTS_WITH_WARNING;
    a_failure_is_a_warning: "0, 2.12: exits non-zero: warning, exit 0",
        "exit 3", PRINT_NO_ARTIFACTS, NO_ARTIFACTS_WITH_WARNING;
    the_first_minis2i_copied_files: "0: nothing on stdout but files in `/tmp/artifacts`",
        "mkdir -p /tmp/artifacts; cp /tmp/kept/file /tmp/artifacts/", PRINT_ARTIFACTS, ARTIFACTS;
    words_on_stderr_are_shown: "1: stderr of save-artifacts is printed",
        "echo saving 1>&2; tar -C /tmp/kept -cf - .", PRINT_ARTIFACTS,
        &[Expect::AssemblePrints(&["kept"]), Expect::InStderr("saving\n")];
    a_process_left_behind_is_not_waited_for: "2.12: save-artifacts leaves a background process holding stdout",
        "sleep 1000 & tar -C /tmp/kept -cf - .", PRINT_ARTIFACTS, ARTIFACTS;
    a_fifo_among_copied_files_is_warned_of: "0, 2.16: special files, the first minis2i's way",
        "cp /tmp/kept/file /tmp/artifacts/; mkfifo /tmp/artifacts/pipe", PRINT_ARTIFACTS,
        &[Expect::AssemblePrints(&["kept"]), Expect::InStderrTimes(ENTRY_LEFT_OUT, 1)];
}

cases! {
    no_save_artifacts_starts_no_container {
        row: "0: save-artifacts absent: no container is started for it",
        builder: BuilderImage {
            name: "no-saver",
            scripts: "",
            files: &[
                ("usr/libexec/s2i/assemble", 0o755, "#!/bin/sh\n[ ! -e /tmp/artifacts ]\n"),
                ("usr/libexec/s2i/run", 0o755, "#!/bin/sh\n"),
            ],
            ..BUILDER
        },
        before: &[BUILD],
        build: Build { options: &["--verbose"], ..BUILD },
        expect: &[Expect::ContainersStarted(1), Expect::NotInStderr("warning:")],
    }
    a_save_artifacts_that_may_not_run_is_none {
        row: "2.12: not executable: a clean build",
        builder: BuilderImage {
            name: "shut-saver",
            scripts: "",
            files: &[
                ("usr/libexec/s2i/assemble", 0o755, "#!/bin/sh\n[ ! -e /tmp/artifacts ]\n"),
                ("usr/libexec/s2i/save-artifacts", 0o644, "#!/bin/sh\necho wrong >&2\n"),
            ],
            ..BUILDER
        },
        before: &[BUILD],
        expect: &[Expect::NotInStderr("wrong"), Expect::NoPath("/tmp/artifacts")],
    }
    hard_links_stay_hard_links {
        row: "0, 2.16 (bug left out): hard links are no empty files",
        before: &[Build { save: "mkdir /tmp/k; cd /tmp/k; echo kept >file; ln file second; tar -cf - .", ..SAVE_KEPT }],
        build: Build {
            assemble: "cd /tmp/artifacts; cat second; [ file -ef second ] && echo the same",
            ..BUILD
        },
        expect: &[Expect::AssemblePrints(&["kept", "the same"])],
    }
    links_modes_times_and_names_survive {
        row: "0, 2.16: links, long names, modes, mtimes of files and folders; owner is the assemble user",
        builder: NUMERIC_USER,
        before: &[Build {
            save: "mkdir -p /tmp/k/d; cd /tmp/k; echo kept >file
                ln -s ../file d/up; ln -s /usr/bin/env absolute; ln -s none dangling
                n=$(printf 'n%.0s' $(seq 150)); mkdir -p $n/$n; echo long >$n/$n/$n; chmod 4711 file
                chmod 500 d; touch -d @1000000001 file; touch -d @1000000002 d; tar -cf - .",
            ..SAVE_KEPT
        }],
        build: Build {
            assemble: "cd /tmp/artifacts; readlink d/up absolute dangling; stat -c '%a %u:%g %Y' file d
                cat n*/n*/n*; chmod -R u+w .; rm -rf n* d",
            ..BUILD
        },
        expect: &[
            Expect::AssemblePrints(&[
                "../file",
                "/usr/bin/env",
                "none",
                "4711 1234:0 1000000001",
                "500 1234:0 1000000002",
                "long",
            ]),
            Expect::Tree("/tmp/artifacts", &[
                "d 755 1234:0 .",
                "l 1234:0 absolute -> /usr/bin/env",
                "l 1234:0 dangling -> none",
                "f 4711 1234:0 file = kept\\n",
            ]),
        ],
    }
    sparse_files_survive {
        row: "0: sparse files survive",
        before: &[Build {
            save: "mkdir /tmp/k; cd /tmp/k; truncate -s 200M file; echo end >>file; tar -S -cf - .",
            ..SAVE_KEPT
        }],
        build: Build {
            assemble: "cd /tmp/artifacts; stat -c %s file; tail -n 1 file | tail -c 4
                [ $(du -m file | cut -f1) -lt 10 ] && echo sparse; rm file",
            ..BUILD
        },
        expect: &[Expect::AssemblePrints(&["209715204", "end", "sparse"])],
    }
    what_assemble_leaves_there_is_committed {
        row: "0, 2.9: `DEST/artifacts` as assemble left it",
        before: &[SAVE_KEPT],
        build: Build { assemble: "cd /tmp/artifacts; cat file; rm file; mkdir m2; echo jar >m2/jar", ..BUILD },
        expect: &[
            Expect::AssemblePrints(&["kept"]),
            Expect::Tree("/tmp/artifacts", &["d 755 0:0 .", "d 755 0:0 m2", "f 644 0:0 m2/jar = jar\\n"]),
        ],
    }
    artifacts_do_not_pile_up {
        row: "2.9: one layer on top of the builder; layers do not stack",
        before: &[SAVE_KEPT, SAVE_KEPT],
        build: PRINT_ARTIFACTS,
        expect: &[Expect::AddedLayers(1), Expect::NoPath("/tmp/kept")],
    }
    a_clean_build_takes_over_nothing {
        row: "3: without `--incremental` (`--no-incremental` here)",
        before: &[SAVE_KEPT],
        build: Build { options: &["--no-incremental", "--verbose"], ..PRINT_NO_ARTIFACTS },
        expect: &[Expect::AssemblePrints(&["nothing"]), Expect::ContainersStarted(1), Expect::InStderr("(clean)")],
    }
    the_newest_image_of_the_repository_is_the_previous_one {
        row: "0: the exact tag; if there is none, the newest image of the same repository",
        before: &[Build { tag: ":one", ..SAVE_KEPT }],
        build: Build { tag: ":two", ..PRINT_ARTIFACTS },
        expect: &[Expect::AssemblePrints(&["kept"]), Expect::Label("io.k8s.display-name", "{tag}")],
    }
    the_exact_tag_wins_over_newer_images {
        row: "0: the exact tag",
        before: &[
            Build { tag: ":one", ..SAVE_KEPT },
            Build { tag: ":two", assemble: "mkdir /tmp/kept; echo newer >/tmp/kept/file", ..SAVE_KEPT },
        ],
        build: Build { tag: ":one", ..PRINT_ARTIFACTS },
        expect: &[Expect::AssemblePrints(&["kept"])],
    }
}

/// A case of an archive with an entry that may not pass: one build copies it to `/app`, and the next one gets the other
/// entries as artifacts.
macro_rules! bad_archives {
    ($($name:ident: $row:literal, $entries:expr, $used:expr;)*) => {
        cases! {
            $($name {
                row: $row,
                source: &[Item::Bytes("trick", || archive($entries))],
                before: &[Build { assemble: "cp /tmp/src/trick /app/", save: "cat /app/trick", ..BUILD }],
                build: Build {
                    assemble: "[ ! -e /tmp/artifacts ] || ls /tmp/artifacts; grep escaped /etc/passwd && exit 1 || true",
                    ..BUILD
                },
                expect: &[
                    Expect::AssemblePrints($used),
                    Expect::InStderrTimes(ENTRY_LEFT_OUT, 1),
                    Expect::NoPath("/tmp/escaped"),
                    Expect::NoPath("/app/escaped"),
                    Expect::NoPath("/escaped"),
                    Expect::NoPath("/tmp/artifactsX"),
                ],
            })*
        }
    };
}

bad_archives! {
    paths_that_leave_the_folder_are_dropped: "0, 2.16: `..`",
        &[(EntryType::Regular, "good", ""), (EntryType::Regular, "../escaped", "")], &["good"];
    paths_to_a_sibling_folder_are_dropped: "0, 2.16: a sibling such as `../artifactsX/f`",
        &[(EntryType::Regular, "good/../../artifactsX/f", "")], &[];
    absolute_names_are_dropped: "0, 2.16: absolute names",
        &[(EntryType::Regular, "good", ""), (EntryType::Regular, "/escaped", "")], &["good"];
    devices_are_dropped: "0, 2.16: devices",
        &[(EntryType::Regular, "good", ""), (EntryType::Char, "null", "")], &["good"];
    files_below_a_link_are_dropped: "0, 2.16: a file below a link that was extracted before",
        &[(EntryType::Symlink, "d", "/app"), (EntryType::Regular, "d/escaped", "")], &["d"];
    files_below_links_of_links_are_dropped: "0, 2.16: links used to climb out",
        &[(EntryType::Symlink, "a", "."), (EntryType::Symlink, "a/b", ".."), (EntryType::Regular, "b/escaped", "")],
        &["a", "b"];
    hard_links_out_are_dropped: "0, 2.16: a hard link to a file outside, then written to",
        &[(EntryType::Link, "h", "/etc/passwd"), (EntryType::Regular, "h", "")], &["h"];
    hard_links_through_links_are_dropped: "0, 2.16: a hard link through a link",
        &[(EntryType::Symlink, "d", "/etc"), (EntryType::Link, "h", "d/passwd"), (EntryType::Regular, "h", "")],
        &["d", "h"];
}

/// An archive of these entries, some of which no library would write. The files have the content `escaped`.
fn archive(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
    let entry = |(kind, path, link): &(EntryType, &str, &str)| {
        let content: &[u8] = if *kind == EntryType::Regular { b"escaped" } else { b"" };
        unchecked_entry(*kind, path, link, content)
    };
    entries.iter().flat_map(entry).chain(END_OF_ARCHIVE).collect()
}
