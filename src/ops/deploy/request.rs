//! The request for a deploy, and the request to CloudFormation for each of its stacks.

use std::collections::BTreeMap;

use super::execution::Timeout;
use crate::model::{Stack, StackRequest};
use crate::ops::{OpsError, Result, TemporaryChangeSets};
use crate::stack::{ProjectStack, Spec, Template, TemplateDiff};

/// A deploy of one or more stacks.
#[derive(Debug)]
pub struct DeployRequest<'a> {
    pub spec: &'a Spec,
    /// The stacks, with what they are deployed with.
    pub stacks: &'a [StackInputs<'a>],
    /// How stacks are created and updated.
    pub method: DeployMethod,
    /// RoleARN: the role that CloudFormation assumes.
    pub role_arn: Option<&'a str>,
    /// NotificationARNs; none leaves those of the stack.
    pub notification_arns: &'a [String],
    /// Create a change set even if the template equals the deployed one.
    pub force: bool,
    /// Run the checks before anything changes.
    pub preflight: bool,
    /// Keep failed resources instead of rolling back.
    pub no_rollback: bool,
    /// The time limit of the operation on each stack.
    pub timeout: Timeout,
    /// Cancel an operation that others have started, instead of following it.
    pub cancel_running: bool,
    /// Logical ids of the resources to skip when a failed rollback is continued.
    pub skipped_resources: &'a [String],
    /// Wait until the services are steady.
    pub wait_for_services: bool,
    /// Warn of resources that are billed by the hour.
    pub warn_of_costs: bool,
    /// How many stacks are deployed concurrently.
    pub concurrency: usize,
    /// Recognises the change sets that interrupted diffs have left.
    pub temporary_change_sets: TemporaryChangeSets,
}

/// One stack of a deploy.
#[derive(Debug)]
pub struct StackInputs<'a> {
    /// The stack of the project.
    pub stack: &'a ProjectStack,
    pub tags: Vec<(String, String)>,
    /// The parameters that are given, by key.
    pub parameters: BTreeMap<&'a str, &'a str>,
    /// Keys among them that are given for this stack alone, so that its template has to have them.
    pub required_parameters: Vec<&'a str>,
}

/// How stacks are created and updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeployMethod {
    /// Create a change set, and execute it once it is approved.
    ChangeSet,
    /// Create a change set and do not execute it.
    PrepareChangeSet,
    /// Create or update without a change set.
    Direct,
}

/// The desired state of one stack, ready to be sent.
pub(super) struct DesiredStack<'a> {
    request: &'a DeployRequest<'a>,
    inputs: &'a StackInputs<'a>,
    text: String,
    template: Template,
    parameters: Vec<(String, Option<String>)>,
    capabilities: Vec<&'static str>,
}

impl<'a> DesiredStack<'a> {
    /// # Errors
    /// If the template lacks a parameter that is given for this stack alone.
    pub(super) fn new(
        request: &'a DeployRequest<'a>,
        inputs: &'a StackInputs<'a>,
        template: &Template,
        deployed: &Template,
        existing: Option<&Stack>,
    ) -> Result<Self> {
        let current = existing.map(|stack| stack.parameters.as_slice()).unwrap_or_default();
        let is_declared = |key: &str| template.section("Parameters").any(|(name, _)| name == key);
        if let Some(unknown) = inputs.required_parameters.iter().find(|key| !is_declared(key)) {
            let (stack, key) = (inputs.stack.name.clone(), (*unknown).to_owned());
            return Err(OpsError::UnknownParameter { stack, key });
        }
        Ok(Self {
            request,
            inputs,
            text: template.to_body(),
            capabilities: template.capabilities(),
            parameters: template.parameters_to_send(&inputs.parameters, current, deployed),
            template: template.clone(),
        })
    }

    /// The input of the operation that creates or updates the stack.
    pub(super) fn request(&self) -> StackRequest<'_> {
        let topics = self.request.notification_arns;
        StackRequest {
            stack: &self.inputs.stack.name,
            template: &self.text,
            tags: &self.inputs.tags,
            parameters: &self.parameters,
            capabilities: &self.capabilities,
            role_arn: self.request.role_arn,
            notification_arns: (!topics.is_empty()).then_some(topics),
        }
    }

    /// What deploying it changes.
    pub(super) fn diff(&self, deployed: &Template, existing: Option<&Stack>) -> TemplateDiff {
        let diff = TemplateDiff::between(deployed, &self.template);
        match existing {
            Some(stack) => {
                let diff = diff.with_tags(&stack.tags, &self.inputs.tags);
                diff.with_parameters(&stack.parameters, &self.parameters, &self.template)
            }
            None => diff,
        }
    }

    /// Whether there is certainly nothing to change, without a change set. Never after a rollback: no API returns which template the
    /// stack has then.
    pub(super) fn is_deployed(&self, existing: &Stack, deployed: &Template) -> bool {
        let sorted = |pairs: &[(String, String)]| pairs.iter().cloned().collect::<BTreeMap<_, _>>();
        let current = sorted(&existing.parameters);
        let has_value = |(key, value): &(String, Option<String>)| {
            value.as_ref().is_none_or(|value| current.get(key) == Some(value))
        };
        let (tags, topics) = (&self.inputs.tags, self.request.notification_arns);
        !self.request.force
            && self.request.method != DeployMethod::PrepareChangeSet
            && existing.status.is_success()
            && self.parameters.iter().all(has_value)
            && (tags.is_empty() || sorted(tags) == sorted(&existing.tags))
            && (topics.is_empty() || *topics == existing.notification_arns)
            && self.template.certainly_equals(deployed)
    }
}
