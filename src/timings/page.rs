//! The page: one HTML file that needs no other file, no network and no script. What the drawing shows is in tables, too.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::html::{clock, escape, seconds};
use super::phases::{PHASES, number, parts};
use super::record::{Build, Timings};
use super::statistics::Spread;
use super::{chart, table};
use crate::report::message::Outcome;

/// What every page has near its beginning, and other files have not.
pub const MARK: &str = "<meta name=\"generator\" content=\"minis2i watch --timings\">";

/// Nothing is fetched and nothing runs, whatever a name in the page says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// How many of the slowest builds are named.
const SLOWEST: usize = 5;

/// So many failed builds are named, the last ones.
const FAILED: usize = 100;

/// The page about what a watch did until `now`. Its size, and the time that it takes, grow with the number of builds.
pub fn page(timings: &Timings, now: Instant) -> String {
    let tag = timings.subject.as_ref().map_or("", |subject| &subject.tag);
    let title = format!("Timings of {}", escape(tag));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{MARK}\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n",
        include_str!("page.css"),
        phase_colours(),
    );
    let good = Spread::of(timings.builds.iter().filter(|it| it.outcome == Outcome::Ok).map(|it| it.total));
    add_summary(&mut page, timings, good.as_ref(), now);
    if timings.builds.is_empty() {
        page.push_str("<p>No build has ended.</p>\n");
    } else {
        chart::add(&mut page, timings, good.as_ref());
        add_phases(&mut page, timings);
        table::add(&mut page, timings);
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn phase_colours() -> String {
    let mut css = String::new();
    for (index, (_, on_light, _)) in PHASES.iter().enumerate() {
        let _ = writeln!(css, ".p{index} {{ background: {on_light}; }}");
    }
    css.push_str("@media (prefers-color-scheme: dark) {\n");
    for (index, (_, _, on_dark)) in PHASES.iter().enumerate() {
        let _ = writeln!(css, ".p{index} {{ background: {on_dark}; }}");
    }
    css.push_str("}\n");
    css
}

/// Adds what there is to say about all builds together.
fn add_summary(page: &mut String, timings: &Timings, good: Option<&Spread>, now: Instant) {
    let count = |outcome| timings.builds.iter().filter(|build| build.outcome == outcome).count().to_string();
    page.push_str("<dl>\n");
    if let Some(subject) = &timings.subject {
        add_fact(page, "source", "Source", &escape(&subject.source));
        add_fact(page, "builder", "Builder", &escape(&subject.builder));
    }
    let time = format!("{}, for {}", escape(&timings.since), clock(timings.lasted(now)));
    add_fact(page, "time", "Since", &time);
    let kept = match timings.left_out {
        0 => timings.builds.len().to_string(),
        count => format!("{} (the last ones; {count} before them are left out)", timings.builds.len()),
    };
    add_fact(page, "count", "Builds", &kept);
    add_fact(page, "ok", "Good", &count(Outcome::Ok));
    add_fact(page, "failed", "Failed", &(count(Outcome::Failed) + &failed_links(timings)));
    add_fact(page, "cancelled", "Cancelled", &count(Outcome::Cancelled));
    if let Some(good) = good {
        let seconds = |time| format!("{} s", seconds(time));
        add_fact(page, "median", "Median of the good ones", &seconds(good.median));
        add_fact(page, "p95", "95th percentile", &seconds(good.p95));
        add_fact(page, "fastest", "Fastest", &seconds(good.fastest));
        add_fact(page, "slowest", "Slowest", &format!("{}{}", seconds(good.slowest), slowest_links(timings)));
    }
    page.push_str("</dl>\n");
}

/// Adds a name and what it stands for, which is HTML.
fn add_fact(page: &mut String, id: &str, name: &str, html: &str) {
    let _ = writeln!(page, "<dt>{name}</dt><dd id=\"{id}\">{html}</dd>");
}

fn failed_links(timings: &Timings) -> String {
    let failed = timings.builds.iter().rev().filter(|build| build.outcome == Outcome::Failed);
    links("the last ones", failed.take(FAILED))
}

fn slowest_links(timings: &Timings) -> String {
    let mut good: Vec<&Build> = timings.builds.iter().filter(|build| build.outcome == Outcome::Ok).collect();
    good.sort_by_key(|build| std::cmp::Reverse(build.total));
    links("the slowest ones", good.into_iter().take(SLOWEST))
}

/// Links to builds, after what they are; nothing where there are none.
fn links<'a>(what: &str, builds: impl Iterator<Item = &'a Build>) -> String {
    let links: Vec<String> = builds.map(|build| format!("<a href=\"#b{0}\">{0}</a>", build.number)).collect();
    if links.is_empty() { String::new() } else { format!("; {what}: {}", links.join(", ")) }
}

