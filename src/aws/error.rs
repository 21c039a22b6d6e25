//! What went wrong in a call to AWS: what was being done, what AWS said, and what helps.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// A call to AWS that failed. `Display` is "cannot ACTION: MESSAGE (CODE)".
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {message}{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct AwsError {
    /// What was being done and to what, as a verb phrase: "describe stack `web`".
    pub action: String,
    /// The kind, from which the exit code and the hint follow.
    pub kind: AwsErrorKind,
    /// AWS's error code, when the answer came from AWS.
    pub code: Option<String>,
    /// AWS's message, or the reason why there is no answer.
    pub message: String,
}

/// The kinds of failure that a user can do something about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// Nothing says which region is meant.
    NoRegion,
    /// No credentials were found.
    NoCredentials,
    /// The credentials have expired.
    ExpiredCredentials,
    /// The credentials are not those of this endpoint, or are wrong.
    WrongCredentials,
    /// The caller lacks a permission; the action is named when AWS names it.
    AccessDenied(Option<String>),
    /// Nothing answered at this address.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// AWS asked us to slow down, and went on asking.
    Throttled,
    /// What was asked for does not exist.
    NotFound,
    /// Anything else; AWS's message says it.
    Other,
}

/// AWS's error codes and the kind they mean. Codes ending in `*` match as prefixes.
const CODES: &[(&str, AwsErrorKind)] = &[
    ("ExpiredToken*", AwsErrorKind::ExpiredCredentials),
    ("RequestExpired", AwsErrorKind::ExpiredCredentials),
    ("InvalidClientTokenId", AwsErrorKind::WrongCredentials),
    ("UnrecognizedClientException", AwsErrorKind::WrongCredentials),
    ("SignatureDoesNotMatch", AwsErrorKind::WrongCredentials),
    ("InvalidSignatureException", AwsErrorKind::WrongCredentials),
    ("AuthFailure", AwsErrorKind::WrongCredentials),
    ("MissingAuthenticationToken*", AwsErrorKind::WrongCredentials),
    ("AccessDenied*", AwsErrorKind::AccessDenied(None)),
    ("UnauthorizedOperation", AwsErrorKind::AccessDenied(None)),
    ("Throttling*", AwsErrorKind::Throttled),
    ("TooManyRequests*", AwsErrorKind::Throttled),
    ("RequestLimitExceeded", AwsErrorKind::Throttled),
    ("ClusterNotFoundException", AwsErrorKind::NotFound),
    ("ServiceNotFoundException", AwsErrorKind::NotFound),
    ("ResourceNotFoundException", AwsErrorKind::NotFound),
    ("ServiceNotFound", AwsErrorKind::NotFound),
];

impl AwsError {
    /// An answer of AWS with an error code.
    pub fn answered(action: impl Into<String>, code: &str, message: &str) -> Self {
        let kind =
            CODES.iter().find(|(pattern, _)| matches(pattern, code)).map_or(AwsErrorKind::Other, |row| row.1.clone());
        let kind = match kind {
            AwsErrorKind::AccessDenied(_) => AwsErrorKind::AccessDenied(missing_action(message)),
            kind => kind,
        };
        Self { action: action.into(), kind, code: Some(code.to_owned()), message: message.to_owned() }
    }

    /// A failure without an answer of AWS.
    pub fn unanswered(action: impl Into<String>, kind: AwsErrorKind, message: impl Into<String>) -> Self {
        Self { action: action.into(), kind, code: None, message: message.into() }
    }

