//! The schema of the JSON messages: that it is complete, and that programs made for an older release can read today's
//! messages.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::json_messages::{assert_schema, schema};
use crate::support::json_schema::{Keys, faults};

/// The page about the messages.
const PAGE: &str = include_str!("../../../docs/messages.md");

/// A line of every reason, as a release printed it. Files of releases are added, and never changed.
const RELEASES: [&str; 1] = [include_str!("../../fixtures/messages-0.2.0.jsonl")];

/// The part of the page that is about JSON.
fn json_part() -> &'static str {
    let (_, part) = PAGE.split_once("\n## JSON\n").unwrap();
    part.split("\n## ").next().unwrap()
}

fn reasons_of_schema() -> BTreeSet<String> {
    let schema = schema();
    let references = schema["oneOf"].as_array().unwrap().iter();
    references
        .map(|it| {
            let name = it["$ref"].as_str().unwrap().strip_prefix("#/$defs/").unwrap();
            assert_eq!(schema["$defs"][name]["properties"]["reason"], json!({"const": name}));
            name.to_owned()
        })
        .collect()
}

#[test]
fn the_page_and_the_schema_have_the_same_reasons() {
    let headings = json_part().lines().filter_map(|line| line.strip_prefix("### "));
    let names = headings.flat_map(|heading| heading.split('`').skip(1).step_by(2));
    assert_eq!(names.map(str::to_owned).collect::<BTreeSet<_>>(), reasons_of_schema());
}

#[test]
fn the_examples_of_the_page_are_as_the_schema_says() {
    let examples: Vec<Value> = json_part()
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_schema(&examples);
    let shown: BTreeSet<_> = examples.iter().map(|it| it["reason"].as_str().unwrap().to_owned()).collect();
    assert_eq!(shown, reasons_of_schema());
}

#[test]
fn all_keys_are_documented_as_always_there_but_for_two() {
    let schema = schema();
    for reason in reasons_of_schema() {
        let message = &schema["$defs"][&reason];
        let required: BTreeSet<_> =
            message["required"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
        let keys = message["properties"].as_object().unwrap().keys().map(String::as_str);
        assert_eq!(keys.filter(|key| !["more", "paths"].contains(key)).collect::<BTreeSet<_>>(), required, "{reason}");
    }
}

/// What a program reads of a message that a release printed is there today: the reason, each key that was always there,
/// and its type. New keys do not count.
#[test]
fn messages_of_releases_are_still_as_the_schema_says() {
    let schema = schema();
    for release in RELEASES {
        let messages: Vec<Value> = release.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for message in &messages {
            let today = &schema["$defs"][message["reason"].as_str().unwrap()];
            assert!(today.is_object(), "{message}");
            assert_eq!(faults(&schema, today, message, Keys::Some), [""; 0], "{message}");
            let required = today["required"].as_array().unwrap();
            for key in message.as_object().unwrap().keys().filter(|key| !["more", "paths"].contains(&key.as_str())) {
                assert!(required.contains(&json!(key)), "`{key}` is not always there any more: {message}");
            }
        }
    }
}

#[test]
fn the_release_of_today_has_all_reasons() {
    let newest = RELEASES[RELEASES.len() - 1];
    let recorded = newest.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let recorded: BTreeSet<_> = recorded.map(|it| it["reason"].as_str().unwrap().to_owned()).collect();
    assert_eq!(recorded, reasons_of_schema());
}
