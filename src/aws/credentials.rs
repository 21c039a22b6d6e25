//! Credentials of profiles that the SDK does not support: roles that need an MFA code, and `sso-session` names that the SDK's parser
//! rejects.
//!
//! The SDK ignores `mfa_serial` and calls AssumeRole without a code, which is denied. Roles and their sources are resolved as in the SDK
//! and the AWS CLI: `role_arn` with `source_profile` or `credential_source`, over any number of profiles.

use std::time::SystemTime;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sso::SsoCredentialsProvider;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};

use super::error::no_credentials;
use super::profiles::{ProfileSection, SharedConfig, sdk_name};
use super::{AwsError, AwsErrorKind, Result};

/// A role to assume.
#[derive(Debug, PartialEq, Eq)]
struct Role<'a> {
    arn: &'a str,
    external_id: Option<&'a str>,
    session_name: Option<&'a str>,
    /// Serial number or ARN of the MFA device.
    mfa_serial: Option<&'a str>,
    /// In seconds.
    duration: Option<i32>,
}

/// The source of the credentials that assume the first role.
#[derive(Debug, PartialEq, Eq)]
enum CredentialSource<'a> {
    /// The access key in a profile.
    Keys(&'a str),
    /// Other settings of a profile: a process, a web identity, IAM Identity Center.
    Profile(&'a str),
    /// A session of IAM Identity Center.
    Session { name: &'a str, session: &'a ProfileSection, account: &'a str, role: &'a str },
    /// `credential_source`: `Environment`, `Ec2InstanceMetadata` or `EcsContainer`.
    Named(&'a str),
}

/// Keys of a profile that concern its role, not its own credentials.
const ROLE_KEYS: &[&str] = &["role_arn", "source_profile", "credential_source", "external_id", "mfa_serial"];

/// The credentials provider of a profile that the SDK does not support; `None` for other profiles. `mfa_code` returns the current code
/// of the MFA device with the given serial number, or `None` if there is no terminal to ask on.
pub(super) async fn provider(
    profiles: &SharedConfig,
    profile: &str,
    config: &SdkConfig,
    mut mfa_code: impl AsyncFnMut(&str) -> Option<String>,
) -> Result<Option<SharedCredentialsProvider>> {
    let Some((source, roles)) = role_chain(profiles, profile) else { return Ok(None) };
    if let CredentialSource::Profile(name) = source
        && profiles.profile(name).is_some_and(|section| !section.contains_key("web_identity_token_file"))
    {
        profiles.check_sso_session(name)?;
    }
    let is_known_to_sdk =
        !matches!(source, CredentialSource::Session { .. }) && roles.iter().all(|role| role.mfa_serial.is_none());
    if is_known_to_sdk {
        return Ok(None);
    }
    let provider = source_provider(profiles, &source, config);
    if roles.is_empty() {
        return Ok(Some(provider));
    }
    let failed = |error| {
        let (kind, message) = no_credentials(&error);
        AwsError::new(format!("use profile `{profile}`"), kind, message)
    };
    let mut credentials = provider.provide_credentials().await.map_err(failed)?;
    for role in roles {
        let code = match role.mfa_serial {
            Some(serial) => {
                let code = mfa_code(serial).await.ok_or_else(|| no_code(profile, serial))?;
                Some(checked_code(code, profile, serial)?)
            }
            None => None,
        };
        credentials = assume(&role, code, credentials, config).await?;
    }
    Ok(Some(SharedCredentialsProvider::new(credentials)))
}

fn no_code(profile: &str, serial: &str) -> AwsError {
    let message = format!("it needs a code of the MFA device {serial}, and there is no terminal to ask on");
    AwsError::new(format!("use profile `{profile}`"), AwsErrorKind::MfaRequired, message)
}

/// Rejects codes that do not have six digits (TokenCode in STS's AssumeRole) without a call.
fn checked_code(code: String, profile: &str, serial: &str) -> Result<String> {
    if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(code);
    }
    let message = if code.is_empty() {
        format!("no code of the MFA device {serial} was entered")
    } else {
        format!("a code of the MFA device {serial} has six digits, and something else was entered")
    };
    Err(AwsError::new(format!("use profile `{profile}`"), AwsErrorKind::MfaRefused, message))
}

/// The source of a profile's credentials and the roles to assume with them, in order. `None` if the profile is invalid; the SDK then
/// reports why.
fn role_chain<'a>(profiles: &'a SharedConfig, profile: &'a str) -> Option<(CredentialSource<'a>, Vec<Role<'a>>)> {
    let (mut roles, mut visited, mut name) = (Vec::new(), Vec::new(), profile);
    let source = loop {
        let section = profiles.profile(name)?;
        let value = |key: &str| section.get(key).map(String::as_str);
        if visited.contains(&name) {
            return None;
        }
        visited.push(name);
        // In a source profile, keys take precedence over a role.
        if visited.len() > 1 && value("aws_access_key_id").is_some() {
            break CredentialSource::Keys(name);
        }
        let Some(arn) = value("role_arn").filter(|_| value("web_identity_token_file").is_none()) else {
            break own_source(profiles, name, section);
        };
        roles.push(Role {
            arn,
            external_id: value("external_id"),
            session_name: value("role_session_name"),
            mfa_serial: value("mfa_serial"),
            duration: value("duration_seconds").and_then(|seconds| seconds.parse().ok()),
        });
        match (value("source_profile"), value("credential_source")) {
            (Some(source), None) if source == name => break own_source(profiles, name, section),
            (Some(source), None) => name = source,
            (None, Some(source)) => break CredentialSource::Named(source),
            _ => return None,
        }
    };
    roles.reverse();
    Some((source, roles))
}

