//! AWS clients whose requests a closure answers. They use no network, so tests can pause tokio's clock.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::{fmt, io};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use ecsws::testing::aws::{Aws, Connection, StaticKeys};
use serde_json::json;

/// The parameters of a request in the Query protocol; empty in JSON.
pub type Parameters = BTreeMap<String, String>;
/// The response to an operation: the XML within its result, or JSON for an operation in JSON.
pub type Answer = Result<String, ScriptedError>;

/// A response that is not a success.
#[derive(Debug, Clone)]
pub enum ScriptedError {
    /// AWS's error with this code and message.
    Aws(&'static str, String),
    /// A response with this status and body, as from a gateway.
    Http(u16, &'static str),
    /// The connection is lost or refused.
    Connection(io::ErrorKind),
}

/// AWS's error with this code and message.
pub fn aws_error(code: &'static str, message: String) -> ScriptedError {
    ScriptedError::Aws(code, message)
}

struct Script<F> {
    answer: Mutex<F>,
}

impl<F> fmt::Debug for Script<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl<F: FnMut(&str, &Parameters) -> Answer + Send + 'static> HttpConnector for Script<F> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let json_target = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
        let parameters: Parameters = match json_target {
            Some(_) => Parameters::new(),
            None => form_urlencoded::parse(request.body().bytes().unwrap_or_default()).into_owned().collect(),
        };
        let action = json_target.or(parameters.get("Action").map(String::as_str)).unwrap_or_default().to_owned();
        let answer = (self.answer.lock().expect("no test has panicked"))(&action, &parameters);
        let (status, body) = match (answer, json_target) {
            (Ok(json), Some(_)) => (200, json),
            (Ok(result), None) => {
                (200, format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"))
            }
            (Err(ScriptedError::Aws(code, message)), Some(_)) => {
                (400, json!({ "__type": code, "message": message }).to_string())
            }
            (Err(ScriptedError::Aws(code, message)), None) => (
                400,
                format!(
                    "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
                ),
            ),
            (Err(ScriptedError::Http(status, body)), _) => (status, body.to_owned()),
            (Err(ScriptedError::Connection(kind)), _) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::io(Box::new(io::Error::from(kind)))));
            }
        };
        let status = StatusCode::try_from(status).expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

/// Clients whose requests are answered by `answer`, which gets the operation and its parameters.
pub async fn scripted(answer: impl FnMut(&str, &Parameters) -> Answer + Send + 'static) -> Aws {
    let connector = SharedHttpConnector::new(Script { answer: Mutex::new(answer) });
    let keys = StaticKeys { access_key_id: "AKID".to_owned(), secret_access_key: "secret".to_owned() };
    let connection = Connection {
        region: Some("us-east-1".to_owned()),
        endpoint_url: Some("http://aws.test".to_owned()),
        static_keys: Some(keys),
        ..Connection::default()
    };
    let http = http_client_fn(move |_, _| connector.clone());
    Aws::connect_through(connection, http, async |_| None).await.expect("the connection is complete")
}
