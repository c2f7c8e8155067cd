//! The picture: one line of text a row, each of which appears when it was printed. Where nothing may move, and where pictures do
//! not, all of them are there.

use std::fmt::Write;
use std::time::Duration;

use super::screen::{Row, Run};

/// The longest time for which nothing happens in the picture; longer ones are cut to it.
const LONGEST_GAP: Duration = Duration::from_millis(1500);

/// The width of a character and the height of a line, in units of the picture.
const WIDTH: f64 = 7.8;
const HEIGHT: usize = 19;
const MARGIN: usize = 16;

const STYLE: &str = "
    .back { fill: #f6f8fa; stroke: #d0d7de }
    text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328; white-space: pre }
    .bold { font-weight: 600 } .dim { opacity: .65 }
    .c1, .c9 { fill: #b42318 } .c2, .c10 { fill: #1a7f37 } .c3, .c11 { fill: #8a5a00 }
    .c4, .c12 { fill: #0550ae } .c5, .c13 { fill: #8250df } .c6, .c14 { fill: #1b7c83 }
    @media (prefers-color-scheme: dark) {
      .back { fill: #0d1117; stroke: #30363d }
      text { fill: #e6edf3 }
      .c1, .c9 { fill: #ff7b72 } .c2, .c10 { fill: #56d364 } .c3, .c11 { fill: #e3b341 }
      .c4, .c12 { fill: #79c0ff } .c5, .c13 { fill: #d2a8ff } .c6, .c14 { fill: #56d4dd }
    }
    @media (prefers-reduced-motion: no-preference) {
      text { animation: appear .15s both }
      @keyframes appear { from { opacity: 0 } }
    }
";

/// The picture of these rows.
pub fn picture(rows: &[Row]) -> String {
    let longest = rows.iter().map(|row| length(&row.runs)).max().unwrap_or_default();
    let (width, height) = ((longest as f64 * WIDTH) as usize + 2 * MARGIN, rows.len() * HEIGHT + 2 * MARGIN);
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">\n<!-- Made by `cargo xtask record` from a real run. -->\n\
         <title>A watch: the first build, and three saves, the second of which fails</title>\n<style>{STYLE}</style>\n\
         <rect class=\"back\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        width - 1,
        height - 1
    );
    for (number, (row, at)) in rows.iter().zip(times(rows)).enumerate().filter(|(_, (row, _))| !row.runs.is_empty()) {
        let _ = writeln!(
            picture,
            "<text x=\"{MARGIN}\" y=\"{}\" style=\"animation-delay:{:.1}s\" xml:space=\"preserve\">{}</text>",
            MARGIN + 13 + number * HEIGHT,
            at.as_secs_f64(),
            row.runs.iter().map(span).collect::<String>()
        );
    }
    picture + "</svg>\n"
}

fn length(runs: &[Run]) -> usize {
    runs.iter().map(|run| run.text.chars().count()).sum()
}

/// When the rows appear: in their order, and without long gaps.
fn times(rows: &[Row]) -> Vec<Duration> {
    let (mut before, mut shown) = (Duration::ZERO, Duration::ZERO);
    let times = rows.iter().map(|row| {
        let at = row.at.max(before);
        shown += (at - before).min(LONGEST_GAP);
        before = at;
        shown
    });
    times.collect()
}

fn span(run: &Run) -> String {
    let mut classes = Vec::new();
    classes.extend(run.colour.map(|number| format!("c{number}")));
    classes.extend(run.bold.then(|| "bold".to_owned()));
    classes.extend(run.dim.then(|| "dim".to_owned()));
    let text = run.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if classes.is_empty() { text } else { format!("<tspan class=\"{}\">{text}</tspan>", classes.join(" ")) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::screen::{Row, Run};
    use super::{picture, times};

    fn row(text: &str, colour: Option<u8>, seconds: u64) -> Row {
        let run = Run { text: text.to_owned(), colour, bold: false, dim: false };
        Row { runs: vec![run], at: Duration::from_secs(seconds) }
    }

    #[test]
    fn rows_appear_in_their_order_and_soon() {
        let rows = [row("a", None, 1), row("b", None, 9), row("c", None, 5)];
        assert_eq!(times(&rows), [1000, 2500, 2500].map(Duration::from_millis));
    }

    #[test]
    fn text_is_escaped_and_coloured() {
        let picture = picture(&[row("a<b", Some(1), 0)]);
        assert!(picture.contains("<tspan class=\"c1\">a&lt;b</tspan>"), "{picture}");
    }
}
