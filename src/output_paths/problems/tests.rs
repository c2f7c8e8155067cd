//! What is found in the recorded output of real programs, see `tests/output_samples/record.sh`, and in any bytes.

use proptest::prelude::*;

use super::{PROBLEM_LIMIT, ProblemFinder, Problems};
use crate::output_paths::path_map::PathMap;
use crate::output_paths::source_paths::SourcePaths;
use crate::report::message::Problem;

/// The files of the sources that the recording makes.
const SOURCE: [&str; 26] = [
    "app.c",
    "app.js",
    "app.pl",
    "app.py",
    "app.ts",
    "broken.js",
    "broken.mjs",
    "broken.pl",
    "broken.py",
    "index.php",
    "lib",
    "lib/orders.py",
    "lib/prices.h",
    "lib/prices.js",
    "main.go",
    "missing.c",
    "missing.mjs",
    "module.pl",
    "rejected.mjs",
    "src",
    "src/main",
    "src/main/java",
    "src/main/java/App.java",
    "string.js",
    "thrown.php",
    "uses_broken.py",
];

struct Source;

impl SourcePaths for Source {
    fn count(&self) -> usize {
        SOURCE.len()
    }

    fn path(&self, index: usize) -> &[u8] {
        SOURCE[index].as_bytes()
    }
}

fn problems(output: &[u8]) -> Problems {
    let map = PathMap::new(b"testapp", &["/tmp/src", "/app"], &[]);
    let mut finder = ProblemFinder::default();
    output.split(|byte| *byte == b'\n').for_each(|line| finder.read(line, &|file| map.locate(&Source, file)));
    finder.finish()
}

/// The problems in an output, in short: `PATH:LINE:COLUMN MESSAGE`, with `-` for a column that is not known.
fn found(output: &[u8]) -> Vec<String> {
    let text = |Problem { path, line, column, message }: &Problem| {
        let column = column.map_or("-".to_owned(), |column| column.to_string());
        format!("{path}:{line}:{column} {message}")
    };
    problems(output).problems.iter().map(text).collect()
}

/// The recorded output of this name.
macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/output_samples/", $name, ".txt"))
    };
}

#[test]
fn tracebacks_of_python_name_the_last_frame_in_the_source() {
    assert_eq!(
        found(sample!("python-traceback")),
        [
            "testapp/lib/orders.py:6:- KeyError: 'b'",
            "testapp/lib/orders.py:8:- json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: \
             line 1 column 2 (char 1)",
        ]
    );
    let broken = ["testapp/broken.py:1:- SyntaxError: '(' was never closed"];
    assert_eq!(found(sample!("python-syntax")), broken);
    assert_eq!(found(sample!("python-compile")), broken);
}

#[test]
fn a_traceback_may_be_indented_and_end_without_an_exception() {
    let indented: Vec<_> = sample!("python-syntax").split(|byte| *byte == b'\n').collect();
    let indented = indented.join(&b"\n      "[..]);
    assert_eq!(found(&indented), ["testapp/broken.py:1:- SyntaxError: '(' was never closed"]);
    let cut = b"  File \"/tmp/src/app.py\", line 3, in f\n    f()\nall is well here\nValueError: of something else\n";
    assert_eq!(found(cut), [""; 0]);
    let elsewhere = b"  File \"/usr/lib/x.py\", line 3, in f\n    f()\nValueError: x\n";
    assert_eq!(found(elsewhere), [""; 0]);
}

#[test]
fn errors_of_node_name_the_first_frame_in_the_source_or_their_header() {
    let cases: [(&[u8], &[&str]); 6] = [
        (
            sample!("node-app"),
            &["testapp/lib/prices.js:2:17 TypeError: Cannot read properties of null (reading 'map')"],
        ),
        (sample!("node-broken"), &["testapp/broken.js:2:17 SyntaxError: Unexpected token '.'"]),
        (sample!("node-module-broken"), &["testapp/broken.mjs:3:16 SyntaxError: Unexpected token ';'"]),
        (sample!("node-module-rejected"), &["testapp/rejected.mjs:3:9 RangeError: two"]),
        (sample!("node-string"), &["testapp/string.js:1:1 a plain text"]),
        // It names no line.
        (sample!("node-module-missing"), &[]),
    ];
    for (output, expected) in cases {
        assert_eq!(found(output), expected, "{}", output.escape_ascii());
        let followed = [output, "npm error all is lost\n".repeat(30).as_bytes()].concat();
        assert_eq!(found(&followed), expected);
    }
}

#[test]
fn errors_of_perl_are_told_from_its_warnings() {
    assert_eq!(found(sample!("perl-app")), ["testapp/app.pl:5:- no prices"]);
    assert_eq!(
        found(sample!("perl-broken")),
        [
            "testapp/broken.pl:2:- syntax error",
            "testapp/broken.pl:3:- Global symbol \"$y\" requires explicit package name (did you forget to declare \"my \
             $y\"?)",
        ]
    );
    let module = found(sample!("perl-module"));
    assert_eq!(module.len(), 1, "{module:?}");
    assert!(module[0].starts_with("testapp/module.pl:2:- Can't locate Shop/Prices.pm in @INC"), "{module:?}");
}

#[test]
fn errors_of_compilers_come_with_and_without_colours() {
    let app = [
        "testapp/app.c:6:20 too many arguments to function ‘total’",
        "testapp/app.c:7:12 ‘undeclared’ undeclared (first use in this function)",
        "testapp/app.c:7:22 expected ‘;’ before ‘}’ token",
    ];
    assert_eq!(found(sample!("gcc")), app);
    assert_eq!(found(sample!("gcc-colours")), app);
    assert_eq!(found(sample!("gcc-relative")), ["testapp/missing.c:1:10 nothing.h: No such file or directory"]);
}

