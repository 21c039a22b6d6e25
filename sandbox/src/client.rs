//! Control calls to a sandbox in the background: a signed request over a plain connection to loopback.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::auth::Credentials;
use super::auth::signature::{self, Authorization, SignedRequest};
use crate::base::clock::{basic_date, basic_iso8601};
use crate::control::{SIGNING_NAME, TARGET_PREFIX};

/// How long a control call may take.
const TIMEOUT: Duration = Duration::from_secs(10);

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
    /// Its account.
    pub account: String,
    /// Its region.
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
pub enum ControlError {
    /// There is no answer, or not an HTTP response.
    #[error("the sandbox at {url} does not answer: {source}")]
    Unreachable {
        /// The sandbox's address.
        url: String,
        /// The error.
        source: std::io::Error,
    },
    /// The sandbox refuses the call.
    #[error("the sandbox refuses {operation}: {message}")]
    Refused {
        /// The control operation.
        operation: String,
        /// The sandbox's message.
        message: String,
    },
}

impl ControlError {
    /// Whether nothing listens at the address.
    pub fn is_refusal_to_connect(&self) -> bool {
        matches!(self, Self::Unreachable { source, .. } if source.kind() == std::io::ErrorKind::ConnectionRefused)
    }
}

impl Endpoint {
    /// Makes a control call, such as `Status`, signed at the time `now`.
    pub async fn call(&self, operation: &str, input: &Value, now: Timestamp) -> Result<Value, ControlError> {
        let unreachable = |source| ControlError::Unreachable { url: self.url.clone(), source };
        let request = self.request(operation, &input.to_string(), now);
        let response = tokio::time::timeout(TIMEOUT, self.send(&request)).await;
        let response = response.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())).map_err(unreachable)?;
        let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
        let body = serde_json::from_str::<Value>(body);
        if head.starts_with("HTTP/1.1 200") {
            return body.map_err(|error| unreachable(error.into()));
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
