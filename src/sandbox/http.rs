//! Takes HTTP requests in: limits, the `Host` header, the signature, then the service's codec and operation.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;

use super::auth::{self, signature};
use super::model::Model;
use super::wire::{self, Incoming, Protocol};
use super::world::ids;
use super::{Fault, Sandbox, services};

/// The largest body that is read: above every served operation's own limit (a log batch is 1 MiB).
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// How long open requests may go on after the stop signal.
const DRAIN: Duration = Duration::from_secs(2);

struct Server {
    sandbox: Arc<Sandbox>,
    hosts: [String; 2],
}

/// Answers requests until the sandbox's stop signal.
pub async fn serve(listener: TcpListener, sandbox: &Arc<Sandbox>) -> io::Result<()> {
    let port = listener.local_addr()?.port();
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let server = Arc::new(Server { sandbox: Arc::clone(sandbox), hosts });
    let router = Router::new().fallback(handle).with_state(server);
    let shutdown = sandbox.shutdown.clone();
    let stopped = shutdown.clone();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move { stopped.cancelled().await });
    tokio::select! {
        result = serving.into_future() => result,
        () = async { shutdown.cancelled().await; tokio::time::sleep(DRAIN).await } => Ok(()),
    }
}

async fn handle(State(server): State<Arc<Server>>, request: Request) -> Response {
    let request_id = ids::uuid();
    let (parts, body) = request.into_parts();
    let headers = joined(&parts.headers);
    let guessed = wire::guess(&headers);
    let refuse_unknown = |fault: &Fault| refuse(&Spoken { protocol: guessed, model: None }, &request_id, fault);
    if !headers.get(header::HOST.as_str()).is_some_and(|host| server.hosts.contains(host)) {
        let fault = Fault::new(403, "InvalidHost", "The Host header is not this sandbox's loopback address");
        return refuse_unknown(&fault);
    }
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        let fault = Fault::new(413, "RequestEntityTooLarge", "The request body is too large");
        return refuse_unknown(&fault);
    };
    let signed = signature::Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers,
        body: &body,
    };
    let mut spoken = Spoken { protocol: guessed, model: None };
    match answer(&server.sandbox, &signed, &mut spoken, &request_id).await {
        Ok(body) => respond(StatusCode::OK, &request_id, body),
        Err(fault) => refuse(&spoken, &request_id, &fault),
    }
}

/// How an answer is written: guessed at first, known with the service.
struct Spoken {
    protocol: Protocol,
    model: Option<&'static Model>,
}

async fn answer(
    sandbox: &Arc<Sandbox>,
    signed: &signature::Request<'_>,
    spoken: &mut Spoken,
    request_id: &str,
) -> Result<wire::Body, Fault> {
    let config = &sandbox.config;
    let dialect = spoken.protocol.dialect();
    let service = auth::verify(signed, &config.credentials, &config.region, dialect, sandbox.clock.now())
        .map_err(|denied| denied.fault(dialect))?;
    let service = services::find(&service)?;
    let protocol = wire::choose(service.protocols, spoken.protocol);
    *spoken = Spoken { protocol, model: service.model() };
    if !protocol.has_path(signed.path) {
        return Err(Fault::not_implemented(&format!("{} {}", signed.method, signed.path)));
    }
    let incoming = Incoming { headers: &signed.headers, path: signed.path, query: signed.query, body: signed.body };
    let request = protocol.decode(&incoming)?;
    let input = service.read(protocol, &request.operation, request.input)?;
    let output = run(sandbox, service, &request.operation, input).await?;
    Ok(protocol.encode(spoken.model, &request.operation, request_id, output))
}

/// In a task of its own: a client that goes away does not stop an operation half-way, and a panic ends one request only.
async fn run(
    sandbox: &Arc<Sandbox>,
    service: &'static services::Service,
    operation: &str,
    input: Value,
) -> Result<Value, Fault> {
    let (sandbox, operation) = (Arc::clone(sandbox), operation.to_owned());
    let task = tokio::spawn(async move { service.call(&sandbox, &operation, input).await });
    task.await.unwrap_or_else(|panic| Err(Fault::internal(panic)))
}

fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert(value.into());
    }
    joined
}

fn refuse(spoken: &Spoken, request_id: &str, fault: &Fault) -> Response {
    let (status, body) = spoken.protocol.encode_fault(spoken.model, request_id, fault);
    respond(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), request_id, body)
}

fn respond(status: StatusCode, request_id: &str, body: wire::Body) -> Response {
    let mut response = Response::new(Body::from(body.bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(body.content_type));
    let others = body.headers.into_iter().chain([("x-amzn-requestid", request_id.to_owned())]);
    for (name, value) in others {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}
