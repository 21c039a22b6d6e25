//! The inputs of CreateStack, UpdateStack and CreateChangeSet, and the stack definitions that they describe.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::deployment_config::{DeploymentConfig, RollbackConfiguration};
use super::preparation::Preparation;
use super::template_text;
use crate::base::tags::Tag;
use crate::cloudformation::model::{OnFailure, Stack, StackDefinition};
use crate::cloudformation::template::parameters::ParameterInput;
use crate::cloudformation::template::{Template, capabilities, invalid, template_check, type_of};
use crate::{Fault, Sandbox};

/// The members that at least two of the operations have. The service model drops those that an operation does not have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StackInput {
    pub stack_name: String,
    template_body: Option<String>,
    #[serde(rename = "TemplateURL")]
    template_url: Option<String>,
    #[serde(default)]
    use_previous_template: bool,
    #[serde(default)]
    parameters: Vec<ParameterInput>,
    tags: Option<Vec<Tag>>,
    #[serde(default)]
    capabilities: Vec<String>,
    resource_types: Option<Vec<String>>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    #[serde(rename = "NotificationARNs")]
    notification_arns: Option<Vec<String>>,
    rollback_configuration: Option<RollbackConfiguration>,
    #[serde(default)]
    disable_rollback: bool,
    #[serde(default)]
    retain_except_on_create: bool,
    #[serde(default)]
    deployment_config: DeploymentConfig,
    pub client_request_token: Option<String>,
    // Not served.
    stack_policy_body: Option<Value>,
    #[serde(rename = "StackPolicyURL")]
    stack_policy_url: Option<Value>,
    #[serde(default)]
    disable_validation: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateStack {
    #[serde(flatten)]
    pub stack: StackInput,
    on_failure: Option<OnFailure>,
    pub timeout_in_minutes: Option<u32>,
    #[serde(default)]
    pub enable_termination_protection: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateStack {
    #[serde(flatten)]
    pub stack: StackInput,
    // Not served.
    stack_policy_during_update_body: Option<Value>,
    #[serde(rename = "StackPolicyDuringUpdateURL")]
    stack_policy_during_update_url: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateChangeSetInput {
    #[serde(flatten)]
    pub stack: StackInput,
    pub change_set_name: String,
    pub change_set_type: Option<String>,
    pub description: Option<String>,
    pub on_stack_failure: Option<OnFailure>,
    #[serde(default)]
    pub include_nested_stacks: bool,
    // Not served.
    #[serde(default)]
    import_existing_resources: bool,
    resources_to_import: Option<Value>,
    deployment_mode: Option<Value>,
}

impl CreateStack {
    /// Refuses members that are not served, and values that no stack can have.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        self.stack.check(&[])
    }

    pub(crate) async fn definition(&self, sandbox: &Arc<Sandbox>) -> Result<StackDefinition, Fault> {
        let definition = self.stack.definition(sandbox, None, true).await?;
        let on_failure = self.stack.on_failure(self.on_failure)?;
        Ok(StackDefinition { on_failure, ..definition })
    }
}

impl UpdateStack {
    /// Refuses members that are not served, and values that no stack can have.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        self.stack.check(&[
            ("StackPolicyDuringUpdateBody", self.stack_policy_during_update_body.is_some()),
            ("StackPolicyDuringUpdateURL", self.stack_policy_during_update_url.is_some()),
        ])
    }

    /// What follows when the update fails.
    pub(crate) fn on_failure(&self) -> Result<OnFailure, Fault> {
        self.stack.on_failure(None)
    }

    pub(crate) async fn definition(&self, sandbox: &Arc<Sandbox>, stack: &Stack) -> Result<StackDefinition, Fault> {
        let definition = self.stack.definition(sandbox, Some(stack), true).await?;
        Ok(StackDefinition { on_failure: self.on_failure()?, ..definition })
    }
}

impl CreateChangeSetInput {
    /// Refuses members that are not served, and values that no stack can have.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let imports_any = |list: &Value| *list != json!("") && *list != json!([]);
        self.stack.check(&[
            ("ImportExistingResources", self.import_existing_resources),
            ("ResourcesToImport", self.resources_to_import.as_ref().is_some_and(imports_any)),
            ("DeploymentMode", self.deployment_mode.is_some()),
        ])
    }

    /// The definition of the stack once the change set is executed; `updated` is the stack, unless it is created.
    pub(crate) async fn definition(
        &self,
        sandbox: &Arc<Sandbox>,
        updated: Option<&Stack>,
    ) -> Result<StackDefinition, Fault> {
        let definition = self.stack.definition(sandbox, updated, false).await?;
        let on_failure = self.stack.on_failure(self.on_stack_failure)?;
        Ok(StackDefinition { on_failure, ..definition })
    }
}

