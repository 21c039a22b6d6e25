//! Secrets of Secrets Manager as parameters below a reserved path. Source: "Referencing AWS Secrets Manager secrets
//! from Parameter Store parameters" in the user guide.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::services::ssm::validation_exception;
use crate::{Fault, Sandbox};

const PATH: &str = "/aws/reference/secretsmanager/";

/// The secret that a parameter's name or ARN refers to, optionally with a version or a staging label after a colon.
pub(crate) fn secret_reference(name: &str) -> Option<&str> {
    name.split_once(":parameter").map_or(name, |(_, name)| name).strip_prefix(PATH)
}

/// A secret as a parameter, or `None` if it does not exist.
pub(crate) async fn find(sandbox: &Arc<Sandbox>, reference: &str, decrypted: bool) -> Result<Option<Value>, Fault> {
    if !decrypted {
        return Err(validation_exception("WithDecryption flag must be True for retrieving a Secret Manager secret."));
    }
    let (name, selector) = reference.split_once(':').unwrap_or((reference, ""));
    let Some(secret) = optional(sandbox.call("secretsmanager", "DescribeSecret", json!({ "SecretId": name })).await)?
    else {
        return Ok(None);
    };
    let mut input = json!({ "SecretId": name });
    if !selector.is_empty() {
        let is_version = secret["VersionIdsToStages"].get(selector).is_some();
        input[if is_version { "VersionId" } else { "VersionStage" }] = selector.into();
    }
    let Some(value) = optional(sandbox.call("secretsmanager", "GetSecretValue", input).await)? else { return Ok(None) };
    let Some(text) = value.get("SecretString").filter(|text| text.is_string()) else {
        return Err(Fault::not_implemented(&format!("{PATH}{name}, whose secret is binary")));
    };
    Ok(Some(json!({
        "Name": format!("{PATH}{name}"),
        "Type": "SecureString",
        "Value": text,
        "Version": 0,
        "Selector": (!selector.is_empty()).then(|| format!(":{selector}")),
        "SourceResult": lower_camel_case(&secret).to_string(),
        "LastModifiedDate": value["CreatedDate"],
        "ARN": secret["ARN"],
        "DataType": "text",
    })))
}

/// The members of a secret as `SourceResult` names them: `name`, but `ARN`.
fn lower_camel_case(secret: &Value) -> Value {
    let lowered = |name: &str| match name {
        "ARN" => name.to_owned(),
        _ => name[..1].to_ascii_lowercase() + &name[1..],
    };
    let members = secret.as_object().into_iter().flatten();
    Value::Object(members.map(|(name, value)| (lowered(name), value.clone())).collect())
}

fn optional(response: Result<Value, Fault>) -> Result<Option<Value>, Fault> {
    match response {
        Err(fault) if fault.is_from_sandbox() => Err(fault),
        response => Ok(response.ok()),
    }
}

/// The fault for a reference to a secret that does not exist.
pub(crate) fn not_found(reference: &str) -> Fault {
    let message = format!(
        "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret {PATH}{reference} not found."
    );
    Fault::not_found("ParameterNotFound", message)
}
