//! Serves HTTP requests: checks the [`request_limits`] and the signature, then calls the operation through the service's codec.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use serde_json::json;
use tokio::net::TcpListener;

use super::connections::{self, Connection, ConnectionAborted};
use super::request_context::RequestContext;
use super::response::{ResponseFormat, respond};
use super::{request_limits, role_credentials, session_socket};
use crate::auth::{self, ClaimedIdentity, ErrorFormat, signature};
use crate::base::{ids, supervisor};
use crate::core::{AwsService, CREDENTIALS_PATH, Caller, OperationOutput};
use crate::protocol::{self, EncodedRequest};
use crate::{Fault, Sandbox, session_channel};

struct Server {
    sandbox: Arc<Sandbox>,
    hosts: [String; 2],
}

/// Serves requests until the sandbox's stop signal.
pub(super) async fn serve(listener: TcpListener, sandbox: &Arc<Sandbox>) -> io::Result<()> {
    let port = listener.local_addr()?.port();
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let server = Arc::new(Server { sandbox: Arc::clone(sandbox), hosts });
    connections::serve(listener, &sandbox.shutdown, too_many_connections_response, move |request, connection| {
        let server = Arc::clone(&server);
        async move {
            let (mut parts, body) = request.into_parts();
            if parts.uri.path().starts_with(session_channel::PATH) {
                return Ok(open_session(&server, &mut parts, connection));
            }
            if parts.uri.path().starts_with(CREDENTIALS_PATH) {
                return Ok(serve_credentials(&server, &parts, &connection));
            }
            handle(&server, &parts, Body::new(body), &connection).await
        }
    })
    .await;
    Ok(())
}

async fn handle(
    server: &Server,
    parts: &Parts,
    body: Body,
    connection: &Connection,
) -> Result<Response<Body>, ConnectionAborted> {
    let headers = join_headers(&parts.headers);
    let format = ResponseFormat::guess(&headers, parts.uri.path());
    let mut context = RequestContext::new(&server.sandbox, &parts.method, format);
    let outcome = match read_request(server, parts, &headers, body, context.format.error_format()).await {
        Ok((signed, claimed, body)) => {
            let signed = signature::SignedRequest { body: &body, ..signed };
            handle_verified(&signed, claimed, connection, &mut context).await
        }
        Err(fault) => Err(fault),
    };
    context.log(outcome.as_ref().err())?;
    let response = outcome.unwrap_or_else(|fault| context.format.fault(&fault));
    Ok(context.finish(response).await)
}

/// Upgrades the connection of a session's client to a websocket.
fn open_session(server: &Server, parts: &mut Parts, connection: Arc<Connection>) -> Response<Body> {
    let headers = join_headers(&parts.headers);
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let opened = request_limits::check_head(parts, &headers, &server.hosts)
        .and_then(|()| check_channel_signature(server, parts, &headers))
        .and_then(|()| session_socket::open(&server.sandbox, parts.uri.path(), &headers, upgrade, connection));
    opened.unwrap_or_else(|fault| {
        server.sandbox.log.write(&format!("a connection to a session is refused: {} {}", fault.status, fault.code));
        ResponseFormat::guess(&headers, parts.uri.path()).fault(&fault)
    })
}

/// Serves a task's SDK the credentials of its role; the request carries the task's token instead of a signature.
fn serve_credentials(server: &Server, parts: &Parts, connection: &Connection) -> Response<Body> {
    let headers = join_headers(&parts.headers);
    let credentials = request_limits::check_head(parts, &headers, &server.hosts).and_then(|()| {
        role_credentials::credentials_response(&server.sandbox, &parts.method, parts.uri.path(), &headers)
    });
    let (status, document) = match credentials {
        Ok(document) => {
            connection.mark_authenticated();
            (StatusCode::OK, document)
        }
        Err(Fault { status, code, message, .. }) => {
            server.sandbox.log.write(&format!("a request for the credentials of a role is refused: {status} {code}"));
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, json!({ "code": code, "message": message }))
        }
    };
    let bytes = document.to_string().into_bytes();
    respond(status, &ids::uuid(), protocol::Body { content_type: "application/json", bytes, headers: Vec::new() })
}

/// Refuses a signature that is wrong. None is needed: a session's client authenticates itself with a token.
fn check_channel_signature(server: &Server, parts: &Parts, headers: &BTreeMap<String, String>) -> Result<(), Fault> {
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let is_signed = headers.get("authorization").is_some_and(|given| given.starts_with("AWS4-"));
    if !is_signed && !query.contains("X-Amz-Signature=") {
        return Ok(());
    }
    let signed = signature::SignedRequest { method: parts.method.as_str(), path, query, headers, body: &[] };
    let (sandbox, error_format) = (&server.sandbox, protocol::guess_protocol(headers, path).error_format());
    let verified = auth::identify(&signed, sandbox.known_credentials()).and_then(|claimed| {
        auth::verify(
            &signed,
            claimed,
            sandbox.known_credentials(),
            &sandbox.config.region,
            error_format,
            sandbox.clock.now(),
        )
    });
    let (service, _) = verified.map_err(|error| error.fault(error_format))?;
    if service == session_socket::SIGNING_NAME {
        return Ok(());
    }
    let message = format!("Credential should be scoped to correct service: '{}'.", session_socket::SIGNING_NAME);
    Err(Fault::new(403, "InvalidSignatureException", message))
}

