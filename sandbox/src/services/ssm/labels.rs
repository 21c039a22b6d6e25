//! Labels: names of versions. A label is on one version at a time.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::{no_such_version, not_found};
use crate::services::Reply;
use crate::{Fault, Sandbox};

/// How many labels a version may have.
const MOST: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Add {
    name: String,
    parameter_version: Option<i64>,
    labels: Vec<String>,
}

/// The rules of LabelParameterVersion's API reference.
fn fits(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    let known = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    !label.is_empty()
        && label.chars().all(known)
        && !label.starts_with(|first: char| first.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

pub(super) fn add(sandbox: &Arc<Sandbox>, Add { name, parameter_version, labels }: Add) -> Reply {
    let (labels, invalid): (Vec<String>, Vec<String>) = labels.into_iter().partition(|label| fits(label));
    sandbox.world.write(|world| {
        let state = &mut world.ssm;
        let name = state.stored(&name);
        let newest = state.parameters.get(&name).ok_or_else(not_found)?.version;
        let wanted = parameter_version.unwrap_or(newest);
        let all: Vec<i64> = state.versions(&name).iter().map(|version| version.version).collect();
        if !all.contains(&wanted) {
            return Err(no_such_version(&name, &wanted.to_string()));
        }
        for version in all.into_iter().filter(|version| *version != wanted) {
            if let Some(version) = state.version_mut(&name, version) {
                version.labels.retain(|label| !labels.contains(label));
            }
        }
        let version = state.version_mut(&name, wanted).ok_or_else(|| no_such_version(&name, &wanted.to_string()))?;
        for label in labels {
            if !version.labels.contains(&label) {
                version.labels.push(label);
            }
        }
        if version.labels.len() > MOST {
            let message = "A parameter version can have maximum 10 labels.Move one or more labels to another version and try again.";
            return Err(Fault::client("ParameterVersionLabelLimitExceeded", message));
        }
        Ok(json!({ "InvalidLabels": invalid, "ParameterVersion": wanted }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Remove {
    name: String,
    parameter_version: i64,
    labels: Vec<String>,
}

pub(super) fn remove(sandbox: &Arc<Sandbox>, Remove { name, parameter_version, labels }: Remove) -> Reply {
    sandbox.world.write(|world| {
        let state = &mut world.ssm;
        let name = state.stored(&name);
        state.parameters.get(&name).ok_or_else(not_found)?;
        let version = state
            .version_mut(&name, parameter_version)
            .ok_or_else(|| no_such_version(&name, &parameter_version.to_string()))?;
        let (removed, invalid): (Vec<_>, Vec<_>) = labels.into_iter().partition(|label| version.labels.contains(label));
        version.labels.retain(|label| !removed.contains(label));
        Ok(json!({ "RemovedLabels": removed, "InvalidLabels": invalid }))
    })
}
