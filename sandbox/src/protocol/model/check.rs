//! Checks inputs against the constraints of the model, in the words that AWS's services have in common.

use serde_json::Value;

use super::{Kind, Limits, Model, Plain, Shape, Type};
use crate::base::lower_first;

/// The maximum number of violations in a fault.
const MAX_VIOLATIONS: usize = 10;

/// The violation of a constraint by a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A required member is missing: its path, with wire names.
    Missing(String),
    /// A constraint is not satisfied: a clause of the message.
    Unsatisfied(String),
    /// A constraint is not satisfied: a whole message.
    Message(String),
}

/// The violations of an operation's input, in the order of the model's members.
pub fn violations(model: &Model, operation: &str, input: &Value) -> Vec<Violation> {
    let mut checker = Checker { model, violations: Vec::new(), path: Vec::new() };
    if let Some(shape) = model.operations.get(operation).and_then(|operation| operation.input.as_deref()) {
        checker.value(shape, input);
    }
    checker.violations
}

struct Checker<'a> {
    model: &'a Model,
    violations: Vec<Violation>,
    path: Vec<String>,
}

impl<'a> Checker<'a> {
    fn value(&mut self, name: &str, value: &Value) {
        if self.violations.len() >= MAX_VIOLATIONS || value.is_null() {
            return;
        }
        let Some(Type::Shape(shape)) = self.model.resolve(name) else { return };
        for clause in violated_clauses(&shape.limits, &shape.kind, value) {
            let text = (!shape.limits.hides_value).then(|| java_text(value));
            self.unsatisfied(text.as_deref(), &clause);
        }
        match (&shape.kind, value) {
            (Kind::Plain(_), Value::String(text)) => self.check_message(shape, text),
            (Kind::Structure(members), Value::Object(given)) => {
                for (member, kind) in members {
                    self.path.push(member.clone());
                    match given.get(member) {
                        None | Some(Value::Null) if kind.ends_with('!') => self.missing(),
                        None | Some(Value::Null) => {}
                        Some(inner) => self.value(kind, inner),
                    }
                    self.path.pop();
                }
            }
            (Kind::List(item), Value::Array(items)) => self.list(item, value, items),
            (Kind::Map(key, entry), Value::Object(entries)) => {
                self.each("Map keys", key, value, entries.keys().map(|key| Value::from(key.as_str())));
                self.each("Map value", entry, value, entries.values().cloned());
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

    /// A violation by scalars in a list or a map is one of the whole list, with all constraints of its items.
    fn each(&mut self, what: &str, name: &str, container: &Value, mut values: impl Iterator<Item = Value>) {
        let Some((limits, kind)) = self.scalar(name) else { return };
        if values.any(|value| !violated_clauses(limits, kind, &value).is_empty()) {
            let clauses = clauses(limits, kind).join(", ");
            self.unsatisfied(Some(&java_text(container)), &format!("{what} must satisfy constraint: [{clauses}]"));
        }
    }

    /// The violation of a pattern for which the service has its own message.
    fn check_message(&mut self, shape: &Shape, text: &str) {
        if let Limits { message: Some(message), pattern: Some(pattern), .. } = &shape.limits
            && !pattern.matches(text)
        {
            let member = self.path.last().map_or_else(String::new, |name| lower_first(name));
            self.violations.push(Violation::Message(format!("The specified value for {member} is invalid. {message}")));
        }
    }

    fn missing(&mut self) {
        self.violations.push(Violation::Missing(self.path.join(".")));
    }

    fn unsatisfied(&mut self, value: Option<&str>, clause: &str) {
        let path = path_text(&self.path);
        let value = value.map_or_else(|| "Value".to_owned(), |value| format!("Value '{value}'"));
        self.violations
            .push(Violation::Unsatisfied(format!("{value} at '{path}' failed to satisfy constraint: {clause}")));
    }
}

/// The path of a member in AWS's form: `metricData.1.member.metricName`.
fn path_text(path: &[String]) -> String {
    path.iter().map(|name| lower_first(name)).collect::<Vec<_>>().join(".")
}

/// The clauses that a value does not satisfy.
fn violated_clauses(limits: &Limits, kind: &Kind, value: &Value) -> Vec<String> {
    let size = size(kind, value);
    let too_large = size.zip(limits.max).is_some_and(|(size, max)| size > max);
    let too_small = size.zip(limits.min).is_some_and(|(size, min)| size < min);
    let text = value.as_str();
    let mismatch = limits.pattern.as_ref().zip(text).is_some_and(|(pattern, text)| !pattern.matches(text));
    let unknown = text.is_some_and(|text| !limits.values.is_empty() && !limits.values.iter().any(|one| one == text));
    let violated = [too_large, too_small, mismatch, unknown];
    let clauses = all_clauses(limits, kind);
    clauses.into_iter().zip(violated).filter(|(_, violated)| *violated).filter_map(|(clause, _)| clause).collect()
}

fn clauses(limits: &Limits, kind: &Kind) -> Vec<String> {
    all_clauses(limits, kind).into_iter().flatten().collect()
}

/// The clauses of all constraints, in AWS's order.
fn all_clauses(limits: &Limits, kind: &Kind) -> [Option<String>; 4] {
    let measure = if is_number(kind) { "value" } else { "length" };
    [
        limits.max.map(|max| format!("Member must have {measure} less than or equal to {max}")),
        limits.min.map(|min| format!("Member must have {measure} greater than or equal to {min}")),
        limits
            .pattern
            .as_ref()
            .filter(|_| limits.message.is_none())
            .map(|pattern| format!("Member must satisfy regular expression pattern: {}", pattern.text())),
        (!limits.values.is_empty())
            .then(|| format!("Member must satisfy enum value set: [{}]", limits.values.join(", "))),
    ]
}

fn is_number(kind: &Kind) -> bool {
    matches!(kind, Kind::Plain(Plain::Integer | Plain::Long | Plain::Float | Plain::Double))
}

/// The size to which `min` and `max` apply. Numbers that come from a template may be text.
fn size(kind: &Kind, value: &Value) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "no request is that long")]
    let length = |count: usize| Some(count as f64);
    match value {
        Value::Number(number) if is_number(kind) => number.as_f64(),
        Value::String(text) if is_number(kind) => text.parse().ok(),
        Value::String(text) => length(text.encode_utf16().count()),
        Value::Array(items) => length(items.len()),
        Value::Object(entries) if matches!(kind, Kind::Map(..)) => length(entries.len()),
        _ => None,
    }
}

