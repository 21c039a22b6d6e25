//! The server's clock, by the Date header of its responses: this machine's may be wrong.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use tokio::time::Instant;

/// The time of the last response, by the server, and when it arrived. Also an interceptor of the SDK's clients, which keeps it.
#[derive(Debug, Clone, Default)]
pub(super) struct ServerClock(Arc<Mutex<Option<(Timestamp, Instant)>>>);

impl ServerClock {
    /// The server's time, up to a second early, because the header has whole seconds. `None` before the first response.
    pub(super) fn now(&self) -> Option<Timestamp> {
        let (time, arrived) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        time.checked_add(arrived.elapsed()).ok()
    }
}

#[dyn_dispatch_hint]
impl Intercept for ServerClock {
    fn name(&self) -> &'static str {
        "ServerClock"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Not of a proxy's error.
        let response = context.response().filter(|response| response.status().is_success());
        let date = response.and_then(|response| response.headers().get("date"));
        if let Some(time) = date.and_then(|date| rfc2822::parse(date).ok()) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((time.timestamp(), Instant::now()));
        }
        Ok(())
    }
}
