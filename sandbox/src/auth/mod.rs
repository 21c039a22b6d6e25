//! Authentication: a request has to be signed (AWS Signature Version 4) with the sandbox's credentials, or with those of the role of
//! a task or an instance ([`RoleSessions`]).
//!
//! It is written from AWS's documentation of the signature, and shares no code with the signer of the tool.
//!
//! As on AWS, a signature covers the method, host, path, query, body and time of a request, and expires ([`AuthError::Expired`]). A request
//! can be repeated with the same signature until then: signatures have no nonce, so clients send equal requests with equal signatures
//! within a second.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

mod error;
mod role_sessions;
pub(super) mod signature;

pub(crate) use error::{AuthError, ErrorFormat};
pub(crate) use role_sessions::{RoleLease, RoleSession, RoleSessions};
use signature::{Authorization, SignedRequest};

/// An access key and its secret.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// The access key id, which is public.
    pub access_key_id: String,
    /// Signs requests; never logged.
    pub secret_access_key: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl Credentials {
    /// New random credentials in AWS's format.
    pub fn random() -> Self {
        use crate::base::ids;
        Self {
            access_key_id: format!("AKIA{}", ids::random_upper(16)),
            secret_access_key: ids::random_alphanumeric(40),
        }
    }
}

/// Headers that determine what a request does. Where a request has them, they have to be signed.
const MUST_BE_SIGNED: &[&str] = &["host", "x-amz-date", "x-amz-target", "x-amz-content-sha256", "x-amz-security-token"];

/// The signing name of control calls.
pub(crate) const CONTROL_SERVICE: &str = "ecsws";

/// Services without a region, whose clients sign for `us-east-1`.
const GLOBAL_SERVICES: &[&str] = &["iam", "sts"];

/// All valid credentials.
#[derive(Debug, Clone, Copy)]
pub struct KnownCredentials<'a> {
    /// The sandbox's own, for the user who runs it.
    pub owner: &'a Credentials,
    /// The secret for control calls, in place of the owner's. They determine what runs on this machine, which programs with the owner's
    /// keys for AWS's API must not.
    pub control_secret: &'a str,
    /// The credentials of tasks and instances.
    pub roles: &'a RoleSessions,
}

/// Who signed a request.
#[derive(Debug, Clone)]
pub enum Identity {
    /// The user who runs the sandbox, or the sandbox itself.
    Owner,
    /// A task or an instance with its role.
    Role(Arc<RoleSession>),
}

/// A caller whose key is known and whose signature is not verified yet.
#[derive(Debug)]
pub(crate) struct ClaimedIdentity<'a> {
    authorization: Authorization<'a>,
    identity: Identity,
}

/// Identifies the caller by the access key in the head of a request. Keys of roles need their session token; the owner's key has none.
pub(crate) fn identify<'a>(
    request: &SignedRequest<'a>,
    keys: KnownCredentials<'_>,
) -> Result<ClaimedIdentity<'a>, AuthError> {
    let authorization = Authorization::parse(request)?;
    let is_same = |given: &str, own: &str| bool::from(given.as_bytes().ct_eq(own.as_bytes()));
    let token = request.header("x-amz-security-token");
    let identity = if is_same(authorization.access_key, &keys.owner.access_key_id) {
        token.is_none().then_some(Identity::Owner)
    } else {
        let session = keys.roles.by_access_key(authorization.access_key);
        session.filter(|session| token.is_some_and(|token| is_same(token, &session.token))).map(Identity::Role)
    };
    identity.map(|identity| ClaimedIdentity { authorization, identity }).ok_or(AuthError::UnknownKey)
}

/// Verifies the signature of a request whose caller is identified; returns the service that it is signed for, and the caller.
pub(crate) fn verify(
    request: &SignedRequest<'_>,
    claimed: ClaimedIdentity<'_>,
    keys: KnownCredentials<'_>,
    region: &str,
    error_format: ErrorFormat,
    now: Timestamp,
) -> Result<(String, Identity), AuthError> {
    let ClaimedIdentity { authorization, identity } = claimed;
    let secret = match &identity {
        Identity::Owner if authorization.service == CONTROL_SERVICE => keys.control_secret,
        Identity::Owner => &keys.owner.secret_access_key,
        Identity::Role(session) => &session.credentials.secret_access_key,
    };
    for name in MUST_BE_SIGNED {
        if request.header(name).is_some() && !authorization.signs(name) {
            return Err(AuthError::Incomplete(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")));
        }
    }
    check_time(&authorization, error_format, now)?;
    check_region(&authorization, region)?;
    check_body(request)?;
    let expected = signature::signature(request, &authorization, secret);
    if bool::from(expected.as_bytes().ct_eq(authorization.signature.as_bytes())) {
        Ok((authorization.service.to_owned(), identity))
    } else {
        Err(AuthError::WrongSignature)
    }
}

fn check_time(authorization: &Authorization<'_>, error_format: ErrorFormat, now: Timestamp) -> Result<(), AuthError> {
    let signed_at = authorization.time()?;
    let skew = error_format.allowed_skew();
    let distance = now.duration_since(signed_at);
    if distance.unsigned_abs() > skew {
        return Err(AuthError::Expired { signed_at, now, skew });
    }
    if authorization.date != crate::base::clock::basic_date(signed_at) {
        return Err(AuthError::Scope(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP".into(),
        ));
    }
    Ok(())
}

fn check_region(authorization: &Authorization<'_>, region: &str) -> Result<(), AuthError> {
    let global = GLOBAL_SERVICES.contains(&authorization.service) && authorization.region == "us-east-1";
    if authorization.region == region || global {
        return Ok(());
    }
    Err(AuthError::Scope(format!(
        "Credential should be scoped to a valid region. This sandbox serves {region}; each region has a sandbox of its own."
    )))
}

/// Checks the hash of the body in the header, if there is one; the signature covers the body in any case. Unsigned payloads, which only
/// Amazon S3 accepts over TLS, are refused.
fn check_body(request: &SignedRequest<'_>) -> Result<(), AuthError> {
    match request.header("x-amz-content-sha256") {
        Some(hash) if hash != signature::sha256_hex(request.body) => Err(AuthError::WrongBody),
        _ => Ok(()),
    }
}

impl ErrorFormat {
    /// The maximum difference of a client's clock: five minutes for JSON services, fifteen for the older ones.
    fn allowed_skew(self) -> Duration {
        match self {
            Self::Json => Duration::from_mins(5),
            Self::Query | Self::Ec2 => Duration::from_mins(15),
        }
    }
}
