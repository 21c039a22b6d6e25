//! The AWS client layer, the only module that uses the AWS SDKs. It returns values of [`crate::model`].
//!
//! [`Aws`] holds the configuration and the clients; the calls of each service are in the file of its name.

mod autoscaling;
mod call_waits;
mod cloud_map;
mod cloudformation;
mod config;
mod credentials;
mod ec2;
mod ecs;
mod error;
mod live_tail;
mod logs;
mod profiles;
mod secrets;
mod server_clock;

use std::sync::OnceLock;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

pub(crate) use cloudformation::idempotency_token;
pub(crate) use config::SandboxProcess;
pub use config::{Connection, StaticKeys};
pub(crate) use error::{AwsError, AwsErrorKind};

use crate::url::without_user_info;
use crate::waits::Waits;
use call_waits::CallWaits;
use server_clock::ServerClock;

type Result<T> = std::result::Result<T, AwsError>;

/// A typed client with the configuration of an [`Aws`].
macro_rules! client {
    ($sdk:ident, $aws:expr) => {{
        let config = $sdk::config::Builder::from(&$aws.config).interceptor($aws.call_waits());
        let config = config.interceptor($aws.server_clock.clone()).build();
        $sdk::Client::from_conf(config)
    }};
}
use client;

/// The AWS clients of one region and one set of credentials.
#[derive(Debug)]
pub struct Aws {
    config: SdkConfig,
    region: String,
    shown_endpoint: Option<String>,
    /// Endpoints that environment or profile set for single services, joined for error messages.
    service_endpoints: Option<String>,
    is_sandbox: bool,
    sandbox_process: Option<SandboxProcess>,
    profile: Option<String>,
    waits: Waits,
    server_clock: ServerClock,
    cloudformation: OnceLock<aws_sdk_cloudformation::Client>,
    ecs: OnceLock<aws_sdk_ecs::Client>,
    logs: OnceLock<aws_sdk_cloudwatchlogs::Client>,
    autoscaling: OnceLock<aws_sdk_applicationautoscaling::Client>,
    cloud_map: OnceLock<aws_sdk_servicediscovery::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
    secrets_manager: OnceLock<aws_sdk_secretsmanager::Client>,
}

/// The caller's identity, by STS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub account: String,
}

impl Aws {
    /// Loads the configuration. AWS is called only if the profile needs an MFA code: `mfa_code` returns the current code of the device
    /// with the given serial number, or `None` if there is no terminal to ask on.
    pub async fn connect(connection: Connection, mfa_code: impl AsyncFnMut(&str) -> Option<String>) -> Result<Self> {
        Self::connect_through(connection, config::https(), mfa_code).await
    }

    /// Like [`Aws::connect`], with the given HTTP client, so that tests need no network.
    pub async fn connect_through(
        connection: Connection,
        http: SharedHttpClient,
        mfa_code: impl AsyncFnMut(&str) -> Option<String>,
    ) -> Result<Self> {
        let Connection { profile, static_keys, .. } = &connection;
        let (profile, is_sandbox, waits) = (profile.clone(), static_keys.is_some(), connection.waits.clone());
        let sandbox_process = connection.sandbox_process;
        let config = config::load(connection, http, mfa_code).await?;
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(AwsError::new("call AWS", AwsErrorKind::NoRegion, "no region is configured"));
        };
        Ok(Self {
            is_sandbox,
            sandbox_process,
            profile,
            waits,
            server_clock: ServerClock::default(),
            shown_endpoint: config.endpoint_url().map(without_user_info),
            service_endpoints: config::service_endpoints(&config),
            config,
            region,
            cloudformation: OnceLock::new(),
            ecs: OnceLock::new(),
            logs: OnceLock::new(),
            autoscaling: OnceLock::new(),
            cloud_map: OnceLock::new(),
            ssm: OnceLock::new(),
            secrets_manager: OnceLock::new(),
        })
    }

    /// The region that calls go to.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The custom endpoint set by flag, environment or profile, without `USER:PASSWORD@`.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.shown_endpoint.as_deref()
    }

    /// The waits of the command, among them every call.
    pub(crate) fn waits(&self) -> &Waits {
        &self.waits
    }

    /// The server's clock, up to a second early; `None` before the first response.
    pub(crate) fn server_time(&self) -> Option<jiff::Timestamp> {
        self.server_clock.now()
    }

    fn call_waits(&self) -> CallWaits {
        CallWaits { waits: self.waits.clone(), sandbox_process: self.sandbox_process }
    }

    /// Converts an error of a typed client and adds the endpoint if it cannot be reached.
    fn error<E>(&self, action: impl Into<String>, error: SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.at_endpoint(AwsError::from_sdk(action, error))
    }

    /// Adds the endpoint that cannot be reached, or the profile without credentials.
    fn at_endpoint(&self, mut error: AwsError) -> AwsError {
        if let (AwsErrorKind::TimedOut, Some(process)) = (&error.kind, self.sandbox_process) {
            return AwsError::new(
                error.action,
                AwsErrorKind::SandboxUnresponsive(process.id),
                process.timeout_reason(),
            );
        }
        match (&error.kind, self.endpoint_url().or(self.service_endpoints.as_deref())) {
            // A lost connection does not mean that it has ended.
            (AwsErrorKind::ConnectionRefused, Some(_)) if self.is_sandbox => {
                return AwsError::new(error.action, AwsErrorKind::SandboxEnded, "the sandbox is no longer running");
            }
            (AwsErrorKind::Unreachable | AwsErrorKind::ConnectionRefused | AwsErrorKind::TimedOut, Some(url)) => {
                error.message = format!("no response from {url}: {}", error.message);
            }
            (AwsErrorKind::NotAws, Some(url)) => error.message = format!("{url}: {}", error.message),
            (AwsErrorKind::NoCredentials, _) => {
                if let Some(profile) = &self.profile {
                    error.message = format!("profile `{profile}`: {}", error.message);
                }
            }
            _ => {}
        }
        error
    }

    /// The caller's account, from STS's GetCallerIdentity.
    pub async fn identity(&self) -> Result<Identity> {
        let action = "get the caller identity from STS";
        let client = client!(aws_sdk_sts, self);
        let response = client.get_caller_identity().send().await.map_err(|error| self.error(action, error))?;
        Ok(Identity { account: or_empty(response.account) })
    }
}

/// Unwraps a member that is optional in the SDK's models although AWS always sends it.
fn or_empty(value: Option<String>) -> String {
    value.unwrap_or_default()
}

fn timestamp(value: Option<aws_smithy_types::DateTime>) -> Option<jiff::Timestamp> {
    let value = value?;
    jiff::Timestamp::new(value.secs(), i32::try_from(value.subsec_nanos()).unwrap_or_default()).ok()
}

fn to_u32(value: i32) -> u32 {
    u32::try_from(value).unwrap_or_default()
}
