//! Authentication and request limits: one failing case for each rule.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use ecsws_sandbox::lifecycle::{ControlError, Endpoint};
use ecsws_sandbox::testing::Clock;
use serde_json::json;

use crate::local_aws::{Confined, LocalAws};

/// The response to an unsigned request with this `Host` header.
fn plain_request(endpoint: &Endpoint, host: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(endpoint.host()).expect("it listens");
    let request = format!("POST / HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    response
}

async fn refusal(endpoint: &Endpoint, operation: &str, skew: Duration) -> String {
    match endpoint.call::<serde_json::Value>(operation, &json!({}), Clock::new(1.0).now() - skew).await {
        Err(ControlError::Refused { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

/// The head and body of a validly signed request to the logs service; `headers` are signed too.
fn signed(endpoint: &Endpoint, headers: &[(&str, &str)], body: &str) -> String {
    let auth = &endpoint.credentials;
    let identity = Credentials::new(&auth.access_key_id, &auth.secret_access_key, None, None, "test").into();
    let time = std::time::UNIX_EPOCH + Clock::new(1.0).now().duration_since(jiff::Timestamp::UNIX_EPOCH).unsigned_abs();
    let params = v4::SigningParams::builder().identity(&identity).region("us-east-1").name("logs").time(time);
    let params = params.settings(SigningSettings::default()).build().expect("all is given").into();
    let mut all = vec![("host", endpoint.host()), ("x-amz-target", "Logs_20140328.CreateLogGroup")];
    all.extend(headers);
    let signable = SignableRequest::new(
        "POST",
        endpoint.url.clone() + "/",
        all.clone().into_iter(),
        SignableBody::Bytes(body.as_bytes()),
    );
    let (instructions, _) = sign(signable.expect("it can be signed"), &params).expect("it is signed").into_parts();
    let headers: Vec<String> =
        all.into_iter().chain(instructions.headers()).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    format!("POST / HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Sends these bytes, and returns the response.
fn exchange(endpoint: &Endpoint, request: &str) -> String {
    let mut stream = TcpStream::connect(endpoint.host()).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    response
}

#[tokio::test]
async fn a_signature_is_valid_for_one_request_only() {
    let aws = LocalAws::start().await;
    let request = signed(&aws.endpoint, &[], r#"{"logGroupName":"one"}"#);
    let response = exchange(&aws.endpoint, &request);
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    // As on AWS, the same request may be sent again until its signature expires. The group exists by then.
    assert!(exchange(&aws.endpoint, &request).contains("ResourceAlreadyExistsException"));
    for (part, other) in [
        (r#"{"logGroupName":"one"}"#, r#"{"logGroupName":"two"}"#),
        ("CreateLogGroup", "DeleteLogGroup"),
        ("POST / ", "POST /x "),
        ("POST / ", "POST /?x=y "),
        ("POST / ", "GET / "),
        ("/logs/", "/ecs/"),
    ] {
        let response = exchange(&aws.endpoint, &request.replacen(part, other, 1));
        assert!(
            response.contains("InvalidSignatureException") && response.starts_with("HTTP/1.1 400"),
            "{other}: {response}"
        );
    }
    let response = exchange(&aws.endpoint, &request.replace(aws.endpoint.host(), "localhost:1"));
    assert!(response.contains("InvalidHost"), "{response}");
}

#[tokio::test]
async fn a_body_must_have_its_signed_hash() {
    let aws = LocalAws::start().await;
    for stated in ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", &"0".repeat(64)] {
        let response = exchange(&aws.endpoint, &signed(&aws.endpoint, &[("x-amz-content-sha256", stated)], "{}"));
        assert!(response.contains("is not the SHA-256 of the body"), "{stated}: {response}");
    }
}

#[tokio::test]
async fn a_browser_is_refused_even_with_a_signature() {
    let aws = LocalAws::start().await;
    for header in [("origin", "https://attacker.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        let response = exchange(&aws.endpoint, &signed(&aws.endpoint, &[header], r#"{"logGroupName":"one"}"#));
        assert!(response.starts_with("HTTP/1.1 403") && response.contains("AccessDenied"), "{response}");
        assert!(!response.to_lowercase().contains("access-control-"), "{response}");
    }
    let host = aws.endpoint.host();
    let preflight = format!(
        "OPTIONS / HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\naccess-control-request-method: POST\r\n\
         connection: close\r\n\r\n"
    );
    let response = exchange(&aws.endpoint, &preflight);
    assert!(response.starts_with("HTTP/1.1 403") && !response.to_lowercase().contains("access-control-"), "{response}");
    assert!(aws.logs().describe_log_groups().send().await.expect("a response").log_groups().is_empty());
}

#[tokio::test]
async fn requests_that_are_too_large_too_deep_or_compressed_are_refused() {
    let aws = LocalAws::start().await;
    let host = aws.endpoint.host();
    for bytes in [4 * 1024 * 1024 + 1, 16 * 1024 * 1024] {
        let large = signed(&aws.endpoint, &[], &"x".repeat(bytes));
        assert!(exchange(&aws.endpoint, &large).starts_with("HTTP/1.1 413"));
        let (head, body) = large.split_once("\r\n\r\n").expect("a body");
        let head = head.replace(&format!("content-length: {bytes}"), "transfer-encoding: chunked");
        let chunked = format!("{head}\r\n\r\n{bytes:x}\r\n{body}\r\n0\r\n\r\n");
        assert!(exchange(&aws.endpoint, &chunked).starts_with("HTTP/1.1 413"));
    }
    let long_uri = format!("GET /?{} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n", "x".repeat(40_000));
    assert!(exchange(&aws.endpoint, &long_uri).starts_with("HTTP/1.1 414"));
    let many_headers = format!("GET / HTTP/1.1\r\nhost: {host}\r\n{}connection: close\r\n\r\n", "a: b\r\n".repeat(200));
    assert!(exchange(&aws.endpoint, &many_headers).starts_with("HTTP/1.1 431"));
    let packed = exchange(&aws.endpoint, &signed(&aws.endpoint, &[("content-encoding", "br")], "{}"));
    assert!(packed.starts_with("HTTP/1.1 415") && packed.contains("br"), "{packed}");
    let deep = format!("{}1{}", "{\"a\":".repeat(5000), "}".repeat(5000));
    let response = exchange(&aws.endpoint, &signed(&aws.endpoint, &[], &deep));
    assert!(response.starts_with("HTTP/1.1 400") && response.contains("SerializationException"), "{response}");
}

#[tokio::test]
async fn an_incomplete_body_is_not_reported_as_too_large() {
    let aws = LocalAws::start().await;
    let complete = signed(&aws.endpoint, &[], "{}");
    let broken = complete.replace("content-length: 2\r\n\r\n{}", "transfer-encoding: chunked\r\n\r\nzz\r\n");
    let response = exchange(&aws.endpoint, &broken);
    assert!(response.starts_with("HTTP/1.1 400") && response.contains("MalformedHttpRequestException"), "{response}");
}

#[tokio::test]
async fn a_second_authorization_is_refused() {
    let aws = LocalAws::start().await;
    let request = signed(&aws.endpoint, &[], r#"{"logGroupName":"one"}"#);
    for second in ["AWS4-HMAC-SHA256 x", "Basic x", ""] {
        let twice = request.replacen("\r\n\r\n", &format!("\r\nauthorization: {second}\r\n\r\n"), 1);
        let response = exchange(&aws.endpoint, &twice);
        assert!(
            response.starts_with("HTTP/1.1 400") && response.contains("IncompleteSignatureException"),
            "{response}"
        );
    }
}

#[tokio::test]
async fn yaml_aliases_that_expand_exponentially_are_refused() {
    let aws = LocalAws::start().await;
    let mut template = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        template = format!("{template}a{level}: &a{level} [{}]\n", before.trim_end_matches(", "));
    }
    let error =
        aws.cloudformation().validate_template().template_body(template).send().await.expect_err("it is refused");
    assert_eq!(error.code(), Some("ValidationError"));
    let deep = format!("{}1{}", "[".repeat(3000), "]".repeat(3000));
    let error = aws.cloudformation().validate_template().template_body(deep).send().await.expect_err("it is refused");
    assert_eq!(error.code(), Some("ValidationError"));
}

/// A connection that stays open after the response.
#[cfg(target_os = "linux")]
fn open_connection(endpoint: &Endpoint, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(endpoint.host()).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    assert!(stream.read(&mut [0; 1024]).expect("a response") > 0);
    stream
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn unauthenticated_connections_are_evicted_and_too_many_authenticated_ones_get_a_clear_fault() {
    // A quarter of the 256 files may be connections.
    let (_sandbox, endpoint) = Confined::start("ulimit -n 256").await;
    let status = async || endpoint.status(Clock::new(1.0).now()).await;
    let silent: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(endpoint.host()).expect("it listens")).collect();
    status().await.expect("there is a place");
    drop(silent);
    let unsigned = format!("POST / HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\n\r\n", endpoint.host());
    let refused: Vec<TcpStream> = (0..100).map(|_| open_connection(&endpoint, &unsigned)).collect();
    status().await.expect("there is a place");
    drop(refused);

    let request = signed(&endpoint, &[], r#"{"logGroupName":"one"}"#).replacen("connection: close\r\n", "", 1);
    let places: Vec<TcpStream> = (0..64).map(|_| open_connection(&endpoint, &request)).collect();
    let query = plain_request(&endpoint, endpoint.host(), "");
    assert!(query.contains(" 503 ") && query.contains("<Code>ServiceUnavailable</Code>"), "{query}");
    let json = plain_request(&endpoint, endpoint.host(), "x-amz-target: EcswsSandbox.Status\r\n");
    assert!(json.contains("application/x-amz-json-1.1") && json.contains("as many connections open"), "{json}");
    match status().await {
        Err(ControlError::Refused { message, .. }) => {
            assert!(message.contains("as many connections open"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    drop(places);
    let is_reachable = async { while endpoint.status(Clock::new(1.0).now()).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(10), is_reachable).await.expect("there is a place again");
}

#[tokio::test]
async fn a_signed_caller_gets_its_identity() {
    let aws = LocalAws::start().await;
    let identity = aws.sts().get_caller_identity().send().await.expect("an identity");
    assert_eq!(identity.account(), Some("123456789012"));
    assert_eq!(identity.arn(), Some("arn:aws:iam::123456789012:user/sandbox"));
}

#[tokio::test]
async fn an_unsigned_request_is_refused_in_its_protocol() {
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
    let response = plain_request(&aws.endpoint, "attacker.example", "");
    assert!(response.starts_with("HTTP/1.1 403") && response.contains("InvalidHost"), "{response}");
    let absolute_form = signed(&aws.endpoint, &[], "{}").replacen("POST /", "POST http://attacker.example/", 1);
    let response = exchange(&aws.endpoint, &absolute_form);
    assert!(response.starts_with("HTTP/1.1 403") && response.contains("InvalidHost"), "{response}");
}

#[tokio::test]
async fn a_wrong_secret_a_wrong_key_and_a_wrong_region_are_refused() {
    let aws = LocalAws::start().await;
    let mut wrong = aws.endpoint.clone();
    wrong.control_secret.push('x');
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
async fn operations_that_are_not_served_are_refused_by_name() {
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

#[tokio::test]
async fn credentials_for_awss_api_do_not_sign_control_calls() {
    let aws = LocalAws::start().await;
    // The call would decide what runs on this machine.
    let input = json!({ "stackName": "s", "images": { "web": { "command": ["sh", "-c", "id"], "cwd": "/" } } });
    let response = crate::raw_requests::json(&aws, "ecsws", "EcswsSandbox.PutImages", &input);
    assert_eq!(response.status, 400, "{}", response.text());
    assert!(response.text().contains("InvalidSignatureException"), "{}", response.text());
    assert!(!response.text().contains(&aws.endpoint.control_secret));
    assert_ne!(aws.endpoint.control_secret, aws.endpoint.credentials.secret_access_key);
    aws.control("PutImages", input).await;
}

#[tokio::test]
async fn a_request_for_another_region_is_refused() {
    let aws = LocalAws::start().await;
    let call = async |region| {
        let config = aws.config().into_builder().region(aws_types::region::Region::new(region)).build();
        let logs = aws_sdk_cloudwatchlogs::Client::new(&config);
        logs.create_log_group()
            .log_group_name(region)
            .send()
            .await
            .map(drop)
            .map_err(|error| error.message().map(str::to_owned))
    };
    assert_eq!(call("us-east-1").await, Ok(()));
    let expected = "Credential should be scoped to a valid region. This sandbox serves us-east-1; each region has a sandbox of its own.";
    assert_eq!(call("eu-west-1").await, Err(Some(expected.to_owned())));
}
