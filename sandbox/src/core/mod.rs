//! The interface between services and the rest: what a service and an operation are, and the [`Sandbox`] that they work on.
//!
//! Nothing here names a service: the services come in as a value, the [`Registry`].

mod config;
pub(crate) mod hooks;
mod operation;
mod registry;
pub(crate) mod runtimes;
mod sandbox;
mod sdk_variables;
mod service;
mod validation;

pub use config::Config;
pub(crate) use operation::operation;
pub(crate) use operation::{Answer, Call, IntoAnswer, NoInput, Operation, Reply};
pub(crate) use registry::Registry;
pub use sandbox::Sandbox;
pub(crate) use sdk_variables::CREDENTIALS_PATH;
pub(crate) use service::{Caller, Service};
