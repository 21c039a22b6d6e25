//! Evaluates what a role may do, for the parts of the sandbox that act as a role.
//!
//! Effects and actions are evaluated, resources and conditions are not: an action that is allowed on some resource is
//! allowed. Requests of API clients are not checked against policies.

use serde_json::Value;

use super::documents::{self, Statement};
use super::{Role, State};
use crate::base::arn::Arn;
use crate::base::glob;

/// The actions that matter here in AWS's own managed policies (AWS managed policy reference).
const AWS_MANAGED: &[(&str, &[&str])] = &[
    ("AdministratorAccess", &["*"]),
    ("PowerUserAccess", &["ssm:*", "ssmmessages:*"]),
    ("AmazonSSMFullAccess", &["ssm:*", "ssmmessages:*"]),
    ("AmazonEC2RoleforSSM", AGENT),
    ("AmazonSSMManagedInstanceCore", AGENT),
    ("AmazonSSMManagedEC2InstanceDefaultPolicy", AGENT),
];
const AGENT: &[&str] = &[
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
];

/// Whether the policies of a role allow an action such as `ssm:UpdateInstanceInformation`.
pub(crate) fn allows(state: &State, role: &str, action: &str) -> bool {
    let Some(role) = state.roles.get(role) else { return false };
    let (allowed, denied) = documents(state, role).fold((false, false), |(allowed, denied), document| {
        let (allows, denies) = evaluate(document, action);
        (allowed || allows, denied || denies)
    });
    (allowed || aws_allows(role, action)) && !denied
}

fn documents<'a>(state: &'a State, role: &'a Role) -> impl Iterator<Item = &'a str> {
    let attached = role.attached.iter().filter_map(|arn| state.managed_policies.get(arn)?.document());
    role.inline.values().map(String::as_str).chain(attached)
}

fn aws_allows(role: &Role, action: &str) -> bool {
    let is_of_aws = |arn: &Arn<'_>| arn.account == "aws" && arn.resource.starts_with("policy/");
    let arns = role.attached.iter().filter_map(|arn| Arn::parse(arn)).filter(is_of_aws);
    let names = arns.filter_map(|arn| arn.resource.rsplit('/').next());
    let mut patterns =
        names.filter_map(|name| AWS_MANAGED.iter().find(|(known, _)| *known == name)).flat_map(|(_, list)| *list);
    patterns.any(|pattern| matches(pattern, action))
}

/// Whether a document allows an action, and whether it denies it.
fn evaluate(document: &str, action: &str) -> (bool, bool) {
    let Ok(Value::Object(policy)) = serde_json::from_str(document) else { return (false, false) };
    let statements = documents::statements(&policy).unwrap_or_default();
    let is_about = |statement: &&Statement<'_>| {
        let named = statement.actions().any(|pattern| matches(pattern, action));
        named != statement.is_about_all_others
    };
    let has = |effect: &str| statements.iter().filter(is_about).any(|statement| statement.effect == effect);
    (has("Allow"), has("Deny"))
}

/// Whether an action matches a pattern, ignoring case.
fn matches(pattern: &str, action: &str) -> bool {
    glob::matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{evaluate, matches};

    #[test]
    fn action_patterns_may_have_wildcards() {
        for (pattern, fits) in
            [("ssm:*", true), ("*", true), ("SSM:start?ession", true), ("ssm:Start", false), ("s3:*", false)]
        {
            assert_eq!(matches(pattern, "ssm:StartSession"), fits, "{pattern}");
        }
    }

    #[test]
    fn a_document_allows_or_denies_actions() {
        let decision = |statement: &str| {
            evaluate(&format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#), "ssm:StartSession")
        };
        assert_eq!(decision(r#"[{"Effect":"Allow","Action":["s3:*","ssm:Start*"],"Resource":"*"}]"#), (true, false));
        assert_eq!(decision(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#), (false, true));
        assert_eq!(decision(r#"{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}"#), (true, false));
        assert_eq!(decision(r#"{"Effect":"Allow","NotAction":"ssm:*","Resource":"*"}"#), (false, false));
    }
}
