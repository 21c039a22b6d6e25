//! The operations on templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{find_described, template_text};
use crate::cloudformation::identifiers;
use crate::cloudformation::model::{MASK, Stack, StackDefinition, StackStatus, State};
use crate::cloudformation::template::evaluation_scope::{EvaluationScope, UNKNOWN};
use crate::cloudformation::template::parameters::{declaration, defaults, scope as values};
use crate::cloudformation::template::{
    Template, UnexpandedTemplate, capabilities, extensions, invalid, template_check, type_of, value_check,
};
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

/// The only version of the template format.
const FORMAT_VERSION: &str = "2010-09-09";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetTemplateInput {
    stack_name: Option<String>,
    change_set_name: Option<String>,
    template_stage: Option<String>,
}

/// `GetTemplate`, of a stack or of a change set. The default is the template after its transforms, as the API reference has it of
/// `TemplateStage`.
pub(crate) fn get(sandbox: &Arc<Sandbox>, input: GetTemplateInput) -> OperationResult {
    sandbox.store.read(|states| {
        let definition = find_definition(states.of::<State>(), &input)?;
        let body = match input.template_stage.as_deref() {
            Some("Original") => definition.original_template().to_owned(),
            _ => definition.processed_template(),
        };
        Ok(json!({ "TemplateBody": body, "StagesAvailable": ["Original", "Processed"] }))
    })
}

fn find_definition<'a>(state: &'a State, input: &GetTemplateInput) -> Result<&'a StackDefinition, Fault> {
    let stack = input.stack_name.as_ref().map(|name| find_described(state, name)).transpose()?;
    let Some(name) = &input.change_set_name else {
        let stack = stack.ok_or_else(|| invalid("StackName is required if ChangeSetName is not specified."))?;
        return definition_of(stack);
    };
    if stack.is_none() && !name.starts_with("arn:") {
        return Err(invalid("StackName is a required parameter."));
    }
    let by_name = || state.change_set(&stack?.id, name);
    let change_set = state.change_sets.get(name).or_else(by_name);
    let missing =
        || Fault::not_found("ChangeSetNotFound", format!("ChangeSet [{name}] does not exist")).with_status(404);
    change_set.map(|change_set| &change_set.definition).ok_or_else(missing)
}

/// A stack's definition, if it still has its template.
fn definition_of(stack: &Stack) -> Result<&StackDefinition, Fault> {
    if stack.definition.template_body.is_empty() && stack.is_deleted() {
        return Err(Fault::not_implemented("the template of a stack that an earlier version of the sandbox deleted"));
    }
    Ok(&stack.definition)
}

/// The input of GetTemplateSummary and ValidateTemplate.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TemplateInput {
    template_body: Option<String>,
    #[serde(rename = "TemplateURL")]
    template_url: Option<String>,
    stack_name: Option<String>,
    stack_set_name: Option<String>,
}

/// A template to summarize, and the transforms that it declares.
struct Summarized {
    template: Template,
    transforms: Vec<String>,
}

impl Summarized {
    /// Reads a template; with a stack, its transforms use the stack's parameters.
    fn read(sandbox: &Arc<Sandbox>, body: &str, stack: Option<&Stack>) -> Result<Self, Fault> {
        let source = UnexpandedTemplate::parse(body)?;
        source.check_transforms()?;
        let transforms = source.transforms().into_iter().map(str::to_owned).collect();
        let template = if source.is_extended() { expanded(sandbox, source, stack)? } else { source.into_template()? };
        template_check::check_template(&template)?;
        Ok(Self { template, transforms })
    }
}

/// The template after its transforms, with the parameters of the stack, or else their defaults.
fn expanded(sandbox: &Arc<Sandbox>, source: UnexpandedTemplate, stack: Option<&Stack>) -> Result<Template, Fault> {
    let head = source.head()?;
    let parameters = stack.map_or_else(|| defaults(&head), |stack| values(&head, &stack.definition.parameters));
    let (stack_name, stack_id) = stack.map_or(("", ""), |stack| (stack.name.as_str(), stack.id.as_str()));
    let scope = EvaluationScope::new(&head, &sandbox.config, stack_name, stack_id, parameters);
    extensions::expand(source, &scope)
}

/// A parameter, as both operations describe it.
fn parameter(key: &str, declaration: &Value) -> Value {
    let is_hidden = declaration::is_hidden(declaration);
    let default =
        declaration::scalar(&declaration["Default"]).map(|text| if is_hidden { MASK.to_owned() } else { text });
    json!({
        "ParameterKey": key,
        "DefaultValue": default,
        "NoEcho": is_hidden,
        "Description": declaration::scalar(&declaration["Description"]),
    })
}

