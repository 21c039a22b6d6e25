//! Filters of lists of parameters. Source: `ParameterStringFilter` in the API reference.

use serde::Deserialize;

use super::Parameter;
use crate::Fault;
use crate::services::ssm::{State, validation_exception};

/// Filter keys of DescribeParameters, in addition to `tag:KEY`.
pub(crate) const DESCRIBE_KEYS: &[&str] = &["Path", "Name", "Type", "KeyId", "Tier"];
/// Filter keys of GetParametersByPath.
pub(crate) const BY_PATH_KEYS: &[&str] = &["Type", "KeyId"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ParameterStringFilter {
    pub key: String,
    pub option: Option<String>,
    #[serde(default)]
    pub values: Vec<String>,
}

/// Refuses filters with an unknown key or option.
pub(crate) fn check(filters: &[ParameterStringFilter], keys: &[&str]) -> Result<(), Fault> {
    for (index, ParameterStringFilter { key, option, values }) in filters.iter().enumerate() {
        let tag = key.starts_with("tag:") && keys.contains(&"Name");
        if !tag && !keys.contains(&key.as_str()) {
            let message = format!(
                "The following filter key is not valid: {key}. Valid filter keys include: [{}].",
                keys.join(", ")
            );
            return Err(Fault::client("InvalidFilterKey", message));
        }
        if filters[..index].iter().any(|other| other.key == *key) {
            let message = format!(
                "The following filter is duplicated in the request: {key}. A request can contain only one occurrence of a \
                 specific filter."
            );
            return Err(Fault::client("InvalidFilterKey", message));
        }
        let options: &[&str] = match key.as_str() {
            "Path" => &["Recursive", "OneLevel"],
            _ => &["BeginsWith", "Equals"],
        };
        let also = |option: &str| key == "Name" && option == "Contains";
        if let Some(option) = option.as_ref().filter(|option| !options.contains(&option.as_str()) && !also(option)) {
            let message = format!(
                "The following filter option is not valid: {option}. Valid options include: [{}].",
                options.join(", ")
            );
            return Err(Fault::client("InvalidFilterOption", message));
        }
        if values.is_empty() && !tag {
            let message = "The following filter values are missing : null for filter key ".to_owned() + key;
            return Err(Fault::client("InvalidFilterValue", message));
        }
        values.iter().try_for_each(|value| check_value(key, value))?;
    }
    Ok(())
}

/// Keys with a fixed set of values.
const VALUES: &[(&str, &[&str])] =
    &[("Tier", &["Standard", "Advanced", "Intelligent-Tiering"]), ("Type", &["String", "StringList", "SecureString"])];

fn check_value(key: &str, value: &str) -> Result<(), Fault> {
    if key == "Path" {
        let lower = value.to_ascii_lowercase();
        if ["/aws", "/ssm"].iter().any(|reserved| lower.starts_with(reserved)) {
            return Err(validation_exception(
                "Filters for common parameters can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). When using global \
                 parameters, please specify within a global namespace.",
            ));
        }
        return check_path(value);
    }
    match VALUES.iter().find(|(of, values)| *of == key && !values.contains(&value)) {
        Some((_, values)) => {
            let values = values.join(", ");
            let message =
                format!("The following filter value is not valid: {value}. Valid values include: [{values}].");
            Err(Fault::client("InvalidFilterValue", message))
        }
        None => Ok(()),
    }
}

pub(crate) fn check_path(path: &str) -> Result<(), Fault> {
    let is_valid = |character: char| character.is_ascii_alphanumeric() || "_.-/".contains(character);
    if path.starts_with('/') && !path.contains("//") && path.chars().all(is_valid) {
        return Ok(());
    }
    Err(validation_exception(
        "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\". \
         It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or the following \
         symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must \
         use the forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_.",
    ))
}

/// Whether a parameter is in a path or, if `recursive`, anywhere below it. Names without a slash are at the top.
pub(crate) fn is_below(path: &str, recursive: bool, name: &str) -> bool {
    let folder = format!("{}/", path.trim_end_matches('/'));
    let rest = match name.strip_prefix(&folder) {
        None if folder == "/" => Some(name),
        rest => rest,
    };
    rest.is_some_and(|rest| recursive || !rest.contains('/'))
}

pub(crate) fn matches_all(filters: &[ParameterStringFilter], parameter: &Parameter, state: &State) -> bool {
    filters.iter().all(|filter| matches(filter, parameter, state))
}

fn matches(
    ParameterStringFilter { key, option, values }: &ParameterStringFilter,
    parameter: &Parameter,
    state: &State,
) -> bool {
    let option = option.as_deref();
    let is_match = |text: &str| {
        values.iter().any(|value| match option {
            Some("BeginsWith") => text.starts_with(value.as_str()),
            Some("Contains") => text.contains(value.as_str()),
            _ => text == value,
        })
    };
    match key.as_str() {
        "Path" => values.iter().any(|path| is_below(path, option == Some("Recursive"), &parameter.name)),
        // At the top level, a leading slash makes no difference.
        "Name" => {
            is_match(&parameter.name)
                || is_match(parameter.name.trim_start_matches('/'))
                || is_match(&format!("/{}", parameter.name))
        }
        "Type" => is_match(&parameter.kind),
        "Tier" => is_match(&parameter.tier),
        "KeyId" => parameter.key_id.as_deref().is_some_and(is_match),
        tag => {
            let tag = tag.strip_prefix("tag:").unwrap_or(tag);
            let tags = state.history.get(&parameter.name).map(|history| history.tags.as_slice()).unwrap_or_default();
            tags.iter()
                .any(|parameter_tag| parameter_tag.key == tag && (values.is_empty() || is_match(&parameter_tag.value)))
        }
    }
}
