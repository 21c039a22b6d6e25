//! The XML of outputs in the Query protocols.

use serde_json::Value;

use crate::base::clock::{from_epoch_seconds, iso8601};
use crate::protocol::service_model::TypedOutput;

/// Appends `<name>value</name>`: members in order, list items as `item`, the entries of a map as `entry`.
pub(super) fn element(out: &mut String, name: &str, value: &TypedOutput, item: &str) {
    open(out, name);
    content(out, value, item);
    close(out, name);
}

/// Appends the content of a value's element.
pub(super) fn content(out: &mut String, value: &TypedOutput, item: &str) {
    match value {
        TypedOutput::Scalar(Value::String(text)) | TypedOutput::Bytes(text) => escape(out, text),
        TypedOutput::Scalar(scalar) => out.push_str(&scalar.to_string()),
        TypedOutput::Time(seconds) => out.push_str(&iso8601(from_epoch_seconds(*seconds))),
        TypedOutput::List(items) => items.iter().for_each(|value| element(out, item, value, item)),
        TypedOutput::Structure(members) => members.iter().for_each(|(name, value)| element(out, name, value, item)),
        TypedOutput::Map(entries) => {
            for (key, value) in entries {
                open(out, "entry");
                open(out, "key");
                escape(out, key);
                close(out, "key");
                element(out, "value", value, item);
                close(out, "entry");
            }
        }
    }
}

fn open(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\n' | '\t' => out.push(character),
            // XML 1.0 cannot represent the other control characters.
            control if control < ' ' || matches!(control, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
}
