//! The values of secrets: put, get.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::{CURRENT, Secret, SecretContent, SecretVersion, change, day, find};
use super::secrets::{content, token};
use super::{invalid_request, not_found};
use crate::base::clock::epoch_seconds;
use crate::core::OperationResult;
use crate::services::secretsmanager::State;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutSecretValueInput {
    secret_id: String,
    client_request_token: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    version_stages: Option<Vec<String>>,
    rotation_token: Option<String>,
}

pub(super) fn put(sandbox: &Arc<Sandbox>, input: PutSecretValueInput) -> OperationResult {
    if input.rotation_token.is_some() {
        return Err(Fault::not_implemented("secretsmanager:PutSecretValue with RotationToken"));
    }
    let content = content(input.secret_string, input.secret_binary)?
        .ok_or_else(|| invalid_request("You must provide either SecretString or SecretBinary."))?;
    let token = token(input.client_request_token)?;
    let stages = input.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        change(states, &sandbox.config, &input.secret_id, now, |secret| {
            secret.check_not_deleted()?;
            secret.put(&token, content, &stages, now)?;
            let stages = secret.version(&token).map(|version| &version.stages);
            Ok(json!({ "ARN": secret.arn, "Name": secret.name, "VersionId": token, "VersionStages": stages }))
        })
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetSecretValueInput {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

pub(super) fn get(sandbox: &Arc<Sandbox>, input: GetSecretValueInput) -> OperationResult {
    let now = sandbox.clock.now();
    let read = sandbox.store.read(|states| {
        let secret = find(states, &sandbox.config, &input.secret_id, now)?;
        secret.check_not_deleted()?;
        let version = select(secret, input.version_id.as_deref(), input.version_stage.as_deref())?;
        let id = (version.accessed != Some(day(now))).then(|| version.id.clone());
        Ok::<_, Fault>((to_output(secret, version), secret.name.clone(), id))
    });
    let (value, name, first_today) = read?;
    if let Some(id) = first_today {
        record_access(sandbox, &name, &id, now)?;
    }
    Ok(value)
}

/// Selects a version by id, staging label or both.
fn select<'a>(secret: &'a Secret, id: Option<&str>, stage: Option<&str>) -> Result<&'a SecretVersion, Fault> {
    let Some(id) = id else {
        let stage = stage.unwrap_or(CURRENT);
        let missing = || {
            let message = format!("Secrets Manager can't find the specified secret value for staging label: {stage}");
            Fault::not_found("ResourceNotFoundException", message)
        };
        return secret.labelled(stage).ok_or_else(missing);
    };
    let version = secret.version(id).ok_or_else(|| {
        let message = format!("Secrets Manager can't find the specified secret value for VersionId: {id}");
        Fault::not_found("ResourceNotFoundException", message)
    })?;
    if stage.is_some_and(|stage| !version.has(stage)) {
        let message = "You provided a VersionStage that is not associated to the provided VersionId.";
        return Err(invalid_request(message));
    }
    Ok(version)
}

fn to_output(secret: &Secret, version: &SecretVersion) -> Value {
    let (string, binary) = match &version.content {
        SecretContent::String(text) => (Some(text), None),
        SecretContent::Binary(bytes) => (None, Some(bytes)),
    };
    json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.id,
        "SecretBinary": binary,
        "SecretString": string,
        "VersionStages": (!version.stages.is_empty()).then_some(&version.stages),
        "CreatedDate": epoch_seconds(version.created),
    })
}

/// Records that a version was read today.
fn record_access(sandbox: &Sandbox, name: &str, id: &str, now: Timestamp) -> Result<(), Fault> {
    sandbox.store.write(|states| {
        let secret = states.of_mut::<State>().secrets.get_mut(name).ok_or_else(|| not_found("secret"))?;
        secret.accessed = Some(day(now));
        if let Some(version) = secret.versions.iter_mut().find(|version| version.id == id) {
            version.accessed = Some(day(now));
        }
        Ok(())
    })
}