#[test]
fn errors_of_javac_and_maven_have_their_columns() {
    assert_eq!(found(sample!("javac-syntax")), ["testapp/src/main/java/App.java:4:36 ';' expected"]);
    let types = [
        "testapp/src/main/java/App.java:3:21 incompatible types: String cannot be converted to int",
        "testapp/src/main/java/App.java:4:28 cannot find symbol",
    ];
    assert_eq!(found(sample!("javac-types")), types);
    let tagged = "    [javac] /tmp/src/src/main/java/App.java:3: error: ';' expected\n";
    assert_eq!(found(tagged.as_bytes()), ["testapp/src/main/java/App.java:3:- ';' expected"]);
    let types = [
        "testapp/src/main/java/App.java:3:21 incompatible types: java.lang.String cannot be converted to int",
        "testapp/src/main/java/App.java:4:28 cannot find symbol",
    ];
    // It says them twice.
    assert_eq!(found(sample!("maven")), types);
    assert_eq!(found(sample!("maven-colours")), types);
    let maven = "[ERROR] /tmp/src/src/main/java/App.java:[3,22] ';' expected\n";
    let coloured = "[\u{1b}[1;31mERROR\u{1b}[m] /tmp/src/src/main/java/App.java:[3,22] ';' expected\n";
    for output in [maven.to_owned(), coloured.to_owned(), format!("{maven}[INFO] 1 error\n{maven}")] {
        assert_eq!(found(output.as_bytes()), ["testapp/src/main/java/App.java:3:22 ';' expected"]);
    }
}

#[test]
fn errors_of_typescript_come_in_two_forms() {
    let pretty = "\u{1b}[96mapp.ts\u{1b}[0m:\u{1b}[93m2\u{1b}[0m:\u{1b}[93m13\u{1b}[0m - \u{1b}[91merror\u{1b}[0m\u{1b}[90m TS2304: \u{1b}[0mno\n";
    for output in ["app.ts(2,13): error TS2304: no\n", pretty] {
        assert_eq!(found(output.as_bytes()), ["testapp/app.ts:2:13 TS2304: no"]);
    }
}

#[test]
fn errors_of_go_have_no_word_for_one() {
    for output in
        ["./main.go:4:2: undefined: y", "/tmp/src/main.go:4:2: undefined: y", "vet: ./main.go:4:2: undefined: y"]
    {
        assert_eq!(found(output.as_bytes()), ["testapp/main.go:4:2 undefined: y"]);
    }
    for output in ["main.go:4: undefined: y", "main.go:4:2", "main.golang:4:2: x", "/usr/lib/go/main.go:4:2: x"] {
        assert_eq!(found(output.as_bytes()), [""; 0], "{output}");
    }
}

#[test]
fn errors_of_php_come_once() {
    let parse = found(sample!("php-parse"));
    assert_eq!(parse, ["testapp/index.php:3:- Parse error: syntax error, unexpected token \";\""]);
    assert_eq!(
        found(sample!("php-thrown")),
        ["testapp/thrown.php:4:- Fatal error: Uncaught InvalidArgumentException: no prices"]
    );
}

#[test]
fn no_more_than_a_list_is_told_and_the_rest_is_counted() {
    let lines: String = (1..=PROBLEM_LIMIT + 7).map(|line| format!("/app/app.c:{line}:1: error: x\n")).collect();
    let found = problems((lines.clone() + &lines).as_bytes());
    assert_eq!((found.problems.len(), found.more), (PROBLEM_LIMIT, 7));
    assert_eq!(found.problems[0].path, "testapp/app.c");
}

#[test]
fn what_only_looks_like_an_error_is_none() {
    let lines = [
        "/tmp/src/app.c:5:9: warning: unused variable",
        "/tmp/src/nothing.c:5:9: error: elsewhere",
        "/tmp/src/app.c:0: error: no line",
        "app.c: error: no line",
        "PHP Warning:  Undefined variable $unset in /tmp/src/index.php on line 2",
        "[WARNING] /tmp/src/src/main/java/App.java:[3,21] deprecated",
        "app.ts(1,2): warning TS1: x",
        "2 errors in app.c on line",
        "at app.pl line 3 or so",
    ];
    assert_eq!(found(lines.join("\n").as_bytes()), [""; 0]);
    let long = [&b"app.c:1:1: error: "[..], &[b'x'; 100_000]].concat();
    assert_eq!(found(&long), [""; 0]);
    let message = [&b"app.c:1:1: error: "[..], &[b'x'; 5000]].concat();
    assert!(problems(&message).problems[0].message.len() <= super::MESSAGE_LIMIT);
}

/// Pieces of the shapes.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "/tmp/src/app.py",
        "app.c",
        ":12",
        ": error: ",
        "[ERROR] ",
        ":[1,2]",
        "(1,2): error TS1: ",
        " - error ",
        "  File \"",
        "\", line 3",
        "    at ",
        " (",
        ")",
        "Error: x",
        "^",
        " at ",
        " line 3.",
        " in ",
        " on line 4",
        "PHP ",
        "Fatal error: ",
        "\n",
        "\n",
        "  ",
        "\u{1b}[1m",
        "ü",
    ];
    prop_oneof![
        8 => prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ]
}

proptest! {
    #[test]
    fn any_bytes_can_be_read(pieces in prop::collection::vec(piece(), 0..60)) {
        let Problems { problems, more } = problems(&pieces.concat());
        prop_assert!(problems.len() <= PROBLEM_LIMIT && (more == 0 || problems.len() == PROBLEM_LIMIT));
        for problem in problems {
            prop_assert!(problem.path.starts_with("testapp/") && problem.line > 0 && !problem.message.contains('\n'));
        }
    }
}
