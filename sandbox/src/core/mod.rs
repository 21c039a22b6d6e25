//! The interface between services and the rest: what a service and an operation are, and the [`Sandbox`] that they work on.
//!
//! Nothing here names a service: the services come in as a value, the [`Registry`].

mod config;
pub(crate) mod hooks;
pub(crate) mod in_memory;
mod input_faults;
mod operation;
mod sandbox;
mod sdk_variables;
mod service_definition;
mod service_registry;

pub use config::Config;
pub(crate) use operation::operation;
pub(crate) use operation::{Call, IntoOperationResult, NoInput, Operation, OperationOutput, OperationResult};
pub use sandbox::Sandbox;
pub(crate) use sdk_variables::CREDENTIALS_PATH;
pub(crate) use service_definition::{Caller, ServiceDefinition};
pub(crate) use service_registry::Registry;
