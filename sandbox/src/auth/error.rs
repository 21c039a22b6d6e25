//! Authentication errors, with the codes and messages of the request's protocol.

use std::time::Duration;

use jiff::Timestamp;

use crate::Fault;
use crate::base::clock::basic_iso8601;

/// The error codes of a protocol family: AWS's protocols have different codes for the same error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorFormat {
    /// The JSON protocols.
    Json,
    /// AWS Query.
    Query,
    /// EC2's form of AWS Query.
    Ec2,
}

/// Why a request is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuthError {
    /// It is not signed.
    Unsigned,
    /// A part of its signature is missing or malformed: the message.
    Incomplete(String),
    /// Its access key is unknown, or the session token does not belong to the key.
    UnknownKey,
    /// Its signature does not match the request and the secret.
    WrongSignature,
    /// The hash in its header does not match its body.
    WrongBody,
    /// It was signed too long ago, or in the future.
    Expired {
        /// Its `X-Amz-Date`.
        signed_at: Timestamp,
        /// The sandbox's time.
        now: Timestamp,
        /// The maximum difference.
        skew: Duration,
    },
    /// It is signed for another region or day: the message.
    Scope(String),
}

impl AuthError {
    /// The fault in a form of errors.
    pub(crate) fn fault(&self, error_format: ErrorFormat) -> Fault {
        let (status, code) = self.code(error_format);
        Fault::new(status, code, self.message(error_format))
    }

    fn code(&self, error_format: ErrorFormat) -> (u16, &'static str) {
        use ErrorFormat::{Ec2, Json, Query};
        match (self, error_format) {
            (Self::Unsigned, Json) => (400, "MissingAuthenticationTokenException"),
            (Self::Unsigned, Query | Ec2) => (403, "MissingAuthenticationToken"),
            (Self::Incomplete(_), Json) => (400, "IncompleteSignatureException"),
            (Self::Incomplete(_), Query | Ec2) => (400, "IncompleteSignature"),
            (Self::UnknownKey, Json) => (400, "UnrecognizedClientException"),
            (Self::UnknownKey, Query) => (403, "InvalidClientTokenId"),
            (Self::UnknownKey, Ec2) => (401, "AuthFailure"),
            (Self::Expired { .. }, Ec2) => (400, "RequestExpired"),
            (Self::WrongSignature | Self::WrongBody | Self::Expired { .. } | Self::Scope(_), Json) => {
                (400, "InvalidSignatureException")
            }
            (Self::WrongSignature | Self::WrongBody | Self::Expired { .. } | Self::Scope(_), Query | Ec2) => {
                (403, "SignatureDoesNotMatch")
            }
        }
    }

    fn message(&self, error_format: ErrorFormat) -> String {
        match self {
            Self::Unsigned => "Request is missing Authentication Token".into(),
            Self::Incomplete(what) | Self::Scope(what) => what.clone(),
            Self::UnknownKey if error_format == ErrorFormat::Ec2 => {
                "AWS was not able to validate the provided access credentials".into()
            }
            Self::UnknownKey => "The security token included in the request is invalid.".into(),
            Self::WrongSignature => "The request signature we calculated does not match the signature you provided. \
                Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
                .into(),
            Self::WrongBody => "The value of the header x-amz-content-sha256 is not the SHA-256 of the body.".into(),
            Self::Expired { signed_at, now, skew } => expired(*signed_at, *now, *skew),
        }
    }
}

fn expired(signed_at: Timestamp, now: Timestamp, skew: Duration) -> String {
    let minutes = skew.as_secs() / 60;
    if signed_at > now {
        let limit = now + skew;
        let (signed, limit, now) = (basic_iso8601(signed_at), basic_iso8601(limit), basic_iso8601(now));
        return format!("Signature not yet current: {signed} is still later than {limit} ({now} + {minutes} min.)");
    }
    let limit = now - skew;
    let (signed, limit, now) = (basic_iso8601(signed_at), basic_iso8601(limit), basic_iso8601(now));
    format!("Signature expired: {signed} is now earlier than {limit} ({now} - {minutes} min.)")
}
