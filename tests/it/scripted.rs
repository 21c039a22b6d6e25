//! AWS clients whose requests a closure answers. They use no network, so tests can pause tokio's clock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use ecsws::testing::aws::{Aws, Connection, StaticKeys};

/// The parameters of a request in the Query protocol.
pub type Parameters = BTreeMap<String, String>;
/// The response to an operation of the Query protocol: the XML within its result, or an error's code and message.
pub type Answer = Result<String, (&'static str, String)>;

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
        let parameters: Parameters =
            form_urlencoded::parse(request.body().bytes().unwrap_or_default()).into_owned().collect();
        let action = parameters.get("Action").cloned().unwrap_or_default();
        let (status, body) = match (self.answer.lock().expect("no test has panicked"))(&action, &parameters) {
            Ok(result) => {
                (200, format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"))
            }
            Err((code, message)) => (
                400,
                format!(
                    "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
                ),
            ),
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
