//! Builds the SDK's configuration from flags, environment and profiles.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::retry::{RetryConfig, RetryMode};
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::service_config::ServiceConfigKey;

use super::credentials::{provider, provider_config};
use super::error::known_profiles;
use super::profiles::{DEFAULT, ProfileError, ProfileSection, SharedConfig, sdk_name};
use super::{AwsError, AwsErrorKind, Result};
use crate::url::{is_endpoint_url, without_user_info};
use crate::waits::Waits;

/// Default attempts per call, including the first. The SDK's adaptive mode is not used: after one throttled call its rate limiter
/// blocks the few calls of a command for twenty seconds.
const ATTEMPTS: u32 = 6;
/// Maximum initial retry delay; it doubles with each attempt.
const BACKOFF: Duration = Duration::from_millis(400);
/// Initial retry delay for the sandbox: loopback needs no backoff, and a stopped sandbox should be reported at once.
const SANDBOX_BACKOFF: Duration = Duration::from_millis(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Time limit for all attempts of one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(90);
/// Read timeout for the sandbox. It responds in milliseconds, and in a few seconds at most.
const SANDBOX_READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The services with typed clients, by the ids of their models.
const TYPED_SERVICE_IDS: [&str; 8] = [
    "CloudFormation",
    "ECS",
    "CloudWatch Logs",
    "Application Auto Scaling",
    "ServiceDiscovery",
    "SSM",
    "Secrets Manager",
    "STS",
];

/// Non-empty environment variables by name.
pub(super) type Variables = HashMap<String, String>;

/// Endpoint, region and credentials of calls. Missing values come from the standard chain (profiles, SSO, environment, containers).
#[derive(Clone, Default)]
pub struct Connection {
    /// The flag `--profile`.
    pub profile: Option<String>,
    /// The region, if one is given.
    pub region: Option<String>,
    /// The flag `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// The environment's variables that are not empty.
    pub variables: HashMap<String, String>,
    /// The key pair of the sandbox. With it, the user's AWS configuration is ignored.
    pub static_keys: Option<StaticKeys>,
    /// The sandbox's process.
    pub sandbox_process: Option<SandboxProcess>,
    /// Where the calls are registered.
    pub waits: Waits,
}

/// Omits the variables, which may contain secrets.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { profile, region, endpoint_url, variables: _, static_keys, sandbox_process: _, waits: _ } = self;
        let endpoint_url = endpoint_url.as_deref().map(without_user_info);
        f.debug_struct("Connection")
            .field("profile", profile)
            .field("region", region)
            .field("endpoint_url", &endpoint_url)
            .field("static_keys", static_keys)
            .finish_non_exhaustive()
    }
}

/// A key pair. Its `Debug` omits the secret.
#[derive(Clone)]
pub struct StaticKeys {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
}

impl fmt::Debug for StaticKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticKeys").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// The process of the sandbox, which may be the reason why there is no response.
#[derive(Debug, Clone, Copy)]
pub struct SandboxProcess {
    /// The process id.
    pub id: u32,
    /// Whether a process is suspended.
    pub is_suspended: fn(u32) -> bool,
}

impl SandboxProcess {
    /// Why it has not responded in time.
    pub(super) fn timeout_reason(self) -> String {
        let state = if (self.is_suspended)(self.id) { "is suspended" } else { "does not respond" };
        format!("the sandbox (process {}) {state}", self.id)
    }
}

/// The HTTP client of all calls.
pub(super) fn https() -> SharedHttpClient {
    let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    aws_smithy_http_client::Builder::new().tls_provider(tls).build_https()
}

