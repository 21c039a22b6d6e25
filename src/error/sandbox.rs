//! Errors of the sandbox.

use std::borrow::Cow;

use ecsws_sandbox::lifecycle::{ControlError, LifecycleError};

use super::CliError;
use crate::exit::Exit;

impl From<LifecycleError> for CliError {
    fn from(error: LifecycleError) -> Self {
        let exit = match error {
            LifecycleError::InvalidLocation(_) | LifecycleError::ForeignFolder(_) => Exit::Usage,
            _ => Exit::Failed,
        };
        let hint: Option<Cow<'_, str>> = match error {
            LifecycleError::Suspended(pid) => Some(format!("continue it with `kill -CONT {pid}`").into()),
            LifecycleError::Unresponsive(pid) | LifecycleError::DoesNotStop(pid) => {
                Some(format!("end it with `kill -9 {pid}`; the next start has everything that was deployed").into())
            }
            LifecycleError::NoStateHome => Some("set HOME, or choose a folder with ECSWS_SANDBOX_DIR".into()),
            LifecycleError::ForeignFolder(_) | LifecycleError::NotOwner { .. } => {
                Some("choose another folder with --state-dir or ECSWS_SANDBOX_DIR".into())
            }
            LifecycleError::Exposed { .. } => {
                Some("remove the permission with chmod go-w, or choose another folder with ECSWS_SANDBOX_DIR".into())
            }
            LifecycleError::Readable(_) => Some("stop the sandbox; its next start makes new keys".into()),
            LifecycleError::Link(_) => Some("remove the link".into()),
            _ => None,
        };
        let converted = Self::new(exit, error.to_string());
        let converted = match hint {
            Some(hint) => converted.hint(hint.into_owned()),
            None => converted,
        };
        converted.source(error)
    }
}

impl From<ControlError> for CliError {
    fn from(error: ControlError) -> Self {
        Self::failed(error.to_string()).source(error)
    }
}
