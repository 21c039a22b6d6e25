//! Signed calls outside the typed clients: EC2's Query protocol, and JSON for what takes one call of a large service.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use http::Uri;
use tokio::sync::OnceCell;

use super::error::{connection_failure, is_throttling, no_credentials};
use super::{ATTEMPTS, Aws, AwsError, AwsErrorKind, CONNECT_TIMEOUT, READ_TIMEOUT, Result, without_user_info};

const USER_AGENT: &str = concat!("ecsws/", env!("CARGO_PKG_VERSION"));
/// Before the second attempt at most; twice as long before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(400);

/// What calls share: made by the first of them. A command's few look-ups come together, so its credentials do not expire in between.
#[derive(Debug, Default)]
pub(super) struct Shared {
    connector: OnceLock<Connector>,
    identity: OnceCell<Identity>,
}

/// A POST to a service.
#[derive(Debug)]
pub(super) struct RawCall<'a> {
    /// What is being done, for errors.
    pub action: &'a str,
    /// The name that the signature is made for; also the host's first label.
    pub signing_name: &'a str,
    /// Content-Type and other headers that the protocol asks for.
    pub headers: &'a [(&'static str, &'a str)],
    pub body: String,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct RawAnswer {
    pub status: u16,
    pub body: String,
}

impl RawAnswer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the service is busy or failing, and may answer the same call a little later. A 501 it will never answer.
    fn is_busy(&self) -> bool {
        match self.status {
            429 => true,
            501 => false,
            400..=499 => error_code(&self.body).is_some_and(is_throttling),
            status => status >= 500,
        }
    }
}

impl Aws {
    /// Sends a signed call, again after a pause when the service is busy or cannot be reached. So it is only for calls that change nothing.
    pub(super) async fn raw(&self, call: &RawCall<'_>) -> Result<RawAnswer> {
        let attempts = self.config.retry_config().map_or(ATTEMPTS, RetryConfig::max_attempts);
        let (mut attempt, mut pause) = (1, FIRST_PAUSE);
        loop {
            let answer = self.raw_once(call).await;
            let again = match &answer {
                Ok(answer) => answer.is_busy(),
                Err(error) => error.is_transient(),
            };
            if !again || attempt >= attempts {
                return answer;
            }
            // Between half of the pause and all of it, so that many callers do not come back at once.
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            (attempt, pause) = (attempt + 1, pause * 2);
        }
    }

    async fn raw_once(&self, call: &RawCall<'_>) -> Result<RawAnswer> {
        let other =
            |error: &dyn std::fmt::Display| AwsError::unanswered(call.action, AwsErrorKind::Other, error.to_string());
        let request = self.signed(call).await?;
        let answer = self.connector().call(request).await.map_err(|error| {
            let (kind, message) = connection_failure(&error);
            self.at_endpoint(AwsError::unanswered(call.action, kind, message))
        })?;
        let status = answer.status().as_u16();
        let bytes = ByteStream::new(answer.into_body()).collect().await.map_err(|error| other(&error))?;
        Ok(RawAnswer { status, body: String::from_utf8_lossy(&bytes.into_bytes()).into_owned() })
    }

    async fn signed(&self, call: &RawCall<'_>) -> Result<Request> {
        let other =
            |error: &dyn std::fmt::Display| AwsError::unanswered(call.action, AwsErrorKind::Other, error.to_string());
        let url = raw_url(self.config.endpoint_url(), call.signing_name, &self.region);
        let uri: Uri = url.parse().map_err(|error| other(&format!("{url} is no address: {error}")))?;
        let authority = uri.authority().ok_or_else(|| other(&format!("{url} names no host")))?;
        let own = [("host", authority.as_str()), ("user-agent", USER_AGENT)];
        let headers: Vec<(&str, &str)> = call.headers.iter().copied().chain(own).collect();

        let identity = self.raw_identity(call.action).await?;
        #[expect(clippy::disallowed_methods, reason = "a signature carries the time of its making")]
        let now = SystemTime::now();
        let params = v4::SigningParams::builder()
            .identity(identity)
            .region(&self.region)
            .name(call.signing_name)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| other(&error))?;
        let body = SignableBody::Bytes(call.body.as_bytes());
        // Like the typed clients' settings, the default ones leave the user-agent out of the signature: proxies change it.
        let signable =
            SignableRequest::new("POST", &url, headers.iter().copied(), body).map_err(|error| other(&error))?;
        let (instructions, _) = sign(signable, &params.into()).map_err(|error| other(&error))?.into_parts();

