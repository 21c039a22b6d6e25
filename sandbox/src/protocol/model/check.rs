//! Holds an input against the model's constraints, in the words that AWS's services have in common.

use serde_json::Value;

use super::{Kind, Limits, Model, Plain, Shape, Type};
use crate::base::lower_first;

/// More are not told.
const MOST: usize = 10;

/// What is wrong with one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A required member was not given: its path, with names as they are on the wire.
    Missing(String),
    /// A constraint is not satisfied, in a whole clause.
    Unsatisfied(String),
    /// The same, in a sentence that is the whole message.
    Message(String),
}

/// Everything that is wrong with an operation's input, in the order of the model's members.
pub fn violations(model: &Model, operation: &str, input: &Value) -> Vec<Violation> {
    let mut checker = Checker { model, found: Vec::new(), path: Vec::new() };
    if let Some(shape) = model.operations.get(operation).and_then(|operation| operation.input.as_deref()) {
        checker.value(shape, input);
    }
    checker.found
}

struct Checker<'a> {
    model: &'a Model,
    found: Vec<Violation>,
    path: Vec<String>,
}

impl<'a> Checker<'a> {
    fn value(&mut self, name: &str, value: &Value) {
        if self.found.len() >= MOST || value.is_null() {
            return;
        }
        let Some(Type::Shape(shape)) = self.model.resolve(name) else { return };
        for clause in broken(&shape.limits, &shape.kind, value) {
            let shown = (!shape.limits.unshown).then(|| shown(value));
            self.unsatisfied(shown.as_deref(), &clause);
        }
        match (&shape.kind, value) {
            (Kind::Plain(_), Value::String(text)) => self.says(shape, text),
            (Kind::Structure(members), Value::Object(given)) => {
                for (member, of) in members {
                    self.path.push(member.clone());
                    match given.get(member) {
                        None | Some(Value::Null) if of.ends_with('!') => self.missing(),
                        None | Some(Value::Null) => {}
                        Some(inner) => self.value(of, inner),
                    }
                    self.path.pop();
                }
            }
            (Kind::List(item), Value::Array(items)) => self.list(item, value, items),
            (Kind::Map(key, of), Value::Object(entries)) => {
                self.each("Map keys", key, value, entries.keys().map(|key| Value::from(key.as_str())));
                self.each("Map value", of, value, entries.values().cloned());
            }
            _ => {}
        }
    }

    fn list(&mut self, item: &str, list: &Value, items: &[Value]) {
        if self.scalar(item).is_some() {
            return self.each("Member", item, list, items.iter().cloned());
        }
        for (at, inner) in items.iter().enumerate() {
            self.path.extend([(at + 1).to_string(), "member".to_owned()]);
            self.value(item, inner);
            self.path.truncate(self.path.len() - 2);
        }
    }

    fn scalar(&self, name: &str) -> Option<(&'a Limits, &'a Kind)> {
        match self.model.resolve(name)? {
            Type::Shape(Shape { kind: kind @ Kind::Plain(_), limits }) => Some((limits, kind)),
            _ => None,
        }
    }

    /// Scalars in a list or a map are told as one value of the whole list, with all that each has to satisfy.
    fn each(&mut self, what: &str, name: &str, whole: &Value, mut values: impl Iterator<Item = Value>) {
        let Some((limits, kind)) = self.scalar(name) else { return };
        if values.any(|value| !broken(limits, kind, &value).is_empty()) {
            let clauses = clauses(limits, kind).join(", ");
            self.unsatisfied(Some(&shown(whole)), &format!("{what} must satisfy constraint: [{clauses}]"));
        }
    }

    fn says(&mut self, shape: &Shape, text: &str) {
        if let Limits { says: Some(says), pattern: Some(pattern), .. } = &shape.limits
            && !pattern.matches(text)
        {
            let member = self.path.last().map_or_else(String::new, |name| lower_first(name));
            self.found.push(Violation::Message(format!("The specified value for {member} is invalid. {says}")));
        }
    }

    fn missing(&mut self) {
        self.found.push(Violation::Missing(self.path.join(".")));
    }

    fn unsatisfied(&mut self, value: Option<&str>, clause: &str) {
        let path = place(&self.path);
        let value = value.map_or_else(|| "Value".to_owned(), |value| format!("Value '{value}'"));
        self.found.push(Violation::Unsatisfied(format!("{value} at '{path}' failed to satisfy constraint: {clause}")));
    }
}

/// `metricData.1.member.metricName`, as AWS writes where a member is.
fn place(path: &[String]) -> String {
    path.iter().map(|name| lower_first(name)).collect::<Vec<_>>().join(".")
}

