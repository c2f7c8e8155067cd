//! One page that shows where the time of a save goes: the table, and bars cut into phases.

use std::fmt::Write;

use serde_json::{Value, json};

use super::bar::MISSED;
use super::curve_chart::{self, Curve};
use super::save::Save;
use super::series::Series;
use super::table::{HEADS, RowResult};

/// Phases in the order in which they happen, with their colours on light and on dark ground.
const PHASES: [(&str, &str, &str); 15] = [
    ("settle", "#b9bec6", "#6b7280"),
    ("inspect", "#8fb8de", "#3f6f9e"),
    ("start", "#4f8fcf", "#5a9bdc"),
    ("snapshot", "#5fc3c3", "#2f9c9c"),
    ("source", "#49b08a", "#37a07a"),
    ("artifacts", "#8bc34a", "#7cb342"),
    ("upload", "#3f9d5b", "#4cbb6c"),
    ("assemble", "#f2b134", "#e0a020"),
    ("clear", "#a1887f", "#8d6e63"),
    ("commit", "#e0663f", "#e8774f"),
    ("tag", "#a862b8", "#b57cc4"),
    (BUILD, "#5f9ea0", "#4f9a9c"),
    (SWAP, "#d4879c", "#c9708a"),
    (START, "#6f8fe0", "#6484dc"),
    (REST, "#d9d2c5", "#4b4740"),
];

/// All up to the tag, where what it was made of is not known.
pub const BUILD: &str = "build";

/// From the tag to an answer of the new app in the place of the old one.
pub const SWAP: &str = "swap";

/// From the start of a container to its first answer.
pub const START: &str = "start of the app";

/// What no phase accounts for.
const REST: &str = "other";

/// The units of the drawing; the page scales them to its own width. All sizes below were chosen by eye.
const WIDTH: f64 = 900.0;
/// What is left for the seconds behind the longest bar.
const MARGIN: f64 = 90.0;
const TITLE_HEIGHT: f64 = 34.0;
const LINE_HEIGHT: f64 = 54.0;
/// About as wide as a letter of the labels in the bars.
const LETTER: f64 = 7.5;

/// A bar of the chart: the medians of the turns of one contender.
pub struct ChartBar {
    /// Bars of a group share a scale.
    pub group: &'static str,
    pub name: String,
    /// In seconds.
    pub whole: f64,
    pub phases: Vec<(String, f64)>,
}

impl ChartBar {
    /// From at least one turn.
    pub fn new(group: &'static str, name: impl Into<String>, turns: &[Save]) -> Self {
        let whole = Series::new(turns.iter().map(|turn| turn.whole)).median().as_secs_f64();
        let mut names: Vec<&String> = turns.iter().flat_map(|turn| &turn.phases).map(|(name, _)| name).collect();
        names.sort_by_key(|name| (order(name), name.as_str()));
        names.dedup();
        let median = |name: &String| Series::new(turns.iter().map(|turn| turn.phase(name))).median().as_secs_f64();
        let phases = names.into_iter().map(|name| (name.clone(), median(name))).collect();
        Self { group, name: name.into(), whole, phases: fill_whole(whole, phases) }
    }

    /// From what is known of phases alone.
    pub fn of_series(group: &'static str, name: impl Into<String>, phase: &str, series: &Series) -> Self {
        let whole = series.median().as_secs_f64();
        Self { group, name: name.into(), whole, phases: vec![(phase.to_owned(), whole)] }
    }

    pub fn json(&self) -> Value {
        let phases: serde_json::Map<String, Value> =
            self.phases.iter().map(|(name, seconds)| (name.clone(), json!(seconds))).collect();
        json!({"group": self.group, "name": self.name, "seconds": self.whole, "phases": phases})
    }
}

/// Makes the phases fill the whole: what is missing is a phase of its own, and phases that overlap are shortened.
fn fill_whole(whole: f64, mut phases: Vec<(String, f64)>) -> Vec<(String, f64)> {
    let sum: f64 = phases.iter().map(|(_, seconds)| seconds).sum();
    if sum > whole {
        phases.iter_mut().for_each(|(_, seconds)| *seconds *= whole / sum);
    } else {
        phases.push((REST.to_owned(), whole - sum));
    }
    phases
}

