//! Where there is no sandbox: it needs process groups and signals as Unix has them.

use jiff::Timestamp;
use serde_json::Value;

use crate::aws::Connection;
use crate::error::CliError;
use crate::settings::Settings;
use crate::stack::Environment;

/// A sandbox that runs: never, here.
#[derive(Debug)]
pub enum Local {}

impl Local {
    /// Says that there is none.
    #[expect(clippy::unused_async, reason = "the shape of the real one")]
    pub async fn start(_settings: &Settings, _environment: Environment) -> Result<Self, CliError> {
        Err(CliError::usage("the sandbox runs on Linux and macOS only").hint("leave --sandbox out, or use WSL"))
    }

    /// There is none.
    pub fn connection(&self) -> Connection {
        match *self {}
    }

    /// There is none.
    #[expect(clippy::unused_async, reason = "the shape of the real one")]
    pub async fn call(&self, _operation: &str, _input: &Value, _now: Timestamp) -> Result<Value, CliError> {
        match *self {}
    }
}