/// A value as Java prints it.
fn java_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(java_text).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key}={}", java_text(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::find;
    use super::{Violation, violations};

    fn found(service: &str, operation: &str, input: &Value) -> Vec<Violation> {
        violations(find(service).expect("it has a model"), operation, input)
    }

    #[test]
    fn violations_of_bounds_patterns_and_enums_have_awss_words() {
        let violations = found("logs", "FilterLogEvents", &json!({ "logGroupName": "a", "limit": 10001 }));
        let words =
            "Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000";
        assert_eq!(violations, [Violation::Unsatisfied(words.to_owned())]);
        let violations = found("cloudformation", "CreateStack", &json!({ "StackName": "*@da591fa3_$" }));
        let words = "Value '*@da591fa3_$' at 'stackName' failed to satisfy constraint: Member must satisfy regular \
            expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*";
        assert_eq!(violations, [Violation::Unsatisfied(words.to_owned())]);
        let violations = found("ecs", "RunTask", &json!({ "taskDefinition": "web", "launchType": "MOON" }));
        let Violation::Unsatisfied(words) = &violations[0] else { panic!("{violations:?}") };
        assert!(words.starts_with("Value 'MOON' at 'launchType'") && words.contains("enum value set: [EC2, FARGATE,"));
    }

    #[test]
    fn some_violations_do_not_repeat_the_value() {
        let violations = found("logs", "FilterLogEvents", &json!({ "logGroupIdentifier": "arn:*" }));
        let words = "Value at 'logGroupIdentifier' failed to satisfy constraint: Member must satisfy regular expression \
            pattern: [\\w#+=/:,.@-]*";
        assert_eq!(violations, [Violation::Unsatisfied(words.to_owned())]);
    }

    #[test]
    fn a_missing_member_has_its_path() {
        let violations =
            found("logs", "PutLogEvents", &json!({ "logGroupName": "a", "logEvents": [{ "message": "" }] }));
        assert_eq!(violations[0], Violation::Missing("logStreamName".to_owned()));
        assert_eq!(violations[1], Violation::Missing("logEvents.1.member.timestamp".to_owned()));
        let Violation::Unsatisfied(words) = &violations[2] else { panic!("{violations:?}") };
        assert!(words.starts_with("Value '' at 'logEvents.1.member.message' failed"), "{words}");
    }

    #[test]
    fn a_violation_by_a_list_item_is_one_of_the_list() {
        let violations = found("ssm", "GetParameters", &json!({ "Names": ["", "x"] }));
        let words = "Value '[, x]' at 'names' failed to satisfy constraint: Member must satisfy constraint: \
            [Member must have length less than or equal to 2048, Member must have length greater than or equal to 1]";
        assert_eq!(violations, [Violation::Unsatisfied(words.to_owned())]);
    }

    #[test]
    fn a_service_can_have_its_own_message() {
        let violations = found("iam", "GetRole", &json!({ "RoleName": "a b" }));
        let words = "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-";
        assert_eq!(violations, [Violation::Message(words.to_owned())]);
    }
}
