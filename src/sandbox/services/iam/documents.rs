//! What a policy document has to look like. It is never evaluated.

use serde_json::{Map, Value};

use crate::sandbox::Fault;

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What somebody may do.
    Identity,
    /// Who may take a role.
    Trust,
}

fn malformed(message: &str) -> Fault {
    Fault::client("MalformedPolicyDocument", message)
}

/// Refuses what is not a policy document.
pub(super) fn check(document: &str, purpose: Purpose) -> Result<(), Fault> {
    let syntax = || malformed("Syntax errors in policy.");
    let Ok(Value::Object(policy)) = serde_json::from_str::<Value>(document) else {
        return Err(match purpose {
            Purpose::Trust => malformed("This policy contains invalid Json"),
            Purpose::Identity => syntax(),
        });
    };
    if policy.keys().any(|name| !["Version", "Id", "Statement"].contains(&name.as_str())) {
        return Err(syntax());
    }
    match policy.get("Version") {
        None => {}
        Some(Value::String(version)) if ["2012-10-17", "2008-10-17"].contains(&version.as_str()) => {}
        Some(Value::String(_)) => return Err(malformed("Policy document must be version 2012-10-17 or greater.")),
        Some(_) => return Err(syntax()),
    }
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
        Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
        _ => return Err(syntax()),
    };
    statements.iter().try_for_each(|statement| match statement {
        Value::Object(statement) => check_statement(statement, purpose),
        _ => Err(syntax()),
    })
}

const ELEMENTS: &[&str] =
    &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

fn check_statement(statement: &Map<String, Value>, purpose: Purpose) -> Result<(), Fault> {
    let has = |name: &str| statement.contains_key(name);
    let effect = statement.get("Effect").and_then(Value::as_str);
    let unknown = statement.keys().any(|name| !ELEMENTS.contains(&name.as_str()));
    let both = has("Action") && has("NotAction") || has("Resource") && has("NotResource");
    if unknown || both || !matches!(effect, Some("Allow" | "Deny")) {
        return Err(malformed("Syntax errors in policy."));
    }
    let principal = has("Principal") || has("NotPrincipal");
    let resource = has("Resource") || has("NotResource");
    match purpose {
        Purpose::Trust if resource => return Err(malformed("Has prohibited field Resource")),
        Purpose::Trust if !principal => return Err(malformed("Missing required field Principal")),
        Purpose::Trust if !has("Action") && !has("NotAction") => {
            return Err(malformed("Missing required field Action"));
        }
        Purpose::Identity if principal => return Err(malformed("Policy document should not specify a principal.")),
        _ => {}
    }
    let actions = texts(statement.get("Action").or_else(|| statement.get("NotAction")))?;
    if actions.is_empty() {
        return Err(malformed("Policy statement must contain actions."));
    }
    if actions.iter().any(|action| *action != "*" && !action.contains(':')) {
        return Err(malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."));
    }
    if purpose == Purpose::Trust {
        return Ok(());
    }
    let resources = texts(statement.get("Resource").or_else(|| statement.get("NotResource")))?;
    if resources.is_empty() {
        return Err(malformed("Policy statement must contain resources."));
    }
    match resources.iter().find(|resource| **resource != "*" && !resource.starts_with("arn:")) {
        Some(resource) => Err(malformed(&format!("Resource {resource} must be in ARN format or \"*\"."))),
        None => Ok(()),
    }
}

/// A text or a list of texts.
fn texts(value: Option<&Value>) -> Result<Vec<&str>, Fault> {
    let syntax = || malformed("Syntax errors in policy.");
    match value {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(items)) => items.iter().map(|item| item.as_str().ok_or_else(syntax)).collect(),
        Some(_) => Err(syntax()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Purpose, check};

    fn refusal(document: &str, purpose: Purpose) -> String {
        check(document, purpose).expect_err("it is refused").message
    }

    #[test]
    fn documents_have_statements_with_their_parts() {
        let identity = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
        assert!(check(identity, Purpose::Identity).is_ok());
        assert_eq!(refusal(identity, Purpose::Trust), "Has prohibited field Resource");
        assert_eq!(refusal("{}", Purpose::Identity), "Syntax errors in policy.");
        let no_action = r#"{"Statement":{"Effect":"Allow","Resource":"*"}}"#;
        assert_eq!(refusal(no_action, Purpose::Identity), "Policy statement must contain actions.");
        let bare = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"bucket"}}"#;
        assert_eq!(refusal(bare, Purpose::Identity), "Resource bucket must be in ARN format or \"*\".");
        assert_eq!(refusal("x", Purpose::Trust), "This policy contains invalid Json");
    }
}