/// Reads the body of a request, unless its head is refused.
async fn read_request<'a>(
    server: &Server,
    parts: &'a Parts,
    headers: &'a BTreeMap<String, String>,
    body: Body,
    error_format: ErrorFormat,
) -> Result<(signature::SignedRequest<'a>, ClaimedIdentity<'a>, Bytes), Fault> {
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let checked = request_limits::check_head(parts, headers, &server.hosts);
    let signed = signature::SignedRequest { method: parts.method.as_str(), path, query, headers, body: &[] };
    let identified = checked.and_then(|()| {
        auth::identify(&signed, server.sandbox.known_credentials()).map_err(|error| error.fault(error_format))
    });
    match identified {
        Ok(claimed) => Ok((signed, claimed, request_limits::read_body(body).await?)),
        Err(fault) => {
            request_limits::drain(body).await;
            Err(fault)
        }
    }
}

/// Verifies a request and runs its operation.
async fn handle_verified(
    signed: &signature::SignedRequest<'_>,
    claimed: ClaimedIdentity<'_>,
    connection: &Connection,
    context: &mut RequestContext,
) -> Result<Response<Body>, Fault> {
    let sandbox = Arc::clone(&context.sandbox);
    let error_format = context.format.error_format();
    let now = sandbox.clock.now();
    let verify =
        || auth::verify(signed, claimed, sandbox.known_credentials(), &sandbox.config.region, error_format, now);
    // A body of a mebibyte takes long to hash and decode, and a page of log events to encode.
    let (service, identity) = supervisor::block(verify).map_err(|error| error.fault(error_format))?;
    connection.mark_authenticated();
    let service = sandbox.registry.find(&service)?;
    context.format.set_service(service);
    let protocol = context.format.protocol;
    if !protocol.has_path(signed.path) {
        return Err(Fault::not_implemented(&format!("{} {}", signed.method, signed.path)));
    }
    if !protocol.has_method(signed.method) {
        // AWS's JSON services return this fault for every method except POST.
        return Err(Fault::new(404, "UnknownOperationException", ""));
    }
    let compression = request_limits::encoding(signed.headers);
    let body = if compression.is_some() {
        Cow::Owned(request_limits::decompress(signed.body)?)
    } else {
        Cow::Borrowed(signed.body)
    };
    let incoming = EncodedRequest { headers: signed.headers, path: signed.path, query: signed.query, body: &body };
    let request = supervisor::block(|| protocol.decode(&incoming))?;
    if let Some(encoding) =
        compression.filter(|_| !service.model().is_some_and(|model| model.accepts_compressed(&request.operation)))
    {
        return Err(request_limits::unsupported_encoding(encoding));
    }
    context.dispatch(service, &request).await?;
    let operation = request.operation.clone();
    Ok(match run(&sandbox, service, request, Caller::Client(protocol, identity)).await? {
        OperationOutput::Complete(output) => supervisor::block(|| context.format.output(&operation, output)),
        OperationOutput::Stream(stream) => context.format.stream(stream),
    })
}

/// Runs an operation in a task of its own: a client that disconnects does not stop it half-way, and a panic ends one request only.
async fn run(
    sandbox: &Arc<Sandbox>,
    service: &'static AwsService,
    request: protocol::DecodedRequest,
    caller: Caller,
) -> Result<OperationOutput, Fault> {
    let sandbox = Arc::clone(sandbox);
    let task = tokio::spawn(async move { service.call(&sandbox, &request.operation, request.input, caller).await });
    task.await.unwrap_or_else(|panic| Err(Fault::internal(panic)))
}

/// The response to a request for whose connection there is no slot, in the protocol that its head suggests.
fn too_many_connections_response(request: &[u8]) -> Vec<u8> {
    let request = String::from_utf8_lossy(request);
    let path = request.split(' ').nth(1).unwrap_or("/");
    let lines = request.lines().skip(1).take_while(|line| !line.is_empty());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let message = "The sandbox has as many connections open as it allows; try again";
    let fault = Fault::new(503, "ServiceUnavailable", message);
    let (_, body) = protocol::guess_protocol(&headers, path).encode_fault(None, &ids::uuid(), &fault);
    let mut head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-type: {}\r\ncontent-length: {}\r\n",
        body.content_type,
        body.bytes.len()
    );
    for (name, value) in body.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", &body.bytes].concat()
}

/// Header values by name; those of repeated headers are joined with commas.
fn join_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
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
