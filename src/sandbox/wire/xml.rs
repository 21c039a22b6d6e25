//! Writes values as the XML of the Query protocols.

use serde_json::Value;

/// Appends `<name>value</name>`: members in order, list items as `item`, nothing for null.
pub fn element(out: &mut String, name: &str, value: &Value, item: &str) {
    if value.is_null() {
        return;
    }
    open(out, name);
    content(out, value, item);
    close(out, name);
}

/// Appends what stands between a value's tags.
pub fn content(out: &mut String, value: &Value, item: &str) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => escape(out, text),
        Value::Array(items) => items.iter().for_each(|value| element(out, item, value, item)),
        Value::Object(members) => members.iter().for_each(|(name, value)| member(out, name, value, item)),
    }
}

/// A member of a structure; `entry` is what a map consists of, and stands there once for each.
fn member(out: &mut String, name: &str, value: &Value, item: &str) {
    match value {
        Value::Array(entries) if name == "entry" => entries.iter().for_each(|entry| element(out, name, entry, item)),
        value => element(out, name, value, item),
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
            // XML 1.0 has no way to say the other control characters.
            control if control < ' ' || matches!(control, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
}
