//! The sandbox as commands use it: found or started in the background, connected to, called beside AWS's calls.

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

/// A sandbox that runs.
#[derive(Debug, Clone)]
pub struct SandboxHandle(Endpoint);

impl SandboxHandle {
    /// The sandbox that plays this account and region; it is started when it is not running.
    pub async fn start(settings: &Settings, environment: Environment) -> Result<Self, CliError> {
        let options = options(settings, environment)?;
        start(&options, settings).await.map(|(endpoint, _)| Self(endpoint))
    }

    /// How the AWS clients reach it. Nothing of the user's own AWS configuration is used.
    pub fn connection(&self) -> Connection {
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

    /// A control call.
    pub async fn call(&self, operation: &str, input: &Value, now: Timestamp) -> Result<Value, CliError> {
        Ok(self.0.call(operation, input, now).await?)
    }
}

/// The sandbox of these options and what it says of itself. One that runs in their folder and plays another account or region is refused.
pub async fn start(options: &Options, settings: &Settings) -> Result<(Endpoint, Value), CliError> {
    let Options { account, region, .. } = options;
    let (endpoint, status) = lifecycle::start(&this_program()?, options).await?;
    if (&endpoint.account, &endpoint.region) != (account, region) {
        let Endpoint { account: its_account, region: its_region, .. } = &endpoint;
        return Err(CliError::usage(format!(
            "the sandbox that runs there plays account {its_account} in {its_region}, and this is for {account} in {region}"
        ))
        .hint(
            Hint::from("choose another folder with ECSWS_SANDBOX_DIR, or stop it: ")
                .then(settings.sandbox_command("stop")),
        ));
    }
    Ok((endpoint, status))
}

/// The sandbox of an account and region, with the defaults of everything else.
pub fn options(settings: &Settings, environment: Environment) -> Result<Options, CliError> {
    let home = StateHome {
        sandbox_dir: settings.sandbox_dir.clone(),
        xdg_state_home: settings.xdg_state_home.clone(),
        home: settings.home.clone(),
    };
    let Environment { account, region } = environment;
    // Its process has another working folder.
    let state_dir = settings.working_dir.join(home.state_dir(&account, &region)?);
    Ok(Options { account, region, state_dir, speed: 1.0, host_exec: true })
}

/// The file of this program, which is also the sandbox's.
pub fn this_program() -> Result<PathBuf, CliError> {
    std::env::current_exe()
        .map_err(|error| CliError::failed(format!("cannot find the file of this program: {error}")).source(error))
}
