//! Parsers of flags.

use super::inputs::Parameter;
use crate::stack::{image_error, is_account_id};

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

pub(super) fn image(text: &str) -> Result<(String, String), String> {
    let (service, image) = text.split_once('=').unwrap_or_default();
    if service.is_empty() || image.is_empty() {
        return Err("write it as SERVICE=IMAGE".to_owned());
    }
    image_error(image).map_or_else(|| Ok((service.to_owned(), image.to_owned())), Err)
}

pub(super) fn role_arn(text: &str) -> Result<String, String> {
    arn(text, "iam", "role/", "arn:aws:iam::123456789012:role/NAME")
}

pub(super) fn topic_arn(text: &str) -> Result<String, String> {
    arn(text, "sns", "", "arn:aws:sns:us-east-1:123456789012:NAME")
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, where the resource has something after `prefix`.
fn arn(text: &str, service: &str, prefix: &str, example: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_valid = match parts.as_slice() {
        ["arn", partition, is, _, account, resource] => {
            let is_resource = resource.strip_prefix(prefix).is_some_and(|name| !name.is_empty());
            partition.starts_with("aws") && *is == service && is_account_id(account) && is_resource
        }
        _ => false,
    };
    if is_valid { Ok(text.to_owned()) } else { Err(format!("expected an ARN such as {example}")) }
}

pub(super) fn parameter(text: &str) -> Result<Parameter, String> {
    let (key, value) = pair(text).map_err(|_| "write it as KEY=VALUE or STACK:KEY=VALUE".to_owned())?;
    Ok(match key.split_once(':') {
        Some(("", _) | (_, "")) => return Err("write it as KEY=VALUE or STACK:KEY=VALUE".to_owned()),
        Some((stack, key)) => Parameter { stack: Some(stack.to_owned()), key: key.to_owned(), value },
        None => Parameter { stack: None, key, value },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_checked_where_it_is_given() {
        assert_eq!(image("api=acme/api:1"), Ok(("api".to_owned(), "acme/api:1".to_owned())));
        for wrong in ["api=", "=acme/api", "api", "", "api=Acme/api", "api=https://acme/api", "api=acme/api:", "api= "]
        {
            assert!(image(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn arns_are_those_of_roles_and_topics() {
        for arn in ["arn:aws:iam::123456789012:role/deploy", "arn:aws-cn:iam::123456789012:role/path/deploy"] {
            assert_eq!(role_arn(arn), Ok(arn.to_owned()));
        }
        for wrong in [
            "x",
            "",
            "deploy",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::1:role/a",
            "arn:aws:sns:r:123456789012:a",
        ] {
            assert!(role_arn(wrong).is_err(), "{wrong}");
        }
        assert!(topic_arn("arn:aws:sns:us-east-1:123456789012:events").is_ok());
        assert!(topic_arn("arn:aws:iam::123456789012:role/deploy").is_err());
    }
}
