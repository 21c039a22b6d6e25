//! Quotas for the sizes of policy documents, in characters without white space.
//!
//! Source: "IAM and AWS STS quotas" in the IAM user guide. The messages are those that AWS's users have reported.

use std::collections::BTreeMap;

use crate::Fault;

/// One version of a managed policy.
const MAX_MANAGED: usize = 6144;
/// A role's trust policy; the default of an adjustable quota.
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
pub(crate) fn check_managed(document: &str) -> Result<(), Fault> {
    if size(document) <= MAX_MANAGED {
        return Ok(());
    }
    Err(exceeded(format!("Cannot exceed quota for PolicySize: {MAX_MANAGED}")))
}

/// Refuses a trust policy that is too large.
pub(crate) fn check_trust(document: &str) -> Result<(), Fault> {
    if size(document) <= MAX_TRUST {
        return Ok(());
    }
    Err(exceeded(format!("Cannot exceed quota for ACLSizePerRole: {MAX_TRUST}")))
}

/// Refuses inline policies that are too large together.
pub(crate) fn check_inline(role: &str, policies: &BTreeMap<String, String>) -> Result<(), Fault> {
    if policies.values().map(|document| size(document)).sum::<usize>() <= MAX_INLINE {
        return Ok(());
    }
    Err(exceeded(format!("Maximum policy size of {MAX_INLINE} bytes exceeded for role {role}")))
}
