//! Errors of calls to AWS: exit codes and hints by kind.

use std::borrow::Cow;

use super::CliError;
use crate::aws::{AwsError, AwsErrorKind};
use crate::exit::Exit;
use crate::hint::{Hint, SuggestedCommand};

impl From<AwsError> for CliError {
    fn from(error: AwsError) -> Self {
        let (exit, hint) = (exit_of(&error.kind), hint_of(&error.kind));
        let cli_error = Self::new(exit, error.to_string()).source(error);
        match hint {
            Some(hint) => cli_error.hint(hint),
            None => cli_error,
        }
    }
}

pub(super) fn exit_of(kind: &AwsErrorKind) -> Exit {
    match kind {
        AwsErrorKind::NoCredentials
        | AwsErrorKind::UnknownProfile(_)
        | AwsErrorKind::MfaRequired
        | AwsErrorKind::MfaRefused
        | AwsErrorKind::ExpiredCredentials
        | AwsErrorKind::WrongCredentials
        | AwsErrorKind::ClockSkew
        | AwsErrorKind::AccessDenied(_) => Exit::AccessDenied,
        AwsErrorKind::NoRegion | AwsErrorKind::InvalidConfig => Exit::Usage,
        AwsErrorKind::TimedOut
        | AwsErrorKind::Unreachable
        | AwsErrorKind::CredentialSourceUnreachable
        | AwsErrorKind::ConnectionRefused
        | AwsErrorKind::ServiceFault
        | AwsErrorKind::Conflict
        | AwsErrorKind::SandboxEnded
        | AwsErrorKind::SandboxUnresponsive(_)
        | AwsErrorKind::NotAws
        | AwsErrorKind::Throttled
        | AwsErrorKind::NotFound
        | AwsErrorKind::Other => Exit::Failed,
    }
}

/// What the user can do.
fn hint_of(kind: &AwsErrorKind) -> Option<Hint> {
    let text: Cow<'_, str> = match kind {
        AwsErrorKind::NoCredentials => {
            let hint = Hint::from("sign in (").then(SuggestedCommand::AwsSignIn).text(
                "), choose a profile with --profile, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
                 or try it without an account: --sandbox",
            );
            return Some(hint);
        }
        AwsErrorKind::ExpiredCredentials => {
            return Some(Hint::from("sign in again (").then(SuggestedCommand::AwsSignIn).text("), or refresh the credentials"));
        }
        AwsErrorKind::NoRegion => {
            "pass --region, set AWS_REGION, or write region under [target] in ecsws.toml; without an account: --sandbox".into()
        }
        AwsErrorKind::UnknownProfile(known) => known.to_string().into(),
        AwsErrorKind::InvalidConfig => {
            "correct the value; AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE choose other files".into()
        }
        AwsErrorKind::MfaRequired => "run it on a terminal, or with temporary credentials in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN".into(),
        AwsErrorKind::MfaRefused => "wait for the next code, because each is valid once and for 30 seconds; check mfa_serial, and that you may assume the role".into(),
        AwsErrorKind::WrongCredentials => "check --profile and the AWS_* variables; temporary credentials need AWS_SESSION_TOKEN too".into(),
        AwsErrorKind::ClockSkew => "set this machine's clock: AWS rejects signatures that are several minutes old or from the future".into(),
        AwsErrorKind::AccessDenied(Some(action)) => format!("ask for the permission {action}, or choose another --profile").into(),
        AwsErrorKind::AccessDenied(None) => "ask for the permission, or choose another --profile".into(),
        AwsErrorKind::Unreachable | AwsErrorKind::ConnectionRefused => "check the network, --region and --endpoint-url (or AWS_ENDPOINT_URL)".into(),
        AwsErrorKind::CredentialSourceUnreachable => "check the network, and the source of the profile's credentials".into(),
        AwsErrorKind::NotAws => "check --endpoint-url (or AWS_ENDPOINT_URL) and proxies".into(),
        AwsErrorKind::SandboxEnded => "the next command with --sandbox starts it again, with everything that was deployed".into(),
        AwsErrorKind::SandboxUnresponsive(pid) => {
            format!("if it is suspended, continue it with `kill -CONT {pid}`; otherwise end it with `kill -9 {pid}`, and try again").into()
        }
        AwsErrorKind::TimedOut => "check the network and try again".into(),
        AwsErrorKind::Throttled => "AWS limits the rate of these calls; try again in a minute".into(),
        AwsErrorKind::NotFound => "check the name, --region and --profile".into(),
        AwsErrorKind::ServiceFault => "the service has a problem; try again in a minute".into(),
        AwsErrorKind::Conflict | AwsErrorKind::Other => return None,
    };
    Some(text.into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_names_the_permission_or_the_clock() {
        let hint = |kind| format!("{:?}", hint_of(&kind));
        assert!(hint(AwsErrorKind::ClockSkew).contains("clock"));
        assert!(hint(AwsErrorKind::AccessDenied(Some("ecs:ListTasks".to_owned()))).contains("ecs:ListTasks"));
    }
}
