//! The transform `AWS::LanguageExtensions`: expands loops, and evaluates `Fn::Length`, `Fn::ToJsonString` and functions in place of
//! names.
//!
//! A loop's identifier is replaced in the keys of its fragment, in the texts of `Fn::Sub` and in `Ref`.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::evaluation_scope::EvaluationScope;
use super::functions::only_member;
use super::parameters::declaration::is_hidden;
use super::references::references;
use super::{EXTENSIONS, Template, UnexpandedTemplate, invalid};
use crate::Fault;

/// The prefix of a loop's key.
pub(crate) const LOOP: &str = "Fn::ForEach";

/// The functions that the transform replaces by their values where it can (recorded: localstack's test_transform_foreach and
/// test_transform_foreach_multiple_resources).
const RESOLVED: &[&str] = &["Fn::Join", "Fn::Sub", "Fn::Split", "Fn::Select", "Fn::FindInMap"];

/// The pseudo parameters that are known before the stack exists.
const KNOWN_PSEUDO: &[&str] = &["AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::StackName", "AWS::URLSuffix"];

/// The values of the identifiers of the enclosing loops.
type Bindings = BTreeMap<String, String>;

/// Applies the transform; the scope has the template's parameters and mappings.
pub(crate) fn expand(source: UnexpandedTemplate, scope: &EvaluationScope<'_>) -> Result<Template, Fault> {
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
            evaluate_names(member, scope)?;
        }
    }
    Template::new(root, true)
}

/// Evaluates members that are names in other templates, and may be functions here.
fn evaluate_names(member: &mut Value, scope: &EvaluationScope<'_>) -> Result<(), Fault> {
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

/// The size of the largest template that AWS accepts, in bytes.
const MAX_TEMPLATE_BYTES: usize = 1_000_000;

/// The bytes that an iteration counts for even if it writes nothing: less than any resource has.
const ITERATION_BYTES: usize = 64;

struct Expansion<'a> {
    scope: &'a EvaluationScope<'a>,
    /// The size of the result so far, in bytes.
    written: Cell<usize>,
}

impl Expansion<'_> {
    /// Counts bytes of the result, and refuses one that becomes too large.
    fn count(&self, bytes: usize) -> Result<(), Fault> {
        self.written.set(self.written.get().saturating_add(bytes));
        if self.written.get() <= MAX_TEMPLATE_BYTES {
            return Ok(());
        }
        Err(failed(&format!("Template may not exceed {MAX_TEMPLATE_BYTES} bytes in size.")))
    }

    fn value(&self, value: &Value, bindings: &Bindings) -> Result<Value, Fault> {
        self.count(1 + value.as_str().map_or(0, str::len))?;
        match (only_member(value), value) {
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
                self.expand_loop(member, bindings, &mut expanded)?;
            } else {
                expanded.insert(name.clone(), self.value(member, bindings)?);
            }
        }
        Ok(expanded.into())
    }

    fn call(&self, name: &str, argument: &Value, bindings: &Bindings) -> Result<Value, Fault> {
        if name.starts_with(LOOP) {
            let mut expanded = Map::new();
            self.expand_loop(argument, bindings, &mut expanded)?;
            return Ok(expanded.into());
        }
        if let Some(item) = argument.as_str().filter(|_| name == "Ref").and_then(|argument| bindings.get(argument)) {
            return Ok(item.as_str().into());
        }
        let argument = match (name, argument) {
            ("Fn::Sub", Value::String(text)) => self.substitute(text, bindings, false)?.into(),
            ("Fn::Sub", Value::Array(parts)) => {
                let mut parts: Vec<Value> =
                    parts.iter().map(|part| self.value(part, bindings)).collect::<Result<_, _>>()?;
                if let Some(Value::String(text)) = parts.first_mut() {
                    *text = self.substitute(text, bindings, false)?;
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
            (name, argument) if RESOLVED.contains(&name) => self.resolved_if_known(json!({ name: argument })),
            (_, argument) => json!({ name: argument }),
        })
    }

    /// A name, which may be a function.
    fn name(&self, part: &Value) -> Result<Value, Fault> {
        Ok(self.scope.text(part).map_err(|problem| failed(&problem))?.into())
    }

    /// Evaluates a function if that is possible before there are resources; `Fn::ToJsonString` may stay as it is.
    fn resolved(&self, name: &str, argument: Value) -> Result<Value, Fault> {
        // The stack's pseudo parameters are not known before the stack exists.
        let is_independent = !references(&argument)
            .iter()
            .any(|reference| reference.name.starts_with("AWS::") && reference.name != "AWS::NoValue");
        let call = json!({ name: argument });
        match self.scope.evaluate(&call) {
            Ok(Some(value)) if is_independent || name == "Fn::Length" => Ok(value),
            _ if name == "Fn::ToJsonString" => Ok(call),
            _ => Err(failed("The Fn::Length value could not be resolved for properties")),
        }
    }

    /// The value of a call that depends on nothing but known parameters, or the call. Values of hidden parameters stay out of the
    /// template.
    fn resolved_if_known(&self, call: Value) -> Value {
        let is_known = |name: &str| {
            let declaration = self.scope.template.section("Parameters").get(name);
            KNOWN_PSEUDO.contains(&name) || declaration.is_some_and(|declaration| !is_hidden(declaration))
        };
        if !references(&call).iter().all(|reference| is_known(&reference.name)) {
            return call;
        }
        self.scope.evaluate(&call).ok().flatten().unwrap_or(call)
    }

    /// Expands a loop: `[identifier, collection, fragment]`.
    fn expand_loop(&self, argument: &Value, outer: &Bindings, expanded: &mut Map<String, Value>) -> Result<(), Fault> {
        let layout = || failed("Fn::ForEach layout is incorrect");
        let Some([Value::String(identifier), collection, Value::Object(fragment)]) =
            argument.as_array().map(Vec::as_slice)
        else {
            return Err(layout());
        };
        for item in self.collection(collection, outer)? {
            let mut bindings = outer.clone();
            self.count(ITERATION_BYTES + item.len())?;
            bindings.insert(identifier.clone(), item);
            for (key, value) in fragment {
                if key.starts_with(LOOP) {
                    self.expand_loop(value, &bindings, expanded)?;
                    continue;
                }
                let name = self.substitute(key, &bindings, true)?;
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

    /// Replaces the identifiers of loops in a text. `&{…}`, which only keys have, keeps the letters and digits of the value. Values are
    /// not searched for identifiers again.
    fn substitute(&self, text: &str, bindings: &Bindings, is_key: bool) -> Result<String, Fault> {
        let (mut substituted, mut rest) = (String::new(), text);
        while let Some(at) = rest.find("${").into_iter().chain(rest.find("&{").filter(|_| is_key)).min() {
            let (before, marked) = rest.split_at(at);
            substituted.push_str(before);
            let item = marked.find('}').and_then(|end| Some((bindings.get(&marked[2..end])?, end + 1)));
            let Some((item, end)) = item else {
                substituted.push_str(&marked[..2]);
                rest = &marked[2..];
                continue;
            };
            self.count(item.len())?;
            if marked.starts_with('$') {
                substituted.push_str(item);
            } else {
                substituted.extend(item.chars().filter(char::is_ascii_alphanumeric));
            }
            rest = &marked[end..];
        }
        self.count(text.len())?;
        Ok(substituted + rest)
    }
}