/// The source in a profile itself. A session whose name the SDK's parser rejects is passed by name, because its token file is named
/// after it.
fn own_source<'a>(profiles: &'a SharedConfig, name: &'a str, section: &'a ProfileSection) -> CredentialSource<'a> {
    let session = || {
        let session = section.get("sso_session").filter(|session| sdk_name(session) != **session)?;
        let (account, role) = (section.get("sso_account_id")?, section.get("sso_role_name")?);
        Some(CredentialSource::Session { name: session, session: profiles.sso_session(session)?, account, role })
    };
    session().unwrap_or(CredentialSource::Profile(name))
}

fn source_provider(
    profiles: &SharedConfig,
    source: &CredentialSource<'_>,
    config: &SdkConfig,
) -> SharedCredentialsProvider {
    let config = provider_config(config);
    let profile_provider = |name: &str, keep: fn(&str) -> bool| {
        let profile = ProfileFileCredentialsProvider::builder().configure(&config);
        let profile = profile.profile_files(profiles.one_for_sdk(name, keep)).profile_name(sdk_name(name));
        SharedCredentialsProvider::new(profile.build())
    };
    match source {
        CredentialSource::Keys(name) => profile_provider(name, |key| key.starts_with("aws_")),
        CredentialSource::Profile(name) => profile_provider(name, |key| !ROLE_KEYS.contains(&key)),
        CredentialSource::Session { name, session, account, role } => {
            let value = |key: &str| session.get(key).cloned().unwrap_or_default();
            let session = SsoCredentialsProvider::builder().configure(&config).session_name(*name);
            let session = session.start_url(value("sso_start_url")).region(Region::new(value("sso_region")));
            SharedCredentialsProvider::new(session.account_id(*account).role_name(*role).build())
        }
        CredentialSource::Named(name) if name.eq_ignore_ascii_case("Environment") => {
            SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new())
        }
        CredentialSource::Named(name) if name.eq_ignore_ascii_case("EcsContainer") => {
            SharedCredentialsProvider::new(EcsCredentialsProvider::builder().configure(&config).build())
        }
        CredentialSource::Named(_) => {
            SharedCredentialsProvider::new(ImdsCredentialsProvider::builder().configure(&config).build())
        }
    }
}

/// The configuration of credentials providers.
pub(super) fn provider_config(config: &SdkConfig) -> ProviderConfig {
    let mut provider_config = ProviderConfig::without_region()
        .with_region(config.region().cloned())
        .with_use_fips(config.use_fips())
        .with_use_dual_stack(config.use_dual_stack());
    if let Some(client) = config.http_client() {
        provider_config = provider_config.with_http_client(client);
    }
    if let Some(retries) = config.retry_config() {
        provider_config = provider_config.with_retry_config(retries.clone());
    }
    if let Some(timeouts) = config.timeout_config() {
        provider_config = provider_config.with_timeout_config(timeouts.clone());
    }
    provider_config
}

/// Calls AssumeRole with `credentials`.
async fn assume(
    role: &Role<'_>,
    code: Option<String>,
    credentials: Credentials,
    config: &SdkConfig,
) -> Result<Credentials> {
    let action = format!("assume role {}", role.arn);
    let has_code = code.is_some();
    #[expect(
        clippy::disallowed_methods,
        reason = "the default session name contains the time, as in the SDK and the AWS CLI"
    )]
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let config = config.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build();
    let call = aws_sdk_sts::Client::new(&config)
        .assume_role()
        .role_arn(role.arn)
        .role_session_name(role.session_name.map_or_else(|| format!("ecsws-{seconds}"), str::to_owned))
        .set_external_id(role.external_id.map(str::to_owned))
        .set_duration_seconds(role.duration)
        .set_serial_number(role.mfa_serial.map(str::to_owned))
        .set_token_code(code);
    let response = call.send().await.map_err(|error| {
        let mut error = AwsError::from_sdk(&action, error);
        if has_code && error.kind.is_access_denied() {
            error.kind = AwsErrorKind::MfaRefused;
        }
        error
    })?;
    let none = || AwsError::new(&action, AwsErrorKind::NoCredentials, "the response has no credentials");
    let temporary = response.credentials.ok_or_else(none)?;
    let expiry = SystemTime::try_from(temporary.expiration).ok();
    let (id, secret, token) = (temporary.access_key_id, temporary.secret_access_key, temporary.session_token);
    Ok(Credentials::new(id, secret, Some(token), expiry, "AssumeRole"))
}
