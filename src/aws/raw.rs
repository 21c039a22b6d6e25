//! Signed calls outside the typed clients: today EC2's Query protocol.

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use super::{ATTEMPTS, Aws, AwsError, AwsErrorKind, CONNECT_TIMEOUT, READ_TIMEOUT, Result};

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

/// An answer with a status of 2xx, or any other that is not worth a retry.
#[derive(Debug)]
pub(super) struct RawAnswer {
    pub ok: bool,
    pub body: String,
}

impl Aws {
    /// Sends a signed call, again after a pause when the service is busy or failing.
    pub(super) async fn raw(&self, call: &RawCall<'_>) -> Result<RawAnswer> {
        let mut pause = Duration::from_millis(200);
        for attempt in 1.. {
            let (status, body) = self.raw_once(call).await?;
            let busy =
                status >= 500 && status != 501 || body.contains("RequestLimitExceeded") || body.contains("Throttling");
            if !busy || attempt == ATTEMPTS {
                return Ok(RawAnswer { ok: (200..300).contains(&status), body });
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        unreachable!("the loop ends with its last attempt")
    }

    async fn raw_once(&self, call: &RawCall<'_>) -> Result<(u16, String)> {
        let unanswered = |kind, message: String| AwsError::unanswered(call.action, kind, message);
        let other = |error: &dyn std::fmt::Display| unanswered(AwsErrorKind::Other, error.to_string());
        let url = self.raw_url(call.signing_name);
        let host = url.split_once("//").map_or(url.as_str(), |(_, rest)| rest).trim_end_matches('/').to_owned();
        let headers: Vec<(&str, &str)> = call.headers.iter().copied().chain([("host", host.as_str())]).collect();

        let provider = self
            .config
            .credentials_provider()
            .ok_or_else(|| unanswered(AwsErrorKind::NoCredentials, "there are no AWS credentials".to_owned()))?;
        let identity = provider
            .provide_credentials()
            .await
            .map_err(|error| unanswered(AwsErrorKind::NoCredentials, error.to_string()))?
            .into();
        #[expect(clippy::disallowed_methods, reason = "a signature carries the time of its making")]
        let now = SystemTime::now();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(call.signing_name)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| other(&error))?;
        let signable =
            SignableRequest::new("POST", &url, headers.iter().copied(), SignableBody::Bytes(call.body.as_bytes()))
                .map_err(|error| other(&error))?;
        let (instructions, _) = sign(signable, &params.into()).map_err(|error| other(&error))?.into_parts();

        let mut request = Request::new(SdkBody::from(call.body.clone()));
        request.set_method("POST").map_err(|error| other(&error))?;
        request.set_uri(url.as_str()).map_err(|error| other(&error))?;
        for (name, value) in headers.iter().copied().chain(instructions.headers()) {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        let connector = Connector::builder()
            .connector_settings(
                aws_smithy_runtime_api::client::http::HttpConnectorSettings::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .read_timeout(READ_TIMEOUT)
                    .build(),
            )
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build();
        let answer = connector.call(request).await.map_err(|error| {
            let kind = if error.is_timeout() { AwsErrorKind::TimedOut } else { AwsErrorKind::Unreachable };
            unanswered(kind, super::error::root(&error))
        })?;
        let status = answer.status().as_u16();
        let bytes = ByteStream::new(answer.into_body()).collect().await.map_err(|error| other(&error))?;
        Ok((status, String::from_utf8_lossy(&bytes.into_bytes()).into_owned()))
    }

    fn raw_url(&self, service: &str) -> String {
        let suffix = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        match self.endpoint_url() {
            Some(url) => format!("{}/", url.trim_end_matches('/')),
            None => format!("https://{service}.{}.{suffix}/", self.region),
        }
    }
}
