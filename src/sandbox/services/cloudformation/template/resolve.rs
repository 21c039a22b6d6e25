//! Intrinsic functions: what a part of a template becomes, given what is known.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::{Map, Value};

use super::Template;
use super::references::{attribute_reference, split};
use crate::sandbox::Config;

/// Why a part has no value.
pub type Problem = String;

/// What is known of a resource that a template refers to.
#[derive(Debug, Clone)]
pub enum Known {
    /// Its id and its attributes.
    Resource(String, Map<String, Value>),
    /// It will be there, but nothing is known of it yet.
    Later,
}

/// What references resolve to.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The template, for its mappings and conditions.
    pub template: &'a Template,
    /// The account and region.
    pub config: &'a Config,
    /// The stack's name.
    pub stack_name: &'a str,
    /// The stack's ARN.
    pub stack_id: &'a str,
    /// Parameters: texts or lists of texts.
    pub parameters: BTreeMap<String, Value>,
    /// Resources by logical id.
    pub resources: BTreeMap<String, Known>,
    /// Exports by name.
    pub exports: BTreeMap<String, String>,
}

/// What stands for a value that is only known when a resource is there; it is in no user's template by accident.
pub const LATER: &str = "\u{1}known after deployment";

impl Scope<'_> {
    /// Whether a condition of the template holds.
    pub fn condition(&self, name: &str) -> Result<bool, Problem> {
        let condition = self.template.section("Conditions").get(name);
        self.holds(condition.ok_or_else(|| format!("Template error: unresolved condition dependency: {name}"))?)
    }

    fn holds(&self, condition: &Value) -> Result<bool, Problem> {
        let (function, argument) =
            single(condition).ok_or("Template error: a condition is not a condition function")?;
        let all = || argument.as_array().map_or(&[][..], Vec::as_slice);
        match function {
            "Condition" => self.condition(argument.as_str().unwrap_or_default()),
            "Fn::Equals" => match all() {
                [left, right] => Ok(self.resolve(left)? == self.resolve(right)?),
                _ => Err("Template error: every Fn::Equals object requires a list of 2 string parameters.".into()),
            },
            "Fn::Not" => all().first().map_or(Ok(true), |one| self.holds(one).map(|holds| !holds)),
            "Fn::And" => all().iter().try_fold(true, |so_far, one| Ok(self.holds(one)? && so_far)),
            "Fn::Or" => all().iter().try_fold(false, |so_far, one| Ok(self.holds(one)? || so_far)),
            other => Err(format!("Template error: {other} is not a condition function")),
        }
    }

    /// A value with its functions replaced; `None` for `AWS::NoValue`.
    pub fn resolve(&self, value: &Value) -> Result<Option<Value>, Problem> {
        if let Some((function, argument)) = single(value)
            && (function == "Ref" || function.starts_with("Fn::"))
        {
            return self.call(function, argument);
        }
        Ok(Some(match value {
            Value::Array(items) => {
                let resolved: Result<Vec<_>, _> = items.iter().map(|item| self.resolve(item)).collect();
                Value::Array(resolved?.into_iter().flatten().collect())
            }
            Value::Object(members) => {
                let mut resolved = Map::new();
                for (name, member) in members {
                    if let Some(member) = self.resolve(member)? {
                        resolved.insert(name.clone(), member);
                    }
                }
                Value::Object(resolved)
            }
            scalar => scalar.clone(),
        }))
    }

    /// A value as text: booleans and numbers as the template writes them.
    pub fn text(&self, value: &Value) -> Result<String, Problem> {
        match self.resolve(value)? {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Bool(flag)) => Ok(flag.to_string()),
            _ => Err("Template error: a text is expected where a list or an object is".into()),
        }
    }

    fn call(&self, function: &str, argument: &Value) -> Result<Option<Value>, Problem> {
        let some = |text: String| Ok(Some(Value::String(text)));
        match function {
            "Ref" => self.reference(argument.as_str().unwrap_or_default()),
            "Fn::GetAtt" => {
                let reference = attribute_reference(argument).ok_or("Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")?;
                self.attribute(&reference.name, reference.attribute.as_deref().unwrap_or_default()).map(Some)
            }
            "Fn::Join" => some(self.join(argument)?),
            "Fn::Sub" => some(self.substitute(argument)?),
            "Fn::ImportValue" => self.import(argument).and_then(some),
            "Fn::Base64" => some(base64::engine::general_purpose::STANDARD.encode(self.text(argument)?)),
            "Fn::Select" => self.select(argument).map(Some),
            "Fn::Split" => self.split_text(argument).map(Some),
            "Fn::GetAZs" => Ok(Some(self.zones())),
            "Fn::FindInMap" => self.find_in_map(argument).map(Some),
            "Fn::If" => match argument.as_array().map(Vec::as_slice) {
                Some([name, yes, no]) => {
                    let holds = self.condition(name.as_str().unwrap_or_default())?;
                    self.resolve(if holds { yes } else { no })
                }
                _ => Err("Template error: Fn::If requires a list argument with three elements".into()),
            },
            other => Err(format!("Template error: the sandbox does not serve the function {other}")),
        }
    }

    fn reference(&self, name: &str) -> Result<Option<Value>, Problem> {
        let pseudo = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::Region" => Some(self.config.region.as_str()),
            "AWS::AccountId" => Some(self.config.account.as_str()),
            "AWS::Partition" => Some("aws"),
            "AWS::URLSuffix" => Some("amazonaws.com"),
            "AWS::StackName" => Some(self.stack_name),
            "AWS::StackId" => Some(self.stack_id),
            "AWS::NotificationARNs" => return Ok(Some(Value::Array(Vec::new()))),
            _ => None,
        };
        if let Some(text) = pseudo {
            return Ok(Some(text.into()));
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(Some(value.clone()));
        }
        match self.resources.get(name) {
            Some(Known::Resource(id, _)) => Ok(Some(id.as_str().into())),
            Some(Known::Later) => Ok(Some(LATER.into())),
            None => Err(format!(
                "Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
            )),
        }
    }

    fn attribute(&self, name: &str, attribute: &str) -> Result<Value, Problem> {
        match self.resources.get(name) {
            Some(Known::Later) => Ok(LATER.into()),
            Some(Known::Resource(_, attributes)) => {
                let value = attributes.get(attribute).cloned();
                value.ok_or_else(|| format!("Attribute '{attribute}' does not exist"))
            }
            None => Err(format!("Template error: instance of Fn::GetAtt references undefined resource {name}")),
        }
    }

    fn join(&self, argument: &Value) -> Result<String, Problem> {
        let (Some(delimiter), Some(items)) = (argument[0].as_str(), self.resolve(&argument[1])?) else {
            return Err("Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined".into());
        };
        let texts: Result<Vec<_>, _> = items.as_array().into_iter().flatten().map(|item| self.text(item)).collect();
        Ok(texts?.join(delimiter))
    }

    fn substitute(&self, argument: &Value) -> Result<String, Problem> {
        let (text, own) = match argument {
            Value::Array(parts) => (parts.first().and_then(Value::as_str), parts.get(1).and_then(Value::as_object)),
            text => (text.as_str(), None),
        };
        let mut rest =
            text.ok_or("Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments.")?;
        let mut whole = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            whole.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                whole.push_str("${");
                rest = after;
                break;
            };
            match (name.strip_prefix('!'), own.and_then(|own| own.get(name.trim()))) {
                (Some(literal), _) => whole.extend(["${", literal, "}"]),
                (None, Some(value)) => whole.push_str(&self.text(value)?),
                (None, None) => whole.push_str(&self.placeholder(name.trim())?),
            }
            rest = tail;
        }
        whole.push_str(rest);
        Ok(whole)
    }

    fn placeholder(&self, name: &str) -> Result<String, Problem> {
        let reference = split(name);
        let value = match &reference.attribute {
            Some(attribute) => Some(self.attribute(&reference.name, attribute)?),
            None => self.reference(&reference.name)?,
        };
        value.as_ref().map_or(Ok(String::new()), |value| self.text(value))
    }

    fn import(&self, argument: &Value) -> Result<String, Problem> {
        let name = self.text(argument)?;
        self.exports.get(&name).cloned().ok_or_else(|| format!("No export named {name} found."))
    }

    fn select(&self, argument: &Value) -> Result<Value, Problem> {
        let index = self.text(&argument[0])?.parse::<usize>().ok();
        let items = self.resolve(&argument[1])?.unwrap_or_default();
        if items == LATER {
            return Ok(items);
        }
        let found = index.and_then(|index| items.get(index));
        found.cloned().ok_or_else(|| "Template error: Fn::Select cannot select nonexistent value at the index".into())
    }

    fn split_text(&self, argument: &Value) -> Result<Value, Problem> {
        let (delimiter, text) = (self.text(&argument[0])?, self.text(&argument[1])?);
        Ok(text.split(delimiter.as_str()).collect())
    }

    fn zones(&self) -> Value {
        let letters = ["a", "b", "c"];
        letters.iter().map(|letter| format!("{}{letter}", self.config.region)).collect()
    }

    fn find_in_map(&self, argument: &Value) -> Result<Value, Problem> {
        let [map, first, second] = [self.text(&argument[0])?, self.text(&argument[1])?, self.text(&argument[2])?];
        let found = self.template.section("Mappings").get(&map).and_then(|map| map.get(&first)?.get(&second));
        found.cloned().ok_or_else(|| format!("Template error: Unable to get mapping for {map}::{first}::{second}"))
    }
}

/// The one member of an object that has one.
fn single(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.iter().next().map(|(name, argument)| (name.as_str(), argument))
}
