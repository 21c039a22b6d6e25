//! JSON templates: no comments, and the place of a mistake as AWS's reader tells it.

use serde_json::Value;

use super::format_error;
use crate::Fault;

/// Reads JSON.
pub fn parse(body: &str) -> Result<Value, Fault> {
    serde_json::from_str(body).map_err(|error| {
        // AWS's reader has the character that it cannot use behind it already.
        let (line, column) = (error.line(), error.column() + 1);
        format_error(&format!("JSON not well-formed. (line {line}, column {column})"))
    })
}
