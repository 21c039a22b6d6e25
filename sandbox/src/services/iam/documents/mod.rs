//! Validation of policy documents. What a document allows is evaluated in [`super::grants`].
//!
//! Syntax, effects, principals, actions and resources are checked. The grammar of conditions, of dates and of each
//! service's ARNs is not, so the sandbox accepts some documents that AWS refuses.

use serde_json::Value;

use crate::Fault;

pub(super) mod quota;
mod syntax;
pub(super) mod trust_policy;

use syntax::WrongForm;
pub(super) use syntax::{Statement, statements};

/// Percent-encodes a document, as responses have it.
pub(super) fn encode(document: &str) -> String {
    form_urlencoded::byte_serialize(document.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The kind of a policy document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Managed,
    /// An inline policy of a role. It may use older versions of the policy language.
    Inline,
    /// A trust policy: who may assume a role.
    Trust,
}

const LATEST_POLICY_VERSION: &str = "2012-10-17";

fn malformed(message: &str) -> Fault {
    Fault::client("MalformedPolicyDocument", message)
}

/// Refuses an invalid document.
pub(super) fn check(document: &str, purpose: Purpose) -> Result<(), Fault> {
    let json = serde_json::from_str::<Value>(document).ok();
    let Some(policy) = json.as_ref().and_then(Value::as_object) else {
        let trust = purpose == Purpose::Trust;
        return Err(malformed(if trust { "This policy contains invalid Json" } else { "Syntax errors in policy." }));
    };
    let statements = syntax::statements(policy).map_err(|WrongForm| malformed("Syntax errors in policy."))?;
    if purpose == Purpose::Managed && policy.get("Version").is_none_or(|version| version != LATEST_POLICY_VERSION) {
        return Err(malformed("Policy document must be version 2012-10-17 or greater."));
    }
    if !statements.iter().all(|statement| ["Allow", "Deny"].contains(&statement.effect)) {
        return Err(malformed("The policy failed legacy parsing"));
    }
    for statement in &statements {
        check_parts(statement, purpose)?;
    }
    if has_duplicate_ids(&statements) {
        return Err(malformed("Statement IDs (SID) in a single policy must be unique."));
    }
    if statements.iter().any(|statement| statement.actions().next().is_none()) {
        return Err(malformed("Policy statement must contain actions."));
    }
    let mut resources = statements.iter().flat_map(Statement::resources);
    if let Some(resource) = resources.find(|resource| *resource != "*" && !resource.starts_with("arn:")) {
        return Err(malformed(&format!("Resource {resource} must be in ARN format or \"*\".")));
    }
    statements.iter().flat_map(Statement::actions).try_for_each(check_action)?;
    if purpose == Purpose::Trust {
        return statements.iter().flat_map(Statement::actions).try_for_each(trust_policy::check_action);
    }
    if statements.iter().any(|statement| statement.resources().next().is_none()) {
        return Err(malformed("Policy statement must contain resources."));
    }
    Ok(())
}

/// Checks the elements that this kind of policy must have and must not have.
fn check_parts(statement: &Statement<'_>, purpose: Purpose) -> Result<(), Fault> {
    let principal = statement.principal.is_some();
    let wrong = match purpose {
        Purpose::Trust if statement.resources.is_some() => "Has prohibited field Resource",
        Purpose::Trust if !principal => "Missing required field Principal",
        Purpose::Trust if statement.actions.is_none() => "Missing required field Action",
        Purpose::Managed | Purpose::Inline if principal => "Policy document should not specify a principal.",
        _ => return Ok(()),
    };
    Err(malformed(wrong))
}

fn has_duplicate_ids(statements: &[Statement<'_>]) -> bool {
    let ids: Vec<&str> = statements.iter().map(|statement| statement.id).filter(|id| !id.is_empty()).collect();
    ids.iter().enumerate().any(|(index, id)| ids[..index].contains(id))
}

fn check_action(action: &str) -> Result<(), Fault> {
    let mut parts = action.split(':');
    let (vendor, name, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let is_valid = |character: char| character.is_ascii_alphanumeric() || "-.".contains(character);
    if rest.is_some() {
        return Err(malformed("Actions/Condition can contain only one colon."));
    }
    if vendor == "*" || vendor.chars().all(is_valid) && name.is_some() {
        return Ok(());
    }
    match name {
        None => Err(malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")),
        Some(_) => Err(malformed(&format!("Vendor {vendor} is not valid"))),
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
        assert!(check(identity, Purpose::Managed).is_ok());
        assert_eq!(refusal(identity, Purpose::Trust), "Has prohibited field Resource");
        assert_eq!(refusal("{}", Purpose::Inline), "Syntax errors in policy.");
        let no_action = r#"{"Statement":{"Effect":"Allow","Resource":"*"}}"#;
        assert_eq!(refusal(no_action, Purpose::Inline), "Policy statement must contain actions.");
        let bare = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"bucket"}}"#;
        assert_eq!(refusal(bare, Purpose::Inline), "Resource bucket must be in ARN format or \"*\".");
        assert_eq!(refusal("x", Purpose::Trust), "This policy contains invalid Json");
    }

    #[test]
    fn only_managed_policies_must_have_the_newest_version() {
        for version in ["", r#""Version":"2008-10-17","#] {
            let document = format!(r#"{{{version}"Statement":{{"Effect":"Allow","Action":"*","Resource":"*"}}}}"#);
            assert!(check(&document, Purpose::Inline).is_ok());
            let words = "Policy document must be version 2012-10-17 or greater.";
            assert_eq!(refusal(&document, Purpose::Managed), words);
        }
    }
}
