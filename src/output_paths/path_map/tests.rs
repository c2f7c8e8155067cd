//! Which paths are found in a line, and what the line is with them replaced.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{MapRule, PathMap, SourcePaths};
use crate::report::message::OutputLine;

const SOURCE: [&str; 10] =
    ["a b.txt", "app", "app.py", "app/main.c", "app/main.cpp", "lib", "lib/x.js", "lib/x.js.map", "tmp", "über.py"];

fn rule(from: &str, to: &str) -> MapRule {
    MapRule { from: from.to_owned(), to: to.to_owned() }
}

fn map() -> PathMap {
    let rules = [rule("/opt/built", "web/out"), rule("/opt/built/here", "."), rule("/opt/one.py", "two.py")];
    PathMap::new(b"testapp", &["/tmp/src", "/opt/app-root/src/"], &rules)
}

fn paths() -> &'static dyn SourcePaths {
    static PATHS: &[&str] = &SOURCE;
    struct Sorted;
    impl SourcePaths for Sorted {
        fn count(&self) -> usize {
            PATHS.len()
        }
        fn path(&self, index: usize) -> &[u8] {
            PATHS[index].as_bytes()
        }
    }
    &Sorted
}

/// The line with its paths replaced.
fn replaced(text: &[u8]) -> Vec<u8> {
    let found = map().find(paths(), text);
    OutputLine { text, more: false, paths: &found }.with_source_paths().into_owned()
}

#[test]
fn paths_of_the_source_are_replaced_with_all_around_them_kept() {
    let lines = [
        ("/tmp/src/app.py", "testapp/app.py"),
        ("/opt/app-root/src/app/main.c:12:5: error: x", "testapp/app/main.c:12:5: error: x"),
        ("  File \"/tmp/src/app.py\", line 12, in f", "  File \"testapp/app.py\", line 12, in f"),
        ("/tmp/src/app/main.cpp(12,5): x", "testapp/app/main.cpp(12,5): x"),
        ("[ERROR] /tmp/src/app/main.c:[3,4] x", "[ERROR] testapp/app/main.c:[3,4] x"),
        (
            "\u{1b}[1m\u{1b}[31m/tmp/src/app.py\u{1b}[0m:\u{1b}[33m3",
            "\u{1b}[1m\u{1b}[31mtestapp/app.py\u{1b}[0m:\u{1b}[33m3",
        ),
        ("at file:///tmp/src/lib/x.js:3:7", "at testapp/lib/x.js:3:7"),
        ("at file:/tmp/src/lib/x.js:3", "at testapp/lib/x.js:3"),
        ("(/tmp/src/lib/x.js.map)", "(testapp/lib/x.js.map)"),
        ("in /tmp/src/app.py.", "in testapp/app.py."),
        ("Compiling /tmp/src/app/main.c...", "Compiling testapp/app/main.c..."),
        ("open /tmp/src/a b.txt: no", "open testapp/a b.txt: no"),
        ("‘/tmp/src/app.py’", "‘testapp/app.py’"),
        ("/tmp/src/über.py:1", "testapp/über.py:1"),
        ("/tmp/src/./lib/x.js /tmp/src//app.py", "testapp/lib/x.js testapp/app.py"),
        ("/tmp/src/lib/ and /tmp/src/lib", "testapp/lib/ and testapp/lib"),
        ("A=/tmp/src/app.py:/tmp/src/lib,/tmp/src/app", "A=testapp/app.py:testapp/lib,testapp/app"),
        ("/opt/built/js/a.js:3 /opt/built", "web/out/js/a.js:3 web/out"),
        ("/opt/built/here/a.js. /opt/built/here", "a.js. ."),
        ("/opt/one.py:2", "two.py:2"),
    ];
    for (line, expected) in lines {
        assert_eq!(String::from_utf8(replaced(line.as_bytes())).unwrap(), expected);
    }
}

#[test]
fn what_is_no_path_of_the_source_stays() {
    let lines = [
        "/tmp/src",
        "/tmp/src/",
        "/tmp/src/.",
        "/tmp/src/missing.py:3",
        "/tmp/src/app.pyc",
        "/tmp/src/lib/missing.js",
        "/tmp/srcs/app.py",
        "/var/tmp/src/app.py",
        "-I/tmp/src/lib",
        "./tmp/src/app.py",
        "$(x)/tmp/src/app.py",
        "${x}/tmp/src/app.py",
        "http://x/tmp/src/app.py",
        "/tmp/src/app.py-old",
        "/tmp/src/app.py~",
        "/tmp/src/app/../app.py",
        "\u{1b}]8;;file:///tmp/src/app.py\u{1b}\\link\u{1b}]8;;\u{1b}\\",
        "/opt/builtin/x",
        "app.py:3",
        "",
        "/",
        "//",
        "\u{1b}",
    ];
    for line in lines {
        assert_eq!(String::from_utf8(replaced(line.as_bytes())).unwrap(), line);
    }
    assert_eq!(
        replaced(b"\xff/tmp/src/app.py\xfe /tmp/src/app.py \xff"),
        b"\xff/tmp/src/app.py\xfe testapp/app.py \xff"
    );
}