        let mut request = Request::new(SdkBody::from(call.body.clone()));
        request.set_method("POST").map_err(|error| other(&error))?;
        request.set_uri(url.as_str()).map_err(|error| other(&error))?;
        for (name, value) in headers.iter().copied().chain(instructions.headers()) {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }

    fn connector(&self) -> &Connector {
        self.raw.connector.get_or_init(|| {
            let settings = HttpConnectorSettings::builder();
            let settings = settings.connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
            let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
            Connector::builder().connector_settings(settings).tls_provider(tls).build()
        })
    }

    async fn raw_identity(&self, action: &str) -> Result<&Identity> {
        let none = |(kind, message): (AwsErrorKind, String)| AwsError::unanswered(action, kind, message);
        let load = async || match self.config.credentials_provider() {
            Some(provider) => provider.provide_credentials().await.map(Identity::from).map_err(|e| no_credentials(&e)),
            None => Err((AwsErrorKind::NoCredentials, "there are no AWS credentials".to_owned())),
        };
        self.raw.identity.get_or_try_init(load).await.map_err(none)
    }
}

/// The endpoint URL with its path, or AWS's own address.
fn raw_url(endpoint: Option<&str>, service: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    match endpoint {
        Some(url) => format!("{}/", without_user_info(url).trim_end_matches('/')),
        None => format!("https://{service}.{region}.{suffix}/"),
    }
}

/// The code of an error, in XML or in JSON; there a namespace may stand before it.
pub(super) fn error_code(body: &str) -> Option<&str> {
    let code = if let Some((_, rest)) = body.split_once("<Code>") {
        rest.split_once("</Code>")?.0
    } else {
        let value = body.split_once("\"__type\"")?.1.trim_start().strip_prefix(':')?.trim_start();
        value.strip_prefix('"')?.split_once('"')?.0
    };
    Some(code.rsplit('#').next().unwrap_or(code).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_url_keeps_its_path_and_loses_its_credentials() {
        for (endpoint, url) in [
            (None, "https://ec2.eu-west-1.amazonaws.com/"),
            (Some("http://127.0.0.1:4566"), "http://127.0.0.1:4566/"),
            (Some("http://127.0.0.1:4566/"), "http://127.0.0.1:4566/"),
            (Some("https://me:pw@proxy.example/aws"), "https://proxy.example/aws/"),
        ] {
            assert_eq!(raw_url(endpoint, "ec2", "eu-west-1"), url);
        }
        assert_eq!(raw_url(None, "ec2", "cn-north-1"), "https://ec2.cn-north-1.amazonaws.com.cn/");
    }

    #[test]
    fn busy_is_what_the_status_or_the_error_code_says() {
        let throttled = "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>";
        for (status, body, busy) in [
            (200, "<name>Throttling</name>", false),
            (200, throttled, false),
            (400, "<Code>InvalidParameterValue</Code><Message>Throttling</Message>", false),
            (400, "<Code>Throttling</Code>", true),
            (400, r#"{"__type": "com.amazonaws.ssm#ThrottlingException"}"#, true),
            (400, r#"{"__type":"ValidationException"}"#, false),
            (429, "", true),
            (501, "", false),
            (503, throttled, true),
        ] {
            assert_eq!(RawAnswer { status, body: body.to_owned() }.is_busy(), busy, "{status} {body}");
        }
    }
}
