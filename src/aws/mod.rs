//! The one AWS client layer: the only place that names `aws_sdk_*`. What leaves it are our own small types.
//!
//! One [`Aws`] value is built on first use and holds the configuration; each service's calls are in the file of its name.

mod autoscaling;
mod cloudformation;
mod discovery;
mod ec2;
mod ecs;
mod error;
mod logs;
mod raw;
mod stores;

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

pub use autoscaling::{ScalableTarget, ScalingPolicy};
pub use cloudformation::{
    ChangeSet, ChangeSetKind, Export, Output, PlannedChange, Stack, StackEvent, StackRequest, StackResource,
};
pub use discovery::{DiscoveryInstance, DiscoveryService};
pub use ec2::{Subnet, Vpc};
pub use ecs::{Container, Deployment, LogPlace, ServiceArn, ServiceEvent, ServiceName, ServiceState, Task};
pub use error::{AwsError, AwsErrorKind};
pub use logs::{LogEvent, LogGroup, LogPage, LogQuery, LogStream};

type Result<T> = std::result::Result<T, AwsError>;

/// Attempts of one call in all, the first included, where the user sets none. Each waits longer than the one before. Not the SDK's
/// adaptive mode: its rate limiter measures the calls so far, and after one throttled call of the few that a command makes it lets none
/// through for twenty seconds.
const ATTEMPTS: u32 = 6;
/// The first pause of a retry, at most; twice as long before each further one.
const BACKOFF: Duration = Duration::from_millis(400);
/// The first pause of a retry where no network is between: a sandbox that has ended is told of at once.
const SANDBOX_BACKOFF: Duration = Duration::from_millis(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// All attempts of one call together.
const CALL_TIMEOUT: Duration = Duration::from_secs(90);

/// Where calls go and who makes them. What is left out comes from the standard chain (profiles, SSO, environment, containers).
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// `--profile`.
    pub profile: Option<String>,
    /// The region, when something says it.
    pub region: Option<String>,
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// The key pair of the sandbox: nothing of the user's own AWS configuration is then used.
    pub static_keys: Option<StaticKeys>,
}

/// A key pair. Its `Debug` leaves the secret out.
#[derive(Clone)]
pub struct StaticKeys {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
}

impl fmt::Debug for StaticKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticKeys").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// The AWS clients of one region and one set of credentials.
#[derive(Debug)]
pub struct Aws {
    config: SdkConfig,
    region: String,
    shown_endpoint: Option<String>,
    is_sandbox: bool,
    /// `--profile`.
    profile: Option<String>,
    raw: raw::Shared,
    cloudformation: OnceLock<aws_sdk_cloudformation::Client>,
    ecs: OnceLock<aws_sdk_ecs::Client>,
    logs: OnceLock<aws_sdk_cloudwatchlogs::Client>,
    autoscaling: OnceLock<aws_sdk_applicationautoscaling::Client>,
    discovery: OnceLock<aws_sdk_servicediscovery::Client>,
}

/// Who calls, by STS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The twelve digits.
    pub account: String,
}

