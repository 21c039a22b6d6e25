//! How large policy documents may be: characters, of which white space does not count.
//!
//! Source: "IAM and AWS STS quotas" in the IAM user guide; the sentences are as AWS's callers have seen them.

use std::collections::BTreeMap;

use crate::Fault;

/// A managed policy.
const MAX_MANAGED: usize = 6144;
/// A role's trust policy, unless the account asks for more.
const MAX_TRUST: usize = 2048;
/// All inline policies of a role together.
const MAX_INLINE: usize = 10_240;

fn size(document: &str) -> usize {
    document.chars().filter(|character| !character.is_whitespace()).count()
}

fn exceeded(message: String) -> Fault {
    Fault::limit_exceeded("LimitExceeded", message).with_status(409)
}

/// Refuses the document of a managed policy, or of one of its versions, that is too large.
pub(super) fn check_managed(document: &str) -> Result<(), Fault> {
    if size(document) <= MAX_MANAGED {
        return Ok(());
    }
    Err(exceeded(format!("Cannot exceed quota for PolicySize: {MAX_MANAGED}")))
}

/// Refuses a trust policy that is too large.
pub(super) fn check_trust(document: &str) -> Result<(), Fault> {
    if size(document) <= MAX_TRUST {
        return Ok(());
    }
    Err(exceeded(format!("Cannot exceed quota for ACLSizePerRole: {MAX_TRUST}")))
}

/// Refuses inline policies that are too large together.
pub(super) fn check_inline(role: &str, policies: &BTreeMap<String, String>) -> Result<(), Fault> {
    if policies.values().map(|document| size(document)).sum::<usize>() <= MAX_INLINE {
        return Ok(());
    }
    Err(exceeded(format!("Maximum policy size of {MAX_INLINE} bytes exceeded for role {role}")))
}