/// The clauses that a value does not satisfy.
fn broken(limits: &Limits, kind: &Kind, value: &Value) -> Vec<String> {
    let size = size(kind, value);
    let too_much = size.zip(limits.max).is_some_and(|(size, max)| size > max);
    let too_little = size.zip(limits.min).is_some_and(|(size, min)| size < min);
    let text = value.as_str();
    let unfit = limits.pattern.as_ref().zip(text).is_some_and(|(pattern, text)| !pattern.matches(text));
    let unknown = text.is_some_and(|text| !limits.values.is_empty() && !limits.values.iter().any(|one| one == text));
    let wrong = [too_much, too_little, unfit, unknown];
    let clauses = all_clauses(limits, kind);
    clauses.into_iter().zip(wrong).filter(|(_, wrong)| *wrong).filter_map(|(clause, _)| clause).collect()
}

fn clauses(limits: &Limits, kind: &Kind) -> Vec<String> {
    all_clauses(limits, kind).into_iter().flatten().collect()
}

/// In AWS's order: greatest, least, pattern, values.
fn all_clauses(limits: &Limits, kind: &Kind) -> [Option<String>; 4] {
    let measure = if is_number(kind) { "value" } else { "length" };
    [
        limits.max.map(|max| format!("Member must have {measure} less than or equal to {max}")),
        limits.min.map(|min| format!("Member must have {measure} greater than or equal to {min}")),
        limits
            .pattern
            .as_ref()
            .filter(|_| limits.says.is_none())
            .map(|pattern| format!("Member must satisfy regular expression pattern: {}", pattern.text())),
        (!limits.values.is_empty())
            .then(|| format!("Member must satisfy enum value set: [{}]", limits.values.join(", "))),
    ]
}

fn is_number(kind: &Kind) -> bool {
    matches!(kind, Kind::Plain(Plain::Integer | Plain::Long | Plain::Float | Plain::Double))
}

/// What `min` and `max` are of. Numbers may still be text, in what a template gives.
fn size(kind: &Kind, value: &Value) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "no request is that long")]
    let counted = |count: usize| Some(count as f64);
    match value {
        Value::Number(number) if is_number(kind) => number.as_f64(),
        Value::String(text) if is_number(kind) => text.parse().ok(),
        Value::String(text) => counted(text.encode_utf16().count()),
        Value::Array(items) => counted(items.len()),
        Value::Object(entries) if matches!(kind, Kind::Map(..)) => counted(entries.len()),
        _ => None,
    }
}

/// A value as Java prints it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key}={}", shown(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::of;
    use super::{Violation, violations};

    fn found(service: &str, operation: &str, input: &Value) -> Vec<Violation> {
        violations(of(service).expect("it has a model"), operation, input)
    }

    #[test]
    fn bounds_patterns_and_values_are_told_in_awss_words() {
        let told = found("logs", "FilterLogEvents", &json!({ "logGroupName": "a", "limit": 10001 }));
        let words =
            "Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000";
        assert_eq!(told, [Violation::Unsatisfied(words.to_owned())]);
        let told = found("cloudformation", "CreateStack", &json!({ "StackName": "*@da591fa3_$" }));
        let words = "Value '*@da591fa3_$' at 'stackName' failed to satisfy constraint: Member must satisfy regular \
            expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*";
        assert_eq!(told, [Violation::Unsatisfied(words.to_owned())]);
        let told = found("ecs", "RunTask", &json!({ "taskDefinition": "web", "launchType": "MOON" }));
        let Violation::Unsatisfied(words) = &told[0] else { panic!("{told:?}") };
        assert!(words.starts_with("Value 'MOON' at 'launchType'") && words.contains("enum value set: [EC2, FARGATE,"));
    }

    #[test]
    fn some_values_are_not_repeated() {
        let told = found("logs", "FilterLogEvents", &json!({ "logGroupIdentifier": "arn:*" }));
        let words = "Value at 'logGroupIdentifier' failed to satisfy constraint: Member must satisfy regular expression \
            pattern: [\\w#+=/:,.@-]*";
        assert_eq!(told, [Violation::Unsatisfied(words.to_owned())]);
    }

    #[test]
    fn what_is_required_is_missing_at_its_place() {
        let told = found("logs", "PutLogEvents", &json!({ "logGroupName": "a", "logEvents": [{ "message": "" }] }));
        assert_eq!(told[0], Violation::Missing("logStreamName".to_owned()));
        assert_eq!(told[1], Violation::Missing("logEvents.1.member.timestamp".to_owned()));
        let Violation::Unsatisfied(words) = &told[2] else { panic!("{told:?}") };
        assert!(words.starts_with("Value '' at 'logEvents.1.member.message' failed"), "{words}");
    }

    #[test]
    fn scalars_of_a_list_are_told_as_the_list() {
        let told = found("ssm", "GetParameters", &json!({ "Names": ["", "x"] }));
        let words = "Value '[, x]' at 'names' failed to satisfy constraint: Member must satisfy constraint: \
            [Member must have length less than or equal to 2048, Member must have length greater than or equal to 1]";
        assert_eq!(told, [Violation::Unsatisfied(words.to_owned())]);
    }

    #[test]
    fn a_service_with_its_own_words_has_them() {
        let told = found("iam", "GetRole", &json!({ "RoleName": "a b" }));
        let words = "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-";
        assert_eq!(told, [Violation::Message(words.to_owned())]);
    }
}
