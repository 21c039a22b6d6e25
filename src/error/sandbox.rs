//! Errors of the sandbox.

use ecsws_sandbox::lifecycle::{ControlError, LifecycleError};

use super::CliError;
use crate::exit::Exit;

impl From<LifecycleError> for CliError {
    fn from(error: LifecycleError) -> Self {
        let exit = match error {
            LifecycleError::InvalidLocation(_) | LifecycleError::ForeignFolder(_) => Exit::Usage,
            _ => Exit::Failed,
        };
        Self::new(exit, error.to_string()).source(error)
    }
}

impl From<ControlError> for CliError {
    fn from(error: ControlError) -> Self {
        Self::failed(error.to_string()).source(error)
    }
}
