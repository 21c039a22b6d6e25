//! PutParameter, DeleteParameter and DeleteParameters.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::{History, Parameter, not_found};
use crate::base::java_regex::JavaRegex;
use crate::base::tags::Tag;
use crate::core::OperationResult;
use crate::services::ssm::{State, validation_exception};
use crate::{Fault, Sandbox};

const KINDS: &[&str] = &["String", "StringList", "SecureString"];
const MAX_STANDARD_BYTES: usize = 4096;
const MAX_ADVANCED_BYTES: usize = 8192;
const MAX_LEVELS: usize = 15;
const MAX_VERSIONS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct PutParameterInput {
    name: String,
    value: String,
    #[serde(rename = "Type")]
    kind: Option<String>,
    description: Option<String>,
    key_id: Option<String>,
    #[serde(default)]
    overwrite: bool,
    #[serde(default)]
    tags: Vec<Tag>,
    tier: Option<String>,
    data_type: Option<String>,
    allowed_pattern: Option<String>,
}

pub(crate) fn put(sandbox: &Arc<Sandbox>, input: PutParameterInput) -> OperationResult {
    check(&input)?;
    let data_type = data_type(&input)?;
    let modified = sandbox.clock.now();
    let PutParameterInput { name, value, kind, description, key_id, overwrite, tags, tier, allowed_pattern, .. } =
        input;
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let name = state.canonical_name(&name);
        let before = state.parameters.get(&name).cloned();
        if before.is_some() && !overwrite {
            let message = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
            return Err(Fault::already_exists("ParameterAlreadyExists", message));
        }
        if let (Some(kind), Some(before)) = (&kind, &before)
            && *kind != before.kind
        {
            // The message is from the exception's documentation in the API reference.
            let message = "Parameter Store doesn't support changing a parameter type in a hierarchy. For example, you can't \
                           change a parameter from a String type to a SecureString type. You must create a new, unique parameter.";
            return Err(Fault::client("HierarchyTypeMismatchException", message));
        }
        let kind = kind.or_else(|| before.as_ref().map(|before| before.kind.clone()));
        let kind = kind.ok_or_else(|| validation_exception("A parameter type is required when you create a parameter."))?;
        let tier = choose_tier(tier.as_deref(), before.as_ref(), &value)?;
        let allowed_pattern = allowed_pattern.or_else(|| before.as_ref()?.allowed_pattern.clone());
        allowed_pattern.as_deref().map_or(Ok(()), |pattern| check_value(pattern, &value))?;
        let secure = kind == "SecureString";
        let parameter = Parameter {
            version: before.as_ref().map_or(1, |before| before.version + 1),
            name: name.clone(),
            key_id: secure.then(|| key_id.unwrap_or_else(|| "alias/aws/ssm".to_owned())),
            tier: tier.clone(),
            kind,
            value,
            modified,
            description: description.or_else(|| before.as_ref()?.description.clone()),
            data_type,
            allowed_pattern,
        };
        let version = parameter.version;
        let mut history = state.history.get(&name).cloned().unwrap_or_default();
        match before {
            Some(before) => add_version(&mut history, before),
            None => history.tags = tags,
        }
        state.history.insert(name.clone(), history);
        state.parameters.insert(name, parameter);
        Ok(json!({ "Version": version, "Tier": tier }))
    })
}

/// Keeps the previous version, and at most [`MAX_VERSIONS`] in all.
fn add_version(history: &mut History, before: Parameter) {
    history.versions.push(before);
    if history.versions.len() >= MAX_VERSIONS {
        history.versions.remove(0);
    }
}

fn check(input: &PutParameterInput) -> Result<(), Fault> {
    check_name(&input.name)?;
    if let Some(kind) = input.kind.as_ref().filter(|kind| !KINDS.contains(&kind.as_str())) {
        return Err(validation_exception(format!(
            "1 validation error detected: Value '{kind}' at 'type' failed to satisfy constraint: \
             Member must satisfy enum value set: [SecureString, StringList, String]"
        )));
    }
    if input.value.is_empty() {
        return Err(validation_exception(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater \
             than or equal to 1.",
        ));
    }
    if input.value.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}")) {
        return Err(validation_exception(
            "Parameter value: can't nest another parameter. Do not use \"{{}}\" in the value.",
        ));
    }
    if input.overwrite && !input.tags.is_empty() {
        return Err(validation_exception(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove \
             overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
        ));
    }
    Ok(())
}

