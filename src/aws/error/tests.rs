//! Tests of how responses and failures map to kinds of errors.

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("a modelled error")]
struct Modelled(ErrorMetadata);

impl ProvideErrorMetadata for Modelled {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

fn response(status: u16) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).expect("a status"), SdkBody::from("<html>secret</html>"))
}

#[test]
fn a_response_that_is_not_from_aws_is_reported_with_its_status_and_cause() {
    let error = SdkError::<Modelled, _>::response_error("expected `{`", response(502));
    let error = AwsError::from_sdk("list tasks", error);
    assert_eq!(error.to_string(), "cannot list tasks: unexpected response, HTTP 502: expected `{`");
}

#[test]
fn an_error_without_a_code_is_reported_with_its_status() {
    let error = SdkError::service_error(Modelled(ErrorMetadata::builder().build()), response(503));
    assert_eq!(AwsError::from_sdk("list tasks", error).to_string(), "cannot list tasks: unexpected response, HTTP 503");
    let meta = ErrorMetadata::builder().message("too large").build();
    let error = AwsError::from_sdk("list tasks", SdkError::service_error(Modelled(meta), response(413)));
    assert_eq!(error.to_string(), "cannot list tasks: unexpected response, HTTP 413: too large");
}

#[test]
fn clock_skew_is_distinguished_from_wrong_credentials() {
    for (code, message) in [
        ("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than …"),
        ("SignatureDoesNotMatch", "Signature not yet current: 20270101T000000Z is still later than …"),
        ("RequestTimeTooSkewed", ""),
    ] {
        let error = AwsError::from_code("x", code, message);
        assert_eq!(error.kind, AwsErrorKind::ClockSkew, "{code}");
    }
    assert_eq!(AwsError::from_code("x", "SignatureDoesNotMatch", "").kind, AwsErrorKind::WrongCredentials);
}

#[test]
fn transience_depends_on_the_kind_and_not_on_the_message() {
    let connection = |kind: io::ErrorKind| {
        let error = ConnectorError::io(Box::new(io::Error::from(kind)));
        AwsError::from_sdk("x", SdkError::<Modelled, _>::dispatch_failure(error))
    };
    let refused = connection(io::ErrorKind::ConnectionRefused);
    assert_eq!((&refused.kind, refused.is_transient()), (&AwsErrorKind::ConnectionRefused, true));
    let reset = connection(io::ErrorKind::ConnectionReset);
    assert_eq!((&reset.kind, reset.is_transient()), (&AwsErrorKind::Unreachable, true));
    for code in [
        "ThrottlingException",
        "InternalFailure",
        "ServiceUnavailableException",
        "InternalServerError",
        "InternalServiceException",
        "ServerException",
    ] {
        assert!(AwsError::from_code("x", code, "").is_transient(), "{code}");
        assert!(AwsError::from_code("x", code, "the request was refused").is_transient(), "{code}");
    }
    for message in ["", "Connection refused", "timed out", "Throttling"] {
        assert!(!AwsError::from_code("x", "ValidationError", message).is_transient(), "{message}");
    }
}

#[test]
fn the_status_decides_the_kind_of_an_unknown_code() {
    for (status, kind) in [
        (400, AwsErrorKind::Other),
        (500, AwsErrorKind::ServiceFault),
        (501, AwsErrorKind::Other),
        (503, AwsErrorKind::ServiceFault),
    ] {
        assert_eq!(AwsError::from_status("x", status, Some("Unknown"), None).kind, kind, "{status}");
    }
    assert_eq!(AwsError::from_status("x", 503, Some("SlowDownThrottling"), None).kind, AwsErrorKind::ServiceFault);
}

#[test]
fn access_denied_names_the_missing_action() {
    let message = "User: arn:aws:iam::123456789012:user/a is not authorized to perform: ecs:ListTasks on resource: *";
    let error = AwsError::from_code("list tasks", "AccessDeniedException", message);
    assert_eq!(error.kind, AwsErrorKind::AccessDenied(Some("ecs:ListTasks".to_owned())));
}

#[test]
fn codes_match_exactly_or_as_prefixes() {
    for (code, kind) in [
        ("ExpiredTokenException", AwsErrorKind::ExpiredCredentials),
        ("ThrottlingException", AwsErrorKind::Throttled),
        ("Throttling", AwsErrorKind::Throttled),
        ("AuthFailure2", AwsErrorKind::Other),
    ] {
        assert_eq!(AwsError::from_code("x", code, "").kind, kind, "{code}");
    }
}

#[test]
fn an_unreachable_source_of_credentials_is_transient_and_missing_credentials_are_not() {
    let io = || ConnectorError::io(Box::new(io::Error::from(io::ErrorKind::ConnectionReset)));
    let kind = |error: CredentialsError| {
        let error = ConnectorError::other(Box::new(error), None);
        let error = AwsError::from_sdk("x", SdkError::<Modelled, _>::dispatch_failure(error));
        (error.kind.clone(), error.is_transient())
    };
    let unreachable = (AwsErrorKind::CredentialSourceUnreachable, true);
    assert_eq!(kind(CredentialsError::provider_error(io())), unreachable);
    assert_eq!(kind(CredentialsError::provider_timed_out(std::time::Duration::from_secs(5))), unreachable);
    let missing = (AwsErrorKind::NoCredentials, false);
    assert_eq!(kind(CredentialsError::not_loaded(io())), missing);
    assert_eq!(kind(CredentialsError::provider_error("the session has expired")), missing);
    assert_eq!(kind(CredentialsError::invalid_configuration("x")), missing);
}
