//! Edits a service's scaling in the text of an `ecsws.toml`. Everything else stays unchanged.

use std::fmt;

use super::toml_editor::TomlEditor;

/// The scaling of a service; `None` stays unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScalingNumbers {
    pub count: Option<u32>,
    /// `autoscaling.min`.
    pub min: Option<u32>,
    /// `autoscaling.max`.
    pub max: Option<u32>,
    /// `autoscaling.cpu.target`, in percent.
    pub cpu: Option<u32>,
    /// `autoscaling.memory.target`, in percent.
    pub memory: Option<u32>,
}

/// An edited text and its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalingEdit {
    /// The new text.
    pub text: String,
    /// Empty if the text has these values already.
    pub changes: Vec<KeyChange>,
}

/// A key whose value changed. Its `Display` is one line: `services.api.count 1 → 3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The dotted key.
    pub key: String,
    /// The old value as written; `None` for a new key.
    pub old: Option<String>,
    /// The new value; `None` for a removed key.
    pub new: Option<String>,
    /// The comment on the line of a removed key, removed with it.
    pub comment: Option<String>,
}

impl fmt::Display for KeyChange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, old, new, comment } = self;
        match (old, new) {
            (Some(old), Some(new)) => write!(out, "{key} {old} → {new}"),
            (None, Some(new)) => write!(out, "{key} = {new} added"),
            (old, None) => write!(out, "{key} = {} removed", old.as_deref().unwrap_or_default()),
        }?;
        comment.iter().try_for_each(|comment| write!(out, ", with its comment `{comment}`"))
    }
}

/// A new `count` is inserted after the last of these keys.
const BEFORE_COUNT: &[&str] = &["stack", "id", "task_id", "name", "cpu", "memory"];

/// Sets the scaling of the service `key` without validating it. With autoscaling, `count` is removed: in the template, it would reset
/// the count that autoscaling chose with each deploy of the service.
///
/// # Errors
/// A message, if the text has no such service or is not TOML.
pub fn edit_scaling(text: &str, key: &str, scaling: &ScalingNumbers) -> Result<ScalingEdit, String> {
    let ScalingNumbers { count, min, max, cpu, memory } = *scaling;
    let mut edit = ScalingEditor { editor: TomlEditor::new(text), service: ["services", key], changes: Vec::new() };
    if !edit.editor.has(&edit.service)? {
        return Err(format!("there is no [services.{key}]"));
    }
    edit.set_number(&["count"], count, BEFORE_COUNT)?;
    let numbers = [("min", min), ("max", max)];
    let targets = [("cpu", cpu), ("memory", memory)];
    if numbers.iter().chain(&targets).any(|(_, number)| number.is_some()) {
        edit.remove("count")?;
        if edit.editor.has(&edit.path(&["autoscaling"]))? {
            for (name, number) in numbers {
                edit.set_number(&["autoscaling", name], number, &["min", "max"])?;
            }
            for (metric, target) in targets {
                edit.set_target(metric, target)?;
            }
        } else {
            edit.insert_autoscaling(&numbers, &targets)?;
        }
    }
    Ok(ScalingEdit { text: edit.editor.into_text(), changes: edit.changes })
}

struct ScalingEditor<'k> {
    editor: TomlEditor,
    service: [&'k str; 2],
    changes: Vec<KeyChange>,
}

impl<'k> ScalingEditor<'k> {
    fn path(&self, keys: &[&'k str]) -> Vec<&'k str> {
        [&self.service, keys].concat()
    }

    fn record(&mut self, keys: &[&'k str], old: Option<String>, new: Option<String>, comment: Option<String>) {
        let key = self.path(keys).into_iter().map(quoted).collect::<Vec<_>>().join(".");
        self.changes.push(KeyChange { key, old, new, comment });
    }

    fn set_number(&mut self, keys: &[&'k str], number: Option<u32>, after: &[&str]) -> Result<(), String> {
        let Some(number) = number else { return Ok(()) };
        let old = self.editor.value(&self.path(keys))?;
        if old.as_deref().is_none_or(|old| !is_number(old, number)) {
            self.editor.set(&self.path(keys), &number.to_string(), after)?;
            self.record(keys, old, Some(number.to_string()), None);
        }
        Ok(())
    }

    fn set_target(&mut self, metric: &'k str, target: Option<u32>) -> Result<(), String> {
        let Some(number) = target else { return Ok(()) };
        if self.editor.has(&self.path(&["autoscaling", metric]))? {
            return self.set_number(&["autoscaling", metric, "target"], target, &[]);
        }
        self.editor.set(&self.path(&["autoscaling", metric]), &inline_target(number), &["min", "max", "cpu"])?;
        self.record(&["autoscaling", metric, "target"], None, Some(number.to_string()), None);
        Ok(())
    }

    fn remove(&mut self, key: &'k str) -> Result<(), String> {
        if let Some(old) = self.editor.value(&self.path(&[key]))? {
            let comment = self.editor.remove(&self.path(&[key]))?;
            self.record(&[key], Some(old), None, comment);
        }
        Ok(())
    }

    fn insert_autoscaling(
        &mut self,
        numbers: &[(&'k str, Option<u32>)],
        targets: &[(&'k str, Option<u32>)],
    ) -> Result<(), String> {
        let mut pairs = Vec::new();
        for (key, number) in numbers.iter().filter_map(|(key, number)| Some((*key, (*number)?))) {
            pairs.push((key, number.to_string()));
            self.record(&["autoscaling", key], None, Some(number.to_string()), None);
        }
        for (metric, number) in targets.iter().filter_map(|(metric, number)| Some((*metric, (*number)?))) {
            pairs.push((metric, inline_target(number)));
            self.record(&["autoscaling", metric, "target"], None, Some(number.to_string()), None);
        }
        self.editor.insert_table(&self.path(&["autoscaling"]), &pairs)
    }
}

fn inline_target(number: u32) -> String {
    format!("{{ target = {number} }}")
}

/// A key, in quotes if TOML requires them.
fn quoted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { key.to_owned() } else { toml::Value::from(key).to_string() }
}

/// Whether a TOML value as written (`3`, `0x3`, `3.0`) is this number.
fn is_number(written: &str, number: u32) -> bool {
    match written.parse() {
        Ok(toml::Value::Integer(value)) => value == i64::from(number),
        Ok(toml::Value::Float(value)) => value.to_bits() == f64::from(number).to_bits(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
