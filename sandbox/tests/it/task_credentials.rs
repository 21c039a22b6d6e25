//! The credentials of a task are those of its role, which it requests from the sandbox, and end with it.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use ecsws_sandbox::lifecycle::{ControlError, Endpoint};
use ecsws_sandbox::testing::Clock;
use serde_json::{Value, json};

use crate::isolation::{Report, Tasks, app, within};

const ROLE: &str = "arn:aws:iam::123456789012:role/team/web";

/// A request as SDKs send it for container credentials: the status and the body.
fn request_credentials(endpoint: &Endpoint, method: &str, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(endpoint.host()).expect("it listens");
    let request = format!("{method} {path} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    (head[9..12].parse().expect("a status"), body.to_owned())
}

#[tokio::test]
async fn a_running_task_has_the_credentials_of_its_role() {
    let report = Report::new();
    let tasks = Tasks::start(true, &["sh", "-c", &report.script()]).await;
    let arn = tasks.run(app().build(), Some(ROLE)).await;
    let environment = report.environment().await;
    let (endpoint, id) = (&tasks.aws.endpoint, arn.rsplit('/').next().expect("an id"));
    assert_eq!(environment["AWS_ENDPOINT_URL"], endpoint.url);
    assert_eq!(
        (environment["AWS_REGION"].as_str(), environment["AWS_DEFAULT_REGION"].as_str()),
        ("us-east-1", "us-east-1")
    );
    assert_eq!(environment["AWS_EC2_METADATA_DISABLED"], "true");
    let home = Path::new(&environment["HOME"]);
    assert!(home.starts_with(tasks.aws.folder().join("tasks")) && home.is_dir(), "{}", home.display());
    assert!(Path::new(&environment["TMPDIR"]).starts_with(tasks.aws.folder().join("tasks")));
    for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        assert!(!Path::new(&environment[name]).exists(), "{name}");
    }

    let uri = &environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    let path = uri.strip_prefix(&endpoint.url).expect("it is the sandbox's");
    let token = &environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"];
    let (host, right) = (format!("host: {}\r\n", endpoint.host()), format!("authorization: {token}\r\n"));
    let (status, body) = request_credentials(endpoint, "GET", path, &format!("{host}{right}"));
    assert_eq!(status, 200, "{body}");
    let given: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(given["RoleArn"], ROLE);
    let expiration: jiff::Timestamp = given["Expiration"].as_str().expect("a time").parse().expect("a time");
    assert!(expiration > Clock::new(1.0).now());
    for (method, path, headers) in [
        ("GET", path, host.clone()),
        ("GET", path, format!("{host}authorization: {token}x\r\n")),
        ("GET", path, format!("{host}authorization: Bearer {token}\r\n")),
        ("GET", "/v2/credentials/", format!("{host}{right}")),
        ("GET", "/v2/credentials/00000000-0000-4000-8000-000000000000", format!("{host}{right}")),
        ("GET", path, format!("host: attacker.example\r\n{right}")),
        ("GET", path, format!("{host}{right}origin: https://attacker.example\r\n")),
        ("GET", path, format!("{host}{right}sec-fetch-site: same-origin\r\n")),
        ("POST", path, format!("{host}{right}")),
    ] {
        let (status, body) = request_credentials(endpoint, method, path, &headers);
        assert!(
            matches!(status, 403 | 405) && !body.contains("SecretAccessKey"),
            "{method} {path} {headers}: {status}"
        );
    }

    let text = |member: &str| given[member].as_str().expect("text").to_owned();
    let sts = |key: &str, secret: &str, token: Option<String>| {
        let credentials = Credentials::new(key, secret, token, None, "test");
        let config = tasks.aws.config().into_builder();
        aws_sdk_sts::Client::new(&config.credentials_provider(SharedCredentialsProvider::new(credentials)).build())
    };
    let (key, secret, session) = (text("AccessKeyId"), text("SecretAccessKey"), text("Token"));
    let role = sts(&key, &secret, Some(session.clone()));
    let identity = role.get_caller_identity().send().await.expect("an identity");
    assert_eq!(identity.arn(), Some(format!("arn:aws:sts::123456789012:assumed-role/web/{id}").as_str()));
    assert_eq!(identity.account(), Some("123456789012"));
    assert!(identity.user_id().is_some_and(|user| user.starts_with("AROA") && user.ends_with(&format!(":{id}"))));
    for (key, secret, token) in [
        (&key, &secret, None),
        (&key, &secret, Some(format!("{session}x"))),
        (&key, &secret, Some(String::new())),
        (&endpoint.credentials.access_key_id, &endpoint.credentials.secret_access_key, Some(session.clone())),
    ] {
        let refused = sts(key, secret, token).get_caller_identity().send().await.expect_err("it is refused");
        assert_eq!(refused.code(), Some("InvalidClientTokenId"));
    }
    let wrong = sts(&key, &format!("{secret}x"), Some(session.clone()));
    let refused = wrong.get_caller_identity().send().await.expect_err("it is refused");
    assert_eq!(refused.code(), Some("SignatureDoesNotMatch"));

    tasks.stop(&arn).await;
    let (status, _) = request_credentials(endpoint, "GET", path, &format!("{host}{right}"));
    assert_eq!(status, 403, "they end with the task");
    let refused = role.get_caller_identity().send().await.expect_err("it is refused");
    assert_eq!(refused.code(), Some("InvalidClientTokenId"));
    within(async {
        while !tasks.task_folders().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_tasks_credentials_are_not_those_of_the_sandbox() {
    let report = Report::new();
    let tasks = Tasks::start(true, &["sh", "-c", &report.script()]).await;
    tasks.run(app().build(), Some("app-role")).await;
    let environment = report.environment().await;
    let path = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"].strip_prefix(&tasks.aws.endpoint.url).expect("ours");
    let token = &environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"];
    let headers = format!("host: {}\r\nauthorization: {token}\r\n", tasks.aws.endpoint.host());
    let (_, body) = request_credentials(&tasks.aws.endpoint, "GET", path, &headers);
    let given: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(given["RoleArn"], "arn:aws:iam::123456789012:role/app-role");
    // The client of control calls sends no session token, so it is refused for the key already.
    let mut endpoint = tasks.aws.endpoint.clone();
    endpoint.credentials.access_key_id = given["AccessKeyId"].as_str().expect("a key").to_owned();
    endpoint.credentials.secret_access_key = given["SecretAccessKey"].as_str().expect("a secret").to_owned();
    let refused = endpoint.shut_down(Clock::new(1.0).now()).await;
    assert!(matches!(refused, Err(ControlError::Refused { .. })), "{refused:?}");
    let response = crate::raw_requests::json_as(
        &tasks.aws,
        &Credentials::new(
            &endpoint.credentials.access_key_id,
            &endpoint.credentials.secret_access_key,
            given["Token"].as_str().map(str::to_owned),
            None,
            "test",
        ),
        ("ecsws", "EcswsSandbox.Shutdown"),
        &json!({}),
    );
    assert!(response.status == 400 && response.text().contains("AccessDeniedException"), "{}", response.text());
}
