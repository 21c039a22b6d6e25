//! The interface between services and the rest: what a service and an operation are, and the [`Sandbox`] that they work on.
//!
//! Nothing here names a service: the services come in as a value, the [`Registry`].

mod aws_service;
mod config;
pub(crate) mod hooks;
pub(crate) mod in_memory;
mod input_faults;
mod operation;
mod rate_limits;
mod registry_type;
mod sandbox;
mod sdk_variables;

pub(crate) use aws_service::{AwsService, Caller};
pub use config::Config;
pub(crate) use operation::operation;
pub(crate) use operation::{Call, IntoOperationResult, NoInput, Operation, OperationOutput, OperationResult};
pub(crate) use rate_limits::{RateLimit, RateLimiter};
pub(crate) use registry_type::Registry;
pub use sandbox::Sandbox;
pub(crate) use sdk_variables::CREDENTIALS_PATH;