/// Where a phase stands among the others; one that is not known comes last but for the rest.
fn order(phase: &str) -> usize {
    let last = PHASES.len() - 1;
    PHASES
        .iter()
        .position(|(name, ..)| *name == phase)
        .map_or(last * 2 - 1, |at| if at == last { last * 2 } else { at })
}

/// The class of a phase in the style sheet.
fn class(phase: &str) -> usize {
    PHASES.iter().position(|(name, ..)| *name == phase).unwrap_or(PHASES.len() - 1)
}

/// The page of the bench with this name.
pub fn page(bench: &str, subtitle: &str, results: &[RowResult], bars: &[ChartBar], curves: &[Curve]) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>bench {}</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n<h1>Where the time of a save goes</h1>\n<p>{}</p>\n{}{}{}{}</body>\n</html>\n",
        escape(bench),
        style(),
        escape(subtitle),
        legend(bars),
        svg(bars),
        curve_chart::svg("Seconds from a save to the tag over the number of files", curves),
        table(results),
    )
}

fn style() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    for (at, (_, on_light, on_dark)) in PHASES.iter().enumerate() {
        let _ = write!(light, " --p{at}: {on_light};");
        let _ = write!(dark, " --p{at}: {on_dark};");
    }
    let mut style = format!(
        ":root {{ color-scheme: light dark; --ground: #fdfdfc; --ink: #1d1f23; --quiet: #5d6470; --line: #dcdee3; \
         --in-bar: #16181c; --no: #b3261e;{light} }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --ground: #16181c; --ink: #e7e9ee; --quiet: #a2a9b5; \
         --line: #343840; --in-bar: #fff; --no: #ff8a80;{dark} }} }}\n\
         body {{ margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--ground); color: var(--ink); \
         font: 15px/1.5 system-ui, sans-serif; }}\n\
         p, .note {{ color: var(--quiet); }}\n\
         svg {{ width: 100%; height: auto; font: 13px system-ui, sans-serif; fill: var(--ink); }}\n\
         svg .title {{ font-weight: 600; font-size: 15px; }}\n\
         svg .in {{ fill: var(--in-bar); font-size: 11px; pointer-events: none; }}\n\
         .legend {{ display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; list-style: none; padding: 0; }}\n\
         .legend i {{ display: inline-block; width: .9em; height: .9em; margin-right: .4em; vertical-align: -.1em; }}\n\
         rect {{ stroke: var(--ground); }}\n\
         td:nth-child(n+5):nth-child(-n+7) {{ white-space: nowrap; }}\n\
         .wide {{ overflow-x: auto; }}\n\
         table {{ border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }}\n\
         th, td {{ text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; \
         border-bottom: 1px solid var(--line); }}\n\
         .no {{ color: var(--no); font-weight: 600; }}\n"
    );
    for at in 0..PHASES.len() {
        let _ = writeln!(style, ".p{at} {{ fill: var(--p{at}); background: var(--p{at}); }}");
    }
    style
}

fn legend(bars: &[ChartBar]) -> String {
    let used = |name: &str| bars.iter().flat_map(|bar| &bar.phases).any(|(phase, _)| phase == name);
    let items = PHASES.iter().enumerate().filter(|(_, (name, ..))| used(name));
    let items: String = items.map(|(at, (name, ..))| format!("<li><i class=\"p{at}\"></i>{name}</li>\n")).collect();
    format!("<ul class=\"legend\">\n{items}</ul>\n")
}

