//! Errors of calls for which there are no credentials.

use std::error::Error as StdError;

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::super::profiles::decode_sdk_names;
use super::{AwsErrorKind, chain, root_cause};

pub(super) fn is_credentials_error(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(<dyn StdError>::is::<CredentialsError>)
}

/// The kind and message of an error without credentials.
pub(in crate::aws) fn no_credentials(error: &(dyn StdError + 'static)) -> (AwsErrorKind, String) {
    let credentials_error = chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>());
    let message = match credentials_error {
        // Instance metadata is the last source of the chain on every machine; its failure is not worth a message.
        Some(_) if chain(error).any(<dyn StdError>::is::<ImdsError>) => None,
        Some(CredentialsError::CredentialsNotLoaded(_)) | None => None,
        Some(error) => {
            let cause = root_cause(error);
            // Only these messages of the SDK contain names of profiles.
            let names_profiles = cause.starts_with("ProfileFile provider could not be built");
            let cause = if names_profiles { decode_sdk_names(&cause) } else { cause };
            Some(format!("no AWS credentials: {cause}"))
        }
    };
    let kind = if is_source_unreachable(error) {
        AwsErrorKind::CredentialSourceUnreachable
    } else {
        AwsErrorKind::NoCredentials
    };
    (kind, message.unwrap_or_else(|| "there are no AWS credentials".to_owned()))
}

/// Whether a source of credentials that is configured cannot be reached. Instance metadata is looked for on every machine.
fn is_source_unreachable(error: &(dyn StdError + 'static)) -> bool {
    let is_loading = |cause: &CredentialsError| {
        matches!(cause, CredentialsError::ProviderError(_) | CredentialsError::ProviderTimedOut(_))
    };
    let mut causes = chain(error).skip_while(|cause| !cause.downcast_ref().is_some_and(is_loading));
    let is_unreachable = |cause: &(dyn StdError + 'static)| {
        matches!(cause.downcast_ref(), Some(CredentialsError::ProviderTimedOut(_)))
            || cause.downcast_ref().is_some_and(|error: &ConnectorError| error.is_io() || error.is_timeout())
    };
    causes.any(is_unreachable) && !chain(error).any(<dyn StdError>::is::<ImdsError>)
}
