//! No circles: of two files that use each other neither can be read without the other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::arrows::Arrow;
use super::fault::Fault;

/// For each file the files that it uses, and the first line where it does.
type Graph<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

/// Files, each of which uses the next one, and the last one the first, which is the first by name.
type Circle<'a> = Vec<&'a str>;

/// Circles of arrows between files of one room. The shortest come first, and a longer one that shares an arrow with them
/// is left out: it is gone with that arrow, or found by the next check.
pub fn circles<'a>(arrows: &'a [Arrow], room_of: impl Fn(&'a str) -> &'a str) -> Vec<Fault> {
    let mut graph = Graph::new();
    for arrow in arrows.iter().filter(|arrow| room_of(&arrow.from) == room_of(&arrow.to)) {
        graph.entry(&arrow.from).or_default().entry(&arrow.to).or_insert(arrow.line);
    }
    let mut all: Vec<Circle> = shortest_circles(&graph).into_iter().collect();
    all.sort_by_key(Vec::len);
    let mut reported = BTreeSet::new();
    let mut faults = Vec::new();
    for circle in all {
        let pairs = pairs(&circle);
        if pairs.iter().all(|pair| !reported.contains(pair)) {
            faults.push(fault(&graph, &pairs));
            reported.extend(pairs);
        }
    }
    faults
}

/// The shortest circle through each arrow that is on one.
fn shortest_circles<'a>(graph: &Graph<'a>) -> BTreeSet<Circle<'a>> {
    let arrows = graph.iter().flat_map(|(from, targets)| targets.keys().map(move |to| (*from, *to)));
    let circle = |(from, to)| {
        let mut circle = shortest_way(graph, to, from)?;
        let first = (0..circle.len()).min_by_key(|&at| circle[at]).unwrap_or(0);
        circle.rotate_left(first);
        Some(circle)
    };
    arrows.filter_map(circle).collect()
}

/// The arrows of a circle, by their ends.
fn pairs<'a>(circle: &Circle<'a>) -> Vec<(&'a str, &'a str)> {
    let next = circle.iter().cycle().skip(1);
    circle.iter().zip(next).map(|(from, to)| (*from, *to)).collect()
}

/// The files from one to the other along the arrows, both included.
fn shortest_way<'a>(graph: &Graph<'a>, from: &'a str, to: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from = BTreeMap::from([(from, from)]);
    let mut next = VecDeque::from([from]);
    while let Some(file) = next.pop_front() {
        if file == to {
            let mut way = vec![file];
            while let Some(&before) = way.last().filter(|file| **file != from).and_then(|file| came_from.get(file)) {
                way.push(before);
            }
            way.reverse();
            return Some(way);
        }
        for &target in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            if !came_from.contains_key(target) {
                came_from.insert(target, file);
                next.push_back(target);
            }
        }
    }
    None
}

fn fault(graph: &Graph, pairs: &[(&str, &str)]) -> Fault {
    let (first, line) = (pairs[0].0, graph[pairs[0].0][pairs[0].1]);
    let names: String = pairs.iter().map(|(_, to)| format!(" -> {}", short_name(to))).collect();
    let others: Vec<String> = pairs[1..].iter().map(|(from, to)| format!("{from}:{}", graph[from][to])).collect();
    let text = format!("{}{names}: files in a circle; the other arrows: {}", short_name(first), others.join(", "));
    Fault::new(first, line, text)
}

/// `engine/cli` for `src/engine/cli.rs`.
fn short_name(file: &str) -> &str {
    file.split_once("src/").map_or(file, |(_, inside)| inside).trim_end_matches(".rs")
}
