//! The transform `AWS::LanguageExtensions`: loops are written out, and lengths, texts of JSON and names that are made of
//! functions become what they stand for.
//!
//! A loop's identifier is replaced in the keys of its fragment, in the texts of `Fn::Sub` and where `Ref` names it.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::functions::single;
use super::references::references;
use super::resolve::Scope;
use super::{EXTENSIONS, Source, Template, invalid};
use crate::Fault;

/// What a loop's key begins with.
pub const LOOP: &str = "Fn::ForEach";

/// The values of the identifiers of the loops around.
type Bindings = BTreeMap<String, String>;

/// What the transform makes of a template; the scope knows its parameters and mappings.
pub fn expand(source: Source, scope: &Scope<'_>) -> Result<Template, Fault> {
    let mut root = source.root;
    root.remove("Transform");
    let expansion = Expansion { scope, written: Cell::new(0) };
    for section in ["Conditions", "Resources", "Outputs"] {
        if let Some(value) = root.get(section) {
            let expanded = expansion.value(value, &Bindings::new())?;
            root.insert(section.to_owned(), expanded);
        }
    }
    for section in ["Resources", "Outputs"] {
        let members = root.get_mut(section).and_then(Value::as_object_mut).into_iter().flatten();
        for (_, member) in members {
            settle(member, scope)?;
        }
    }
    Template::of(root, true)
}

/// Members that are names in a plain template may be functions here.
fn settle(member: &mut Value, scope: &Scope<'_>) -> Result<(), Fault> {
    for name in ["Condition", "DeletionPolicy", "UpdateReplacePolicy"] {
        if let Some(value) = member.get_mut(name).filter(|value| value.is_object()) {
            *value = scope.text(value).map_err(|problem| failed(&problem))?.into();
        }
    }
    Ok(())
}

fn failed(sentence: &str) -> Fault {
    invalid(format!("Transform {EXTENSIONS} failed with: {sentence}"))
}

/// The largest template that AWS carries out, in bytes.
const MAX_TEMPLATE: usize = 1_000_000;

/// Bytes that each iteration counts for even if it writes nothing: less than any resource takes.
const ITERATION_BYTES: usize = 64;

struct Expansion<'a> {
    scope: &'a Scope<'a>,
    /// How much has been written out, in bytes; each turn of a loop counts as well, even if it writes nothing.
    written: Cell<usize>,
}

