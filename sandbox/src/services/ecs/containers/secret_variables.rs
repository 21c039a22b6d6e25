//! Environment variables whose values are in SSM or Secrets Manager. Errors are AWS's stopped reasons.

use std::sync::Arc;

use serde_json::{Value, json};

use super::LaunchFailure;
use crate::base::arn::Arn;
use crate::services::ecs::model::ContainerDefinition;
use crate::services::ecs::without_nulls;
use crate::{Fault, Sandbox};

const UNABLE: &str = "unable to pull secrets or registry auth: execution resource retrieval failed";

pub(super) async fn values(
    sandbox: &Arc<Sandbox>,
    container: &ContainerDefinition,
) -> Result<Vec<(String, String)>, LaunchFailure> {
    let mut values = Vec::new();
    for secret in &container.secrets {
        let from = secret.value_from.as_str();
        let value = if Arn::parse(from).is_some_and(|arn| arn.service == "secretsmanager") {
            read_secret(sandbox, from).await.map_err(|why| {
                format!("{UNABLE}: unable to retrieve secret from asm: service call has been retried 1 time(s): {why}")
            })
        } else {
            read_parameter(sandbox, from).await.map_err(|why| {
                format!("{UNABLE}: unable to retrieve secrets from ssm: service call has been retried 1 time(s): {why}")
            })
        };
        values.push((secret.name.clone(), value.map_err(LaunchFailure::resources)?));
    }
    Ok(values)
}

/// `NAME` or `arn:…:parameter/NAME`.
async fn read_parameter(sandbox: &Arc<Sandbox>, from: &str) -> Result<String, String> {
    let name = from.split_once(":parameter").map_or(from, |(_, name)| name);
    // A parameter without a path has no slash of its own in its name.
    let name = name.strip_prefix('/').filter(|rest| from.starts_with("arn:") && !rest.contains('/')).unwrap_or(name);
    let input = json!({ "Names": [name], "WithDecryption": true });
    let response = sandbox.call("ssm", "GetParameters", input).await.map_err(|fault| format_fault(&fault))?;
    let value = response["Parameters"][0]["Value"].as_str();
    value.map(str::to_owned).ok_or_else(|| format!("invalid parameters: {from}"))
}

/// `arn:…:secret:NAME`, and after it, each with a colon: a key of its JSON text, a stage and a version.
async fn read_secret(sandbox: &Arc<Sandbox>, from: &str) -> Result<String, String> {
    let mut parts = from.splitn(8, ':').skip(7);
    let mut rest = parts.next().unwrap_or_default().split(':');
    let id = from.splitn(8, ':').take(6).collect::<Vec<_>>().join(":");
    let name = from.split(':').nth(6).unwrap_or_default();
    let mut member = || rest.next().filter(|part| !part.is_empty());
    let (key, stage, version) = (member(), member(), member());
    let secret = format!("{id}:{name}");
    let input = json!({ "SecretId": secret, "VersionStage": stage, "VersionId": version });
    let response = sandbox.call("secretsmanager", "GetSecretValue", without_nulls(input)).await;
    let failed = |why: String| format!("failed to fetch secret {secret} from secrets manager: {why}");
    let response = response.map_err(|fault| failed(format_fault(&fault)))?;
    let text = response["SecretString"].as_str().ok_or_else(|| failed("it has no SecretString".to_owned()))?;
    let Some(key) = key else { return Ok(text.to_owned()) };
    let member = serde_json::from_str::<Value>(text).ok().and_then(|content| content.get(key).cloned());
    match member {
        Some(Value::String(value)) => Ok(value),
        Some(other) => Ok(other.to_string()),
        None => Err(format!("retrieved secret from Secrets Manager did not contain json key {key}")),
    }
}

fn format_fault(fault: &Fault) -> String {
    format!("{}: {}", fault.code, fault.message)
}
