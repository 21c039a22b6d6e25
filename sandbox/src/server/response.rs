//! HTTP responses in the protocol of their request.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use crate::Fault;
use crate::auth::ErrorFormat;
use crate::base::ids;
use crate::core::AwsService;
use crate::protocol::event_stream::{self, EventStream};
use crate::protocol::service_model::Model;
use crate::protocol::{self, Protocol};

/// How the response to a request is encoded: guessed from its head, known once its service is.
pub(super) struct ResponseFormat {
    pub protocol: Protocol,
    model: Option<&'static Model>,
    request_id: String,
}

impl ResponseFormat {
    /// The format that the head of a request suggests.
    pub(super) fn guess(headers: &BTreeMap<String, String>, path: &str) -> Self {
        Self { protocol: protocol::guess_protocol(headers, path), model: None, request_id: ids::uuid() }
    }

    /// Changes to the service's protocol that matches the request best.
    pub(super) fn set_service(&mut self, service: &AwsService) {
        self.protocol = protocol::choose_protocol(service.protocols, self.protocol);
        self.model = service.model();
    }

    /// How errors of the protocol's family are written.
    pub(super) fn error_format(&self) -> ErrorFormat {
        self.protocol.error_format()
    }

    /// The response with an operation's output.
    pub(super) fn output(&self, operation: &str, output: Value) -> Response<Body> {
        let body = self.protocol.encode(self.model, operation, &self.request_id, output);
        respond(StatusCode::OK, &self.request_id, body)
    }

    /// A response that continues until the stream or the client ends it.
    pub(super) fn stream(&self, stream: EventStream) -> Response<Body> {
        let head = protocol::Body { content_type: event_stream::CONTENT_TYPE, bytes: Vec::new(), headers: Vec::new() };
        let messages = futures_util::stream::unfold(stream, async |mut stream| {
            let message = stream.next().await?;
            Some((Ok::<_, Infallible>(Bytes::from(message)), stream))
        });
        let (parts, _) = respond(StatusCode::OK, &self.request_id, head).into_parts();
        Response::from_parts(parts, Body::from_stream(messages))
    }

    /// The response with a fault.
    pub(super) fn fault(&self, fault: &Fault) -> Response<Body> {
        let (status, body) = self.protocol.encode_fault(self.model, &self.request_id, fault);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        respond(status, &self.request_id, body)
    }
}

/// A response with a body that is already encoded.
pub(super) fn respond(status: StatusCode, request_id: &str, body: protocol::Body) -> Response<Body> {
    let mut response = Response::new(Body::from(body.bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(body.content_type));
    let extra = body.headers.into_iter().chain([("x-amzn-requestid", request_id.to_owned())]);
    for (name, value) in extra {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}
