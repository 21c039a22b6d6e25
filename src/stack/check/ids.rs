//! Ids: accounts, regions, constructs, AWS resources.

use toml::de::DeValue;

use super::{non_empty, quoted, string};
use crate::diagnostic::Diagnostic;
use crate::stack::reader::Validated;
use crate::stack::spec::CdkVersion;

/// An AWS account id.
pub(crate) fn account(value: &DeValue<'_>) -> Validated<String> {
    let hint = "an account id is 12 digits in quotes, like \"123456789012\"";
    let account = string(value).map_err(|diagnostic| diagnostic.hint(hint))?;
    if is_account_id(&account) {
        return Ok(account);
    }
    Err(Diagnostic::new(format!("is {}", quoted(&account))).hint(hint))
}

/// Whether this is the id of an AWS account: 12 digits.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// The name of an AWS region: `us-east-1`, `us-gov-west-1`.
pub(crate) fn region(value: &DeValue<'_>) -> Validated<String> {
    let region = string(value)?;
    if is_region(&region) {
        return Ok(region);
    }
    Err(Diagnostic::new(format!("is {}, which is not a region", quoted(&region)))
        .hint("a region looks like \"us-east-1\""))
}

/// Whether the name has the form of a region's name. Regions are not listed here, because AWS adds new ones.
pub fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|letter| letter.is_ascii_lowercase());
    parts.len() >= 3 && parts[..parts.len() - 1].iter().all(is_word) && parts[parts.len() - 1].parse::<u8>().is_ok()
}

/// A construct id as the CDK stores it: separators of ids (constructs 3.4 and 10.8) become `--`.
pub(crate) fn construct_id(cdk_version: CdkVersion) -> impl Fn(&DeValue<'_>) -> Validated<String> {
    let separators: &[char] = match cdk_version {
        CdkVersion::V1 => &['/'],
        CdkVersion::V2 => &['/', '\n'],
    };
    move |value| {
        let id = non_empty(value)?.replace(separators, "--");
        if id.contains(|letter: char| letter.is_ascii_alphanumeric()) {
            return Ok(id);
        }
        Err(Diagnostic::new(format!("is {}, which has no letter or digit", quoted(&id)))
            .hint("a construct id needs at least one, because logical ids are derived from them"))
    }
}

/// A construct id at the start of a logical id, which must begin with a letter.
pub(crate) fn leading_construct_id(cdk_version: CdkVersion) -> impl Fn(&DeValue<'_>) -> Validated<String> {
    move |value| {
        let id = construct_id(cdk_version)(value)?;
        let first = id.chars().find(char::is_ascii_alphanumeric);
        if first.is_some_and(|first| first.is_ascii_alphabetic()) {
            return Ok(id);
        }
        Err(Diagnostic::new(format!("is {}, whose first letter or digit is a digit", quoted(&id)))
            .hint("a logical id is derived from it, which must start with a letter"))
    }
}

/// An AWS id such as `subnet-0a1b…`.
pub(crate) fn resource_id(prefix: &'static str) -> impl Fn(&DeValue<'_>) -> Validated<String> {
    move |value| {
        let id = string(value)?;
        let tail = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
        if tail.is_some_and(|tail| {
            !tail.is_empty() && tail.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        }) {
            return Ok(id);
        }
        Err(Diagnostic::new(format!("is {}", quoted(&id)))
            .hint(format!("an id here looks like \"{prefix}-0a1b2c3d4e5f60718\"")))
    }
}
