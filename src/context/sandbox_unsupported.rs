//! Replaces the sandbox in builds without it: it needs Unix process groups and signals, and the feature `sandbox`.

use jiff::Timestamp;
use serde_json::Value;

use crate::aws::Connection;
use crate::error::CliError;
use crate::settings::Settings;
use crate::stack::Environment;

/// A running sandbox, which cannot exist here.
#[derive(Debug, Clone)]
pub(crate) enum SandboxHandle {}

impl SandboxHandle {
    /// Fails: there is no sandbox.
    #[expect(clippy::unused_async, reason = "same signature as with the sandbox")]
    pub(crate) async fn start(_settings: &Settings, _environment: Environment) -> Result<Self, CliError> {
        let (message, hint) = if cfg!(unix) {
            ("this ecsws was built without the sandbox", "leave --sandbox out, or build it with the feature `sandbox`")
        } else {
            ("the sandbox runs on Linux and macOS only", "leave --sandbox out, or use WSL")
        };
        Err(CliError::usage(message).hint(hint))
    }

    /// Unreachable.
    pub(crate) fn connection(&self) -> Connection {
        match *self {}
    }

    /// Unreachable.
    #[expect(clippy::unused_async, reason = "same signature as with the sandbox")]
    pub(crate) async fn call(&self, _operation: &str, _input: &Value, _now: Timestamp) -> Result<Value, CliError> {
        match *self {}
    }
}
