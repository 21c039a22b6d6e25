//! Dynamic references: `{{resolve:SERVICE:…}}` in the properties of resources.
//!
//! References to SSM parameters are looked up by every operation on a stack, before its first resource. References to secrets are
//! only replaced when a handler is called, so that no secret is in a response or in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::evaluation_scope::{EvaluationScope, UNKNOWN};
use super::parameters::ssm_parameter;
use super::{Template, invalid, template_check, template_fault, type_of};
use crate::{Fault, Sandbox};

const OPEN: &str = "{{resolve:";
const CLOSE: &str = "}}";

/// The services of dynamic references that are served.
pub(crate) const KINDS: [&str; 3] = ["ssm", "ssm-secure", "secretsmanager"];

/// The values of dynamic references, by the text of the reference.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct ResolvedReferences(BTreeMap<String, String>);

impl ResolvedReferences {
    pub(crate) fn replace(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        map_references(value, &mut |text| {
            let mut text = text.to_owned();
            for (reference, replacement) in &self.0 {
                text = text.replace(reference, replacement);
            }
            text
        })
    }
}

/// Applies a function to every text with a reference.
fn map_references(value: Value, change: &mut dyn FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) if text.contains(OPEN) => change(&text).into(),
        Value::Array(items) => items.into_iter().map(|item| map_references(item, change)).collect(),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, member)| (name, map_references(member, change))).collect())
        }
        other => other,
    }
}

fn in_text(text: &str) -> Vec<&str> {
    let mut references = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let Some(end) = rest[at..].find(CLOSE) else { break };
        references.push(&rest[at..at + end + CLOSE.len()]);
        rest = &rest[at + end + CLOSE.len()..];
    }
    references
}

/// A reference and its path, such as `AWS::SSM::Parameter/Properties/Value`.
type LocatedReference = (String, String);

fn collect(value: &Value, path: &str, references: &mut Vec<LocatedReference>) {
    match value {
        Value::String(text) => {
            references.extend(in_text(text).into_iter().map(|reference| (reference.to_owned(), path.to_owned())));
        }
        // AWS's paths have no list indexes.
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, references)),
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| collect(member, &format!("{path}/{name}"), references));
        }
        _ => {}
    }
}

/// The service of a reference and the rest of it.
fn parts(reference: &str) -> (&str, &str) {
    let inside = &reference[OPEN.len()..reference.len() - CLOSE.len()];
    inside.split_once(':').unwrap_or((inside, ""))
}

/// Looks up the SSM parameters to which resources refer whose conditions hold, and refuses references that are malformed or not
/// allowed. The scope has no resources yet.
pub(crate) async fn look_up(
    sandbox: &Arc<Sandbox>,
    template: &Template,
    scope: &EvaluationScope<'_>,
) -> Result<ResolvedReferences, Fault> {
    let mut references = Vec::new();
    for name in template_check::active_dependencies(template, scope)?.keys() {
        let resource = &template.resources()[name];
        // Properties that cannot be evaluated fail later, with their own reason.
        if let Ok(Some(properties)) = scope.evaluate(&resource["Properties"]) {
            collect(&properties, &format!("{}/Properties", type_of(resource)), &mut references);
        }
    }
    let secure: Vec<&str> = references
        .iter()
        .filter(|(reference, _)| parts(reference).0 == "ssm-secure")
        .map(|(_, path)| path.as_str())
        .collect();
    if let Some(reference) = references.iter().map(|(reference, _)| reference).find(|reference| is_malformed(reference))
    {
        return Err(invalid(format!("Incorrect format is used in the following SSM reference: [{reference}]")));
    }
    if !secure.is_empty() {
        // AWS allows it in the passwords of a few types, none of which is served.
        return Err(invalid(format!("SSM Secure reference is not supported in: [{}]", secure.join(","))));
    }
    let mut values = ResolvedReferences::default();
    for (reference, _) in references {
        if parts(&reference).0 == "ssm" && !reference.contains(UNKNOWN) && !values.0.contains_key(&reference) {
            let value = ssm_value(sandbox, parts(&reference).1).await?;
            values.0.insert(reference, value);
        }
    }
    Ok(values)
}