/// All groups below each other, each on a scale of its own.
fn svg(bars: &[ChartBar]) -> String {
    let (mut parts, mut y) = (String::new(), 0.0);
    for group in bars.chunk_by(|a, b| a.group == b.group) {
        let longest = group.iter().map(|bar| bar.whole).fold(f64::MIN_POSITIVE, f64::max);
        let _ =
            writeln!(parts, "<text class=\"title\" x=\"0\" y=\"{:.0}\">{}</text>", y + 20.0, escape(group[0].group));
        y += TITLE_HEIGHT;
        for bar in group {
            parts += &draw_bar(bar, y, (WIDTH - MARGIN) / longest);
            y += LINE_HEIGHT;
        }
        y += 10.0;
    }
    format!("<svg viewBox=\"0 0 {WIDTH} {y:.0}\" role=\"img\" aria-label=\"seconds by phase\">\n{parts}</svg>\n")
}

/// The name, and below it the bar and its seconds; a phase has its name in it where there is room.
fn draw_bar(bar: &ChartBar, y: f64, scale: f64) -> String {
    let mut text = format!("<text x=\"0\" y=\"{:.0}\">{}</text>\n", y + 12.0, escape(&bar.name));
    let mut x = 0.0;
    for (phase, seconds) in &bar.phases {
        let (width, name) = (seconds * scale, escape(phase));
        let _ = writeln!(
            text,
            "<rect class=\"p{}\" x=\"{x:.1}\" y=\"{:.0}\" width=\"{width:.1}\" height=\"22\">\
             <title>{name}: {seconds:.3} s</title></rect>",
            class(phase),
            y + 19.0,
        );
        if width > LETTER * (phase.chars().count() + 1) as f64 {
            let (x, y) = (x + 5.0, y + 34.0);
            let _ = writeln!(text, "<text class=\"in\" x=\"{x:.1}\" y=\"{y:.0}\">{name}</text>");
        }
        x += width;
    }
    let _ = writeln!(text, "<text x=\"{:.1}\" y=\"{:.0}\">{:.3} s</text>", x + 8.0, y + 35.0, bar.whole);
    text
}

fn table(results: &[RowResult]) -> String {
    let head: String = HEADS.iter().map(|head| format!("<th>{head}</th>")).collect();
    let mut rows = String::new();
    for result in results {
        let cells: String = result.cells().iter().map(|text| cell(text)).collect();
        let _ = writeln!(rows, "<tr>{cells}</tr>");
    }
    format!("<div class=\"wide\"><table>\n<tr>{head}</tr>\n{rows}</table></div>\n")
}

fn cell(text: &str) -> String {
    let class = if text.ends_with(MISSED) || text.starts_with("error: ") { " class=\"no\"" } else { "" };
    format!("<td{class}>{}</td>", escape(text))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ChartBar, Save, fill_whole, page};

    fn save(millis: u64, phases: &[(&str, u64)]) -> Save {
        let phases = phases.iter().map(|(name, time)| ((*name).to_owned(), Duration::from_millis(*time))).collect();
        Save { whole: Duration::from_millis(millis), phases, image: String::new(), standby: true }
    }

    #[test]
    fn phases_stand_in_the_order_they_happen_and_fill_the_bar() {
        let bar = ChartBar::new("g", "n", &[save(100, &[("commit", 60), ("assemble", 10), ("settle", 20)])]);
        let names: Vec<&str> = bar.phases.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["settle", "assemble", "commit", "other"]);
        assert!((bar.phases.iter().map(|(_, seconds)| seconds).sum::<f64>() - bar.whole).abs() < 1e-9);
    }

    #[test]
    fn phases_that_overlap_do_not_leave_the_bar() {
        let phases = fill_whole(1.0, vec![("start".to_owned(), 1.5), ("artifacts".to_owned(), 0.5)]);
        assert_eq!(phases, [("start".to_owned(), 0.75), ("artifacts".to_owned(), 0.25)]);
    }

    #[test]
    fn names_can_not_break_the_page() {
        let bar = ChartBar::new("a < b", "<script>", &[save(1, &[])]);
        let page = page("watch", "x & y", &[], &[bar], &[]);
        assert!(page.contains("x &amp; y") && page.contains("a &lt; b") && !page.contains("<script>"));
    }
}
