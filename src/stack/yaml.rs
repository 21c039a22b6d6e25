//! Writes JSON values as YAML that parsers of YAML 1.1 and 1.2 read as the same value.
//!
//! A plain scalar that is a string to one parser may be a number, a date or a boolean to another. So a string is unquoted only if it
//! starts with a letter, contains only safe characters, and is not a reserved word.
//!
//! No library writes such YAML: yaml_serde 0.10 leaves `on`, `1:30` and dates unquoted, which YAML 1.1 reads as other types, and
//! serde-saphyr 2.2 writes block scalars that begin with a tab, which PyYAML rejects.

use std::fmt::Write as _;

use serde_json::Value;

/// Plain scalars that some parser does not read as strings, in lower case.
const RESERVED_WORDS: &[&str] =
    &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"];

/// `value` as a document of its own, with a newline at the end.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(&mut text, value, 0),
        Value::Array(items) if !items.is_empty() => block(&mut text, value, 0),
        scalar => {
            inline(&mut text, scalar, 0);
            text.push('\n');
        }
    }
    text
}

/// Writes a map or list in block style. The caller has written the indentation of the first line.
fn block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) => {
            for (at, (key, value)) in map.iter().enumerate() {
                indent(text, if at == 0 { 0 } else { depth });
                string(text, key);
                text.push(':');
                after_key(text, value, depth + 1);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                indent(text, if at == 0 { 0 } else { depth });
                text.push('-');
                after_dash(text, item, depth + 1);
            }
        }
        _ => unreachable!("only maps and lists are blocks"),
    }
}

fn after_key(text: &mut String, value: &Value, depth: usize) {
    if is_block(value) {
        text.push('\n');
        indent(text, depth);
        block(text, value, depth);
    } else {
        text.push(' ');
        inline(text, value, depth);
        text.push('\n');
    }
}

fn after_dash(text: &mut String, value: &Value, depth: usize) {
    text.push(' ');
    if is_block(value) {
        block(text, value, depth);
    } else {
        inline(text, value, depth);
        text.push('\n');
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn inline(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::String(value) if is_literal(value) => literal(text, value, depth),
        Value::String(value) => string(text, value),
        Value::Object(_) => text.push_str("{}"),
        Value::Array(_) => text.push_str("[]"),
        Value::Number(number) => text.push_str(&self::number(number)),
        scalar => {
            let _ = write!(text, "{scalar}");
        }
    }
}

/// YAML 1.1 requires a dot in a number with an exponent, and a sign before the exponent.
fn number(number: &serde_json::Number) -> String {
    let plain = number.to_string();
    match plain.split_once('e') {
        None => plain,
        Some((mantissa, exponent)) => {
            let dot = if mantissa.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
            format!("{mantissa}{dot}e{sign}{exponent}")
        }
    }
}

/// Whether a multi-line string can be a literal block, which all parsers read alike.
fn is_literal(value: &str) -> bool {
    let is_safe = |letter: char| letter == '\n' || (' '..='~').contains(&letter);
    value.contains('\n')
        && !value.starts_with([' ', '\n'])
        && !value.ends_with("\n\n")
        && value.lines().all(|line| !line.ends_with(' '))
        && value.chars().all(is_safe)
}

fn literal(text: &mut String, value: &str, depth: usize) {
    text.push_str(if value.ends_with('\n') { "|" } else { "|-" });
    for line in value.lines() {
        text.push('\n');
        if !line.is_empty() {
            indent(text, depth);
            text.push_str(line);
        }
    }
}

fn string(text: &mut String, value: &str) {
    if is_plain(value) {
        text.push_str(value);
    } else {
        quoted(text, value);
    }
}

fn is_plain(value: &str) -> bool {
    let is_safe = |letter: char| letter.is_ascii_alphanumeric() || " _-./:+@".contains(letter);
    value.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '/')
        && value.chars().all(is_safe)
        && !value.ends_with([' ', ':'])
        && !value.contains(": ")
        && value.len() < 120
        && !RESERVED_WORDS.contains(&value.to_ascii_lowercase().as_str())
}

/// Writes a double-quoted scalar, with JSON's escapes and those of characters that are not printable in YAML.
fn quoted(text: &mut String, value: &str) {
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            ' '..='~' => text.push(letter),
            '\u{a0}'..='\u{2027}' | '\u{2030}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' => {
                text.push(letter);
            }
            other if u32::from(other) <= 0xff => {
                let _ = write!(text, "\\x{:02x}", u32::from(other));
            }
            other if u32::from(other) <= 0xffff => {
                let _ = write!(text, "\\u{:04x}", u32::from(other));
            }
            other => {
                let _ = write!(text, "\\U{:08x}", u32::from(other));
            }
        }
    }
    text.push('"');
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}