/// Whether an SSM reference is anything else than a name with an optional version. CloudFormation accepts no labels.
fn is_malformed(reference: &str) -> bool {
    let (service, rest) = parts(reference);
    if !matches!(service, "ssm" | "ssm-secure") || rest.contains(UNKNOWN) {
        return false;
    }
    let (name, version) = rest.split_once(':').map_or((rest, None), |(name, version)| (name, Some(version)));
    let is_valid = |character: char| character.is_ascii_alphanumeric() || "_.-/".contains(character);
    let number = |version: &str| !version.is_empty() && version.bytes().all(|digit| digit.is_ascii_digit());
    name.is_empty() || !name.chars().all(is_valid) || version.is_some_and(|version| !number(version))
}

/// The value of an SSM parameter, by its name with an optional version.
async fn ssm_value(sandbox: &Arc<Sandbox>, name: &str) -> Result<String, Fault> {
    let missing = || invalid(format!("Unable to fetch parameters [{name}] from parameter store for this account."));
    let parameter = ssm_parameter(sandbox, name).await?.ok_or_else(missing)?;
    if parameter["Type"] == "SecureString" {
        let bare = name.split(':').next().unwrap_or(name);
        return Err(invalid(format!("Non-secure ssm prefix was used for secure parameter {bare}")));
    }
    Ok(parameter["Value"].as_str().unwrap_or_default().to_owned())
}

/// Replaces the references in a template parameter's value, which have to have a version.
pub(crate) async fn in_parameter(sandbox: &Arc<Sandbox>, key: &str, value: &str) -> Result<String, Fault> {
    let mut replaced = value.to_owned();
    for reference in in_text(value).into_iter().filter(|reference| parts(reference).0 == "ssm") {
        if is_malformed(reference) {
            return Err(invalid(format!("Incorrect format is used in the following SSM reference: [{reference}]")));
        }
        let name = parts(reference).1;
        if !name.contains(':') {
            return Err(invalid(format!(
                "Template error: parameter {key} should not contain ssm versionless resolver"
            )));
        }
        replaced = replaced.replace(reference, &ssm_value(sandbox, name).await?);
    }
    Ok(replaced)
}

/// Replaces the references to secrets in properties that a handler is about to get.
pub(crate) async fn replace_secrets(sandbox: &Arc<Sandbox>, properties: Value) -> Result<Value, Fault> {
    let mut references = Vec::new();
    collect(&properties, "", &mut references);
    let mut secrets = ResolvedReferences::default();
    for (reference, _) in references {
        if let ("secretsmanager", rest) = parts(&reference) {
            let secret = secret(sandbox, &reference, rest).await?;
            secrets.0.insert(reference, secret);
        }
    }
    Ok(secrets.replace(properties))
}

/// `ID[:SecretString[:JSON-KEY[:STAGE[:VERSION-ID]]]]`, where the id may be an ARN.
async fn secret(sandbox: &Arc<Sandbox>, reference: &str, rest: &str) -> Result<String, Fault> {
    let all: Vec<&str> = rest.split(':').collect();
    let (id, rest) = all.split_at(if rest.starts_with("arn:") { all.len().min(7) } else { 1 });
    let part = |index: usize| rest.get(index).copied().filter(|text| !text.is_empty());
    if rest.len() > 4 || part(0).is_some_and(|kind| kind != "SecretString") {
        return Err(template_fault(format!(
            "Incorrect format is used in the following SecretsManager reference: [{reference}]"
        )));
    }
    let input = json!({ "SecretId": id.join(":"), "VersionStage": part(2), "VersionId": part(3) });
    let response = sandbox.call("secretsmanager", "GetSecretValue", input).await;
    let response = response.map_err(|fault| template_fault(fault.message))?;
    let text = response["SecretString"].as_str().unwrap_or_default();
    let Some(key) = part(1) else { return Ok(text.to_owned()) };
    let object: Value = serde_json::from_str(text).map_err(|_| template_fault("Could not parse SecretString JSON"))?;
    match object.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(other.to_string()),
        None => Err(template_fault("Could not find a value associated with JSONKey in SecretString")),
    }
}
