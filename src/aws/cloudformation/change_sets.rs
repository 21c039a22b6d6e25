//! Change sets, and CreateStack and UpdateStack, which do not use one.

use aws_sdk_cloudformation::types::{
    Capability, ChangeSetType, ChangeSource, Parameter, ResourceAttribute, ResourceChange, Tag,
};

use super::{idempotency_token, is_validation_error, none_if_missing};
use crate::aws::{Aws, Result, or_empty, timestamp};
use crate::model::{ChangeSet, ChangeSetKind, ChangeSetSummary, PlannedChange, StackRequest, stack_name};

/// Sets the parameters that CreateChangeSet, CreateStack and UpdateStack have in common.
macro_rules! with_request {
    ($call:expr, $request:expr) => {
        $call
            .stack_name($request.stack)
            .template_body($request.template)
            .set_tags(tags($request.tags))
            .set_parameters(parameters($request.parameters))
            .set_role_arn($request.role_arn.map(ToOwned::to_owned))
            .set_notification_arns($request.notification_arns.map(<[String]>::to_vec))
            .set_capabilities(capabilities($request.capabilities))
    };
}

impl Aws {
    /// Starts creating a change set and returns its ARN. A repeated call with the same token returns the ARN of the first.
    pub async fn create_change_set(
        &self,
        request: &StackRequest<'_>,
        name: &str,
        kind: ChangeSetKind,
        client_token: &str,
    ) -> Result<String> {
        let action = format!("create a change set for stack `{}`", request.stack);
        let kind = match kind {
            ChangeSetKind::Create => ChangeSetType::Create,
            ChangeSetKind::Update => ChangeSetType::Update,
        };
        let call = with_request!(self.cloudformation().create_change_set(), request);
        let call = call.change_set_name(name).change_set_type(kind).description("ecsws");
        let call = call.client_token(client_token);
        let response = call.send().await.map_err(|error| self.error(&action, error))?;
        Ok(or_empty(response.id))
    }

    /// Starts creating a stack without a change set. With `keep_failed`, a failure is not rolled back.
    pub async fn create_stack(&self, request: &StackRequest<'_>, keep_failed: bool) -> Result<()> {
        let action = format!("create stack `{}`", request.stack);
        let call = with_request!(self.cloudformation().create_stack(), request);
        let call = call.client_request_token(idempotency_token()).set_disable_rollback(keep_failed.then_some(true));
        call.send().await.map(drop).map_err(|error| self.error(&action, error))
    }

    /// Starts updating a stack without a change set; `false` if there is nothing to update.
    pub async fn update_stack(&self, request: &StackRequest<'_>, keep_failed: bool) -> Result<bool> {
        let action = format!("update stack `{}`", request.stack);
        let call = with_request!(self.cloudformation().update_stack(), request);
        let call = call.client_request_token(idempotency_token()).set_disable_rollback(keep_failed.then_some(true));
        match call.send().await.map_err(|error| self.error(&action, error)) {
            Err(error) if is_validation_error(&error, "No updates are to be performed") => Ok(false),
            response => response.map(|_| true),
        }
    }