#[test]
fn lines_and_columns_go_with_their_paths() {
    let text = b"x /tmp/src/app.py:12:5: file:///tmp/src/lib/x.js";
    let found = map().find(paths(), text);
    let told: Vec<_> = found.iter().map(|path| (&text[path.container.clone()], path.line, path.column)).collect();
    assert_eq!(told, [(&b"/tmp/src/app.py"[..], Some(12), Some(5)), (b"/tmp/src/lib/x.js", None, None)]);
}

#[test]
fn a_user_who_is_in_the_source_gets_paths_from_there() {
    let found = PathMap::new(b"", &["/tmp/src"], &[]).find(paths(), b"/tmp/src/lib/x.js");
    assert_eq!(found[0].source, b"lib/x.js");
}

#[test]
fn the_innermost_folder_that_has_the_path_counts() {
    let map = PathMap::new(b"s", &["/tmp", "/tmp/src", "/"], &[]);
    let source = |text: &[u8]| map.find(paths(), text).first().map(|path| path.source.clone());
    assert_eq!(source(b"/tmp/src/app.py"), Some(b"s/app.py".to_vec()));
    assert_eq!(source(b"/tmp/app.py"), Some(b"s/app.py".to_vec()));
    assert_eq!(source(b"/app.py"), None);
}

#[test]
fn files_are_located_whole() {
    let located = |file: &str| map().locate(paths(), file.as_bytes()).map(|path| String::from_utf8(path).unwrap());
    assert_eq!(located("/tmp/src/app.py").as_deref(), Some("testapp/app.py"));
    assert_eq!(located("file:///tmp/src/lib/x.js").as_deref(), Some("testapp/lib/x.js"));
    assert_eq!(located("./app/main.c").as_deref(), Some("testapp/app/main.c"));
    assert_eq!(located("/opt/built/x y.js"), None);
    for other in ["/tmp/src/app.py:3", "/tmp/src/app.py.", "missing.c", "", "/", "app.py x"] {
        assert_eq!(located(other), None, "{other}");
    }
}

/// Pieces of which lines are made that come near to paths.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "/tmp/src",
        "/opt/built",
        "/",
        "app",
        ".py",
        ":12",
        ":",
        "(1,2)",
        " ",
        "\u{1b}[1m",
        "\u{1b}]8;;",
        "\u{7}",
        "file://",
        "lib/x.js",
        "..",
        "a b",
        "ü",
        "’",
        "\"",
    ];
    prop_oneof![
        prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ]
}

proptest! {
    #[test]
    fn any_bytes_keep_what_is_between_the_paths(pieces in prop::collection::vec(piece(), 0..30)) {
        let text = pieces.concat();
        let found = map().find(paths(), &text);
        let mut end = 0;
        for path in &found {
            prop_assert!(path.replaced.start >= end && path.container.start >= path.replaced.start);
            prop_assert!(path.container.end == path.replaced.end && text[path.container.start] == b'/');
            end = path.replaced.end;
        }
        let shown = replaced(&text);
        if found.is_empty() {
            prop_assert_eq!(&shown, &text);
        }
        // Nothing of the text is lost: what follows the last path stands at the end.
        prop_assert!(shown.ends_with(&text[end..]));
    }

    #[test]
    fn text_without_a_folder_is_untouched(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let names: [&[u8]; 3] = [b"/tmp/src", b"/opt/", b"\x1b"];
        prop_assume!(!names.iter().any(|name| memchr::memmem::find(&text, name).is_some()));
        prop_assert_eq!(replaced(&text), text);
    }
}

/// Run this with `--ignored --nocapture` to see how fast lines are searched.
#[test]
#[ignore = "it measures"]
fn speed() {
    let measure = |what: &str, line: &[u8], times: usize| {
        let map = map();
        let begin = Instant::now();
        let found: usize = (0..times).map(|_| map.find(paths(), std::hint::black_box(line)).len()).sum();
        let took = begin.elapsed().max(Duration::from_nanos(1));
        let rate = (line.len() * times) as f64 / took.as_secs_f64() / 1e6;
        println!("{what}: {:.1} ms, {rate:.0} MB/s, {found} paths", took.as_secs_f64() * 1000.0);
    };
    let whole = 16 * 1024 * 1024;
    for part in [
        "x",
        "/",
        "/tmp/src/",
        "/tmp/src/ ",
        "/tmp/src/app.py ",
        "\u{1b}[1m/tmp/src/lib/x.jsx",
        "\u{1b}]8;;/tmp/src/app",
    ] {
        for length in [whole / 4, whole] {
            measure(&format!("{length} bytes of {part:?}"), &part.as_bytes().repeat(length / part.len()), 1);
        }
    }
    measure("100,000 lines without a path", b"gcc -O2 -c -o build/main.o: all is well, nothing to see here", 100_000);
    measure(
        "100,000 lines with a path",
        b"gcc -O2 -c -o /tmp/build/main.o /tmp/src/app/main.c:12:5: error: x",
        100_000,
    );
}
