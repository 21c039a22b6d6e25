//! What a command works with: settings, the terminal, the clock, and the AWS clients built on first use.

mod interrupts;
#[cfg_attr(not(all(unix, feature = "sandbox")), path = "sandbox_unsupported.rs")]
pub(crate) mod sandbox;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::aws::{Aws, Connection};
use crate::error::CliError;
use crate::model::ServiceName;
use crate::project::{Project, SPEC_FILE, no_project};
use crate::render::{Ui, UiOptions, clean};
use crate::settings::{ColorWhen, OutputFormat, Settings, Terminals, Verbosity};
use crate::stack::spec::Target;
use crate::stack::{Environment, is_region};
use crate::waits::Waits;
use interrupts::Interrupts;
pub(crate) use interrupts::{Listener, Signal};
use sandbox::SandboxHandle;

/// The sandbox's default account.
const SANDBOX_ACCOUNT: &str = "123456789012";
/// The sandbox's default region.
const SANDBOX_REGION: &str = "us-east-1";

/// The settings, terminal, clock and clients of one command.
#[derive(Debug)]
pub(crate) struct Context {
    /// Flags and environment, resolved.
    pub settings: Settings,
    pub ui: Ui,
    /// Signals that interrupt the command.
    pub interrupts: Interrupts,
    /// The waits of the command, among them every call of AWS.
    pub waits: Waits,
    aws: Option<Arc<Aws>>,
    /// The sandbox that the clients use, if any.
    sandbox: Option<SandboxHandle>,
}

/// What a container runtime of the sandbox can do on this machine.
#[derive(Debug)]
pub(crate) struct RuntimeReport {
    /// What it cannot do, in words.
    pub unenforced_limits: Vec<String>,
    /// The images that it has to pull.
    pub missing: Vec<String>,
}

impl Context {
    /// A context without clients; they are built on first use. It receives signals on the current runtime.
    pub(crate) fn new(settings: Settings) -> Self {
        let is_interrupted = Arc::default();
        let ui = Ui::new(ui_options(&settings), &is_interrupted);
        let progress = ui.progress();
        Self {
            ui,
            interrupts: Interrupts::start(is_interrupted, move || progress.end_line()),
            waits: Waits::default(),
            settings,
            aws: None,
            sandbox: None,
        }
    }

    /// The time, by this machine's clock.
    pub(crate) fn now() -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one clock of the commands")]
        Timestamp::now()
    }

    /// The project of the working folder, or of a folder above it.
    ///
    /// # Errors
    /// Also if there is none.
    pub(crate) fn project(&mut self) -> Result<Project, CliError> {
        self.project_if_any()?.ok_or_else(|| no_project(&self.settings.working_dir))
    }

    /// The project, if there is one. Prints its warnings.
    pub(crate) fn project_if_any(&mut self) -> Result<Option<Project>, CliError> {
        let project = Project::find(&self.settings)?;
        if let Some(project) = &project {
            self.show_project(&project.dir);
        }
        for warning in project.iter().flat_map(|project| &project.warnings) {
            self.ui.warn_with_hint(warning);
        }
        Ok(project)
    }

    /// Prints which project is used, with `-v`.
    pub(crate) fn show_project(&mut self, dir: &Path) {
        self.ui.detail(&format!("using {}", clean(&dir.join(SPEC_FILE).display().to_string(), false)));
    }

    /// The AWS clients. With `--sandbox`, starts the local AWS if it is not running.
    pub(crate) async fn aws(&mut self, project: Option<&Project>) -> Result<Arc<Aws>, CliError> {
        if let Some(aws) = &self.aws {
            return Ok(Arc::clone(aws));
        }
        let Settings { region_flag, region_variable, sandbox, .. } = &self.settings;
        let region = region_flag.as_ref().or(region_variable.as_ref().filter(|_| !sandbox));
        if let Some(region) = region.filter(|name| !is_region(name)) {
            let by_variable =
                if self.settings.region_flag.is_some() { "" } else { "AWS_REGION or AWS_DEFAULT_REGION: " };
            let message = format!("{by_variable}`{region}` is not a region");
            return Err(CliError::usage(message).hint("a region looks like us-east-1"));
        }
        if self.settings.sandbox && self.settings.endpoint_url.is_some() {
            return Err(
                CliError::usage("--sandbox and --endpoint-url exclude each other").hint("leave one of them out")
            );
        }
        let connection =
            if self.settings.sandbox { self.start_sandbox(project).await? } else { self.aws_connection(project) };
        let ui = &mut self.ui;
        let ask = async |serial: &str| ui.ask(&format!("MFA code of {serial}:")).await;
        let aws = Arc::new(Aws::connect(connection, ask).await?);
        let endpoint = aws.endpoint_url().unwrap_or("AWS").to_owned();
        self.ui.detail(&format!("calls go to {endpoint} in {}", aws.region()));
        self.aws = Some(Arc::clone(&aws));
        Ok(aws)
    }

    /// The connection to AWS. The region comes from the flag, then `[target]`, then the environment, then the profile.
    fn aws_connection(&self, project: Option<&Project>) -> Connection {
        let target = project.and_then(|project| project.spec.target.region.clone());
        let Settings { profile, region_flag, region_variable, endpoint_url, variables, .. } = self.settings.clone();
        let region = region_flag.or(target).or(region_variable);
        Connection { profile, region, endpoint_url, variables, waits: self.waits.clone(), ..Connection::default() }
    }

    async fn start_sandbox(&mut self, project: Option<&Project>) -> Result<Connection, CliError> {
        let _wait = self.waits.begin("the sandbox to start");
        let sandbox = SandboxHandle::start(&self.settings, self.sandbox_environment(project)).await?;
        let connection = Connection { waits: self.waits.clone(), ..sandbox.connection() };
        self.sandbox = Some(sandbox);
        Ok(connection)
    }

    /// The sandbox's account and region: those of `[target]`, or the defaults.
    pub(crate) fn sandbox_environment(&self, project: Option<&Project>) -> Environment {
        self.sandbox_of(project.map(|project| project.spec.target.clone()).unwrap_or_default())
    }

    /// The account and region of the sandbox for a target.
    pub(crate) fn sandbox_of(&self, target: Target) -> Environment {
        let region = self.settings.region_flag.clone().or(target.region);
        Environment {
            account: target.account.unwrap_or_else(|| SANDBOX_ACCOUNT.to_owned()),
            region: region.unwrap_or_else(|| SANDBOX_REGION.to_owned()),
        }
    }

    /// The sandbox that the clients use, if any.
    pub(crate) fn sandbox(&self) -> Option<SandboxHandle> {
        self.sandbox.clone()
    }

    /// The URL of a service on this machine; `None` outside the sandbox.
    pub(crate) async fn local_url(&self, service: &ServiceName) -> Result<Option<String>, CliError> {
        match &self.sandbox {
            Some(sandbox) => sandbox.service_url(service, Self::now()).await,
            None => Ok(None),
        }
    }
}

fn ui_options(settings: &Settings) -> UiOptions {
    let Terminals { stdin, stdout, stderr } = settings.terminals;
    UiOptions {
        json: settings.output == OutputFormat::Json,
        color: match settings.color {
            ColorWhen::Auto => None,
            ColorWhen::Always => Some(true),
            ColorWhen::Never => Some(false),
        },
        quiet: settings.verbosity == Verbosity::Quiet,
        verbose: settings.verbosity == Verbosity::Verbose,
        yes: settings.yes,
        stdin_is_terminal: stdin,
        stdout_is_terminal: stdout,
        stderr_is_terminal: stderr,
        command_line: settings.command_line.clone(),
    }
}