    /// A stack's change set by name or ARN; `None` if it does not exist. moto searches all stacks for the name, so the stack of the
    /// response is compared.
    pub async fn change_set(&self, stack: &str, name: &str) -> Result<Option<ChangeSet>> {
        let action = format!("describe change set `{}` of stack `{}`", change_set_name(name), stack_name(stack));
        let call = self.cloudformation().describe_change_set().stack_name(stack).change_set_name(name);
        let mut pages = call.into_paginator().send();
        let mut change_set: Option<ChangeSet> = None;
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) => return none_if_missing(self.error(action, error)),
            };
            if !belongs_to(stack, page.stack_id.as_deref(), page.stack_name.as_deref()) {
                return Ok(None);
            }
            let changes = page.changes.unwrap_or_default();
            let changes = changes.into_iter().filter_map(|change| change.resource_change.map(planned_change));
            change_set
                .get_or_insert_with(|| ChangeSet {
                    arn: or_empty(page.change_set_id),
                    status: page.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
                    reason: page.status_reason,
                    execution_status: page
                        .execution_status
                        .map(|status| status.as_str().to_owned())
                        .unwrap_or_default(),
                    changes: Vec::new(),
                })
                .changes
                .extend(changes);
        }
        Ok(change_set)
    }

    /// A stack's change sets that have not been executed. moto lists those of all stacks.
    pub async fn change_sets(&self, stack: &str) -> Result<Vec<ChangeSetSummary>> {
        let action = format!("list the change sets of stack `{}`", stack_name(stack));
        let mut pages = self.cloudformation().list_change_sets().stack_name(stack).into_paginator().send();
        let mut change_sets = Vec::new();
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => {
                    let mut own = page.summaries.unwrap_or_default();
                    own.retain(|summary| belongs_to(stack, summary.stack_id.as_deref(), summary.stack_name.as_deref()));
                    change_sets.extend(own.into_iter().map(|summary| ChangeSetSummary {
                        name: or_empty(summary.change_set_name),
                        arn: or_empty(summary.change_set_id),
                        created: timestamp(summary.creation_time),
                        execution_status:
                            summary.execution_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
                    }));
                }
                Err(error) => return none_if_missing(self.error(action, error)).map(Option::unwrap_or_default),
            }
        }
        Ok(change_sets)
    }

    /// Executes a change set by its ARN, so that it cannot be another one of the same name. With `keep_failed`, a failure is not rolled back.
    pub async fn execute_change_set(&self, arn: &str, keep_failed: bool) -> Result<()> {
        let action = format!("execute change set `{}`", change_set_name(arn));
        let call = self.cloudformation().execute_change_set().change_set_name(arn);
        let call = call.client_request_token(idempotency_token()).set_disable_rollback(keep_failed.then_some(true));
        call.send().await.map(drop).map_err(|error| self.error(action, error))
    }

    /// Deletes a change set by its ARN. It is not an error if it does not exist.
    pub async fn delete_change_set(&self, arn: &str) -> Result<()> {
        let action = format!("delete change set `{}`", change_set_name(arn));
        match self.cloudformation().delete_change_set().change_set_name(arn).send().await {
            Ok(_) => Ok(()),
            Err(error) => none_if_missing::<()>(self.error(action, error)).map(drop),
        }
    }
}

/// The name of the change set with this name or ARN (`arn:PARTITION:cloudformation:REGION:ACCOUNT:changeSet/NAME/ID`).
fn change_set_name(arn: &str) -> &str {
    stack_name(arn)
}

/// Whether a change set belongs to `stack`, a name or an ARN. True if the response names no stack, because the request did.
fn belongs_to(stack: &str, id: Option<&str>, name: Option<&str>) -> bool {
    id.is_none() && name.is_none() || id == Some(stack) || name == Some(stack)
}

fn planned_change(change: ResourceChange) -> PlannedChange {
    let mut planned = PlannedChange {
        logical_id: or_empty(change.logical_resource_id),
        replacement: change.replacement.map(|replacement| replacement.as_str().to_owned()),
        ..PlannedChange::default()
    };
    for detail in change.details.unwrap_or_default() {
        let target = detail.target.filter(|target| target.attribute == Some(ResourceAttribute::Properties));
        let Some((name, recreation)) = target.and_then(|target| Some((target.name?, target.requires_recreation)))
        else {
            continue;
        };
        if detail.change_source == Some(ChangeSource::DirectModification) {
            planned.direct.push(name.clone());
        }
        planned
            .properties
            .push((name, recreation.map(|recreation| recreation.as_str().to_owned()).unwrap_or_default()));
    }
    planned
}

/// `None` for an empty list: CloudFormation keeps the stack's tags without a list, but removes them all with an empty one.
fn tags(tags: &[(String, String)]) -> Option<Vec<Tag>> {
    let tags: Vec<_> = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    (!tags.is_empty()).then_some(tags)
}

fn parameters(parameters: &[(String, Option<String>)]) -> Option<Vec<Parameter>> {
    let parameter = |(key, value): &(String, Option<String>)| {
        let parameter = Parameter::builder().parameter_key(key);
        match value {
            Some(value) => parameter.parameter_value(value),
            None => parameter.use_previous_value(true),
        }
        .build()
    };
    (!parameters.is_empty()).then(|| parameters.iter().map(parameter).collect())
}

fn capabilities(names: &[&str]) -> Option<Vec<Capability>> {
    (!names.is_empty()).then(|| names.iter().map(|name| Capability::from(*name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_of_tags_is_omitted() {
        assert_eq!(tags(&[]), None);
        let one = tags(&[("team".to_owned(), "web".to_owned())]);
        assert_eq!(one, Some(vec![Tag::builder().key("team").value("web").build()]));
    }

    #[test]
    fn a_parameter_without_a_value_uses_the_previous_one() {
        let given = parameters(&[("A".to_owned(), Some("1".to_owned())), ("B".to_owned(), None)]).expect("two");
        assert_eq!((given[0].parameter_value(), given[0].use_previous_value()), (Some("1"), None));
        assert_eq!((given[1].parameter_value(), given[1].use_previous_value()), (None, Some(true)));
    }
}
