//! A small validator of JSON Schema. It knows the words that the schema of the messages uses, and no others.

use serde_json::{Map, Value};

/// Which keys an object must have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Those that the schema requires.
    All,
    /// Any of those that the schema knows.
    Some,
}

/// What is wrong with `value`, as texts with the place. Unlike for a program that reads messages, a key that the schema
/// does not know is wrong. `root` is the whole schema, in which references are looked up.
///
/// # Panics
/// When the schema has a word that is not known here.
pub fn faults(root: &Value, schema: &Value, value: &Value, keys: Keys) -> Vec<String> {
    let mut faults = Vec::new();
    check(&mut Check { root, keys, faults: &mut faults }, schema, value, "");
    faults
}

struct Check<'a> {
    root: &'a Value,
    keys: Keys,
    faults: &'a mut Vec<String>,
}

fn check(cx: &mut Check, schema: &Value, value: &Value, place: &str) {
    for (word, rule) in schema.as_object().unwrap() {
        let holds = match word.as_str() {
            "description" | "properties" | "additionalProperties" => true,
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix('#').unwrap();
                check(cx, cx.root.pointer(name).unwrap(), value, place);
                true
            }
            "type" => has_type(rule, value),
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "required" => {
                let missing = |key: &Value| value.get(key.as_str().unwrap()).is_none();
                cx.keys == Keys::Some || !rule.as_array().unwrap().iter().any(missing)
            }
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(cx, rule, item, &format!("{place}/{index}"));
                }
                true
            }
            other => panic!("the schema has `{other}`, which the tests do not know"),
        };
        if !holds {
            cx.faults.push(format!("{place}: {value} is against {word} {rule}"));
        }
    }
    if let Some(object) = value.as_object() {
        check_keys(cx, schema, object, place);
    }
}

fn check_keys(cx: &mut Check, schema: &Value, object: &Map<String, Value>, place: &str) {
    if schema.get("$ref").is_some() {
        return;
    }
    for (key, value) in object {
        match schema["properties"].get(key).or_else(|| schema.get("additionalProperties")) {
            Some(rule) => check(cx, rule, value, &format!("{place}/{key}")),
            None => cx.faults.push(format!("{place}/{key} is not known")),
        }
    }
}

fn has_type(rule: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the schema has the type `{other}`, which the tests do not know"),
    };
    rule.as_array().map_or_else(|| is(rule), |names| names.iter().any(is))
}
