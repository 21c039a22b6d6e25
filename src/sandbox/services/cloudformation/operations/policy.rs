//! Stack policies: what updates may change, stored, shown and enforced.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::model::{Stack, State};
use super::super::template::invalid;
use crate::sandbox::services::Reply;
use crate::sandbox::{Fault, Sandbox};

/// The longest policy, in bytes.
const LONGEST: usize = 16_384;

/// The input of the two operations.
#[derive(Deserialize)]
pub struct Input {
    #[serde(rename = "StackName")]
    stack: String,
    #[serde(rename = "StackPolicyBody")]
    body: Option<String>,
    #[serde(rename = "StackPolicyURL")]
    url: Option<String>,
}

/// `SetStackPolicy`.
pub fn set(sandbox: &Arc<Sandbox>, input: Input) -> Reply {
    if input.url.is_some() && input.body.is_none() {
        return Err(Fault::not_implemented("the member StackPolicyURL"));
    }
    if input.url.is_some() {
        return Err(invalid("You cannot specify both StackPolicyURL and StackPolicyBody"));
    }
    sandbox.world.write(|world| {
        let id = find(&world.cloudformation, &input.stack)?.id.clone();
        if let Some(body) = &input.body {
            check(body)?;
        }
        if let Some(stack) = world.cloudformation.stacks.get_mut(&id) {
            stack.policy = input.body;
        }
        Ok(Value::Null)
    })
}

/// `GetStackPolicy`: of a stack without one, nothing.
pub fn get(sandbox: &Arc<Sandbox>, input: Input) -> Reply {
    sandbox.world.read(|world| {
        let stack = find(&world.cloudformation, &input.stack)?;
        Ok(json!({ "StackPolicyBody": stack.policy }))
    })
}

fn find<'a>(state: &'a State, name: &str) -> Result<&'a Stack, Fault> {
    state.find(name).ok_or_else(|| invalid(format!("Stack: {name} does not exist")))
}

/// Refuses what is no policy.
pub fn check(body: &str) -> Result<(), Fault> {
    let invalid_policy = |why: &str| invalid(format!("Error validating stack policy: {why}"));
    if body.len() > LONGEST {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'stackPolicyBody' failed to satisfy constraint: Member must have length less than or equal to {LONGEST}"
        )));
    }
    let policy: Value = serde_json::from_str(body).map_err(|_| invalid_policy("Invalid stack policy"))?;
    let statements = statements(&policy).ok_or_else(|| invalid_policy("Unknown syntax in policy."))?;
    for statement in statements {
        let effect = matches!(statement["Effect"].as_str(), Some("Allow" | "Deny"));
        let actions = statement.get("Action").is_some() != statement.get("NotAction").is_some();
        let resources = statement.get("Resource").is_some() != statement.get("NotResource").is_some();
        if !effect || !actions || !resources || statement.get("Principal") != Some(&json!("*")) {
            return Err(invalid_policy("Unknown syntax in policy."));
        }
        let named = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
        for (operator, tests) in named {
            let known = matches!(operator.as_str(), "StringEquals" | "StringLike")
                && tests.as_object().is_some_and(|tests| tests.keys().all(|key| key == "ResourceType"));
            if !known {
                return Err(invalid_policy("Unknown syntax in policy."));
            }
        }
    }
    Ok(())
}

fn statements(policy: &Value) -> Option<Vec<&Value>> {
    match policy.get("Statement")? {
        Value::Array(all) => Some(all.iter().collect()),
        one @ Value::Object(_) => Some(vec![one]),
        _ => None,
    }
}

/// The reason why a policy forbids an action (such as `Update:Modify`) on a resource; everything is forbidden that is not allowed.
pub fn refusal(policy: &str, action: &str, logical_id: &str, kind: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let resource = format!("LogicalResourceId/{logical_id}");
    let mut allowed = false;
    for (index, statement) in statements(&policy)?.into_iter().enumerate() {
        let fits = names(statement, "Action", "NotAction", action)
            && names(statement, "Resource", "NotResource", &resource)
            && condition_holds(&statement["Condition"], kind);
        if fits && statement["Effect"] == "Deny" {
            let said = |member: &str| texts(&statement[member]).join(", ");
            return Some(format!(
                "Action denied by stack policy: Statement [#{}] does not allow [{}] for resource [{}]",
                index + 1,
                said("Action"),
                said("Resource")
            ));
        }
        allowed |= fits;
    }
    (!allowed).then(|| {
        format!("Action not allowed by stack policy: no statement allows [{action}] for resource [{resource}]")
    })
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn names(statement: &Value, member: &str, negated: &str, text: &str) -> bool {
    match statement.get(member) {
        Some(patterns) => texts(patterns).iter().any(|pattern| is_like(pattern, text)),
        None => !texts(&statement[negated]).iter().any(|pattern| is_like(pattern, text)),
    }
}

fn condition_holds(condition: &Value, kind: &str) -> bool {
    condition.as_object().into_iter().flatten().all(|(operator, tests)| {
        let mut patterns = texts(&tests["ResourceType"]).into_iter();
        patterns.any(|pattern| if operator == "StringLike" { is_like(pattern, kind) } else { pattern == kind })
    })
}

/// Whether a text fits a pattern in which `*` stands for any text and `?` for any character.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut pattern_rest = pattern.chars();
    match pattern_rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| is_like(pattern_rest.as_str(), &text[at..]))
        }
        Some(wanted) => {
            let mut text_rest = text.chars();
            text_rest.next().is_some_and(|found| wanted == '?' || wanted == found)
                && is_like(pattern_rest.as_str(), text_rest.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn a_denial_counts_more_than_a_permission_and_silence_forbids() {
        let policy = r#"{"Statement": [
            {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], "Principal": "*", "Resource": "LogicalResourceId/My*"},
            {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*",
             "Condition": {"StringLike": {"ResourceType": ["AWS::RDS::*"]}}}
        ]}"#;
        assert_eq!(refusal(policy, "Update:Modify", "MyTopic", "AWS::SNS::Topic"), None);
        assert_eq!(refusal(policy, "Update:Replace", "Topic", "AWS::SNS::Topic"), None);
        let reason = refusal(policy, "Update:Replace", "MyTopic", "AWS::SNS::Topic").expect("it is denied");
        assert_eq!(
            reason,
            "Action denied by stack policy: Statement [#2] does not allow [Update:Replace, Update:Delete] for resource [LogicalResourceId/My*]"
        );
        assert!(refusal(policy, "Update:Modify", "D", "AWS::RDS::DBInstance").is_some());
        assert!(refusal(r#"{"Statement": []}"#, "Update:Modify", "D", "AWS::SNS::Topic").is_some());
    }
}
