//! Control calls to a sandbox in the background: a signed request over a plain connection to loopback.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::auth::Credentials;
use crate::auth::signature::{self, Authorization, SignedRequest};
use crate::base::clock::{basic_date, basic_iso8601};
use crate::control::messages::{
    InjectedFaults, RuntimeCheck, RuntimeReport, ServiceUrl, ServiceUrls, StackImages, Status, StatusRequest,
};
use crate::control::{SIGNING_NAME, TARGET_PREFIX};

/// How long a control call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The address and credentials of a sandbox, as in the endpoint file of its state folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// The only credentials that it accepts.
    #[serde(flatten)]
    pub credentials: Credentials,
    /// The secret that control calls are signed with, instead of the credentials'. Empty in the file of an older version.
    #[serde(default)]
    pub control_secret: String,
    /// Twelve digits.
    pub account: String,
    /// Such as `us-east-1`.
    pub region: String,
    /// The process id of the server.
    pub pid: u32,
    /// When that process started.
    pub started_at: Timestamp,
    /// The server's version.
    pub version: String,
}

/// Why a control call failed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "members are what their names say")]
pub enum ControlError {
    /// There is no response, or it is not HTTP.
    #[error("the sandbox at {url} does not answer: {source}")]
    Unreachable { url: String, source: std::io::Error },
    /// The sandbox refuses the call.
    #[error("the sandbox rejected the control call {operation}: {message}")]
    Refused { operation: String, message: String },
    /// The response has another form.
    #[error(
        "cannot read the answer to the control call {operation}, because the running sandbox is of another version: {source}"
    )]
    OtherVersion { operation: String, source: serde_json::Error },
}

impl ControlError {
    /// Whether nothing listens at the address.
    pub fn is_refusal_to_connect(&self) -> bool {
        matches!(self, Self::Unreachable { source, .. } if source.kind() == std::io::ErrorKind::ConnectionRefused)
    }
}

impl Endpoint {
    /// The sandbox's configuration.
    pub async fn status(&self, now: Timestamp) -> Result<Status, ControlError> {
        self.call("Status", &StatusRequest { detail: false }, now).await
    }

    /// The sandbox's configuration, and what runs in it.
    pub async fn status_with_usage(&self, now: Timestamp) -> Result<Status, ControlError> {
        self.call("Status", &StatusRequest { detail: true }, now).await
    }

    /// Replaces all rules of fault injection: an object with the lists `operations` and `resources`.
    pub async fn put_faults(&self, faults: &Value, now: Timestamp) -> Result<(), ControlError> {
        self.call::<Value>("PutFaults", faults, now).await.map(drop)
    }

    /// The rules of fault injection.
    pub async fn faults(&self, now: Timestamp) -> Result<InjectedFaults, ControlError> {
        self.call("DescribeFaults", &json!({}), now).await
    }

    /// Sets what runs the images of a stack.
    pub async fn put_images(&self, images: &StackImages, now: Timestamp) -> Result<(), ControlError> {
        self.call::<Value>("PutImages", images, now).await.map(drop)
    }

    /// Whether a container runtime can run images on this machine.
    pub async fn check_runtime(&self, check: &RuntimeCheck, now: Timestamp) -> Result<RuntimeReport, ControlError> {
        self.call("CheckRuntime", check, now).await
    }

    /// The local addresses of services.
    pub async fn service_urls(&self, now: Timestamp) -> Result<Vec<ServiceUrl>, ControlError> {
        self.call::<ServiceUrls>("DescribeAddresses", &json!({}), now).await.map(|response| response.addresses)
    }

    /// Asks the sandbox to stop.
    pub async fn shut_down(&self, now: Timestamp) -> Result<(), ControlError> {
        self.call::<Value>("Shutdown", &json!({}), now).await.map(drop)
    }

    /// Makes a control call, signed at the time `now`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        operation: &str,
        input: &impl Serialize,
        now: Timestamp,
    ) -> Result<T, ControlError> {
        let unreachable = |source| ControlError::Unreachable { url: self.url.clone(), source };
        let request = self.request(operation, &json!(input).to_string(), now);
        let response = tokio::time::timeout(CALL_TIMEOUT, self.send(&request)).await;
        let response = response.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())).map_err(unreachable)?;
        let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
        let body = serde_json::from_str::<Value>(body);
        if head.starts_with("HTTP/1.1 200") {
            let body = body.map_err(|error| unreachable(error.into()))?;
            let other_version = |source| ControlError::OtherVersion { operation: operation.to_owned(), source };
            return serde_json::from_value(body).map_err(other_version);
        }
        let message = body.ok().and_then(|body| Some(body["message"].as_str()?.to_owned()));
        let message = message.unwrap_or_else(|| head.lines().next().unwrap_or_default().to_owned());
        Err(ControlError::Refused { operation: operation.to_owned(), message })
    }

    async fn send(&self, request: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.host()).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut response = String::new();
        if stream.read_to_string(&mut response).await? == 0 {
            // The sandbox has just ended.
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(response)
    }

    /// The host and port of the URL.
    pub fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    fn request(&self, operation: &str, body: &str, now: Timestamp) -> String {
        let (amz_date, date) = (basic_iso8601(now), basic_date(now));
        let target = format!("{TARGET_PREFIX}.{operation}");
        let headers = [("host", self.host()), ("x-amz-date", &amz_date), ("x-amz-target", &target)];
        let headers: BTreeMap<_, _> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let authorization = Authorization {
            access_key: &self.credentials.access_key_id,
            date: &date,
            region: &self.region,
            service: SIGNING_NAME,
            signed_headers: "host;x-amz-date;x-amz-target",
            signature: "",
            amz_date: &amz_date,
        };
        let request = SignedRequest { method: "POST", path: "/", query: "", headers: &headers, body: body.as_bytes() };
        let secret = if self.control_secret.is_empty() {
            // A sandbox of an older version has only one secret.
            &self.credentials.secret_access_key
        } else {
            &self.control_secret
        };
        let signature = signature::signature(&request, &authorization, secret);
        let authorization = authorization.header(&signature);
        let mut text = format!("POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in &headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text + &format!("authorization: {authorization}\r\n\r\n{body}")
    }
}
