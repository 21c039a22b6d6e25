//! Who a trust policy lets take a role, and with which actions.

use serde_json::Value;

use super::syntax::{self, Statement, WrongForm};
use super::{Fault, malformed};
use crate::sandbox::Config;
use crate::sandbox::services::iam::State;

/// Actions with which a role is taken, or which go with it; the first stands for its kin too.
const ACTIONS: &[&str] = &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"];

pub(super) fn check_action(action: &str) -> Result<(), Fault> {
    let is_kin = action.get(..ACTIONS[0].len()).is_some_and(|begin| begin.eq_ignore_ascii_case(ACTIONS[0]));
    if is_kin || ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(action)) {
        return Ok(());
    }
    Err(malformed("AssumeRole policy may only specify STS AssumeRole actions."))
}

/// Refuses principals that are none. Those of other accounts are taken for what they say.
pub(in crate::sandbox::services::iam) fn check_principals(
    document: &str,
    state: &State,
    config: &Config,
) -> Result<(), Fault> {
    let wrong_form = || malformed("Syntax errors in policy.");
    let policy: Value = serde_json::from_str(document).unwrap_or_default();
    let statements = policy.as_object().and_then(|policy| syntax::statements(policy).ok()).unwrap_or_default();
    let principals = statements.iter().filter_map(|Statement { principal, .. }| *principal);
    for principal in principals.filter(|principal| *principal != "*") {
        let principals = principal.as_object().ok_or_else(wrong_form)?;
        let named = principals.get("AWS").map_or(Ok(Vec::new()), syntax::texts).map_err(|WrongForm| wrong_form())?;
        if let Some(wrong) = named.into_iter().find(|named| !is_principal(named, state, config)) {
            return Err(malformed(&format!("Invalid principal in policy: \"AWS\":\"{wrong}\"")));
        }
    }
    Ok(())
}

fn is_principal(named: &str, state: &State, config: &Config) -> bool {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if named == "*" || is_account(named) || state.roles.values().any(|role| role.id == named) {
        return true;
    }
    let parts: Vec<&str> = named.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", account, "root"] | ["arn", _, "sts", "", account, _] => is_account(account),
        ["arn", _, "iam", "", account, _] if account != config.account => is_account(account),
        ["arn", _, "iam", ..] => {
            named == config.global_arn("iam", "user/sandbox") || state.roles.values().any(|role| role.arn == named)
        }
        _ => false,
    }
}