impl Aws {
    /// Loads the configuration. Nothing is asked of AWS yet.
    pub async fn connect(connection: Connection) -> Result<Self> {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone()).timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(READ_TIMEOUT)
                .operation_timeout(CALL_TIMEOUT)
                .build(),
        );
        if let Ok(name) = AppName::new(concat!("ecsws-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        if let Some(profile) = &connection.profile {
            // As the aws CLI has it: a profile that was asked for goes before keys in the environment.
            let region = match &connection.region {
                Some(region) => Some(Region::new(region.clone())),
                None => ProfileFileRegionProvider::builder().profile_name(profile).build().region().await,
            };
            let environment = ProviderConfig::without_region().with_http_client(http).with_region(region);
            let credentials = ProfileFileCredentialsProvider::builder().configure(&environment).profile_name(profile);
            loader = loader.profile_name(profile).credentials_provider(credentials.build());
        }
        if let Some(region) = connection.region {
            loader = loader.region(Region::new(region));
        }
        if let Some(url) = connection.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let is_sandbox = connection.static_keys.is_some();
        if let Some(StaticKeys { access_key_id, secret_access_key }) = connection.static_keys {
            // Without variables, HOME among them, the SDK finds neither profiles nor FIPS, dual-stack and retry settings of the user.
            loader = loader
                .credentials_provider(Credentials::new(access_key_id, secret_access_key, None, None, "sandbox"))
                .empty_test_environment();
        }
        let config = with_our_retries(loader.load().await, is_sandbox);
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(no_region(&config, connection.profile).await);
        };
        Ok(Self {
            is_sandbox,
            profile: connection.profile,
            shown_endpoint: config.endpoint_url().map(without_user_info),
            config,
            region,
            raw: raw::Shared::default(),
            cloudformation: OnceLock::new(),
            ecs: OnceLock::new(),
            logs: OnceLock::new(),
            autoscaling: OnceLock::new(),
            discovery: OnceLock::new(),
        })
    }

    /// The region that calls go to.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The endpoint that replaces AWS's own, when one is set by flag, environment or profile; without the `USER:PASSWORD@` that it
    /// may carry.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.shown_endpoint.as_deref()
    }

    /// What went wrong in a call of a typed client; where nobody answers, it says at which address.
    fn error<E>(&self, action: impl Into<String>, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.at_endpoint(AwsError::from_sdk(action, error))
    }

    /// Adds the address where nobody answers, and the profile that has no credentials.
    fn at_endpoint(&self, mut error: AwsError) -> AwsError {
        match (&error.kind, self.endpoint_url()) {
            (AwsErrorKind::Unreachable, Some(_)) if self.is_sandbox => {
                return AwsError::unanswered(error.action, AwsErrorKind::SandboxEnded, "the sandbox has ended");
            }
            (AwsErrorKind::Unreachable | AwsErrorKind::TimedOut, Some(url)) => {
                error.message = format!("{url} does not answer: {}", error.message);
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

    /// Asks STS who calls.
    pub async fn identity(&self) -> Result<Identity> {
        let action = "ask AWS who you are";
        let client = aws_sdk_sts::Client::new(&self.config);
        let answer = client.get_caller_identity().send().await.map_err(|error| self.error(action, &error))?;
        Ok(Identity { account: text(answer.account) })
    }
}

/// A profile that does not exist says no region either, and is what has to be told.
async fn no_region(config: &SdkConfig, profile: Option<String>) -> AwsError {
    if let (Some(profile), Some(provider)) = (profile, config.credentials_provider())
        && let Err(error) = provider.provide_credentials().await
    {
        let (kind, message) = error::no_credentials(&error);
        return AwsError::unanswered(format!("use profile `{profile}`"), kind, message);
    }
    AwsError::unanswered("choose a region", AwsErrorKind::NoRegion, "nothing says which one")
}

/// The SDK's default becomes ours; what AWS_MAX_ATTEMPTS, AWS_RETRY_MODE or the profile say stays. (The SDK does not tell its default from a
/// user who writes the same.)
fn with_our_retries(config: SdkConfig, is_sandbox: bool) -> SdkConfig {
    if config.retry_config().is_some_and(|retries| *retries != RetryConfig::standard()) {
        return config;
    }
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    let backoff = if is_sandbox { SANDBOX_BACKOFF } else { BACKOFF };
    config.into_builder().retry_config(retries.with_initial_backoff(backoff)).build()
}

/// A URL without the `USER:PASSWORD@` before its host.
fn without_user_info(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// AWS's members are optional in the models even where AWS always sends them.
fn text(value: Option<String>) -> String {
    value.unwrap_or_default()
}

fn timestamp(value: Option<aws_smithy_types::DateTime>) -> Option<jiff::Timestamp> {
    let value = value?;
    jiff::Timestamp::new(value.secs(), i32::try_from(value.subsec_nanos()).unwrap_or_default()).ok()
}

fn count(value: i32) -> u32 {
    u32::try_from(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_user_and_password() {
        for (url, shown) in [
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("https://me:p@ss@proxy.example:8443/aws", "https://proxy.example:8443/aws"),
            ("https://proxy.example/a@b", "https://proxy.example/a@b"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(without_user_info(url), shown);
        }
    }

    #[test]
    fn only_the_default_retries_become_ours() {
        let with = |retries| with_our_retries(SdkConfig::builder().retry_config(retries).build(), false);
        let ours = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF);
        assert_eq!(with(RetryConfig::standard()).retry_config(), Some(&ours));
        let own = RetryConfig::standard().with_max_attempts(2);
        assert_eq!(with(own.clone()).retry_config(), Some(&own));
    }

    #[test]
    fn a_connection_does_not_print_its_secret() {
        let keys = StaticKeys { access_key_id: "AKID".to_owned(), secret_access_key: "hidden".to_owned() };
        let text = format!("{:?}", Connection { static_keys: Some(keys), ..Connection::default() });
        assert!(text.contains("AKID") && !text.contains("hidden"), "{text}");
    }
}