/// A parameter with its type and constraints.
fn full_parameter(key: &str, declaration: &Value) -> Value {
    let mut parameter = parameter(key, declaration);
    let allowed = declaration["AllowedValues"].as_array();
    let allowed = allowed.map(|all| all.iter().filter_map(declaration::scalar).collect::<Vec<_>>());
    parameter["ParameterType"] = declaration["Type"].clone();
    parameter["ParameterConstraints"] = json!({ "AllowedValues": allowed });
    parameter
}

fn parameters(template: &Template, describe: fn(&str, &Value) -> Value) -> Vec<Value> {
    template.section("Parameters").iter().map(|(key, declaration)| describe(key, declaration)).collect()
}

/// The members of both outputs. AWS leaves out empty lists.
fn shared_output(summarized: &Summarized) -> Map<String, Value> {
    let required = capabilities::required(&summarized.template);
    let unless_empty = |is_empty: bool, value: Value| if is_empty { Value::Null } else { value };
    let mut response = Map::new();
    response.insert("Description".to_owned(), summarized.template.description().into());
    response.insert(
        "Capabilities".to_owned(),
        unless_empty(required.capabilities.is_empty(), json!(required.capabilities)),
    );
    response.insert("CapabilitiesReason".to_owned(), required.reason().into());
    response.insert(
        "DeclaredTransforms".to_owned(),
        unless_empty(summarized.transforms.is_empty(), json!(summarized.transforms)),
    );
    response
}

/// `GetTemplateSummary`, of a template or of a stack.
pub(crate) fn summary(sandbox: &Arc<Sandbox>, input: TemplateInput) -> OperationResult {
    if input.stack_set_name.is_some() {
        return Err(Fault::not_implemented("stack sets"));
    }
    let summarized = if let Some(name) = &input.stack_name {
        let stack = sandbox.store.read(|states| find_described(states.of::<State>(), name).cloned())?;
        if stack.status == StackStatus::ReviewInProgress {
            return Err(invalid("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."));
        }
        Summarized::read(sandbox, definition_of(&stack)?.original_template(), Some(&stack))?
    } else {
        let body = template_text(input.template_body.as_deref(), input.template_url.as_deref())?;
        Summarized::read(sandbox, &body, None)?
    };
    let mut response = shared_output(&summarized);
    let mut by_type: Map<String, Value> = Map::new();
    for (name, resource) in summarized.template.resources() {
        let names = by_type.entry(type_of(resource)).or_insert_with(|| json!([]));
        if let Value::Array(names) = names {
            names.push(name.as_str().into());
        }
    }
    let identifiers: Vec<Value> = by_type
        .iter()
        .map(|(resource_type, names)| {
            let identifiers = identifiers::find(resource_type);
            let identifiers = (!identifiers.is_empty()).then_some(identifiers);
            json!({ "ResourceType": resource_type, "LogicalResourceIds": names, "ResourceIdentifiers": identifiers })
        })
        .collect();
    let rest = [
        ("Parameters", parameters(&summarized.template, full_parameter).into()),
        ("ResourceTypes", by_type.keys().map(String::as_str).collect()),
        // Also of a template without `AWSTemplateFormatVersion` (recorded: localstack's test_get_template_summary_failed_stack).
        ("Version", FORMAT_VERSION.into()),
        ("ResourceIdentifierSummaries", identifiers.into()),
        ("Metadata", summarized.template.root().get("Metadata").map(flow_style).into()),
    ];
    response.extend(rest.map(|(name, value)| (name.to_owned(), value)));
    Ok(response.into())
}

/// A value in the format of the `Metadata` member: YAML's flow style, with strings in single quotes.
fn flow_style(value: &Value) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow_style).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, member)| format!("{}: {}", quoted(name), flow_style(member))).collect();
            format!("{{{}}}", members.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// `ValidateTemplate`. It checks the template language; whether resource types are served is checked when a stack is created.
pub(crate) fn validate(sandbox: &Arc<Sandbox>, input: TemplateInput) -> OperationResult {
    let body = template_text(input.template_body.as_deref(), input.template_url.as_deref())?;
    let summarized = Summarized::read(sandbox, &body, None)?;
    template_check::check_type_names(&summarized.template)?;
    let scope = EvaluationScope::new(&summarized.template, &sandbox.config, UNKNOWN, UNKNOWN, BTreeMap::new());
    value_check::check_independent(&summarized.template, &scope)?;
    let mut response = shared_output(&summarized);
    response.insert("Parameters".to_owned(), parameters(&summarized.template, parameter).into());
    Ok(response.into())
}
