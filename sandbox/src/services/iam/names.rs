//! Names and paths of IAM's entities.

use crate::Fault;

/// Refuses a name that IAM does not accept.
pub(super) fn check_name(member: &str, name: &str, max_length: usize) -> Result<(), Fault> {
    let is_valid = |character: char| character.is_ascii_alphanumeric() || "+=,.@_-".contains(character);
    if name.len() > max_length {
        return Err(Fault::client(
            "ValidationError",
            format!(
                "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must have length less than or equal to {max_length}"
            ),
        ));
    }
    if name.is_empty() || !name.chars().all(is_valid) {
        return Err(Fault::client(
            "ValidationError",
            format!(
                "The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
            ),
        ));
    }
    Ok(())
}

/// Refuses a path that does not begin and end with a slash.
pub(super) fn check_path(path: &str) -> Result<(), Fault> {
    if path.starts_with('/') && path.ends_with('/') && path.len() <= 512 {
        return Ok(());
    }
    let message = "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
                   characters and/or / characters.";
    Err(Fault::client("ValidationError", message))
}

/// Refuses an invalid path prefix. That of ListPolicies has to end with a slash. The message is the same for both:
/// <https://github.com/aws/aws-cli/issues/5860>.
pub(super) fn check_path_prefix(prefix: &str, is_folder: bool) -> Result<(), Fault> {
    if prefix.starts_with('/')
        && prefix.bytes().all(|byte| byte.is_ascii_graphic())
        && (!is_folder || prefix.ends_with('/'))
    {
        return Ok(());
    }
    let message = "The specified value for pathPrefix is invalid. It must begin with the / character and contain only \
                   alphanumeric characters and/or / characters.";
    Err(Fault::client("ValidationError", message))
}

pub(super) fn root_path() -> String {
    "/".to_owned()
}
