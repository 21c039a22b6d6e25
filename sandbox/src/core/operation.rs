//! Operations of services, calls of them, and what they return.

use std::pin::Pin;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{AwsService, Sandbox};
use crate::Fault;
use crate::auth::Identity;
use crate::protocol::coerce;
use crate::protocol::event_stream::EventStream;

/// The input of an operation without members.
#[derive(Debug, Deserialize)]
pub(crate) struct NoInput {}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// The name in the API, such as `DescribeStacks`.
    pub name: &'static str,
    /// Runs the operation. The `operation!` macro creates this function.
    pub run: fn(Call) -> OperationFuture,
}

/// An operation that is running.
pub(super) type OperationFuture = Pin<Box<dyn Future<Output = Result<OperationOutput, Fault>> + Send>>;

/// One call of an operation.
#[derive(Debug)]
pub struct Call {
    pub sandbox: Arc<Sandbox>,
    /// The service that has the operation.
    pub service: &'static AwsService,
    pub operation: &'static str,
    /// The members, by their names in the API's model.
    pub input: Value,
    pub identity: Identity,
}

impl Call {
    /// The typed input, or the service's validation error.
    pub fn parse<T: DeserializeOwned>(self) -> Result<(Arc<Sandbox>, T), Fault> {
        let target = || format!("{}:{}", self.service.signing_name, self.operation);
        let input = coerce::from_value(self.input).map_err(|error| self.service.input_fault(&target(), &error))?;
        Ok((self.sandbox, input))
    }
}

/// The result of most operations: the output's members by their names in the API's model, or a fault.
pub(crate) type OperationResult = Result<Value, Fault>;

/// The successful result of an operation.
#[derive(Debug)]
pub enum OperationOutput {
    /// The complete output.
    Complete(Value),
    /// A stream of events.
    Stream(EventStream),
}

impl From<Value> for OperationOutput {
    fn from(output: Value) -> Self {
        Self::Complete(output)
    }
}

impl From<EventStream> for OperationOutput {
    fn from(stream: EventStream) -> Self {
        Self::Stream(stream)
    }
}

/// The return types that an operation's function may have: a result, or an output where nothing can fail.
pub(crate) trait IntoOperationResult {
    /// Converts the value.
    fn into_operation_result(self) -> Result<OperationOutput, Fault>;
}

impl<T: Into<OperationOutput>> IntoOperationResult for Result<T, Fault> {
    fn into_operation_result(self) -> Result<OperationOutput, Fault> {
        self.map(Into::into)
    }
}

impl IntoOperationResult for Value {
    fn into_operation_result(self) -> Result<OperationOutput, Fault> {
        Ok(self.into())
    }
}

/// A row of a service's operations: `operation!("Name" => function)` for `fn(&Arc<Sandbox>, Input) -> OperationResult` (or `-> Value`),
/// which may take long; `operation!(async "Name" => function)` for `async fn(Arc<Sandbox>, Input) -> OperationResult`.
macro_rules! operation {
    ($name:literal => $function:expr) => {
        $crate::core::Operation {
            name: $name,
            run: |call| {
                Box::pin(async move {
                    $crate::base::supervisor::block(|| {
                        let (sandbox, input) = call.parse()?;
                        $crate::core::IntoOperationResult::into_operation_result(($function)(&sandbox, input))
                    })
                })
            },
        }
    };
    (async $name:literal => $function:expr) => {
        $crate::core::Operation {
            name: $name,
            run: |call| {
                Box::pin(async move {
                    let (sandbox, input) = call.parse()?;
                    $crate::core::IntoOperationResult::into_operation_result(($function)(sandbox, input).await)
                })
            },
        }
    };
}
pub(crate) use operation;
