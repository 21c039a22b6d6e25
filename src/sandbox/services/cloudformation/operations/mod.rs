//! The API: what requests ask for, checked in CloudFormation's words and order.

use std::sync::Arc;

use serde::Deserialize;

use super::model::{ChangeSet, Definition, OnFailure, Stack, State, Tag};
use super::template::parameters::Given;
use super::template::{capabilities, invalid};
use crate::sandbox::{Fault, Sandbox};
use preparation::Preparation;

pub mod change_sets;
pub mod describe;
pub mod exports;
mod identifiers;
mod preparation;
pub mod stacks;
pub mod templates;

/// The longest template that a request may bring in its body, in bytes.
const LONGEST_TEMPLATE: usize = 51_200;

/// The members that CreateStack, UpdateStack and CreateChangeSet share.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Asked {
    stack_name: String,
    template_body: Option<String>,
    #[serde(rename = "TemplateURL")]
    template_url: Option<String>,
    #[serde(default)]
    use_previous_template: bool,
    #[serde(default)]
    parameters: Vec<Given>,
    tags: Option<Vec<Tag>>,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    disable_rollback: bool,
    on_failure: Option<String>,
    on_stack_failure: Option<String>,
    client_request_token: Option<String>,
    #[serde(default)]
    enable_termination_protection: bool,
    // Members of CreateChangeSet alone.
    change_set_name: Option<String>,
    change_set_type: Option<String>,
    description: Option<String>,
}

impl Asked {
    /// What the stack is to become; `previous` is the stack that is updated. `expands` tells whether the request carries
    /// out transforms at once.
    async fn definition(
        &self,
        sandbox: &Arc<Sandbox>,
        previous: Option<&Stack>,
        expands: bool,
    ) -> Result<Definition, Fault> {
        let body = self.template_body(previous)?;
        let before = previous.map(|stack| stack.definition.parameters.as_slice());
        let prepared = Preparation { sandbox, stack: previous, stack_name: &self.stack_name }
            .run(body, &self.parameters, before)
            .await?;
        capabilities::check(&prepared.template, &self.capabilities, expands)?;
        let tags =
            self.tags.clone().or_else(|| previous.map(|stack| stack.definition.tags.clone())).unwrap_or_default();
        Ok(Definition {
            template_body: prepared.body,
            original_body: prepared.original,
            dynamic: prepared.dynamic,
            parameters: prepared.parameters,
            tags,
            capabilities: self.capabilities.clone(),
            change_set_id: None,
            on_failure: self.on_failure()?,
        })
    }

    fn template_body(&self, previous: Option<&Stack>) -> Result<String, Fault> {
        if self.use_previous_template {
            let body = previous.map(|stack| stack.definition.original_template().to_owned());
            return body.ok_or_else(|| invalid("UsePreviousTemplate is only for stacks that there are."));
        }
        template_text(self.template_body.as_deref(), self.template_url.as_deref())
    }

    fn on_failure(&self) -> Result<OnFailure, Fault> {
        match self.on_failure.as_deref().or(self.on_stack_failure.as_deref()) {
            Some(_) if self.disable_rollback => Err(invalid("You cannot specify both OnFailure and DisableRollback.")),
            Some("DO_NOTHING") => Ok(OnFailure::DoNothing),
            Some("DELETE") => Ok(OnFailure::Delete),
            Some("ROLLBACK") => Ok(OnFailure::Rollback),
            Some(other) => Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'onFailure' failed to satisfy constraint: Member must satisfy enum value set: [ROLLBACK, DELETE, DO_NOTHING]"
            ))),
            None if self.disable_rollback => Ok(OnFailure::DoNothing),
            None => Ok(OnFailure::Rollback),
        }
    }
}

/// The text of a template that a request brings.
fn template_text(body: Option<&str>, url: Option<&str>) -> Result<String, Fault> {
    let wrong_length = |bound: &str| {
        invalid(format!(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length {bound}"
        ))
    };
    match (body, url) {
        (Some(""), None) => Err(wrong_length("greater than or equal to 1")),
        (Some(body), None) if body.len() > LONGEST_TEMPLATE => {
            Err(wrong_length(&format!("less than or equal to {LONGEST_TEMPLATE}")))
        }
        (Some(body), None) => Ok(body.to_owned()),
        (None, Some(url)) => Err(unreachable_template(url)),
        _ => Err(invalid("Either Template URL or Template Body must be specified.")),
    }
}

/// Why a template is not to be had from where it is said to be: the sandbox has no S3.
fn unreachable_template(url: &str) -> Fault {
    if let Some(bucket) = url.strip_prefix("s3://").map(|rest| rest.split('/').next().unwrap_or(rest)) {
        return invalid(format!("S3 error: Domain name specified in {bucket} is not a valid S3 domain"));
    }
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = host.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let is_s3 = host.ends_with(".amazonaws.com") && host.split('.').any(|part| part == "s3" || part.starts_with("s3-"));
    if is_s3 {
        Fault::not_implemented("S3, where the TemplateURL points")
    } else {
        invalid("TemplateURL must be a supported URL.")
    }
}

/// The pattern of a new stack's name.
fn check_stack_name(name: &str) -> Result<(), Fault> {
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic());
    let fits = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '-');
    if begins && fits && name.len() <= 128 {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
    )))
}

/// A stack that has just been asked for.
fn new_stack(sandbox: &Arc<Sandbox>, name: &str, definition: Definition) -> Stack {
    let id = crate::sandbox::world::ids::uuid();
    Stack {
        id: sandbox.config.arn("cloudformation", &format!("stack/{name}/{id}")),
        name: name.to_owned(),
        status: String::new(),
        status_reason: None,
        created: sandbox.clock.now(),
        updated: None,
        deleted: None,
        definition,
        previous: None,
        outputs: Vec::new(),
        imports: Vec::new(),
        termination_protection: false,
        retain: Vec::new(),
        client_request_token: None,
    }
}

/// The stack, or the fault of most operations.
fn find<'a>(state: &'a State, name: &str) -> Result<&'a Stack, Fault> {
    state.find(name).ok_or_else(|| invalid(format!("Stack [{name}] does not exist")))
}

/// The stack, or the fault of the Describe operations.
fn find_described<'a>(state: &'a State, name: &str) -> Result<&'a Stack, Fault> {
    state.find(name).ok_or_else(|| invalid(format!("Stack with id {name} does not exist")))
}

/// Refuses to update a stack that is not in a state for it.
fn check_updatable(stack: &Stack) -> Result<(), Fault> {
    let can = matches!(
        stack.status.as_str(),
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" | "UPDATE_FAILED"
    );
    if can {
        return Ok(());
    }
    Err(invalid(format!("Stack:{} is in {} state and can not be updated.", stack.id, stack.status)))
}

/// Ends the life of a stack's other change sets when one is carried out.
fn make_obsolete(state: &mut State, stack_id: &str, executed: Option<&str>) {
    let others: Vec<String> = state
        .change_sets
        .values()
        .filter(|one: &&ChangeSet| one.stack_id == stack_id && executed != Some(one.id.as_str()))
        .map(|one| one.id.clone())
        .collect();
    for id in others {
        if let Some(change_set) = state.change_sets.get_mut(&id)
            && change_set.execution_status == "AVAILABLE"
        {
            "OBSOLETE".clone_into(&mut change_set.execution_status);
        }
    }
}
