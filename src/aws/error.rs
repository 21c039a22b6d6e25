//! Errors of calls to AWS: the failed action, and AWS's code and message.

use std::error::Error as StdError;
use std::io;

use aws_smithy_runtime_api::client::connection::ConnectionMetadata;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::similar_names::did_you_mean;
use missing_credentials::is_credentials_error;
pub(super) use missing_credentials::no_credentials;

mod missing_credentials;

/// A failed call to AWS. `Display` is "cannot ACTION: MESSAGE (CODE)".
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {}", self.reason())]
pub struct AwsError {
    /// The failed action as a verb phrase: "describe stack `web`".
    pub action: String,
    /// The kind, which decides the exit code and the hint.
    pub kind: AwsErrorKind,
    /// AWS's error code; `None` without a response from AWS.
    pub code: Option<String>,
    /// AWS's message, or why there is no response.
    pub message: String,
    /// The SDK's error, if there is no response from AWS.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of a failure, as far as hints and exit codes distinguish them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// No region is configured.
    NoRegion,
    /// No credentials were found.
    NoCredentials,
    /// The source of the credentials, such as SSO or STS, cannot be reached.
    CredentialSourceUnreachable,
    /// The chosen profile is not in the AWS config files; the text lists the profiles that are.
    UnknownProfile(Box<str>),
    /// An invalid variable, or an invalid line or value in the AWS config files.
    InvalidConfig,
    /// The profile's role needs an MFA code, but there is no terminal to ask on.
    MfaRequired,
    /// AssumeRole was denied, with an MFA code.
    MfaRefused,
    /// The credentials have expired.
    ExpiredCredentials,
    /// The credentials are wrong, or belong to another endpoint.
    WrongCredentials,
    /// This machine's clock is too far from AWS's.
    ClockSkew,
    /// The caller lacks a permission; the IAM action, if AWS names it.
    AccessDenied(Option<String>),
    /// The endpoint cannot be reached, or the connection broke.
    Unreachable,
    /// Nothing listens at the endpoint.
    ConnectionRefused,
    /// The sandbox is no longer running.
    SandboxEnded,
    /// The sandbox, whose process this is, has not responded in time.
    SandboxUnresponsive(u32),
    /// The response is not from AWS.
    NotAws,
    /// No response in time.
    TimedOut,
    /// AWS throttled the call and its retries.
    Throttled,
    /// The service failed: an internal error, or it is unavailable.
    ServiceFault,
    /// The requested resource does not exist.
    NotFound,
    /// Another caller created, changed or deleted the resource in the meantime.
    Conflict,
    /// Anything else.
    Other,
}

impl AwsErrorKind {
    /// Whether the caller lacks a permission.
    pub(crate) fn is_access_denied(&self) -> bool {
        matches!(self, Self::AccessDenied(_))
    }

    /// Whether every other call would fail in the same way, because of the caller or the connection and not the request.
    pub fn concerns_every_call(&self) -> bool {
        matches!(
            self,
            Self::NoRegion
                | Self::NoCredentials
                | Self::CredentialSourceUnreachable
                | Self::ExpiredCredentials
                | Self::WrongCredentials
                | Self::ClockSkew
                | Self::Unreachable
                | Self::ConnectionRefused
                | Self::SandboxEnded
        )
    }
}

/// Error codes and their kinds. Codes ending in `*` match as prefixes.
const CODES: &[(&str, AwsErrorKind)] = &[
    ("ExpiredToken*", AwsErrorKind::ExpiredCredentials),
    ("RequestExpired", AwsErrorKind::ExpiredCredentials),
    ("RequestTimeTooSkewed", AwsErrorKind::ClockSkew),
    ("RequestInTheFuture", AwsErrorKind::ClockSkew),
    ("InvalidClientTokenId", AwsErrorKind::WrongCredentials),
    ("UnrecognizedClientException", AwsErrorKind::WrongCredentials),
    ("SignatureDoesNotMatch", AwsErrorKind::WrongCredentials),
    ("InvalidSignatureException", AwsErrorKind::WrongCredentials),
    ("AuthFailure", AwsErrorKind::WrongCredentials),
    ("MissingAuthenticationToken*", AwsErrorKind::WrongCredentials),
    ("AccessDenied*", AwsErrorKind::AccessDenied(None)),
    ("UnauthorizedOperation", AwsErrorKind::AccessDenied(None)),
    ("Throttling*", AwsErrorKind::Throttled),
    ("Throttled*", AwsErrorKind::Throttled),
    ("EC2ThrottledException", AwsErrorKind::Throttled),
    ("RequestThrottled*", AwsErrorKind::Throttled),
    ("SlowDown", AwsErrorKind::Throttled),
    ("PriorRequestNotComplete", AwsErrorKind::Throttled),
    ("RequestTimeout*", AwsErrorKind::TimedOut),
    ("TooManyRequests*", AwsErrorKind::Throttled),
    ("RequestLimitExceeded", AwsErrorKind::Throttled),
    ("ClusterNotFoundException", AwsErrorKind::NotFound),
    ("ServiceNotFoundException", AwsErrorKind::NotFound),
    ("ResourceNotFoundException", AwsErrorKind::NotFound),
    ("ServiceNotFound", AwsErrorKind::NotFound),
    ("ChangeSetNotFound*", AwsErrorKind::NotFound),
    ("AlreadyExists*", AwsErrorKind::Conflict),
    ("InvalidChangeSetStatus*", AwsErrorKind::Conflict),
    ("InternalFailure*", AwsErrorKind::ServiceFault),
    ("InternalError*", AwsErrorKind::ServiceFault),
    ("InternalServer*", AwsErrorKind::ServiceFault),
    ("InternalService*", AwsErrorKind::ServiceFault),
    ("ServerException", AwsErrorKind::ServiceFault),
    ("ServiceUnavailable*", AwsErrorKind::ServiceFault),
];