/// Checks a value against its allowed pattern, which must match completely ("Creating a parameter that has an allowed
/// pattern" in the user guide).
fn check_value(pattern: &str, value: &str) -> Result<(), Fault> {
    let Some(allowed) = JavaRegex::anchored(pattern) else {
        let message = "The request does not meet the regular expression requirement.";
        return Err(Fault::client("InvalidAllowedPatternException", message));
    };
    if allowed.is_match(value) {
        return Ok(());
    }
    let message = format!("Parameter value, cannot be validated against allowedPattern: {pattern}");
    Err(Fault::client("ParameterPatternMismatchException", message))
}

fn data_type(input: &PutParameterInput) -> Result<String, Fault> {
    match input.data_type.as_deref() {
        None | Some("text") => Ok("text".to_owned()),
        Some("aws:ec2:image") if input.value.starts_with("ami-") => Ok("aws:ec2:image".to_owned()),
        Some("aws:ec2:image") => Err(validation_exception(format!("The image ID {} is not valid.", input.value))),
        Some("aws:ssm:integration") => {
            Err(Fault::not_implemented("ssm:PutParameter with the data type aws:ssm:integration"))
        }
        Some(other) => Err(validation_exception(format!(
            "The following data type is not supported: {other} (Data type names are all lowercase.)"
        ))),
    }
}

fn choose_tier(requested: Option<&str>, before: Option<&Parameter>, value: &str) -> Result<String, Fault> {
    let advanced = before.is_some_and(|before| before.tier == "Advanced");
    let tier = match requested {
        Some("Standard") if advanced => {
            return Err(validation_exception(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter \
                 tier to the standard-parameter tier.",
            ));
        }
        Some("Advanced") => "Advanced",
        Some("Intelligent-Tiering") if value.len() > MAX_STANDARD_BYTES => "Advanced",
        _ if advanced => "Advanced",
        _ => "Standard",
    };
    match tier {
        "Standard" if value.len() > MAX_STANDARD_BYTES => Err(validation_exception(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, \
             upgrade the parameter to use the advanced-parameter tier. For more information, see \
             https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
        )),
        "Advanced" if value.len() > MAX_ADVANCED_BYTES => {
            Err(validation_exception("Advanced tier parameters support a maximum parameter value of 8192 characters."))
        }
        tier => Ok(tier.to_owned()),
    }
}

/// The problem of a malformed name.
pub(super) const NAME_ERROR: &str = "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can \
     consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 \
     symbols .-_";

fn check_name(name: &str) -> Result<(), Fault> {
    let is_valid = |character: char| character.is_ascii_alphanumeric() || "_.-/".contains(character);
    let reserved = name.trim_start_matches('/').to_ascii_lowercase();
    let is_path = name.matches('/').count() > 1;
    if reserved.starts_with("aws") && is_path {
        return Err(Fault::client("AccessDeniedException", format!("No access to reserved parameter name: {name}.")));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(validation_exception("Parameter name must be a fully qualified name."));
    }
    if !is_path && (reserved.starts_with("aws") || reserved.starts_with("ssm")) {
        return Err(validation_exception(
            "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).",
        ));
    }
    if name.is_empty() || !name.chars().all(is_valid) || reserved.starts_with("ssm") {
        return Err(validation_exception(NAME_ERROR));
    }
    if name.matches('/').count() > MAX_LEVELS {
        let message = "The parameter name exceeds the maximum hierarchy depth of 15 levels.";
        return Err(Fault::limit_exceeded("HierarchyLevelLimitExceededException", message));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct DeleteParameterInput {
    name: String,
}

pub(crate) fn delete(sandbox: &Arc<Sandbox>, DeleteParameterInput { name }: DeleteParameterInput) -> OperationResult {
    sandbox.store.write(|states| {
        let name = states.of::<State>().canonical_name(&name);
        states.of_mut::<State>().remove(&name).map(|_| json!({})).ok_or_else(not_found)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct DeleteParametersInput {
    names: Vec<String>,
}

pub(crate) fn delete_all(
    sandbox: &Arc<Sandbox>,
    DeleteParametersInput { names }: DeleteParametersInput,
) -> OperationResult {
    sandbox.store.write(|states| {
        let names = names.into_iter().map(|name| states.of::<State>().canonical_name(&name)).collect::<Vec<_>>();
        let (deleted, missing): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| states.of_mut::<State>().remove(name).is_some());
        Ok(json!({ "DeletedParameters": deleted, "InvalidParameters": missing }))
    })
}
