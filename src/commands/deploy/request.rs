//! What CloudFormation is asked for a stack, and whether it is there already.

use std::collections::BTreeMap;

use super::options::Method;
use super::stage::Shared;
use crate::error::CliError;
use crate::model::{Stack, StackRequest};
use crate::stack::{ProjectStack, Template, TemplateDiff};

/// What is asked of CloudFormation.
pub struct Wanted {
    text: String,
    template: Template,
    tags: Vec<(String, String)>,
    parameters: Vec<(String, Option<String>)>,
    capabilities: Vec<&'static str>,
}

impl Wanted {
    pub fn new(
        shared: &Shared<'_>,
        stack: &ProjectStack,
        template: &Template,
        deployed: &Template,
        existing: Option<&Stack>,
    ) -> Result<Self, CliError> {
        let given = shared.options.inputs.parameters_of(&stack.name);
        let has = existing.map(|stack| stack.parameters.as_slice()).unwrap_or_default();
        let own = shared.options.inputs.parameters.iter().filter(|given| given.stack.as_ref() == Some(&stack.name));
        let mut own = own.map(|given| given.key.as_str());
        if let Some(unknown) = own.find(|key| !template.section("Parameters").any(|(name, _)| name == *key)) {
            let message = format!("the template of {} has no parameter `{unknown}`", stack.name);
            return Err(CliError::usage(message));
        }
        Ok(Self {
            text: template.to_body(),
            capabilities: template.capabilities(),
            parameters: template.parameters_to_send(&given, has, deployed),
            template: template.clone(),
            tags: shared.options.inputs.tags_of(stack),
        })
    }

    pub fn request<'a>(&'a self, shared: &'a Shared<'_>, name: &'a str) -> StackRequest<'a> {
        let topics = shared.options.notification_arns.as_slice();
        StackRequest {
            stack: name,
            template: &self.text,
            tags: &self.tags,
            parameters: &self.parameters,
            capabilities: &self.capabilities,
            role_arn: shared.options.role_arn.as_deref(),
            notification_arns: (!topics.is_empty()).then_some(topics),
        }
    }

    /// What deploying it would change.
    pub fn diff(&self, deployed: &Template, existing: Option<&Stack>) -> TemplateDiff {
        let diff = TemplateDiff::between(deployed, &self.template);
        match existing {
            Some(stack) => {
                let diff = diff.with_tags(&stack.tags, &self.tags);
                diff.with_parameters(&stack.parameters, &self.parameters, &self.template)
            }
            None => diff,
        }
    }

    /// Whether it takes no change set to know that there is nothing to do. After a rollback it does: which template CloudFormation then
    /// gives back is not written anywhere.
    pub fn is_there_already(&self, shared: &Shared<'_>, existing: &Stack, deployed: &Template) -> bool {
        let sorted = |pairs: &[(String, String)]| pairs.iter().cloned().collect::<BTreeMap<_, _>>();
        let has = sorted(&existing.parameters);
        let same_parameters =
            self.parameters.iter().all(|(key, value)| value.as_ref().is_none_or(|value| has.get(key) == Some(value)));
        let topics = &shared.options.notification_arns;
        !shared.options.force
            && shared.options.method != Method::PrepareChangeSet
            && ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"].contains(&existing.status.as_str())
            && same_parameters
            && (self.tags.is_empty() || sorted(&self.tags) == sorted(&existing.tags))
            && (topics.is_empty() || *topics == existing.notification_arns)
            && self.template.certainly_equals(deployed)
    }
}
