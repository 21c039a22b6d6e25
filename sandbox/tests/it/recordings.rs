//! Recorded responses of AWS (`tests/data/recordings`), and comparisons with them.

use serde_json::{Map, Value};

use crate::common::{data, read};

/// The recorded responses of a test by name; `file` is such as `logs/groups`.
pub fn recorded(file: &str, test: &str) -> Value {
    let all: Map<String, Value> = serde_json::from_str(&read(&data(&format!("recordings/{file}.json")))).expect("JSON");
    let recording = all.iter().find(|(name, _)| name.ends_with(&format!("::{test}")));
    recording.unwrap_or_else(|| panic!("no recording of {test}")).1["recorded-content"].clone()
}

/// The error message in a recorded response, which may be in botocore's form.
pub fn recorded_message(file: &str, test: &str) -> String {
    let responses = recorded(file, test);
    let error = responses.as_object().expect(test).values().next().expect("a response");
    match error.as_str() {
        Some(text) => text.split_once("operation: ").expect("an error").1.to_owned(),
        None => error.pointer("/Error/Message").and_then(Value::as_str).expect("an error").to_owned(),
    }
}

/// Asserts that a response has the recorded members, with the recorded values unless they are generated.
pub fn assert_as_recorded(recorded: &Value, response: &Value, place: &str) {
    match (recorded, response) {
        (Value::Object(recorded), Value::Object(response)) => {
            let names = |members: &Map<String, Value>| {
                let mut names: Vec<String> = members
                    .iter()
                    .filter(|(name, value)| *name != "ResponseMetadata" && !value.is_null())
                    .map(|(name, _)| name.clone())
                    .collect();
                names.sort();
                names
            };
            assert_eq!(names(recorded), names(response), "{place}");
            for name in names(recorded) {
                assert_as_recorded(&recorded[&name], &response[&name], &format!("{place}.{name}"));
            }
        }
        (Value::Array(recorded), Value::Array(response)) => {
            assert_eq!(recorded.len(), response.len(), "{place}");
            for (recorded, response) in recorded.iter().zip(response) {
                assert_as_recorded(recorded, response, place);
            }
        }
        (Value::String(text), Value::String(response)) => {
            assert!(matches(text, response), "{place}: {text} is not {response}");
        }
        // JSON in a text is recorded as what it contains.
        (Value::Object(_), Value::String(text)) => {
            assert_as_recorded(recorded, &serde_json::from_str(text).expect("it is JSON"), place);
        }
        // A generated number is recorded as a placeholder.
        (Value::String(text), Value::Number(_)) => assert!(!text.contains(' '), "{place}: {text} is not {response}"),
        _ => assert_eq!(recorded, response, "{place}"),
    }
}

/// Whether a text matches a recorded one, in which `<...>` stands for any text.
fn matches(recorded: &str, text: &str) -> bool {
    let recorded = recorded.replace("111111111111", "123456789012");
    let Some((before, rest)) = recorded.split_once('<') else { return recorded == text };
    let Some(mut text) = text.strip_prefix(before) else { return false };
    let after: Vec<&str> = rest.split('<').map(|part| part.split_once('>').map_or("", |(_, after)| after)).collect();
    for (index, part) in after.iter().enumerate() {
        if index + 1 == after.len() {
            return text.ends_with(part);
        }
        let Some((_, rest)) = text.split_once(part) else { return false };
        text = rest;
    }
    true
}
