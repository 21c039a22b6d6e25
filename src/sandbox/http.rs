//! Takes HTTP requests in: what the [`gate`] lets through, the signature, then the service's codec and operation.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response, StatusCode, header};
use serde_json::Value;
use tokio::net::TcpListener;

use super::auth::{self, Dialect, signature};
use super::connections::{self, Cut};
use super::exchange::Exchange;
use super::wire::{self, Incoming};
use super::world::ids;
use super::{Fault, Sandbox, gate, services};

struct Server {
    sandbox: Arc<Sandbox>,
    hosts: [String; 2],
}

/// Answers requests until the sandbox's stop signal.
pub async fn serve(listener: TcpListener, sandbox: &Arc<Sandbox>) -> io::Result<()> {
    let port = listener.local_addr()?.port();
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let server = Arc::new(Server { sandbox: Arc::clone(sandbox), hosts });
    connections::serve(listener, &sandbox.shutdown, move |request| {
        let server = Arc::clone(&server);
        async move {
            let (parts, body) = request.into_parts();
            handle(&server, &parts, Body::new(body)).await
        }
    })
    .await;
    Ok(())
}

async fn handle(server: &Server, parts: &Parts, body: Body) -> Result<Response<Body>, Cut> {
    let request_id = ids::uuid();
    let mut exchange = Exchange::new(&server.sandbox, &parts.method);
    let headers = joined(&parts.headers);
    let dialect = guess_dialect(&headers);
    let answered = match admit(server, parts, headers, body, dialect).await {
        Ok((signed, body)) => {
            answer(&server.sandbox, &signed.with_body(&body), dialect, &request_id, &mut exchange).await
        }
        Err(fault) => Err((dialect, fault)),
    };
    exchange.end(answered.as_ref().err().map(|(_, fault)| fault))?;
    let response = match answered {
        Ok(body) => respond(StatusCode::OK, &request_id, body),
        Err((dialect, fault)) => refuse(dialect, &request_id, &fault),
    };
    Ok(exchange.deliver(response).await)
}

/// Reads the body, unless the head says already that the request will be refused.
async fn admit<'a>(
    server: &Server,
    parts: &'a Parts,
    headers: BTreeMap<String, String>,
    body: Body,
    dialect: Dialect,
) -> Result<(signature::Request<'a>, Bytes), Fault> {
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let checked = gate::check_head(parts, &headers, &server.hosts);
    let signed = signature::Request { method: parts.method.as_str(), path, query, headers, body: &[] };
    let known = checked.and_then(|()| {
        auth::check_key(&signed, &server.sandbox.config.credentials).map_err(|denied| denied.fault(dialect))
    });
    if let Err(fault) = known {
        gate::discard(body).await;
        return Err(fault);
    }
    Ok((signed, gate::read_body(body).await?))
}

async fn answer(
    sandbox: &Arc<Sandbox>,
    signed: &signature::Request<'_>,
    dialect: Dialect,
    request_id: &str,
    exchange: &mut Exchange,
) -> Result<wire::Body, (Dialect, Fault)> {
    let config = &sandbox.config;
    let service = auth::verify(signed, &config.credentials, &config.region, dialect, sandbox.clock.now())
        .map_err(|denied| (dialect, denied.fault(dialect)))?;
    let service = services::find(&service).map_err(|fault| (dialect, fault))?;
    let dialect = service.protocol.dialect();
    if signed.path != "/" {
        return Err((dialect, Fault::not_implemented(&format!("{} {}", signed.method, signed.path))));
    }
    let incoming = Incoming { headers: &signed.headers, query: signed.query, body: signed.body };
    let request = service.protocol.decode(&incoming).map_err(|fault| (dialect, fault))?;
    exchange.is_for(service, &request).await.map_err(|fault| (dialect, fault))?;
    let output = run(sandbox, service, &request.operation, request.input).await.map_err(|fault| (dialect, fault))?;
    Ok(service.protocol.encode(&request.operation, request_id, &output))
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

/// Before the signature is verified, nothing that a request says of its service is trusted; it only chooses the words.
fn guess_dialect(headers: &BTreeMap<String, String>) -> Dialect {
    if headers.contains_key("x-amz-target") {
        Dialect::Json
    } else if headers.get("authorization").is_some_and(|value| value.contains("/ec2/aws4_request")) {
        Dialect::Ec2
    } else {
        Dialect::Query
    }
}

fn refuse(dialect: Dialect, request_id: &str, fault: &Fault) -> Response<Body> {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(status, request_id, wire::encode_fault(dialect, request_id, fault))
}

fn respond(status: StatusCode, request_id: &str, body: wire::Body) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, body.content_type)
        .header("x-amzn-requestid", request_id)
        .body(Body::from(body.text))
        .expect("a status, two plain headers and a text make a response")
}
