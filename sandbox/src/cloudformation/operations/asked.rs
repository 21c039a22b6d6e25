//! What CreateStack, UpdateStack and CreateChangeSet ask for, checked in CloudFormation's words.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::model::{Definition, OnFailure, Stack};
use super::super::template::parameters::Given;
use super::super::template::{Template, capabilities, check, invalid, kind_of};
use super::preparation::Preparation;
use super::template_text;
use crate::base::tags::Tag;
use crate::{Fault, Sandbox};

/// The members that the three share, and those that some of them have alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Asked {
    pub stack_name: String,
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
    resource_types: Option<Vec<String>>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    #[serde(rename = "NotificationARNs")]
    notification_arns: Option<Vec<String>>,
    rollback_configuration: Option<RollbackConfiguration>,
    #[serde(default)]
    disable_rollback: bool,
    on_failure: Option<String>,
    #[serde(default)]
    retain_except_on_create: bool,
    pub client_request_token: Option<String>,
    #[serde(default)]
    pub enable_termination_protection: bool,
    pub timeout_in_minutes: Option<u32>,
    // Members of CreateChangeSet alone.
    pub change_set_name: Option<String>,
    pub change_set_type: Option<String>,
    pub description: Option<String>,
    pub on_stack_failure: Option<String>,
    #[serde(default)]
    pub include_nested_stacks: bool,
    // Members that are refused by name.
    stack_policy_body: Option<Value>,
    stack_policy_during_update_body: Option<Value>,
    #[serde(rename = "StackPolicyURL")]
    stack_policy_url: Option<Value>,
    #[serde(rename = "StackPolicyDuringUpdateURL")]
    stack_policy_during_update_url: Option<Value>,
    #[serde(default)]
    import_existing_resources: bool,
    resources_to_import: Option<Value>,
    deployment_mode: Option<Value>,
    #[serde(default)]
    deployment_config: DeploymentConfig,
    #[serde(default)]
    disable_validation: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RollbackConfiguration {
    #[serde(default)]
    rollback_triggers: Vec<Trigger>,
    #[serde(default)]
    monitoring_time_in_minutes: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Trigger {
    arn: String,
    #[serde(rename = "Type")]
    kind: String,
}

/// How an operation is carried out, and whether a failure is rolled back.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeploymentConfig {
    mode: Option<String>,
    #[serde(default)]
    disable_rollback: bool,
}

impl DeploymentConfig {
    /// The sandbox always waits until resources are ready.
    pub fn check(&self) -> Result<(), Fault> {
        match self.mode.as_deref() {
            None | Some("STANDARD") => Ok(()),
            Some(mode) => Err(Fault::not_implemented(&format!("the DeploymentConfig mode {mode}"))),
        }
    }
}

impl RollbackConfiguration {
    /// The sandbox watches no alarms for a stack.
    fn check(&self) -> Result<(), Fault> {
        for trigger in &self.rollback_triggers {
            if !matches!(trigger.kind.as_str(), "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::CompositeAlarm") {
                return Err(invalid("Rollback Trigger Type not supported"));
            }
            if !trigger.arn.splitn(6, ':').last().is_some_and(|id| id.starts_with("alarm:")) {
                return Err(invalid("RelativeId of a Rollback Trigger's ARN is incorrect"));
            }
        }
        if self.rollback_triggers.is_empty() && self.monitoring_time_in_minutes == 0 {
            return Ok(());
        }
        Err(Fault::not_implemented("a RollbackConfiguration with triggers or a monitoring time"))
    }
}

impl Asked {
    /// What the stack is to become; `previous` is the stack that is updated. `expands` tells whether the request carries
    /// out transforms at once.
    pub async fn definition(
        &self,
        sandbox: &Arc<Sandbox>,
        previous: Option<&Stack>,
        expands: bool,
    ) -> Result<Definition, Fault> {
        let body = self.template_body(previous)?;
        let before = previous.map(|stack| &stack.definition);
        let earlier = before.map(|definition| definition.parameters.as_slice());
        let notification_arns =
            self.notification_arns.clone().or_else(|| Some(before?.notification_arns.clone())).unwrap_or_default();
        let preparation = Preparation {
            sandbox,
            stack: previous,
            stack_name: &self.stack_name,
            notification_arns: &notification_arns,
        };
        let prepared = preparation.run(body, &self.parameters, earlier).await?;
        capabilities::check(&prepared.template, &self.capabilities, expands)?;
        self.check_resource_types(&prepared.template)?;
        // An earlier version of the sandbox may have taken a template that this one does not.
        if let Some(before) = before.and_then(|before| Template::parse(&before.template_body).ok()) {
            check::types_stay(&before, &prepared.template)?;
        }
        self.check_role(sandbox).await?;
        let kept = |own: &Option<Vec<Tag>>| own.clone().or_else(|| Some(before?.tags.clone())).unwrap_or_default();
        Ok(Definition {
            template_body: prepared.body,
            original_body: prepared.original,
            dynamic: prepared.dynamic,
            parameters: prepared.parameters,
            tags: kept(&self.tags),
            capabilities: self.capabilities.clone(),
            change_set_id: None,
            on_failure: self.on_failure()?,
            retain_except_on_create: self.retain_except_on_create,
            role_arn: self.role_arn.clone().or_else(|| before?.role_arn.clone()),
            notification_arns,
        })
    }

