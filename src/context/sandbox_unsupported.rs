//! Replaces the sandbox in builds without it: it needs Unix process groups and signals, and the feature `sandbox`.

use std::path::Path;

use jiff::Timestamp;

use super::RuntimeReport;
use crate::aws::Connection;
use crate::error::CliError;
use crate::model::ServiceName;
use crate::settings::Settings;
use crate::stack::{Environment, spec};

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
    pub(crate) async fn put_images(
        &self,
        _stack: &str,
        _spec: &spec::Sandbox,
        _project_dir: &Path,
        _now: Timestamp,
    ) -> Result<(), CliError> {
        match *self {}
    }

    /// Unreachable.
    #[expect(clippy::unused_async, reason = "same signature as with the sandbox")]
    pub(crate) async fn check_runtime(
        &self,
        _runtime: spec::Runtime,
        _images: Vec<String>,
        _now: Timestamp,
    ) -> Result<RuntimeReport, CliError> {
        match *self {}
    }

    /// Unreachable.
    #[expect(clippy::unused_async, reason = "same signature as with the sandbox")]
    pub(crate) async fn service_url(&self, _name: &ServiceName, _now: Timestamp) -> Result<Option<String>, CliError> {
        match *self {}
    }
}
