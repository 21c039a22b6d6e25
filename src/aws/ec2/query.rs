//! Calls EC2 with the Query protocol.
//!
//! They use the SDK's orchestrator like the typed clients, with the same configuration: endpoint, FIPS, dual-stack, retries,
//! time-outs, HTTP client and credentials. Only requests and responses are serialised here.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{AuthSchemeOptionResolverParams, SharedAuthSchemeOptionResolver};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SigningName;
use aws_types::region::SigningRegion;

use super::super::{Aws, AwsError, AwsErrorKind, Result};
use super::endpoint::endpoint_url;
use super::error;

const USER_AGENT: &str = concat!("ecsws/", env!("CARGO_PKG_VERSION"));

/// EC2's `sdkId`, which names its settings: `AWS_ENDPOINT_URL_EC2`.
pub(super) const SERVICE_ID: &str = "EC2";
/// EC2's name in signatures and hosts.
pub(super) const SERVICE_NAME: &str = "ec2";

/// An error response.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct QueryError(ErrorMetadata);

impl ProvideErrorMetadata for QueryError {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl Aws {
    /// Sends a form and returns the body of the response. It retries transient errors like the typed clients, and also truncated
    /// responses, so it is only for read-only operations. `action` is for errors.
    pub(super) async fn query(&self, action: &str, operation: &'static str, form: String) -> Result<String> {
        let other = |error: BoxError| AwsError::new(action, AwsErrorKind::Other, error.to_string());
        let url = endpoint_url(&self.config, &self.region).await.map_err(other)?;
        let mut builder = Operation::builder()
            .service_name(SERVICE_ID)
            .operation_name(operation)
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&url)
            .with_connection_poisoning()
            .interceptor(self.call_waits())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(TransientErrorClassifier::<QueryError>::new())
            .retry_classifier(AwsErrorCodeClassifier::<QueryError>::new())
            .runtime_plugin(signing(&self.config, &self.region));
        if let Some(retries) = self.config.retry_config() {
            builder = builder.standard_retry(retries);
        }
        if let Some(timeouts) = self.config.timeout_config() {
            builder = builder.timeout_config(timeouts.clone());
        }
        if let Some(client) = self.config.http_client() {
            builder = builder.http_client(client);
        }
        if let Some(sleep) = self.config.sleep_impl() {
            builder = builder.sleep_impl(sleep);
        }
        if let Some(time) = self.config.time_source() {
            builder = builder.time_source(time);
        }
        let operation = builder.serializer(request).deserializer(read_response).build();
        operation.invoke(form).await.map_err(|error| self.error(action, error))
    }
}

fn request(form: String) -> std::result::Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(form));
    request.set_method("POST")?;
    request.set_uri("/")?;
    // The signature excludes the user agent, like the typed clients', because proxies change it.
    request.headers_mut().insert("user-agent", USER_AGENT);
    request.headers_mut().insert("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    Ok(request)
}

fn read_response(response: &HttpResponse) -> std::result::Result<String, OrchestratorError<QueryError>> {
    let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
    if response.status().is_success() {
        return Ok(body.into_owned());
    }
    Err(OrchestratorError::operation(QueryError(error(&body))))
}

/// Signature Version 4 with the credentials of the configuration, from the cache that all clients share.
fn signing(config: &SdkConfig, region: &str) -> StaticRuntimePlugin {
    let mut layer = Layer::new("signing");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(Region::new(region.to_owned()))),
        name: Some(SigningName::from_static(SERVICE_NAME)),
        ..SigV4OperationSigningConfig::default()
    });
    let options = SharedAuthSchemeOptionResolver::new(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]));
    let mut components = RuntimeComponentsBuilder::new("signing")
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(options))
        .with_identity_cache(config.identity_cache());
    if let Some(provider) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(provider));
    }
    StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::aws::{Connection, StaticKeys};

    /// Starts a server that sends the next response on each connection and closes it. Returns its URL and the requests it read.
    async fn server(responses: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/base", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for response in responses {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = Vec::new();
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    stream.read_buf(&mut request).await.expect("a request");
                }
                seen.lock().expect("no panic").push(String::from_utf8_lossy(&request).into_owned());
                stream.write_all(response.as_bytes()).await.expect("the client reads the response");
            }
        });
        (url, requests)
    }

    async fn client(url: &str) -> Aws {
        let keys = StaticKeys { access_key_id: "AKID".to_owned(), secret_access_key: "secret".to_owned() };
        let connection = Connection {
            region: Some("eu-west-1".to_owned()),
            endpoint_url: Some(url.to_owned()),
            static_keys: Some(keys),
            ..Connection::default()
        };
        Aws::connect(connection, async |_| None).await.expect("a configuration")
    }

    fn response(status: u16, body: &str) -> String {
        format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    fn ec2_error(code: &str) -> String {
        format!("<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>")
    }

    const VPCS: &str = "<R><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></R>";

    #[tokio::test]
    async fn transient_errors_are_retried_like_in_the_typed_clients() {
        for transient in [
            "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<R><vpcSet>".to_owned(),
            String::new(),
            response(500, ""),
            response(503, &ec2_error("RequestLimitExceeded")),
            response(400, &ec2_error("Throttling")),
        ] {
            let (url, requests) = server(vec![transient.clone(), response(200, VPCS)]).await;
            assert_eq!(client(&url).await.vpc_ids("a").await.expect(&transient), ["vpc-1"]);
            let requests = requests.lock().expect("no panic");
            assert_eq!(requests.len(), 2, "{transient}");
            let head = requests[0].to_lowercase();
            assert!(head.starts_with("post /base"), "{head}");
            assert!(head.contains("credential=akid/") && head.contains("/eu-west-1/ec2/aws4_request"), "{head}");
        }
    }

    #[tokio::test]
    async fn permanent_errors_are_not_retried() {
        for (status, body, kind) in [
            (400, ec2_error("InvalidParameterValue"), AwsErrorKind::Other),
            (401, ec2_error("AuthFailure"), AwsErrorKind::WrongCredentials),
            (501, String::new(), AwsErrorKind::NotAws),
        ] {
            let (url, requests) = server(vec![response(status, &body), response(200, VPCS)]).await;
            let error = client(&url).await.vpc_ids("a").await.expect_err("it fails");
            assert_eq!((error.kind, requests.lock().expect("no panic").len()), (kind, 1), "{status} {body}");
        }
    }
}