    /// Refuses members that are not served, and values that no stack could have.
    pub fn check_members(&self) -> Result<(), Fault> {
        let refused = [
            ("StackPolicyBody", self.stack_policy_body.is_some()),
            ("StackPolicyDuringUpdateBody", self.stack_policy_during_update_body.is_some()),
            ("StackPolicyURL", self.stack_policy_url.is_some()),
            ("StackPolicyDuringUpdateURL", self.stack_policy_during_update_url.is_some()),
            ("ImportExistingResources", self.import_existing_resources),
            (
                "ResourcesToImport",
                self.resources_to_import.as_ref().is_some_and(|some| *some != json!("") && *some != json!([])),
            ),
            ("DeploymentMode", self.deployment_mode.is_some()),
            ("DisableValidation", self.disable_validation),
        ];
        if let Some((name, _)) = refused.iter().find(|(_, given)| *given) {
            return Err(Fault::not_implemented(&format!("the member {name}")));
        }
        if self.use_previous_template && (self.template_body.is_some() || self.template_url.is_some()) {
            return Err(invalid("You cannot specify both usePreviousTemplate and Template Body/Template URL."));
        }
        self.deployment_config.check()?;
        check_tags(self.tags.as_deref().unwrap_or_default())?;
        self.rollback_configuration.as_ref().map_or(Ok(()), RollbackConfiguration::check)
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
        let fits = |kind: &str| {
            allowed.iter().any(|one| match one.strip_suffix('*') {
                Some(before) => before.ends_with("::") && kind.starts_with(before),
                None => one == kind,
            })
        };
        match template.resources().values().map(kind_of).find(|kind| !fits(kind)) {
            None => Ok(()),
            Some(kind) => Err(invalid(format!(
                "Resource type {kind} is not allowed by parameter ResourceTypes [{}]",
                allowed.join(", ")
            ))),
        }
    }

    /// Permissions are not the sandbox's business, but a role that is not there cannot be assumed.
    async fn check_role(&self, sandbox: &Arc<Sandbox>) -> Result<(), Fault> {
        let Some(arn) = &self.role_arn else { return Ok(()) };
        check_role(sandbox, arn).await
    }

    /// What happens when the operation fails.
    pub fn on_failure(&self) -> Result<OnFailure, Fault> {
        match self.on_failure.as_deref().or(self.on_stack_failure.as_deref()) {
            Some(_) if self.disable_rollback => {
                Err(invalid("Either DisableRollback or OnFailure can be specified, not both."))
            }
            Some("DO_NOTHING") => Ok(OnFailure::DoNothing),
            Some("DELETE") => Ok(OnFailure::Delete),
            Some("ROLLBACK") => Ok(OnFailure::Rollback),
            Some(other) => {
                let member = if self.on_failure.is_some() { "onFailure" } else { "onStackFailure" };
                Err(invalid(format!(
                    "1 validation error detected: Value '{other}' at '{member}' failed to satisfy constraint: Member must satisfy enum value set: [ROLLBACK, DELETE, DO_NOTHING]"
                )))
            }
            None if self.disable_rollback || self.deployment_config.disable_rollback => Ok(OnFailure::DoNothing),
            None => Ok(OnFailure::Rollback),
        }
    }
}

/// Refuses a role that there is not.
pub async fn check_role(sandbox: &Arc<Sandbox>, arn: &str) -> Result<(), Fault> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let role = sandbox.call("iam", "GetRole", json!({ "RoleName": name })).await;
    if role.is_ok_and(|answer| answer["Role"]["Arn"] == arn) {
        return Ok(());
    }
    Err(invalid(format!("Role {arn} is invalid or cannot be assumed")))
}

/// A stack has at most fifty tags, each key once, and none of AWS's own.
fn check_tags(tags: &[Tag]) -> Result<(), Fault> {
    const MOST: usize = 50;
    if tags.len() > MOST {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to {MOST}"
        )));
    }
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
