//! The lists: secrets, and the versions of one.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::filters::{self, Filter};
use super::invalid_token;
use super::model::{Secret, find};
use crate::Sandbox;
use crate::services::{Reply, paging};
use crate::world::World;
use crate::world::clock::epoch_seconds;

const PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Secrets {
    #[serde(default)]
    include_planned_deletion: bool,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    sort_order: Option<String>,
    sort_by: Option<String>,
}

pub(super) fn secrets(sandbox: &Arc<Sandbox>, input: Secrets) -> Reply {
    filters::check(&input.filters)?;
    let descending = input.sort_order.as_deref() == Some("desc");
    let sort_by = input.sort_by.as_deref().unwrap_or("created-date");
    let question = format!("ListSecrets {} {descending} {sort_by} {:?}", input.include_planned_deletion, input.filters);
    let page = sandbox.world.read(|world| {
        let mut found = listed(world, sandbox, &input.filters, input.include_planned_deletion);
        match sort_by {
            "name" => found.sort_by(|one, other| one.name.cmp(&other.name)),
            "last-changed-date" => found.sort_by_key(|secret| secret.changed),
            "last-accessed-date" => found.sort_by_key(|secret| secret.accessed),
            _ => found.sort_by_key(|secret| secret.created),
        }
        if descending {
            found.reverse();
        }
        let found = found.into_iter().map(|secret| (secret.arn.clone(), show(secret)));
        paging::page(found, &question, input.next_token.as_deref(), input.max_results.unwrap_or(PAGE))
            .map_err(invalid_token)
    })?;
    Ok(json!({ "SecretList": page.items, "NextToken": page.next_token }))
}

/// The secrets that pass, the oldest first.
pub(super) fn listed<'a>(
    world: &'a World,
    sandbox: &Sandbox,
    filters: &[Filter],
    deleted_too: bool,
) -> Vec<&'a Secret> {
    let now = sandbox.clock.now();
    let there = |secret: &&Secret| secret.deletion.is_none_or(|(_, gone)| deleted_too && gone > now);
    let mut found: Vec<&Secret> =
        world.secretsmanager.secrets.values().filter(there).filter(|secret| filters::pass(filters, secret)).collect();
    found.sort_by_key(|secret| secret.created);
    found
}

fn show(secret: &Secret) -> Value {
    let mut described = secret.describe();
    described.insert("SecretVersionsToStages".to_owned(), json!(secret.stages()));
    Value::Object(described)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Versions {
    secret_id: String,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    include_deprecated: bool,
}

pub(super) fn versions(sandbox: &Arc<Sandbox>, input: Versions) -> Reply {
    let question = format!("ListSecretVersionIds {} {}", input.secret_id, input.include_deprecated);
    sandbox.world.read(|world| {
        let secret = find(world, &sandbox.config, &input.secret_id, sandbox.clock.now())?;
        let versions = secret.versions.iter().filter(|version| input.include_deprecated || !version.stages.is_empty());
        let versions = versions.map(|version| {
            let shown = json!({
                "VersionId": version.id,
                "VersionStages": (!version.stages.is_empty()).then_some(&version.stages),
                "LastAccessedDate": version.accessed.map(epoch_seconds),
                "CreatedDate": epoch_seconds(version.created),
                "KmsKeyIds": [secret.kms_key_id.as_deref().unwrap_or("DefaultEncryptionKey")],
            });
            (version.id.clone(), shown)
        });
        let page = paging::page(versions, &question, input.next_token.as_deref(), input.max_results.unwrap_or(PAGE))
            .map_err(invalid_token)?;
        Ok(json!({
            "Versions": page.items,
            "NextToken": page.next_token,
            "ARN": secret.arn,
            "Name": secret.name,
        }))
    })
}
