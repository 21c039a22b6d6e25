//! Who the sandbox lets in: one failing case for each rule.
#![cfg(unix)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use aws_sdk_sts::error::ProvideErrorMetadata as _;
use ecsws::sandbox::client::{ControlError, Endpoint};
use ecsws::sandbox::world::clock::Clock;
use serde_json::json;

use crate::local_aws::LocalAws;

/// The answer to an unsigned request with this `Host` header.
fn plain_request(endpoint: &Endpoint, host: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(endpoint.host()).expect("it listens");
    let request = format!("POST / HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

async fn refusal(endpoint: &Endpoint, operation: &str, skew: Duration) -> String {
    match endpoint.call(operation, &json!({}), Clock::new(1.0).now() - skew).await {
        Err(ControlError::Refused { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_signed_caller_is_told_who_it_is() {
    let aws = LocalAws::start().await;
    let identity = aws.sts().get_caller_identity().send().await.expect("an identity");
    assert_eq!(identity.account(), Some("123456789012"));
    assert_eq!(identity.arn(), Some("arn:aws:iam::123456789012:user/sandbox"));
}

#[tokio::test]
async fn an_unsigned_request_is_refused_in_the_words_of_its_protocol() {
    let aws = LocalAws::start().await;
    let host = aws.endpoint.host();
    let query = plain_request(&aws.endpoint, host, "");
    assert!(query.starts_with("HTTP/1.1 403") && query.contains("<Code>MissingAuthenticationToken</Code>"), "{query}");
    let json = plain_request(&aws.endpoint, host, "x-amz-target: EcswsSandbox.Status\r\n");
    assert!(json.starts_with("HTTP/1.1 400") && json.contains("MissingAuthenticationTokenException"), "{json}");
    let garbled = plain_request(&aws.endpoint, host, "authorization: AWS4-HMAC-SHA256 Credential=x\r\n");
    assert!(garbled.contains("<Code>IncompleteSignature</Code>"), "{garbled}");
}

#[tokio::test]
async fn a_request_for_another_host_is_refused() {
    let aws = LocalAws::start().await;
    let answer = plain_request(&aws.endpoint, "attacker.example", "");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("InvalidHost"), "{answer}");
}

#[tokio::test]
async fn a_wrong_secret_a_wrong_key_and_a_wrong_region_are_refused() {
    let aws = LocalAws::start().await;
    let mut wrong = aws.endpoint.clone();
    wrong.credentials.secret_access_key.push('x');
    assert!(refusal(&wrong, "Status", Duration::ZERO).await.starts_with("The request signature we calculated"));
    let mut wrong = aws.endpoint.clone();
    wrong.credentials.access_key_id.push('x');
    assert_eq!(
        refusal(&wrong, "Status", Duration::ZERO).await,
        "The security token included in the request is invalid."
    );
    let mut wrong = aws.endpoint.clone();
    wrong.region = "eu-west-1".to_owned();
    assert!(refusal(&wrong, "Status", Duration::ZERO).await.contains("valid region"));
}

#[tokio::test]
async fn an_old_signature_is_refused() {
    let aws = LocalAws::start().await;
    let message = refusal(&aws.endpoint, "Status", Duration::from_mins(6)).await;
    assert!(message.starts_with("Signature expired: ") && message.ends_with("- 5 min.)"), "{message}");
}

#[tokio::test]
async fn what_is_not_served_is_named() {
    let aws = LocalAws::start().await;
    assert_eq!(refusal(&aws.endpoint, "Nope", Duration::ZERO).await, "the sandbox does not serve ecsws:Nope");
    let error = aws.sts().get_session_token().send().await.expect_err("it is not served");
    assert_eq!(error.message(), Some("the sandbox does not serve sts:GetSessionToken"));
}

#[test]
#[cfg(target_os = "linux")]
fn the_process_in_the_background_has_a_session_of_its_own() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let aws = runtime.block_on(LocalAws::start());
    let process = nix::unistd::Pid::from_raw(i32::try_from(aws.endpoint.pid).expect("a process id"));
    assert_eq!(nix::unistd::getsid(Some(process)), Ok(process));
}
