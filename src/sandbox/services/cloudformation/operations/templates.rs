//! The operations that tell of templates.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::model::State;
use super::super::template::check::{check, required_capability};
use super::super::template::{Template, invalid, kind_of};
use super::template_text;
use crate::sandbox::services::Reply;
use crate::sandbox::{Fault, Sandbox};

/// The input of operations on a template.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Asked {
    template_body: Option<String>,
    #[serde(rename = "TemplateURL")]
    template_url: Option<String>,
    stack_name: Option<String>,
    change_set_name: Option<String>,
}

/// `GetTemplate`: the text as it was given, of a stack or of a change set.
pub fn get(sandbox: &Arc<Sandbox>, input: Asked) -> Reply {
    sandbox.world.read(|world| {
        let body = stored_body(&world.cloudformation, &input)?;
        Ok(json!({ "TemplateBody": body, "StagesAvailable": ["Original", "Processed"] }))
    })
}

fn stored_body(state: &State, input: &Asked) -> Result<String, Fault> {
    let stack = match (&input.stack_name, &input.change_set_name) {
        (None, None) => return Err(invalid("StackName is required if ChangeSetName is not specified.")),
        (Some(name), _) => {
            let missing = || invalid(format!("Stack with id {name} does not exist"));
            Some(state.find(name).ok_or_else(missing)?)
        }
        (None, Some(_)) => None,
    };
    let Some(name) = &input.change_set_name else {
        return Ok(stack.map(|stack| stack.definition.template_body.clone()).unwrap_or_default());
    };
    let found = state
        .change_sets
        .values()
        .find(|one| one.id == *name || (one.name == *name && stack.is_some_and(|stack| stack.id == one.stack_id)));
    let missing = || Fault::new(404, "ChangeSetNotFound", format!("ChangeSet [{name}] does not exist"));
    found.map(|one| one.definition.template_body.clone()).ok_or_else(missing)
}

fn parameters(template: &Template) -> Vec<Value> {
    let declared = template.section("Parameters").iter();
    let one = |(key, declaration): (&String, &Value)| {
        let no_echo = declaration["NoEcho"] == true || declaration["NoEcho"] == "true";
        json!({
            "ParameterKey": key,
            "DefaultValue": declaration["Default"],
            "ParameterType": declaration["Type"],
            "NoEcho": no_echo,
            "Description": declaration["Description"],
            "ParameterConstraints": { "AllowedValues": declaration["AllowedValues"] },
        })
    };
    declared.map(one).collect()
}

fn capability_members(template: &Template) -> (Value, Value) {
    let Some(capability) = required_capability(template) else { return (json!([]), Value::Null) };
    let resources = template.resources().values().map(kind_of).filter(|kind| kind.starts_with("AWS::IAM::"));
    let mut kinds: Vec<&str> = resources.collect();
    kinds.dedup();
    let reason = format!("The following resource(s) require capabilities: [{}]", kinds.join(", "));
    (json!([capability]), reason.into())
}

/// `GetTemplateSummary`, of a text or of a stack.
pub fn summary(sandbox: &Arc<Sandbox>, input: Asked) -> Reply {
    let body = match &input.stack_name {
        Some(name) => sandbox.world.read(|world| {
            let missing = || invalid(format!("Stack with id {name} does not exist"));
            let stack = world.cloudformation.find(name).ok_or_else(missing)?;
            if stack.status == "REVIEW_IN_PROGRESS" {
                return Err(invalid("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."));
            }
            Ok(stack.definition.template_body.clone())
        })?,
        None => template_text(input.template_body.as_deref(), input.template_url.as_deref())?,
    };
    let template = Template::parse(&body)?;
    let (capabilities, reason) = capability_members(&template);
    let kinds: Vec<&str> = template.resources().values().map(kind_of).collect();
    let identifiers: Vec<Value> = template
        .resources()
        .iter()
        .map(|(name, resource)| json!({ "ResourceType": kind_of(resource), "LogicalResourceIds": [name] }))
        .collect();
    Ok(json!({
        "Parameters": parameters(&template),
        "Description": template.description(),
        "Capabilities": capabilities,
        "CapabilitiesReason": reason,
        "ResourceTypes": kinds,
        "Version": template.root().get("AWSTemplateFormatVersion"),
        "Metadata": template.root().get("Metadata").map(Value::to_string),
        "ResourceIdentifierSummaries": identifiers,
    }))
}

/// `ValidateTemplate`.
pub fn validate(_sandbox: &Arc<Sandbox>, input: Asked) -> Reply {
    let template = Template::parse(&template_text(input.template_body.as_deref(), input.template_url.as_deref())?)?;
    check(&template, &["CAPABILITY_NAMED_IAM".to_owned()])?;
    let (capabilities, reason) = capability_members(&template);
    Ok(json!({
        "Parameters": parameters(&template),
        "Description": template.description(),
        "Capabilities": capabilities,
        "CapabilitiesReason": reason,
    }))
}