impl StackInput {
    /// `unserved` are the operation's own members that are not served, each with whether it is given.
    fn check(&self, unserved: &[(&str, bool)]) -> Result<(), Fault> {
        let shared = [
            ("StackPolicyBody", self.stack_policy_body.is_some()),
            ("StackPolicyURL", self.stack_policy_url.is_some()),
            ("DisableValidation", self.disable_validation),
        ];
        if let Some((name, _)) = unserved.iter().chain(&shared).find(|(_, is_given)| *is_given) {
            return Err(Fault::not_implemented(&format!("the member {name}")));
        }
        if self.use_previous_template && (self.template_body.is_some() || self.template_url.is_some()) {
            return Err(invalid("You cannot specify both usePreviousTemplate and Template Body/Template URL."));
        }
        self.deployment_config.check()?;
        check_tags(self.tags.as_deref().unwrap_or_default())?;
        self.rollback_configuration.as_ref().map_or(Ok(()), RollbackConfiguration::check)
    }

    /// The definition of a stack; `previous` is the stack that is updated. With `expands`, the request carries out transforms, which
    /// takes a capability.
    async fn definition(
        &self,
        sandbox: &Arc<Sandbox>,
        previous: Option<&Stack>,
        expands: bool,
    ) -> Result<StackDefinition, Fault> {
        let body = self.template_body(previous)?;
        let before = previous.map(|stack| &stack.definition);
        let previous_parameters = before.map(|definition| definition.parameters.as_slice());
        let notification_arns =
            self.notification_arns.clone().or_else(|| Some(before?.notification_arns.clone())).unwrap_or_default();
        let preparation = Preparation {
            sandbox,
            stack: previous,
            stack_name: &self.stack_name,
            notification_arns: &notification_arns,
        };
        let prepared = preparation.run(body, &self.parameters, previous_parameters).await?;
        capabilities::check(&prepared.template, &self.capabilities, expands)?;
        self.check_resource_types(&prepared.template)?;
        // An earlier version of the sandbox may have accepted a template that this one does not.
        if let Some(before) = before.and_then(|before| Template::parse(&before.template_body).ok()) {
            template_check::check_types_unchanged(&before, &prepared.template)?;
        }
        if let Some(arn) = &self.role_arn {
            check_role(sandbox, arn).await?;
        }
        Ok(StackDefinition {
            template_body: prepared.body,
            original_body: prepared.original,
            dynamic: prepared.dynamic,
            parameters: prepared.parameters,
            tags: self.tags.clone().or_else(|| Some(before?.tags.clone())).unwrap_or_default(),
            capabilities: self.capabilities.clone(),
            change_set_id: None,
            on_failure: OnFailure::default(),
            retain_except_on_create: self.retain_except_on_create,
            role_arn: self.role_arn.clone().or_else(|| before?.role_arn.clone()),
            notification_arns,
        })
    }

    fn template_body(&self, previous: Option<&Stack>) -> Result<String, Fault> {
        if self.use_previous_template {
            let body = previous.map(|stack| stack.definition.original_template().to_owned());
            return body.ok_or_else(|| invalid("UsePreviousTemplate is only for stacks that there are."));
        }
        template_text(self.template_body.as_deref(), self.template_url.as_deref())
    }

    fn check_resource_types(&self, template: &Template) -> Result<(), Fault> {
        let Some(allowed) = &self.resource_types else { return Ok(()) };
        let is_allowed = |resource_type: &str| {
            allowed.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => prefix.ends_with("::") && resource_type.starts_with(prefix),
                None => pattern == resource_type,
            })
        };
        match template.resources().values().map(type_of).find(|resource_type| !is_allowed(resource_type)) {
            None => Ok(()),
            Some(resource_type) => Err(invalid(format!(
                "Resource type {resource_type} is not allowed by parameter ResourceTypes [{}]",
                allowed.join(", ")
            ))),
        }
    }

    /// What follows a failure; `choice` is `OnFailure` or `OnStackFailure`.
    fn on_failure(&self, choice: Option<OnFailure>) -> Result<OnFailure, Fault> {
        match choice {
            Some(_) if self.disable_rollback => {
                Err(invalid("Either DisableRollback or OnFailure can be specified, not both."))
            }
            Some(on_failure) => Ok(on_failure),
            None if self.disable_rollback || self.deployment_config.disable_rollback => Ok(OnFailure::DoNothing),
            None => Ok(OnFailure::Rollback),
        }
    }
}

/// Refuses a service role that does not exist. The sandbox does not check the role's permissions.
pub(super) async fn check_role(sandbox: &Arc<Sandbox>, arn: &str) -> Result<(), Fault> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let role = sandbox.call("iam", "GetRole", json!({ "RoleName": name })).await;
    if role.is_ok_and(|response| response["Role"]["Arn"] == arn) {
        return Ok(());
    }
    Err(invalid(format!("Role {arn} is invalid or cannot be assumed")))
}

/// Refuses reserved and duplicate tag keys.
fn check_tags(tags: &[Tag]) -> Result<(), Fault> {
    for (index, tag) in tags.iter().enumerate() {
        if tag.key.starts_with("aws:") {
            return Err(invalid("aws: prefixed tag key names are not allowed for external use."));
        }
        if tags[..index].iter().any(|other| other.key == tag.key) {
            return Err(invalid(format!("Duplicate tag key: {}", tag.key)));
        }
    }
    Ok(())
}
