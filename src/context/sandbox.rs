//! Finds or starts the sandbox, and makes control calls to it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ecsws_sandbox::lifecycle::{self, Endpoint, LifecycleError, Options, StateHome};
use ecsws_sandbox::messages::{self, ImageCommand, ImageRuntime, RuntimeCheck, StackImages, Status};
use jiff::Timestamp;

use super::RuntimeReport;
use crate::aws::{Connection, SandboxProcess, StaticKeys};
use crate::error::CliError;
use crate::hint::Hint;
use crate::model::ServiceName;
use crate::settings::Settings;
use crate::stack::{Environment, spec};
use crate::waits::Waits;

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
        let Endpoint { url, credentials, region, pid, .. } = &self.0;
        Connection {
            profile: None,
            region: Some(region.clone()),
            endpoint_url: Some(url.clone()),
            variables: HashMap::new(),
            static_keys: Some(StaticKeys {
                access_key_id: credentials.access_key_id.clone(),
                secret_access_key: credentials.secret_access_key.clone(),
            }),
            sandbox_process: Some(SandboxProcess { id: *pid, is_suspended: lifecycle::is_suspended }),
            waits: Waits::default(),
        }
    }

    /// Sets what runs the images of a stack. Folders are relative to that of the project.
    pub(crate) async fn put_images(
        &self,
        stack: &str,
        spec: &spec::Sandbox,
        project_dir: &Path,
        now: Timestamp,
    ) -> Result<(), CliError> {
        let images = spec.images.iter().map(|(image, replacement)| {
            let cwd = replacement.cwd.as_ref().map_or_else(|| project_dir.to_owned(), |cwd| project_dir.join(cwd));
            (image.clone(), ImageCommand { command: replacement.command.clone(), cwd: Some(cwd) })
        });
        let images = StackImages {
            stack_name: stack.to_owned(),
            runtime: image_runtime(spec.runtime),
            images: images.collect(),
        };
        Ok(self.0.put_images(&images, now).await?)
    }

    /// Checks whether a container runtime can run these images.
    ///
    /// # Errors
    /// It cannot be used.
    pub(crate) async fn check_runtime(
        &self,
        runtime: spec::Runtime,
        images: Vec<String>,
        now: Timestamp,
    ) -> Result<RuntimeReport, CliError> {
        let check = RuntimeCheck { runtime: image_runtime(runtime), images };
        let messages::RuntimeReport { unusable, unenforced_limits, missing } =
            self.0.check_runtime(&check, now).await?;
        match unusable {
            Some(reason) => Err(CliError::failed(reason).hint(
                "without `runtime` in [sandbox], a built-in web service or a command of [sandbox.images] replaces the image",
            )),
            None => Ok(RuntimeReport { unenforced_limits, missing }),
        }
    }

    /// The URL of a service on this machine; `None` if it has none.
    pub(crate) async fn service_url(&self, name: &ServiceName, now: Timestamp) -> Result<Option<String>, CliError> {
        let urls = self.0.service_urls(now).await?;
        let own = urls.into_iter().find(|url| url.cluster == name.cluster && url.service == name.service);
        Ok(own.map(|url| url.url))
    }
}

/// Starts the sandbox with these options if it is not running. Returns its endpoint and status.
///
/// # Errors
/// Also if a sandbox with another account or region runs in the folder.
pub(crate) async fn start(options: &Options, settings: &Settings) -> Result<(Endpoint, Status), CliError> {
    let Options { account, region, .. } = options;
    let started = lifecycle::start(&this_program()?, options).await;
    let (endpoint, status) = started.map_err(|error| match error {
        LifecycleError::UnusableState(_) => {
            CliError::from(error).hint(Hint::default().then(settings.sandbox_command("reset")).text(" deletes it"))
        }
        error => error.into(),
    })?;
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

fn image_runtime(runtime: spec::Runtime) -> ImageRuntime {
    match runtime {
        spec::Runtime::Process => ImageRuntime::Process,
        spec::Runtime::Podman => ImageRuntime::Podman,
        spec::Runtime::Docker => ImageRuntime::Docker,
    }
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
