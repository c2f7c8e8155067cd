//! The page of timings of a watch, where it can be, and the key that shows output again.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::builder::Builder;
use crate::support::exit_status::SIGNALS;
use crate::support::holding_builder::{holding_builder, shared_holding_builder};
use crate::support::project::Project;
use crate::support::terminal::Terminal;
use crate::support::wait::wait_for;

const PAGE: &str = "minis2i-timings.html";

/// Runs a watch with a build that is good, one that fails since `failing` is saved, and one that Ctrl-C cancels; the text of
/// its page, which is beside the source.
fn page_of_three_builds(project: &Project, failing: &str) -> String {
    let text = format!(
        "#!/bin/sh\nset -e\ncd /tmp/src\nif [ -e hold ]; then echo holding; while [ ! -e /tmp/go ]; do sleep 0.1; done; fi\n\
         [ ! -e '{}' ] || exit 9\ncp -a . /app/\n",
        failing.replace('\'', r"'\''")
    );
    let builder = Builder::new().script("assemble", &text).make();
    let watch = project.watch(&builder).arg("--timings").current_dir(project.temp_dir()).start_watch();
    project.write(failing, "1");
    assert_eq!(watch.wait_for_build(2)["status"], "failed", "{watch}");
    fs::remove_file(project.path().join(failing)).unwrap();
    project.write("hold", "1");
    watch.wait_for_message("output", "holding");
    let outcome = watch.stop("INT").status(130);
    let all = outcome.json();
    let [.., written, _] = &all[..] else { panic!("{outcome}") };
    let file = project.temp_dir().canonicalize().unwrap().join(PAGE);
    let expected = json!({"reason": "timings-written", "file": file.to_str().unwrap(), "builds": 3});
    assert_eq!(*written, expected, "{outcome}");
    fs::read_to_string(file).unwrap()
}

#[test]
fn the_page_has_good_failed_and_cancelled_builds() {
    let project = Project::new().file("a", "1");
    let page = page_of_three_builds(&project, "fail");
    for part in [
        "<dd id=\"count\">3</dd>",
        "<dd id=\"ok\">1</dd>",
        "<dd id=\"failed\">1; the last ones: <a href=\"#b2\">2</a></dd>",
        "<dd id=\"cancelled\">1</dd>",
        "<tr id=\"b1\" class=\"ok\">",
        "<tr id=\"b2\" class=\"failed\">",
        "<tr id=\"b3\" class=\"cancelled\">",
        "<td>the first build</td>",
        "fail changed<br><span class=\"fault\">",
        "<td>prepared in ",
    ] {
        assert!(page.contains(part), "no {part}\n{page}");
    }
}

#[test]
fn every_signal_lets_the_page_be_written() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    for (signal, status) in SIGNALS {
        let file = project.temp_dir().join(format!("{signal}.html"));
        let option = format!("--timings={}", file.display());
        project.watch(&builder).args(&["--no-standby", &option]).start_watch().stop(signal).status(status);
        assert!(fs::read_to_string(&file).unwrap().ends_with("</html>\n"), "{signal}");
    }
}

#[test]
fn without_the_option_no_page_is_written() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1");
    project.watch(&builder).arg("--no-standby").current_dir(project.temp_dir()).start_watch().stop("INT");
    assert!(!project.temp_dir().join(PAGE).exists());
}

#[test]
fn a_page_in_the_source_is_no_save_and_not_in_the_image() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let line = format!("cd '{}' && {}", project.path().display(), project.watch_line(&builder, ""));
    let mut terminal = Terminal::start(&line, project.temp_dir());
    terminal.wait_for("build ok:", 1);
    for count in 1..=4 {
        terminal.press("t");
        terminal.wait_for("timings written:", count);
    }
    project.write("a", "2");
    terminal.wait_for("build ok:", 2);
    terminal.press("q");
    terminal.wait_for("2 builds, 0 failed", 1);
    let shown = terminal.shown();
    assert!(
        shown.matches("build started:").count() == 2
            && !shown.contains("no build:")
            && !shown.contains("again and again"),
        "{shown}"
    );
    assert_eq!(project.app_files().into_keys().collect::<Vec<_>>(), ["", "a"]);
    assert!(project.path().join(PAGE).exists());
    assert_eq!(fs::read_dir(project.path()).unwrap().count(), 2, "something is left beside the page");
    // Neither is it later, in a build.
    project.build(&builder).success();
    assert_eq!(project.app_files().into_keys().collect::<Vec<_>>(), ["", "a"]);
    wait_for("nothing left", || builder.containers().is_empty());
}

#[test]
fn a_page_that_would_be_a_save_is_refused_with_a_cure() {
    let builder = shared_holding_builder();
    let project = Project::new().file("a", "1").file("index.html", "mine");
    let watch = |file: &Path, options: &[&str]| {
        project.watch_as_text(&builder).args(options).arg(format!("--timings={}", file.display())).run().status(2)
    };
    let own_name = project.path().join("x.html");
    watch(&own_name, &[]).says("each write would be a save").says("hint: give a file elsewhere");
    watch(&project.path().join(PAGE), &["--include", "*.html"]).says("each write would be a save");
    watch(&project.path().join("index.html"), &[]).says("is no page of timings").says("hint: ");
    watch(&project.temp_dir().join("none/x.html"), &[]).says("cannot be written to").says("hint: ");
    assert_eq!(fs::read_to_string(project.path().join("index.html")).unwrap(), "mine");
}

