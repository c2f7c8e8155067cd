//! All builds in one drawing: a bar for each, as high as it took long, from the first to the last.

use std::fmt::Write;
use std::time::Duration;

use super::html::seconds;
use super::record::{Build, Timings};
use super::statistics::Spread;
use crate::report::message::Outcome;

/// The height of the drawing in units of its own; a build is one unit wide, and the page scales both.
const HEIGHT: f64 = 100.0;

/// What is longer than this many 95th percentiles is cut off, so that one long build does not flatten all others.
const CUT: u32 = 3;

/// The outcomes, each with its name in the page.
const OUTCOMES: [(Outcome, &str); 3] =
    [(Outcome::Ok, "ok"), (Outcome::Failed, "failed"), (Outcome::Cancelled, "cancelled")];

/// How an outcome is called in the page.
pub fn outcome_name(outcome: Outcome) -> &'static str {
    OUTCOMES.iter().find(|(known, _)| *known == outcome).map_or("", |(_, name)| name)
}

/// The time that fills a whole bar; longer ones are cut off.
pub fn scale(timings: &Timings) -> Duration {
    let spread = Spread::of(timings.builds.iter().map(Build::length));
    spread.map_or(Duration::from_millis(1), |it| it.slowest.min(it.p95 * CUT).max(Duration::from_millis(1)))
}

/// Adds the drawing of at least one build.
pub fn add(page: &mut String, timings: &Timings, good: Option<&Spread>) {
    let scale = scale(timings);
    let width = timings.builds.len();
    let top = seconds(scale);
    let _ = write!(
        page,
        "<figure>\n<svg id=\"chart\" role=\"img\" viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" \
         aria-label=\"The times of {width} builds, from the oldest to the newest; the table below has them as numbers\">\n"
    );
    for (outcome, name) in OUTCOMES {
        let bars = timings.builds.iter().enumerate().filter(|(_, build)| build.outcome == outcome);
        let mut path = String::new();
        for (index, build) in bars {
            // A bar that is too low to be seen would look like a gap.
            let height = (share(build.length(), scale) * HEIGHT).max(0.5);
            let _ = write!(path, "M{index} {HEIGHT}v-{height:.1}h.9V{HEIGHT}z");
        }
        if !path.is_empty() {
            let _ = writeln!(page, "<path class=\"{name}\" d=\"{path}\"/>");
        }
    }
    for (class, time) in good.into_iter().flat_map(|good| [("median", good.median), ("p95", good.p95)]) {
        let y = HEIGHT - share(time, scale) * HEIGHT;
        let _ = writeln!(page, "<line class=\"{class}\" x1=\"0\" x2=\"{width}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>");
    }
    let cut = timings.builds.iter().filter(|build| build.length() > scale).count();
    let cut = match cut {
        0 => String::new(),
        1 => "; 1 longer build is cut off there".to_owned(),
        count => format!("; {count} longer builds are cut off there"),
    };
    let lines = if good.is_some() { " Lines: median (solid), 95th percentile (dashed)." } else { "" };
    let _ = write!(
        page,
        "</svg>\n<figcaption>All builds, from the oldest to the newest. The full height is {top} s{cut}.{lines}\n\
         <span class=\"key ok\">ok</span> <span class=\"key failed\">failed</span> \
         <span class=\"key cancelled\">cancelled</span></figcaption>\n</figure>\n"
    );
}

/// A part of the scale, from 0 to 1.
fn share(time: Duration, scale: Duration) -> f64 {
    (time.as_secs_f64() / scale.as_secs_f64()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::{add, scale};
    use crate::report::message::Outcome;
    use crate::timings::record::tests::{ms, timings};

    #[test]
    fn one_long_build_does_not_flatten_the_others() {
        let (mut timings, _) = timings(&[Outcome::Ok; 40], "a");
        timings.builds[7].total = ms(600_000);
        assert_eq!(scale(&timings), ms(138) * 3);
        let mut page = String::new();
        add(&mut page, &timings, None);
        assert!(page.contains("1 longer build is cut off there") && page.contains("M7 100v-100.0h.9V100z"), "{page}");
    }

    #[test]
    fn builds_are_drawn_by_how_they_ended() {
        let (timings, _) = timings(&[Outcome::Ok, Outcome::Failed, Outcome::Ok], "a");
        let mut page = String::new();
        add(&mut page, &timings, None);
        for path in ["<path class=\"ok\" d=\"M0 ", "<path class=\"failed\" d=\"M1 "] {
            assert!(page.contains(path), "{page}");
        }
        assert!(!page.contains("class=\"cancelled\" d="), "{page}");
    }
}