    /// Any failure of a typed client.
    pub fn from_sdk<E, R>(action: impl Into<String>, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
        R: std::fmt::Debug,
    {
        if let Some(service) = error.as_service_error() {
            let code = service.code().unwrap_or("Unknown");
            return Self::answered(action, code, service.message().unwrap_or("AWS gave no message"));
        }
        let (kind, message) = match error {
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(connector) if is_credentials(connector) => no_credentials(connector),
                Some(connector) if connector.is_timeout() => (AwsErrorKind::TimedOut, root(connector)),
                Some(connector) => (AwsErrorKind::Unreachable, root(connector)),
                None => (AwsErrorKind::Other, format!("{failure:?}")),
            },
            SdkError::TimeoutError(_) => (AwsErrorKind::TimedOut, "no answer in time".to_owned()),
            SdkError::ResponseError(response) => {
                (AwsErrorKind::Other, format!("the answer is not AWS's: {response:?}"))
            }
            SdkError::ConstructionFailure(failure) => (AwsErrorKind::Other, format!("{failure:?}")),
            _ => (AwsErrorKind::Other, error.to_string()),
        };
        Self::unanswered(action, kind, message)
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match &self.kind {
            AwsErrorKind::NoRegion => {
                "pass --region, set AWS_REGION, or write region under [target] in ecsws.toml; without an account: --sandbox".to_owned()
            }
            AwsErrorKind::NoCredentials => {
                "sign in (`aws sso login`), choose a profile with --profile, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
                 or try it without an account: --sandbox"
                    .to_owned()
            }
            AwsErrorKind::ExpiredCredentials => "sign in again (`aws sso login`), or refresh the credentials".to_owned(),
            AwsErrorKind::WrongCredentials => "check --profile and the AWS_* variables; temporary credentials need AWS_SESSION_TOKEN too".to_owned(),
            AwsErrorKind::AccessDenied(Some(action)) => format!("ask for the permission {action}, or choose another --profile"),
            AwsErrorKind::AccessDenied(None) => "ask for the permission, or choose another --profile".to_owned(),
            AwsErrorKind::Unreachable => "check the network, --region and --endpoint-url (or AWS_ENDPOINT_URL)".to_owned(),
            AwsErrorKind::TimedOut => "check the network and try again".to_owned(),
            AwsErrorKind::Throttled => "AWS limits how often this may be called; try again in a minute".to_owned(),
            AwsErrorKind::NotFound => "check the name, --region and --profile".to_owned(),
            AwsErrorKind::Other => return None,
        })
    }
}

fn matches(pattern: &str, code: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == code, |prefix| code.starts_with(prefix))
}

/// The action in "… is not authorized to perform: ecs:ListTasks on resource …".
fn missing_action(message: &str) -> Option<String> {
    let rest = message.split_once("not authorized to perform: ")?.1;
    rest.split_whitespace().next().map(|action| action.trim_end_matches(['.', ',']).to_owned())
}

fn is_credentials(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(<dyn StdError>::is::<CredentialsError>)
}

fn no_credentials(error: &(dyn StdError + 'static)) -> (AwsErrorKind, String) {
    let found = chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>());
    match found {
        Some(CredentialsError::CredentialsNotLoaded(_)) | None => {
            (AwsErrorKind::NoCredentials, "there are no AWS credentials".to_owned())
        }
        Some(error) => (AwsErrorKind::NoCredentials, root(error)),
    }
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The innermost cause says it best: "Connection refused (os error 111)".
pub(super) fn root(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_denied_names_the_missing_action() {
        let message =
            "User: arn:aws:iam::123456789012:user/a is not authorized to perform: ecs:ListTasks on resource: *";
        let error = AwsError::answered("list tasks", "AccessDeniedException", message);
        assert_eq!(error.kind, AwsErrorKind::AccessDenied(Some("ecs:ListTasks".to_owned())));
        assert!(error.hint().is_some_and(|hint| hint.contains("ecs:ListTasks")));
    }

    #[test]
    fn codes_match_whole_or_as_prefixes() {
        for (code, kind) in [
            ("ExpiredTokenException", AwsErrorKind::ExpiredCredentials),
            ("ThrottlingException", AwsErrorKind::Throttled),
            ("Throttling", AwsErrorKind::Throttled),
            ("AuthFailure2", AwsErrorKind::Other),
        ] {
            assert_eq!(AwsError::answered("x", code, "").kind, kind, "{code}");
        }
    }
}
