//! The JSON messages that are documented: each must be as `docs/messages.schema.json` says.

use serde_json::Value;

use super::json_schema::{Keys, faults};

/// The schema.
pub fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/messages.schema.json")).unwrap()
}

/// Asserts that each object is one of the documented messages, with exactly its keys.
#[track_caller]
pub fn assert_schema(objects: &[Value]) {
    let schema = schema();
    for object in objects {
        let reason = object["reason"].as_str().unwrap();
        let message = &schema["$defs"][reason];
        assert!(message.is_object(), "unknown reason `{reason}`");
        assert_eq!(faults(&schema, message, object, Keys::All), [""; 0], "{object}");
    }
}
