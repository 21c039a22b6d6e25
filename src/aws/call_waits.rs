//! Registers every call, with all its attempts, as a wait.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, Error, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{Metadata, OrchestratorError};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use super::config::SandboxProcess;
use super::error::root_cause;
use crate::waits::{Wait, Waits};

/// An interceptor of the SDK's clients.
#[derive(Debug, Clone)]
pub(super) struct CallWaits {
    pub waits: Waits,
    pub sandbox_process: Option<SandboxProcess>,
}

/// The wait of one call. The configuration bag owns it, so that it also ends with a cancelled call.
#[derive(Debug)]
struct CallWait(Wait);

impl Storable for CallWait {
    type Storer = StoreReplace<Self>;
}

#[dyn_dispatch_hint]
impl Intercept for CallWaits {
    fn name(&self) -> &'static str {
        "CallWaits"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let call = cfg.load::<Metadata>().map(|call| format!("{} {}", call.service(), call.name()));
        let wait = self.waits.begin(call.unwrap_or_else(|| "AWS".to_owned()));
        cfg.interceptor_state().store_put(CallWait(wait));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(Err(error)), Some(CallWait(wait))) = (context.output_or_error(), cfg.load::<CallWait>()) {
            let status = context.response().map(|response| response.status().as_u16());
            wait.set_error(self.attempt_error(error, status));
        }
        Ok(())
    }
}

impl CallWaits {
    /// The error of one attempt in short.
    fn attempt_error(&self, error: &OrchestratorError<Error>, status: Option<u16>) -> String {
        let connector_error = error.as_connector_error();
        let is_timeout = error.is_timeout_error() || connector_error.is_some_and(ConnectorError::is_timeout);
        match (status, self.sandbox_process) {
            (Some(status), _) => format!("HTTP {status}"),
            (None, Some(process)) if is_timeout => process.timeout_reason(),
            (None, None) if is_timeout => "no response in time".to_owned(),
            _ => connector_error.map_or_else(|| "no response".to_owned(), |error| root_cause(error)),
        }
    }
}