/// Loads the configuration of a connection. AWS is called only if a profile needs an MFA code: `mfa_code` returns the current code of
/// the device with the given serial number, or `None` if there is no terminal to ask on.
pub(super) async fn load(
    connection: Connection,
    http: SharedHttpClient,
    mfa_code: impl AsyncFnMut(&str) -> Option<String>,
) -> Result<SdkConfig> {
    let read_timeout = if connection.sandbox_process.is_some() { SANDBOX_READ_TIMEOUT } else { READ_TIMEOUT };
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(
        TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(read_timeout)
            .operation_timeout(CALL_TIMEOUT)
            .build(),
    );
    if let Ok(name) = AppName::new(concat!("ecsws-", env!("CARGO_PKG_VERSION"))) {
        loader = loader.app_name(name);
    }
    if let Some(region) = &connection.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(url) = &connection.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    match connection.static_keys.clone() {
        Some(keys) => Ok(load_sandbox(loader, keys).await),
        None => load_from_profiles(loader, &connection, mfa_code).await,
    }
}

async fn load_sandbox(loader: ConfigLoader, keys: StaticKeys) -> SdkConfig {
    let StaticKeys { access_key_id, secret_access_key } = keys;
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(SANDBOX_BACKOFF);
    // Without variables (including HOME), the SDK finds no profiles and no FIPS, dual-stack or retry settings of the user.
    loader
        .credentials_provider(Credentials::new(access_key_id, secret_access_key, None, None, "sandbox"))
        .empty_test_environment()
        .retry_config(retries)
        .load()
        .await
}

async fn load_from_profiles(
    mut loader: ConfigLoader,
    connection: &Connection,
    mfa_code: impl AsyncFnMut(&str) -> Option<String>,
) -> Result<SdkConfig> {
    let (flag, variables) = (connection.profile.as_ref(), &connection.variables);
    let profiles = SharedConfig::load(variables)?;
    let chosen = flag.or_else(|| variables.get("AWS_PROFILE"));
    let profile = chosen.map_or(DEFAULT, String::as_str);
    let section = profiles.profile(profile);
    if chosen.is_some() && section.is_none() {
        let kind = AwsErrorKind::UnknownProfile(known_profiles(profile, &profiles.names().collect::<Vec<_>>()).into());
        let message = "the AWS config files have no such profile";
        return Err(AwsError::new(format!("use profile `{profile}`"), kind, message));
    }
    reject_ignored_settings(variables, profile, section)?;
    if connection.endpoint_url.is_none() && uses_services(variables, profile, section) {
        profiles.check_services(profile)?;
    }
    loader = loader
        .profile_files(profiles.for_sdk())
        .profile_name(sdk_name(profile))
        .retry_config(retries(variables, profile, section)?);
    let config = loader.load().await;
    // As in the AWS CLI, a profile chosen by flag takes precedence over keys in the environment; other profiles do not.
    if flag.is_none() && variables.contains_key("AWS_ACCESS_KEY_ID") {
        return Ok(config);
    }
    if let Some(provider) = provider(&profiles, profile, &config, mfa_code).await? {
        return Ok(config.into_builder().credentials_provider(provider).build());
    }
    if flag.is_none() {
        return Ok(config);
    }
    let provider = ProfileFileCredentialsProvider::builder().configure(&provider_config(&config));
    let provider = provider.profile_files(profiles.for_sdk()).profile_name(sdk_name(profile)).build();
    Ok(config
        .into_builder()
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(provider))
        .build())
}

impl From<ProfileError> for AwsError {
    fn from(error: ProfileError) -> Self {
        invalid(error.to_string())
    }
}

fn invalid(message: String) -> AwsError {
    AwsError::new("read the AWS configuration", AwsErrorKind::InvalidConfig, message)
}

/// A setting from the environment or else the profile, and its name for errors.
fn setting<'a>(
    variables: &'a Variables,
    profile: &str,
    section: Option<&'a ProfileSection>,
    (variable, key): (&str, &str),
) -> Option<(&'a str, String)> {
    let from_profile = || Some((section?.get(key)?.as_str(), format!("{key} of profile `{profile}`")));
    variables.get(variable).map(|value| (value.as_str(), variable.to_owned())).or_else(from_profile)
}