/// Parts of the messages of signatures that are rejected for their time. Their code is that of any invalid signature.
const CLOCK_SKEW_MESSAGES: &[&str] = &["Signature expired", "Signature not yet current"];

impl AwsError {
    /// Whether a page token was rejected, such as an expired one.
    pub(crate) fn is_invalid_token(&self) -> bool {
        self.code.as_deref() == Some("InvalidParameterException")
    }

    /// The message and AWS's code, without the failed action.
    pub fn reason(&self) -> String {
        let code = self.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        format!("{}{code}", self.message)
    }

    /// An error response from AWS.
    pub fn from_code(action: impl Into<String>, code: &str, message: &str) -> Self {
        let kind = match kind_of(code) {
            _ if CLOCK_SKEW_MESSAGES.iter().any(|words| message.contains(words)) => AwsErrorKind::ClockSkew,
            AwsErrorKind::AccessDenied(_) => AwsErrorKind::AccessDenied(missing_action(message)),
            kind => kind,
        };
        Self { action: action.into(), kind, code: Some(code.to_owned()), message: message.to_owned(), source: None }
    }

    /// A failure without an error code from AWS.
    pub fn new(action: impl Into<String>, kind: AwsErrorKind, message: impl Into<String>) -> Self {
        Self { action: action.into(), kind, code: None, message: message.into(), source: None }
    }

    /// An error response by its HTTP status. Without an error code it may come from a proxy or a load balancer.
    fn from_status(action: impl Into<String>, status: u16, code: Option<&str>, message: Option<&str>) -> Self {
        match (code, message) {
            (Some(code), message) => {
                let error = Self::from_code(action, code, message.unwrap_or("no error message"));
                // Not every service's internal errors have a code of the table. 501 is final: not implemented.
                let is_fault = error.kind == AwsErrorKind::Other && status >= 500 && status != 501;
                if is_fault { Self { kind: AwsErrorKind::ServiceFault, ..error } } else { error }
            }
            (None, message) => {
                let kind = if status == 429 { AwsErrorKind::Throttled } else { AwsErrorKind::NotAws };
                let detail = message.map(|message| format!(": {message}")).unwrap_or_default();
                Self::new(action, kind, format!("unexpected response, HTTP {status}{detail}"))
            }
        }
    }

    /// Converts an error of a typed client.
    pub(super) fn from_sdk<E>(action: impl Into<String>, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let (kind, message) = match &error {
            SdkError::ServiceError(response) => {
                let (status, service) = (response.raw().status().as_u16(), response.err());
                return Self::from_status(action, status, service.code(), service.message());
            }
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                (AwsErrorKind::NotAws, format!("unexpected response, HTTP {status}: {}", root_cause(&error)))
            }
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(connector) => connection_failure(connector),
                None => (AwsErrorKind::Other, root_cause(&error)),
            },
            SdkError::TimeoutError(_) => (AwsErrorKind::TimedOut, "no response in time".to_owned()),
            _ => (AwsErrorKind::Other, root_cause(&error)),
        };
        Self { source: Some(error.into()), ..Self::new(action, kind, message) }
    }

    /// Whether a retry may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            AwsErrorKind::Throttled
                | AwsErrorKind::TimedOut
                | AwsErrorKind::SandboxUnresponsive(_)
                | AwsErrorKind::Unreachable
                | AwsErrorKind::CredentialSourceUnreachable
                | AwsErrorKind::ConnectionRefused
                | AwsErrorKind::ServiceFault
                | AwsErrorKind::NotAws
        )
    }
}

/// A hint with the existing profiles and the one most similar to `name`.
pub(super) fn known_profiles(name: &str, names: &[&str]) -> String {
    const SHOWN: usize = 20;
    if names.is_empty() {
        return "no profile is configured".to_owned();
    }
    let suggestion = did_you_mean(name, names);
    let more = names.len().checked_sub(SHOWN + 1).map(|more| format!(" and {} more", more + 1)).unwrap_or_default();
    format!("{suggestion}the profiles are {}{more}", names[..names.len().min(SHOWN)].join(", "))
}

fn kind_of(code: &str) -> AwsErrorKind {
    CODES.iter().find(|(pattern, _)| matches(pattern, code)).map_or(AwsErrorKind::Other, |row| row.1.clone())
}

fn matches(pattern: &str, code: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == code, |prefix| code.starts_with(prefix))
}

/// The IAM action in "… is not authorized to perform: ecs:ListTasks on resource …".
fn missing_action(message: &str) -> Option<String> {
    let rest = message.split_once("not authorized to perform: ")?.1;
    rest.split_whitespace().next().map(|action| action.trim_end_matches(['.', ',']).to_owned())
}

/// Classifies a connector error: credentials, time-out or connection.
fn connection_failure(error: &ConnectorError) -> (AwsErrorKind, String) {
    if is_credentials_error(error) {
        return no_credentials(error);
    }
    if error.is_timeout() {
        return (AwsErrorKind::TimedOut, root_cause(error));
    }
    let address = error.connection_metadata().and_then(ConnectionMetadata::remote_addr);
    let from = address.map(|address| format!("{address}: ")).unwrap_or_default();
    let refused = |cause: &(dyn StdError + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    let kind = if chain(error).any(refused) { AwsErrorKind::ConnectionRefused } else { AwsErrorKind::Unreachable };
    (kind, format!("{from}{}", root_cause(error)))
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The message of the innermost cause: "Connection refused (os error 111)".
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests;
