//! Principals and actions of trust policies.

use serde_json::Value;

use super::syntax::{self, Statement, WrongForm};
use super::{Fault, malformed};
use crate::Config;
use crate::base::arn::{Arn, is_account};
use crate::services::iam::State;

/// Actions that assume a role or go with doing so. The first also stands for its variants, such as
/// `sts:AssumeRoleWithSAML`.
const ACTIONS: &[&str] = &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"];

/// Principal types that a trust policy may have.
const KINDS: &[&str] = &["AWS", "Service", "Federated"];

/// Domains of service principals, from "AWS service principals" in the user guide and its examples.
const SERVICE_DOMAINS: &[&str] = &[".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal"];

pub(super) fn check_action(action: &str) -> Result<(), Fault> {
    let is_assume_role_variant =
        action.get(..ACTIONS[0].len()).is_some_and(|begin| begin.eq_ignore_ascii_case(ACTIONS[0]));
    if is_assume_role_variant || ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(action)) {
        return Ok(());
    }
    Err(malformed("AssumeRole policy may only specify STS AssumeRole actions."))
}

/// Refuses principals that do not exist. Those of other accounts are not checked.
pub(in crate::services::iam) fn check_principals(document: &str, state: &State, config: &Config) -> Result<(), Fault> {
    let wrong_form = || malformed("Syntax errors in policy.");
    let policy: Value = serde_json::from_str(document).unwrap_or_default();
    let statements = policy.as_object().and_then(|policy| syntax::statements(policy).ok()).unwrap_or_default();
    let principals = statements.iter().filter_map(|Statement { principal, .. }| *principal);
    for principal in principals.filter(|principal| *principal != "*") {
        let principals = principal.as_object().ok_or_else(wrong_form)?;
        for (kind, named) in principals {
            let wrong = |what: &str| malformed(&format!("Invalid principal in policy: {what}"));
            let named = syntax::texts(named).map_err(|WrongForm| wrong_form())?;
            let is_one = |named: &&str| match kind.as_str() {
                "AWS" => is_principal(named, state, config),
                "Service" => is_service(named),
                // Identity providers are not served, so they are not checked.
                _ => true,
            };
            if !KINDS.contains(&kind.as_str()) {
                return Err(wrong(&format!("\"{kind}\"")));
            }
            if let Some(other) = named.into_iter().find(|named| !is_one(named)) {
                return Err(wrong(&format!("\"{}\":\"{other}\"", kind.to_uppercase())));
            }
        }
    }
    Ok(())
}

/// Whether this can be a service principal: labels below one of AWS's domains. AWS checks against its list of services.
fn is_service(named: &str) -> bool {
    let labels = SERVICE_DOMAINS.iter().find_map(|domain| named.strip_suffix(domain));
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    labels.is_some_and(|labels| labels.split('.').all(is_label))
}

fn is_principal(named: &str, state: &State, config: &Config) -> bool {
    if named == "*" || is_account(named) || state.roles.values().any(|role| role.id == named) {
        return true;
    }
    match Arn::parse(named) {
        Some(
            Arn { service: "iam", region: "", account, resource: "root", .. }
            | Arn { service: "sts", region: "", account, .. },
        ) => is_account(account),
        Some(Arn { service: "iam", region: "", account, .. }) if account != config.account => is_account(account),
        Some(Arn { service: "iam", .. }) => {
            named == config.global_arn("iam", "user/sandbox") || state.roles.values().any(|role| role.arn == named)
        }
        _ => false,
    }
}