#[test]
fn a_key_shows_the_output_of_the_last_build_again() {
    let builder = Builder::assembling("echo hello from assemble; cp -a /tmp/src/. /app/");
    let project = Project::new().file("a", "1");
    let mut terminal = Terminal::start(&project.watch_line(&builder, ""), project.temp_dir());
    terminal.wait_for("build ok:", 1);
    terminal.press("?");
    terminal.wait_for("l show the last build's output again, t write the timings", 1);
    terminal.press("l");
    terminal.wait_for("the output of build 1:", 1);
    terminal.wait_for("this was the output of build 1", 1);
    assert_eq!(terminal.shown().matches("hello from assemble").count(), 2, "{}", terminal.shown());
    terminal.press("q");
    terminal.wait_for("watch ended:", 1);
    wait_for("nothing left", || builder.containers().is_empty());
}

#[test]
fn keys_that_do_nothing_are_not_listed() {
    let builder = holding_builder().make();
    let project = Project::new().file("a", "1");
    let line = project.watch_line(&builder, "--no-incremental --quiet");
    let mut terminal = Terminal::start(&line, project.temp_dir());
    wait_for("the first build", || project.id().is_some());
    terminal.press("?");
    terminal.wait_for("r rebuild, p pause and resume, q quit", 1);
    terminal.press("q");
    wait_for("nothing left", || builder.containers().is_empty());
}

#[test]
fn a_browser_shows_the_page_by_day_and_in_the_dark() {
    let Some(browser) = Browser::find() else { return };
    let project = Project::new().file("a", "1");
    let name = "<b>&\"'.txt";
    page_of_three_builds(&project, name);
    let page = project.temp_dir().join(PAGE);
    let question = "(() => {
        const all = (what) => [...document.querySelectorAll(what)];
        const text = (what) => document.querySelector(what).textContent;
        const style = (what) => getComputedStyle(document.querySelector(what));
        return {
            builds: all('#builds tbody tr').map((row) => [row.id, row.className, row.cells[3].textContent]),
            why: document.querySelector('#b2 td:last-child').firstChild.textContent,
            median: text('#median'),
            p95: text('#p95'),
            bars: all('#builds .bar').map((bar) => bar.getBoundingClientRect().width),
            parts: all('#b1 .bar i').map((part) => part.getBoundingClientRect().width),
            chart: document.querySelector('#chart').getBoundingClientRect().height,
            heads: all('#builds thead th').length,
            cells: all('#b1 > *').length,
            elements: all('b, script[src], link[href^=http], img').length,
            fetched: performance.getEntriesByType('resource').filter((it) => !it.name.startsWith('data:')).length,
            too_wide: document.documentElement.scrollWidth > innerWidth,
            ground: style('body').backgroundColor,
            inks: ['body', 'dt', '.fault', '#b2 td:nth-child(3)', '#b3 td:nth-child(3)'].map((it) => style(it).color),
        };
    })()";
    let mut grounds = Vec::new();
    for dark in [false, true] {
        let seen = browser.ask(&page, dark, question);
        let time = seen["builds"][0][2].as_str().unwrap().to_owned();
        assert!(time.parse::<f64>().unwrap() > 0.0, "{seen:#}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let builds: Vec<_> = seen["builds"].as_array().unwrap().iter().map(|it| [text(&it[0]), text(&it[1])]).collect();
        assert_eq!(builds, [["b1", "ok"], ["b2", "failed"], ["b3", "cancelled"]], "{seen:#}");
        assert_eq!(seen["why"], format!("{name} changed"), "{seen:#}");
        assert_eq!((&seen["median"], &seen["p95"]), (&json!(format!("{time} s")), &json!(format!("{time} s"))));
        for width in ["bars", "parts"] {
            let widths = seen[width].as_array().unwrap();
            assert!(widths.len() >= 3 || width == "parts", "{seen:#}");
            assert!(widths.iter().any(|it| it.as_f64().unwrap() > 20.0), "{seen:#}");
        }
        assert!(seen["chart"].as_f64().unwrap() > 100.0, "{seen:#}");
        assert_eq!(seen["heads"], seen["cells"], "{seen:#}");
        assert_eq!((&seen["elements"], &seen["fetched"]), (&json!(0), &json!(0)), "{seen:#}");
        assert_eq!(seen["too_wide"], false, "{seen:#}");
        let ground = luminance(seen["ground"].as_str().unwrap());
        for ink in seen["inks"].as_array().unwrap() {
            let ink = luminance(ink.as_str().unwrap());
            let contrast = (ground.max(ink) + 0.05) / (ground.min(ink) + 0.05);
            assert!(contrast >= 4.5, "a contrast of {contrast}\n{seen:#}");
        }
        grounds.push(ground);
    }
    assert!(grounds[0] > 0.8 && grounds[1] < 0.1, "{grounds:?}");
}

/// How bright a colour such as `rgb(1, 2, 3)` is, from 0 to 1, as in the W3C's guidelines for contrast.
fn luminance(colour: &str) -> f64 {
    let numbers = colour.trim_start_matches("rgb(").trim_end_matches(')').split(", ");
    let linear = numbers.map(|number| {
        let share = number.parse::<f64>().unwrap() / 255.0;
        if share <= 0.03928 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    linear.zip([0.2126, 0.7152, 0.0722]).map(|(share, weight)| share * weight).sum()
}
