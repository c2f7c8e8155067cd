//! A drawing of lines over a logarithmic axis: seconds over the number of files.

use std::fmt::Write;

use serde_json::{Value, json};

/// The points of one contender.
pub struct Curve {
    pub name: String,
    /// A number of files, and seconds. At least one.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    pub fn json(&self) -> Value {
        let points: Vec<Value> =
            self.points.iter().map(|(files, seconds)| json!({"files": files, "seconds": seconds})).collect();
        json!({"name": self.name, "points": points})
    }
}

/// The units of the drawing, chosen by eye; the page scales them.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 40.0;

/// The colours of the lines, which can be told apart on light and on dark ground.
const COLOURS: [&str; 4] = ["#2f9c9c", "#e0663f", "#a862b8", "#8d6e63"];

/// The smallest power of ten that is not below a number, and the largest that is not above.
fn decades(least: f64, most: f64) -> (i32, i32) {
    ((least.log10() + 1e-9).floor() as i32, (most.log10() - 1e-9).ceil() as i32)
}

/// The drawing, both axes logarithmic; nothing without curves.
pub fn svg(title: &str, curves: &[Curve]) -> String {
    let all = || curves.iter().flat_map(|curve| &curve.points);
    if all().next().is_none() {
        return String::new();
    }
    let range = |pick: fn(&(f64, f64)) -> f64| {
        let values = || all().map(pick);
        decades(values().fold(f64::MAX, f64::min), values().fold(f64::MIN_POSITIVE, f64::max))
    };
    let (files, seconds) = (range(|point| point.0), range(|point| point.1));
    let place = |value: f64, (low, high): (i32, i32), from: f64, to: f64| {
        from + (value.log10() - f64::from(low)) / f64::from((high - low).max(1)) * (to - from)
    };
    let x = |value: f64| place(value, files, LEFT, WIDTH - RIGHT);
    let y = |value: f64| place(value, seconds, HEIGHT - BOTTOM, TOP);
    let mut parts = format!("<text class=\"title\" x=\"0\" y=\"20\">{title}</text>\n");
    for power in seconds.0..=seconds.1 {
        let value = 10_f64.powi(power);
        let at = y(value);
        let _ = writeln!(
            parts,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"currentColor\" opacity=\".15\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value} s</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0
        );
    }
    for power in files.0..=files.1 {
        let value = 10_f64.powi(power);
        let _ = writeln!(
            parts,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{value} files</text>",
            x(value),
            HEIGHT - 14.0
        );
    }
    for (curve, colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        let points: Vec<String> = curve.points.iter().map(|(a, b)| format!("{:.1},{:.1}", x(*a), y(*b))).collect();
        let (last, highest) = curve.points[curve.points.len() - 1];
        let name = curve.name.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            parts,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" style=\"fill: {colour}\">{name}: {highest:.2} s</text>",
            points.join(" "),
            x(last),
            y(highest) - 8.0
        );
    }
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"seconds over files\">\n{parts}</svg>\n")
}

#[cfg(test)]
mod tests {
    use super::{Curve, decades, svg};

    #[test]
    fn the_axes_end_at_powers_of_ten() {
        assert_eq!(decades(1.0, 100_000.0), (0, 5));
        assert_eq!(decades(0.07, 31.0), (-2, 2));
    }

    #[test]
    fn a_flat_line_is_drawn_flat() {
        let curve = Curve { name: "a < b".to_owned(), points: vec![(1.0, 0.1), (1000.0, 0.1)] };
        let text = svg("title", &[curve]);
        let points = text.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        let heights: Vec<&str> = points.split(' ').map(|point| point.split(',').nth(1).unwrap()).collect();
        assert_eq!(heights[0], heights[1]);
        assert!(text.contains("a &lt; b"));
        assert_eq!(svg("title", &[]), "");
    }
}