/// The setting that disables endpoints of variables and profiles.
const IGNORE_ENDPOINT_URLS: (&str, &str) = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");

/// Whether the profile's `services` section may set endpoints, by botocore's rules.
fn uses_services(variables: &Variables, profile: &str, section: Option<&ProfileSection>) -> bool {
    let ignored = setting(variables, profile, section, IGNORE_ENDPOINT_URLS);
    !variables.contains_key("AWS_ENDPOINT_URL") && ignored.is_none_or(|(value, _)| value.eq_ignore_ascii_case("false"))
}

/// Rejects values that the SDK would ignore, such as AWS_USE_FIPS_ENDPOINT=1, because calls would go to another endpoint.
fn reject_ignored_settings(variables: &Variables, profile: &str, section: Option<&ProfileSection>) -> Result<()> {
    let is_bool = |value: &str| value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false");
    for names in [
        ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
        IGNORE_ENDPOINT_URLS,
    ] {
        if let Some((value, name)) = setting(variables, profile, section, names).filter(|(value, _)| !is_bool(value)) {
            return Err(invalid(format!("{name} must be true or false, not `{value}`")));
        }
    }
    let urls = variables.iter().filter(|(name, _)| name.starts_with("AWS_ENDPOINT_URL"));
    let urls = urls.map(|(name, value)| (value.as_str(), name.clone()));
    let profile_url = section.and_then(|section| section.get("endpoint_url"));
    let profile_url = profile_url.map(|value| (value.as_str(), format!("endpoint_url of profile `{profile}`")));
    for (value, name) in urls.chain(profile_url) {
        if !is_endpoint_url(value) {
            return Err(invalid(format!("{name} must be http://HOST:PORT or https://HOST")));
        }
    }
    Ok(())
}

/// The user's retry configuration, or more attempts than the SDK's default. `legacy`, which the AWS CLI accepts, makes the SDK panic;
/// it is treated as `standard`.
fn retries(variables: &Variables, profile: &str, section: Option<&ProfileSection>) -> Result<RetryConfig> {
    let attempts = setting(variables, profile, section, ("AWS_MAX_ATTEMPTS", "max_attempts"));
    let mode = setting(variables, profile, section, ("AWS_RETRY_MODE", "retry_mode"));
    if attempts.is_none() && mode.is_none() {
        return Ok(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF));
    }
    let mut retries = RetryConfig::standard();
    if let Some((value, name)) = mode {
        retries = retries.with_retry_mode(match value.to_lowercase().as_str() {
            "standard" | "legacy" => RetryMode::Standard,
            "adaptive" => RetryMode::Adaptive,
            _ => return Err(invalid(format!("{name} must be standard, adaptive or legacy, not `{value}`"))),
        });
    }
    if let Some((value, name)) = attempts {
        let not_positive = || invalid(format!("{name} must be a whole number, 1 or more, not `{value}`"));
        retries =
            retries.with_max_attempts(value.parse().ok().filter(|attempts| *attempts > 0).ok_or_else(not_positive)?);
    }
    Ok(retries)
}

/// The endpoints that environment or profile set for single services, joined by `or` for error messages. `None` if there are none, or if
/// a flag replaces them.
pub(super) fn service_endpoints(config: &SdkConfig) -> Option<String> {
    let settings = config.service_config().filter(|_| !config.get_origin("endpoint_url").is_client_config())?;
    let endpoint_url = |id| {
        let key = ServiceConfigKey::builder().service_id(id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
        settings.load_config(key.ok()?)
    };
    let urls: BTreeSet<String> =
        TYPED_SERVICE_IDS.into_iter().filter_map(endpoint_url).map(|url| without_user_info(&url)).collect();
    (!urls.is_empty()).then(|| urls.into_iter().collect::<Vec<_>>().join(" or "))
}

#[cfg(test)]
mod tests;
