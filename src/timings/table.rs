//! The table of all builds: each as a bar cut into phases, and the same as text.

use std::fmt::Write;
use std::time::Duration;

use super::chart::{outcome_name, scale};
use super::html::{clock, escape, percent, seconds};
use super::phases::{number, parts};
use super::record::{Build, Timings};

/// Adds the table of at least one build.
pub fn add(page: &mut String, timings: &Timings) {
    let scale = scale(timings);
    // Only where an app runs the newest image.
    let swaps = timings.builds.iter().any(|build| build.swap.is_some());
    let swap = if swaps { "<th scope=\"col\">Swap, s</th>" } else { "" };
    let _ = write!(
        page,
        "<div class=\"wide\"><table id=\"builds\">\n<caption>All builds. A whole bar is {} s.</caption>\n<thead><tr>\
         <th scope=\"col\">Build</th><th scope=\"col\">At</th><th scope=\"col\">Result</th>\
         <th scope=\"col\">Time, s</th><th scope=\"col\">Phases, s</th>{swap}<th scope=\"col\">Standby</th>\
         <th scope=\"col\">Started by</th></tr></thead>\n<tbody>\n",
        seconds(scale)
    );
    timings.builds.iter().for_each(|build| add_row(page, build, scale, swaps));
    page.push_str("</tbody>\n</table></div>\n");
}

fn add_row(page: &mut String, build: &Build, scale: Duration, swaps: bool) {
    let outcome = outcome_name(build.outcome);
    let _ = write!(
        page,
        "<tr id=\"b{number}\" class=\"{outcome}\"><th scope=\"row\">{number}</th><td>{at}</td><td>{outcome}</td>\
         <td>{total}</td><td>",
        number = build.number,
        at = clock(build.began),
        total = seconds(build.total),
    );
    add_bar(page, build, scale);
    page.push_str("</td>");
    if swaps {
        let _ = write!(page, "<td>{}</td>", build.swap.map(seconds).unwrap_or_default());
    }
    let _ = write!(page, "<td>{}</td><td>{}", standby(build), escape(&build.why));
    if let Some(fault) = &build.fault {
        let _ = write!(page, "<br><span class=\"fault\">{}</span>", escape(fault));
    }
    page.push_str("</td></tr>\n");
}

/// Adds the bar, which says nothing that the text below it does not say.
fn add_bar(page: &mut String, build: &Build, scale: Duration) {
    let parts = parts(build);
    let cut = if build.length() > scale { " cut" } else { "" };
    let _ = write!(page, "<div class=\"bar{cut}\" aria-hidden=\"true\">");
    for (name, took) in &parts {
        let _ = write!(page, "<i class=\"p{}\" style=\"width:{}%\"></i>", number(name), percent(*took, scale));
    }
    page.push_str("</div>");
    for (index, (name, took)) in parts.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        let _ = write!(page, "{comma}{} {}", escape(name), seconds(*took));
    }
}

/// What there is to say about the standby of a build.
fn standby(build: &Build) -> String {
    match (&build.no_standby, build.prepared) {
        (Some(why), _) => format!("none: {}", escape(why)),
        (None, Some(prepared)) => format!("prepared in {} s", seconds(prepared)),
        (None, None) => "used".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::add;
    use crate::report::message::Outcome;
    use crate::timings::record::tests::{ms, timings};

    #[test]
    fn a_row_has_all_of_a_build() {
        let (timings, _) = timings(&[Outcome::Ok, Outcome::Failed], "<b>.py");
        let mut page = String::new();
        add(&mut page, &timings);
        let row = |number: u32| page.lines().find(|line| line.starts_with(&format!("<tr id=\"b{number}\""))).unwrap();
        assert!(row(1).contains("<td>ok</td><td>0.100</td>"), "{page}");
        assert!(row(1).contains("upload 0.001, assemble 0.050, commit 0.025, other 0.024</td>"), "{page}");
        assert!(row(1).contains("<td>prepared in 0.007 s</td><td>&lt;b&gt;.py changed</td>"), "{page}");
        assert!(row(2).contains("<span class=\"fault\">`assemble` failed on &lt;b&gt;.py</span>"), "{page}");
        assert!(!page.contains("Swap"), "{page}");
    }

    #[test]
    fn swaps_have_a_column_where_there_are_any() {
        let (mut timings, _) = timings(&[Outcome::Ok, Outcome::Ok], "a");
        timings.note_swap(2, ms(141));
        let mut page = String::new();
        add(&mut page, &timings);
        for part in ["Swap, s</th>", "<td>0.040</td>", "swap 0.040"] {
            assert!(page.contains(part), "{page}");
        }
    }
}
