//! Writes results and events as JSON.

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::{Value, json};

use super::Ui;
use super::clean::is_control;

impl Ui {
    /// Writes an event as one line of JSON.
    pub(crate) fn json_line(&mut self, event: &impl Serialize) -> io::Result<()> {
        let mut line = Vec::new();
        push_line(&mut line, event)?;
        self.stdout.write_all(&line)?;
        self.stdout.flush()
    }

    /// Writes a result that is JSON already.
    pub(crate) fn json_text(&mut self, json: String) -> io::Result<()> {
        write!(self.stdout, "{}", escape_controls(json))
    }

    /// Writes a command's result as an indented JSON object. Writes nothing for text output.
    pub(crate) fn json_result(&mut self, result: &impl Serialize) -> io::Result<()> {
        if !self.is_json() {
            return Ok(());
        }
        let text = escape_controls(serde_json::to_string_pretty(&with_schema(result)?)?);
        writeln!(self.stdout, "{text}")
    }
}

/// Appends an event as one line of JSON.
pub(super) fn push_line(buffer: &mut Vec<u8>, event: &impl Serialize) -> io::Result<()> {
    let text = escape_controls(serde_json::to_string(&with_schema(event)?)?);
    writeln!(buffer, "{text}")
}

/// Escapes the C1 controls and bidirectional formatting characters, which serde_json does not.
fn escape_controls(json: String) -> String {
    if json.chars().all(|c| c == '\n' || !is_control(c)) {
        return json;
    }
    let escaped = json
        .chars()
        .map(|c| if c == '\n' || !is_control(c) { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) });
    escaped.collect::<Vec<_>>().concat()
}

/// The value as an object whose first member is the version of its schema.
fn with_schema(value: &impl Serialize) -> io::Result<Value> {
    let mut document = json!({ "schema": 1 });
    if let (Some(document), Value::Object(members)) = (document.as_object_mut(), serde_json::to_value(value)?) {
        document.extend(members);
    }
    Ok(document)
}
