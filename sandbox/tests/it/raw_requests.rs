//! Raw requests to any service, with any bytes, signed by the SDKs' signer.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

use crate::local_aws::LocalAws;

/// A response.
#[derive(Debug)]
pub struct RawResponse {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl RawResponse {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// Sends a request that is signed for a service.
pub fn send(aws: &LocalAws, service: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> RawResponse {
    send_as(aws, "POST", service, path, headers, body)
}

/// The same with any method.
pub fn send_as(
    aws: &LocalAws,
    method: &str,
    service: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> RawResponse {
    let auth = &aws.endpoint.credentials;
    let credentials = Credentials::new(&auth.access_key_id, &auth.secret_access_key, None, None, "test");
    send_with(aws, &credentials, method, service, path, headers, body)
}

fn send_with(
    aws: &LocalAws,
    credentials: &Credentials,
    method: &str,
    service: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> RawResponse {
    let identity = credentials.clone().into();
    #[expect(clippy::disallowed_methods, reason = "the sandbox has the clock of this machine")]
    let now = SystemTime::now();
    let settings = SigningSettings::default();
    let builder = v4::SigningParams::builder().identity(&identity).region("us-east-1").name(service).time(now);
    let parameters = builder.settings(settings).build().expect("all parameters are there").into();
    let url = format!("{}{path}", aws.endpoint.url);
    let request = SignableRequest::new(method, &url, headers.iter().copied(), SignableBody::Bytes(body));
    let (signed, _) = sign(request.expect("it can be signed"), &parameters).expect("it is signed").into_parts();
    let (own, _) = signed.into_parts();

    let host = aws.endpoint.host();
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers.iter().copied().chain(own.iter().map(|header| (header.name(), header.value()))) {
        head.extend([name, ": ", value, "\r\n"]);
    }
    let mut stream = TcpStream::connect(host).expect("it listens");
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("it reads");
    stream.write_all(body).expect("it reads");
    let mut response = Vec::new();
    stream.read_to_end(&mut response).expect("a response");
    let end = response.windows(4).position(|window| window == b"\r\n\r\n").expect("there is a head");
    let head = String::from_utf8_lossy(&response[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("there is a status");
    RawResponse { status, head, body: response[end + 4..].to_vec() }
}

/// Calls an operation of a JSON service; `target` is the value of `X-Amz-Target`.
pub fn json(aws: &LocalAws, service: &str, target: &str, input: &serde_json::Value) -> RawResponse {
    let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
    send(aws, service, "/", &headers, input.to_string().as_bytes())
}

/// The same with other credentials, of the operation (service, target).
pub fn json_as(
    aws: &LocalAws,
    credentials: &Credentials,
    (service, target): (&str, &str),
    input: &serde_json::Value,
) -> RawResponse {
    let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
    send_with(aws, credentials, "POST", service, "/", &headers, input.to_string().as_bytes())
}

/// Calls an operation of a Query service.
pub fn query(aws: &LocalAws, service: &str, parameters: &str) -> RawResponse {
    send(aws, service, "/", &[("content-type", "application/x-www-form-urlencoded")], parameters.as_bytes())
}