/// Adds how long each phase took in the builds that succeeded, which is also the key to the colours of all.
fn add_phases(page: &mut String, timings: &Timings) {
    let mut times: [Vec<Duration>; PHASES.len()] = Default::default();
    let mut seen = [false; PHASES.len()];
    for build in &timings.builds {
        for (name, took) in parts(build) {
            seen[number(name)] = true;
            if build.outcome == Outcome::Ok {
                times[number(name)].push(took);
            }
        }
    }
    page.push_str(
        "<table id=\"phases\">\n<caption>The phases of the good builds</caption>\n<thead><tr><th scope=\"col\">Phase</th>\
         <th scope=\"col\">Builds</th><th scope=\"col\">Median, s</th><th scope=\"col\">95th percentile, s</th>\
         <th scope=\"col\">Longest, s</th></tr></thead>\n<tbody>\n",
    );
    for (index, times) in times.into_iter().enumerate().filter(|(index, _)| seen[*index]) {
        let spread = Spread::of(times);
        let time = |of: fn(&Spread) -> Duration| spread.as_ref().map(|it| seconds(of(it))).unwrap_or_default();
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\"><i class=\"p{index}\" aria-hidden=\"true\"></i>{}</th><td>{}</td><td>{}</td>\
             <td>{}</td><td>{}</td></tr>",
            PHASES[index].0,
            spread.as_ref().map_or(0, |it| it.count),
            time(|it| it.median),
            time(|it| it.p95),
            time(|it| it.slowest),
        );
    }
    page.push_str("</tbody>\n</table>\n");
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::page;
    use crate::report::message::Outcome;
    use crate::timings::record::Timings;
    use crate::timings::record::tests::{ms, timings};

    const MIXED: [Outcome; 3] = [Outcome::Ok, Outcome::Failed, Outcome::Ok];

    #[test]
    fn the_summary_is_about_the_good_builds() {
        let (timings, now) = timings(&MIXED, "a");
        let page = page(&timings, now);
        for fact in [
            "<dd id=\"time\">2026-01-02 03:04:05 UTC, for 0:00:03</dd>",
            "<dd id=\"count\">3</dd>",
            "<dd id=\"failed\">1; the last ones: <a href=\"#b2\">2</a></dd>",
            "<dd id=\"median\">0.101 s</dd>",
            "<dd id=\"p95\">0.102 s</dd>",
            "<dd id=\"slowest\">0.102 s; the slowest ones: <a href=\"#b3\">3</a>, <a href=\"#b1\">1</a></dd>",
        ] {
            assert!(page.contains(fact), "no {fact}\n{page}");
        }
    }

    #[test]
    fn a_watch_without_a_build_has_a_page() {
        let begun = Instant::now();
        let page = page(&Timings::new(begun, "now".to_owned()), begun + ms(5));
        assert!(page.contains("No build has ended") && page.ends_with("</html>\n"), "{page}");
    }

    #[test]
    fn names_cannot_add_markup() {
        let name = "</style><script>alert(1)</script>\"' onload=x\u{0}\u{fffd}&amp;";
        let (mut timings, now) = timings(&[Outcome::Failed], name);
        let subject = timings.subject.as_mut().unwrap();
        for text in [&mut subject.source, &mut subject.builder, &mut subject.tag] {
            name.clone_into(text);
        }
        timings.builds[0].no_standby = Some(name.to_owned());
        let page = page(&timings, now);
        assert!(!page.contains("<script") && !page.contains('\0'), "{page}");
        assert_eq!(page.matches("</style>").count(), 1, "{page}");
        assert!(page.contains("&lt;/style&gt;&lt;script&gt;alert(1)"), "{page}");
    }

    #[test]
    fn nothing_is_fetched() {
        let (timings, now) = timings(&MIXED, "a");
        let page = page(&timings, now);
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("url("), "{page}");
        assert_eq!(page.matches("src=").count() + page.matches("@import").count(), 0, "{page}");
    }

    #[test]
    fn the_size_grows_with_the_builds_and_no_faster() {
        let size = |count: usize| {
            let (timings, now) = timings(&vec![Outcome::Failed; count], "src/some/folder/app.py");
            page(&timings, now).len()
        };
        let (few, many) = (size(1000), size(10_000));
        assert!(few < 1_000_000, "{few} bytes");
        assert!(many < few * 11, "{few} and {many} bytes");
    }
}
