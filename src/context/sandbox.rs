//! Finds or starts the sandbox, and makes control calls to it.

use std::collections::HashMap;
use std::path::PathBuf;

use ecsws_sandbox::lifecycle::{self, Endpoint, Options, StateHome};
use jiff::Timestamp;
use serde_json::Value;

use crate::aws::{Connection, StaticKeys};
use crate::error::CliError;
use crate::hint::Hint;
use crate::settings::Settings;
use crate::stack::Environment;

/// A running sandbox.
#[derive(Debug, Clone)]
pub(crate) struct SandboxHandle(Endpoint);

impl SandboxHandle {
    /// The sandbox of an account and region. Starts it if it is not running.
    pub(crate) async fn start(settings: &Settings, environment: Environment) -> Result<Self, CliError> {
        let options = options(settings, environment)?;
        start(&options, settings).await.map(|(endpoint, _)| Self(endpoint))
    }

    /// The connection of the AWS clients. The user's AWS configuration is not used.
    pub(crate) fn connection(&self) -> Connection {
        let Endpoint { url, credentials, region, .. } = &self.0;
        Connection {
            profile: None,
            region: Some(region.clone()),
            endpoint_url: Some(url.clone()),
            variables: HashMap::new(),
            static_keys: Some(StaticKeys {
                access_key_id: credentials.access_key_id.clone(),
                secret_access_key: credentials.secret_access_key.clone(),
            }),
        }
    }

    /// Makes a control call.
    pub(crate) async fn call(&self, operation: &str, input: &Value, now: Timestamp) -> Result<Value, CliError> {
        Ok(self.0.call(operation, input, now).await?)
    }
}

/// Starts the sandbox with these options if it is not running. Returns its endpoint and status.
///
/// # Errors
/// Also if a sandbox with another account or region runs in the folder.
pub(crate) async fn start(options: &Options, settings: &Settings) -> Result<(Endpoint, Value), CliError> {
    let Options { account, region, .. } = options;
    let (endpoint, status) = lifecycle::start(&this_program()?, options).await?;
    if (&endpoint.account, &endpoint.region) != (account, region) {
        let Endpoint { account: its_account, region: its_region, .. } = &endpoint;
        return Err(CliError::usage(format!(
            "the running sandbox has account {its_account} and region {its_region}, not {account} and {region}"
        ))
        .hint(
            Hint::from("choose another folder with ECSWS_SANDBOX_DIR, or stop it: ")
                .then(settings.sandbox_command("stop")),
        ));
    }
    Ok((endpoint, status))
}

/// The default options for an account and region.
pub(crate) fn options(settings: &Settings, environment: Environment) -> Result<Options, CliError> {
    let home = StateHome {
        sandbox_dir: settings.sandbox_dir.clone(),
        xdg_state_home: settings.xdg_state_home.clone(),
        home: settings.home.clone(),
    };
    let Environment { account, region } = environment;
    // The sandbox's process has another working folder.
    let state_dir = settings.working_dir.join(home.state_dir(&account, &region)?);
    Ok(Options { account, region, state_dir, speed: 1.0, host_exec: true })
}

/// The file of this program, which is also the sandbox's.
pub(crate) fn this_program() -> Result<PathBuf, CliError> {
    std::env::current_exe()
        .map_err(|error| CliError::failed(format!("cannot find the file of this program: {error}")).source(error))
}
