//! Secrets: create, describe, update.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::model::{self, CURRENT, Secret, SecretContent, change, find};
use super::{invalid_parameter, invalid_request};
use crate::base::ids;
use crate::base::tags::Tag;
use crate::core::OperationResult;
use crate::services::secretsmanager::State;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateSecretInput {
    name: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    tags: Option<Vec<Tag>>,
    #[serde(default)]
    add_replica_regions: Vec<Value>,
    #[serde(rename = "Type")]
    kind: Option<String>,
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreateSecretInput) -> OperationResult {
    let CreateSecretInput { name, description, kms_key_id, tags, .. } = input;
    if !input.add_replica_regions.is_empty() {
        return Err(Fault::not_implemented("secretsmanager:CreateSecret with AddReplicaRegions"));
    }
    if input.kind.is_some() {
        return Err(Fault::not_implemented("secretsmanager:CreateSecret with Type"));
    }
    model::check_name(&name)?;
    let content = content(input.secret_string, input.secret_binary)?;
    let token = token(input.client_request_token)?;
    let (now, config) = (sandbox.clock.now(), &sandbox.config);
    sandbox.store.write(|states| {
        if let Ok(secret) = find(states, config, &name, now) {
            return creation_retry(secret, &token, content.as_ref());
        }
        let mut secret = Secret {
            arn: model::arn(config, &name),
            name: name.clone(),
            description,
            kms_key_id,
            tags,
            versions: Vec::new(),
            created: now,
            changed: now,
            accessed: None,
            deletion: None,
        };
        let version = content.is_some().then_some(&token);
        if let Some(content) = content {
            secret.put(&token, content, &[], now)?;
        }
        let response = json!({ "ARN": secret.arn, "Name": name, "VersionId": version });
        states.of_mut::<State>().secrets.insert(name, secret);
        Ok(response)
    })
}

/// The response to the creation of a secret that exists: success if the request is a retry of the one that created it.
fn creation_retry(secret: &Secret, token: &str, content: Option<&SecretContent>) -> OperationResult {
    if secret.deletion.is_some() {
        let message = "You can't create this secret because a secret with this name is already scheduled for deletion.";
        return Err(invalid_request(message));
    }
    match (secret.version(token), content) {
        (Some(version), Some(content)) if version.content == *content => {
            Ok(json!({ "ARN": secret.arn, "Name": secret.name, "VersionId": token }))
        }
        (Some(_), Some(_)) => {
            let message = format!(
                "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {}.",
                secret.arn
            );
            Err(Fault::client("ResourceExistsException", message))
        }
        _ => {
            let message = format!("The operation failed because the secret {} already exists.", secret.name);
            Err(Fault::client("ResourceExistsException", message))
        }
    }
}

/// The value in a request, if any.
pub(super) fn content(string: Option<String>, binary: Option<String>) -> Result<Option<SecretContent>, Fault> {
    match (string, binary) {
        (Some(_), Some(_)) => Err(invalid_parameter(
            "You can't specify both a binary secret value and a string secret value in the same secret.",
        )),
        (Some(text), None) => Ok(Some(SecretContent::String(text))),
        (None, Some(bytes)) => Ok(Some(SecretContent::Binary(bytes))),
        (None, None) => Ok(None),
    }
}

/// The id of a new version: the client's token, which SDKs generate, or a random one.
pub(super) fn token(given: Option<String>) -> Result<String, Fault> {
    match given {
        Some(token) if !(32..=64).contains(&token.len()) => {
            Err(invalid_parameter("ClientRequestToken must be 32-64 characters long."))
        }
        Some(token) => Ok(token),
        None => Ok(ids::uuid()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeSecretInput {
    secret_id: String,
}

pub(super) fn describe(
    sandbox: &Arc<Sandbox>,
    DescribeSecretInput { secret_id }: DescribeSecretInput,
) -> OperationResult {
    sandbox.store.read(|states| {
        let secret = find(states, &sandbox.config, &secret_id, sandbox.clock.now())?;
        let mut output = secret.to_output();
        output.insert("VersionIdsToStages".to_owned(), json!(secret.stages()));
        Ok(Value::Object(output))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateSecretInput {
    secret_id: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
}

pub(super) fn update(sandbox: &Arc<Sandbox>, input: UpdateSecretInput) -> OperationResult {
    if input.kind.is_some() {
        return Err(Fault::not_implemented("secretsmanager:UpdateSecret with Type"));
    }
    let content = content(input.secret_string, input.secret_binary)?;
    let token = token(input.client_request_token)?;
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        change(states, &sandbox.config, &input.secret_id, now, |secret| {
            secret.check_not_deleted()?;
            secret.description = input.description.or_else(|| secret.description.take());
            secret.kms_key_id = input.kms_key_id.or_else(|| secret.kms_key_id.take());
            secret.changed = now;
            let version = content.is_some().then_some(&token);
            if let Some(content) = content {
                secret.put(&token, content, &[CURRENT.to_owned()], now)?;
            }
            Ok(json!({ "ARN": secret.arn, "Name": secret.name, "VersionId": version }))
        })
    })
}