impl Expansion<'_> {
    /// Refuses a template before it grows beyond what AWS would take.
    fn write(&self, bytes: usize) -> Result<(), Fault> {
        self.written.set(self.written.get().saturating_add(bytes));
        if self.written.get() <= MAX_TEMPLATE {
            return Ok(());
        }
        Err(failed(&format!("Template may not exceed {MAX_TEMPLATE} bytes in size.")))
    }

    fn value(&self, value: &Value, bindings: &Bindings) -> Result<Value, Fault> {
        self.write(1 + value.as_str().map_or(0, str::len))?;
        match (single(value), value) {
            (Some((name, argument)), _) if name.starts_with("Fn::") || name == "Ref" => {
                self.call(name, argument, bindings)
            }
            (_, Value::Array(items)) => items.iter().map(|item| self.value(item, bindings)).collect(),
            (_, Value::Object(members)) => self.members(members, bindings),
            (_, scalar) => Ok(scalar.clone()),
        }
    }

    fn members(&self, members: &Map<String, Value>, bindings: &Bindings) -> Result<Value, Fault> {
        let mut expanded = Map::new();
        for (name, member) in members {
            if name.starts_with(LOOP) {
                self.repeat(member, bindings, &mut expanded)?;
            } else {
                expanded.insert(name.clone(), self.value(member, bindings)?);
            }
        }
        Ok(expanded.into())
    }

    fn call(&self, name: &str, argument: &Value, bindings: &Bindings) -> Result<Value, Fault> {
        if name.starts_with(LOOP) {
            let mut expanded = Map::new();
            self.repeat(argument, bindings, &mut expanded)?;
            return Ok(expanded.into());
        }
        if let Some(item) = argument.as_str().filter(|_| name == "Ref").and_then(|argument| bindings.get(argument)) {
            return Ok(item.as_str().into());
        }
        let argument = match (name, argument) {
            ("Fn::Sub", Value::String(text)) => self.filled(text, bindings, false)?.into(),
            ("Fn::Sub", Value::Array(parts)) => {
                let mut parts: Vec<Value> =
                    parts.iter().map(|part| self.value(part, bindings)).collect::<Result<_, _>>()?;
                if let Some(Value::String(text)) = parts.first_mut() {
                    *text = self.filled(text, bindings, false)?;
                }
                parts.into()
            }
            _ => self.value(argument, bindings)?,
        };
        Ok(match (name, argument) {
            ("Ref", argument @ Value::Object(_)) => json!({ name: self.name(&argument)? }),
            ("Fn::GetAtt", Value::Array(parts)) => {
                let names: Result<Vec<Value>, _> = parts.iter().map(|part| self.name(part)).collect();
                json!({ name: names? })
            }
            ("Fn::Length" | "Fn::ToJsonString", argument) => self.resolved(name, argument)?,
            (_, argument) => json!({ name: argument }),
        })
    }

    /// A name that may be made of functions.
    fn name(&self, part: &Value) -> Result<Value, Fault> {
        Ok(self.scope.text(part).map_err(|problem| failed(&problem))?.into())
    }

    /// What can be known now becomes its value; a text of JSON may wait for resources.
    fn resolved(&self, name: &str, argument: Value) -> Result<Value, Fault> {
        // The stack's own pseudo parameters are not there before the stack is.
        let early =
            !references(&argument).iter().any(|one| one.name.starts_with("AWS::") && one.name != "AWS::NoValue");
        let call = json!({ name: argument });
        match self.scope.evaluate(&call) {
            Ok(Some(value)) if early || name == "Fn::Length" => Ok(value),
            _ if name == "Fn::ToJsonString" => Ok(call),
            _ => Err(failed("The Fn::Length value could not be resolved for properties")),
        }
    }

    /// Writes out a loop: `[identifier, collection, fragment]`.
    fn repeat(&self, argument: &Value, around: &Bindings, expanded: &mut Map<String, Value>) -> Result<(), Fault> {
        let layout = || failed("Fn::ForEach layout is incorrect");
        let Some([Value::String(identifier), collection, Value::Object(fragment)]) =
            argument.as_array().map(Vec::as_slice)
        else {
            return Err(layout());
        };
        for item in self.collection(collection, around)? {
            let mut bindings = around.clone();
            self.write(ITERATION_BYTES + item.len())?;
            bindings.insert(identifier.clone(), item);
            for (key, value) in fragment {
                if key.starts_with(LOOP) {
                    self.repeat(value, &bindings, expanded)?;
                    continue;
                }
                let name = self.filled(key, &bindings, true)?;
                if name == *key {
                    return Err(layout());
                }
                if expanded.insert(name.clone(), self.value(value, &bindings)?).is_some() {
                    let sentence = format!("Duplicate key '{name}' when merging keys to parent object in Fn::ForEach");
                    return Err(failed(&sentence));
                }
            }
        }
        Ok(())
    }

    fn collection(&self, collection: &Value, bindings: &Bindings) -> Result<Vec<String>, Fault> {
        let none = || failed("Could not find a collection or could not be resolved for Fn::ForEach");
        let collection = self.value(collection, bindings)?;
        let Ok(Some(Value::Array(items))) = self.scope.evaluate(&collection) else { return Err(none()) };
        let flat = items.into_iter().flat_map(|item| match item {
            Value::Array(items) => items,
            item => vec![item],
        });
        flat.map(|item| self.scope.text(&item).map_err(|_| none())).collect()
    }

    /// A text with the identifiers of loops replaced; `&{…}`, in keys alone, leaves letters and digits. What is put in
    /// place of an identifier is not looked at again.
    fn filled(&self, text: &str, bindings: &Bindings, is_key: bool) -> Result<String, Fault> {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some(at) = rest.find("${").into_iter().chain(rest.find("&{").filter(|_| is_key)).min() {
            let (before, marked) = rest.split_at(at);
            filled.push_str(before);
            let item = marked.find('}').and_then(|end| Some((bindings.get(&marked[2..end])?, end + 1)));
            let Some((item, end)) = item else {
                filled.push_str(&marked[..2]);
                rest = &marked[2..];
                continue;
            };
            self.write(item.len())?;
            if marked.starts_with('$') {
                filled.push_str(item);
            } else {
                filled.extend(item.chars().filter(char::is_ascii_alphanumeric));
            }
            rest = &marked[end..];
        }
        self.write(text.len())?;
        Ok(filled + rest)
    }
}
