//! Results as JSON.

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::{Value, json};

use super::Ui;
use super::clean::is_control;

impl Ui {
    /// An event as a line of JSON.
    pub fn json_line(&mut self, event: &impl Serialize) -> io::Result<()> {
        let text = escape_controls(serde_json::to_string(&with_schema(event)?)?);
        writeln!(self.stdout, "{text}")?;
        self.stdout.flush()
    }

    /// JSON that is a result as it stands.
    pub fn json_text(&mut self, json: String) -> io::Result<()> {
        write!(self.stdout, "{}", escape_controls(json))
    }

    /// A command's result as one indented JSON object; nothing where results are text.
    pub fn json_result(&mut self, result: &impl Serialize) -> io::Result<()> {
        if !self.is_json() {
            return Ok(());
        }
        let text = escape_controls(serde_json::to_string_pretty(&with_schema(result)?)?);
        writeln!(self.stdout, "{text}")
    }
}

/// JSON that a terminal may show: serde_json leaves C1 controls and marks of direction as they are.
fn escape_controls(json: String) -> String {
    if json.chars().all(|c| c == '\n' || !is_control(c)) {
        return json;
    }
    let escaped = json
        .chars()
        .map(|c| if c == '\n' || !is_control(c) { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) });
    escaped.collect::<Vec<_>>().concat()
}

/// The value as an object that begins with the version of its schema.
fn with_schema(value: &impl Serialize) -> io::Result<Value> {
    let mut document = json!({ "schema": 1 });
    if let (Some(document), Value::Object(members)) = (document.as_object_mut(), serde_json::to_value(value)?) {
        document.extend(members);
    }
    Ok(document)
}
