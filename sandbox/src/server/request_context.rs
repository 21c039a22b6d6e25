//! One request from its head to its response: the format of the response, the line in the sandbox's log, and injected faults.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Response};
use hyper::body::{Frame, SizeHint};
use jiff::Timestamp;
use tokio::time::{Instant, Sleep};

use super::connections::ConnectionAborted;
use super::response::ResponseFormat;
use crate::core::AwsService;
use crate::fault_injection::{InjectedFault, throttled};
use crate::protocol::DecodedRequest;
use crate::{Fault, Sandbox};

/// How long the first half of a response has to reach the client before the connection is aborted.
const ABORT_DELAY: Duration = Duration::from_millis(20);

/// A request in progress.
pub(super) struct RequestContext {
    pub sandbox: Arc<Sandbox>,
    pub format: ResponseFormat,
    started_at: Timestamp,
    /// What the log calls it: `SERVICE:OPERATION` once these are known.
    name: String,
    /// Whether its service and operation are known. Messages of later client faults are not logged: they may repeat the input.
    is_dispatched: bool,
    abort: Option<AbortPoint>,
}

/// When an injected fault aborts the connection.
#[derive(PartialEq, Eq)]
enum AbortPoint {
    BeforeResponse,
    DuringResponse,
}

impl RequestContext {
    /// A request of which only the method has been read.
    pub(super) fn new(sandbox: &Arc<Sandbox>, method: &Method, format: ResponseFormat) -> Self {
        let (started_at, name) = (sandbox.clock.now(), format!("{method} request refused"));
        Self { sandbox: Arc::clone(sandbox), format, started_at, name, is_dispatched: false, abort: None }
    }

    /// Notes the operation that is called, refuses it above its rate limit, and injects the first fault that matches it.
    pub(super) async fn dispatch(&mut self, service: &AwsService, request: &DecodedRequest) -> Result<(), Fault> {
        self.name = format!("{}:{}", service.signing_name, request.operation);
        self.is_dispatched = true;
        let Sandbox { registry, rate_limiter, config, .. } = &*self.sandbox;
        if !rate_limiter.allows(registry.rate_limits, &self.name, &config.region, Instant::now()) {
            return Err(throttled(self.format.error_format()));
        }
        let aborted = || Fault::internal("the connection is cut");
        // Control calls are exempt, so that faults can always be removed.
        let injector = Some(&self.sandbox.fault_injector).filter(|_| !service.owner_only);
        match injector
            .and_then(|injector| injector.next_for_request(&self.name, self.format.error_format(), &request.input))
        {
            None => Ok(()),
            Some(InjectedFault::Refuse(fault)) => Err(fault),
            Some(InjectedFault::Delay(time)) => {
                // Clients measure this with their own clocks, so `--speed` does not shorten it.
                self.sandbox.shutdown.run_until_cancelled(tokio::time::sleep(time)).await;
                Ok(())
            }
            Some(InjectedFault::Hang) => {
                self.sandbox.shutdown.cancelled().await;
                self.abort = Some(AbortPoint::BeforeResponse);
                Err(aborted())
            }
            Some(InjectedFault::Cut) => {
                self.abort = Some(AbortPoint::BeforeResponse);
                Err(aborted())
            }
            Some(InjectedFault::CutResponse) => {
                self.abort = Some(AbortPoint::DuringResponse);
                Ok(())
            }
        }
    }

    /// Writes the request's line to the log.
    pub(super) fn log(&self, fault: Option<&Fault>) -> Result<(), ConnectionAborted> {
        let duration = self.sandbox.clock.now().duration_since(self.started_at).as_millis();
        let outcome = match fault {
            _ if self.abort == Some(AbortPoint::BeforeResponse) => "cut".to_owned(),
            None => "200".to_owned(),
            Some(fault) if self.is_dispatched && fault.status < 500 => format!("{} {}", fault.status, fault.code),
            Some(Fault { status, code, message, .. }) => format!("{status} {code}: {message}"),
        };
        self.sandbox.log.write(&format!("{} {outcome} ({duration} ms)", self.name));
        if self.abort == Some(AbortPoint::BeforeResponse) { Err(ConnectionAborted) } else { Ok(()) }
    }

    /// The response to send: the first half of it where a fault aborts the connection in the middle.
    pub(super) async fn finish(&self, response: Response<Body>) -> Response<Body> {
        if self.abort != Some(AbortPoint::DuringResponse) {
            return response;
        }
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        let truncated = TruncatedBody {
            first_half: Some(bytes.slice(..bytes.len() / 2)),
            content_length: bytes.len() as u64,
            delay: Box::pin(tokio::time::sleep(ABORT_DELAY)),
        };
        Response::from_parts(parts, Body::new(truncated))
    }
}

/// A body that fails after its first half.
struct TruncatedBody {
    first_half: Option<Bytes>,
    content_length: u64,
    delay: Pin<Box<Sleep>>,
}

impl hyper::body::Body for TruncatedBody {
    type Data = Bytes;
    type Error = ConnectionAborted;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ConnectionAborted>>> {
        let body = self.get_mut();
        match body.first_half.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => body.delay.as_mut().poll(context).map(|()| Some(Err(ConnectionAborted))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.content_length)
    }
}
