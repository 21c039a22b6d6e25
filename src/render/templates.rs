//! Prints templates.

use std::io;

use serde_json::{Map, Value};

use super::Ui;
use crate::stack::Template;

/// Writes templates one after another, as YAML documents or as JSON.
pub(crate) fn templates(ui: &mut Ui, templates: &[(String, Template)], json: bool) -> io::Result<()> {
    for (_, template) in templates {
        if templates.len() > 1 {
            writeln!(ui.results(), "---")?;
        }
        if json {
            ui.json_text(template.to_json())?;
        } else {
            write!(ui.results(), "{}", template.to_yaml())?;
        }
    }
    Ok(())
}

/// Writes one JSON object with the templates by stack name.
pub(crate) fn templates_by_name(ui: &mut Ui, templates: &[(String, Template)]) -> io::Result<()> {
    let by_name: Map<String, Value> =
        templates.iter().map(|(name, template)| (name.clone(), template.to_value())).collect();
    ui.json_text(format!("{:#}\n", Value::Object(by_name)))
}
