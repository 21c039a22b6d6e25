//! One request and its answer, as the log tells it and as faults for tests disturb it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Response};
use hyper::body::{Frame, SizeHint};
use jiff::Timestamp;
use tokio::time::Sleep;

use super::connections::Cut;
use crate::auth::Dialect;
use crate::core::Service;
use crate::faults::Strike;
use crate::protocol::Request;
use crate::{Fault, Sandbox};

/// How long the first half of an answer has to get on its way before its connection is cut.
const PAUSE: Duration = Duration::from_millis(20);

/// A request under way.
pub struct Exchange {
    sandbox: Arc<Sandbox>,
    begun: Timestamp,
    what: String,
    /// Whether its service and operation are known: then its refusals are answers, whose words may repeat its input.
    is_known: bool,
    cut: Option<When>,
}

#[derive(PartialEq, Eq)]
enum When {
    BeforeAnswer,
    DuringAnswer,
}

impl Exchange {
    /// A request of which only the method is trusted.
    pub fn new(sandbox: &Arc<Sandbox>, method: &Method) -> Self {
        let (begun, what) = (sandbox.clock.now(), format!("{method} request refused"));
        Self { sandbox: Arc::clone(sandbox), begun, what, is_known: false, cut: None }
    }

    /// Says what the request asks for, and lets happen to it what a fault says.
    pub async fn is_for(&mut self, service: &Service, dialect: Dialect, request: &Request) -> Result<(), Fault> {
        self.what = format!("{}:{}", service.signing_name, request.operation);
        self.is_known = true;
        let cut = || Fault::internal("the connection is cut");
        // Control calls are never disturbed, so that faults can always be taken back.
        let faults = Some(&self.sandbox.faults).filter(|_| !service.is_for_owner);
        match faults.and_then(|faults| faults.strike(&self.what, dialect, &request.input)) {
            None => Ok(()),
            Some(Strike::Refuse(fault)) => Err(fault),
            Some(Strike::Delay(time)) => {
                // Clients measure this with their own clocks, so it is not shortened.
                self.sandbox.shutdown.run_until_cancelled(tokio::time::sleep(time)).await;
                Ok(())
            }
            Some(Strike::Hang) => {
                self.sandbox.shutdown.cancelled().await;
                self.cut = Some(When::BeforeAnswer);
                Err(cut())
            }
            Some(Strike::Cut) => {
                self.cut = Some(When::BeforeAnswer);
                Err(cut())
            }
            Some(Strike::CutAnswer) => {
                self.cut = Some(When::DuringAnswer);
                Ok(())
            }
        }
    }

    /// Writes the request's line to the log.
    pub fn end(&self, fault: Option<&Fault>) -> Result<(), Cut> {
        let took = self.sandbox.clock.now().duration_since(self.begun).as_millis();
        let told = match fault {
            _ if self.cut == Some(When::BeforeAnswer) => "cut".to_owned(),
            None => "200".to_owned(),
            Some(fault) if self.is_known && fault.status < 500 => format!("{} {}", fault.status, fault.code),
            Some(Fault { status, code, message, .. }) => format!("{status} {code}: {message}"),
        };
        self.sandbox.log.write(&format!("{} {told} ({took} ms)", self.what));
        if self.cut == Some(When::BeforeAnswer) { Err(Cut) } else { Ok(()) }
    }

    /// The answer as it is sent: half of it where the connection is to be cut in its middle.
    pub async fn deliver(&self, response: Response<Body>) -> Response<Body> {
        if self.cut != Some(When::DuringAnswer) {
            return response;
        }
        let (parts, body) = response.into_parts();
        let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        let promised = whole.len() as u64;
        let half =
            Half { part: Some(whole.slice(..whole.len() / 2)), promised, pause: Box::pin(tokio::time::sleep(PAUSE)) };
        Response::from_parts(parts, Body::new(half))
    }
}

/// A body that fails in its middle.
struct Half {
    part: Option<Bytes>,
    promised: u64,
    pause: Pin<Box<Sleep>>,
}

impl hyper::body::Body for Half {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let half = self.get_mut();
        match half.part.take() {
            Some(part) => Poll::Ready(Some(Ok(Frame::data(part)))),
            None => half.pause.as_mut().poll(context).map(|()| Some(Err(Cut))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
