//! CloudFormation: stacks, their events and exports. Change sets are in [`change_sets`].

mod change_sets;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::ResourceStatus;

use super::{Aws, AwsError, AwsErrorKind, Result, client, or_empty, timestamp};
use crate::model::{Export, Output, Stack, StackEvent, StackResource, stack_name};

impl Aws {
    fn cloudformation(&self) -> &Client {
        self.cloudformation.get_or_init(|| client!(aws_sdk_cloudformation, self))
    }

    /// The stack with this name or ARN; `None` if it does not exist.
    pub async fn stack(&self, name: &str) -> Result<Option<Stack>> {
        let action = format!("describe stack `{}`", stack_name(name));
        let response = match self.cloudformation().describe_stacks().stack_name(name).send().await {
            Ok(response) => response,
            Err(error) => return none_if_missing(self.error(action, error)),
        };
        Ok(response.stacks.unwrap_or_default().into_iter().next().map(|stack| Stack {
            name: or_empty(stack.stack_name),
            arn: or_empty(stack.stack_id),
            status: stack.stack_status.map(|status| status.as_str().into()).unwrap_or_default(),
            status_reason: stack.stack_status_reason.filter(|reason| !reason.is_empty()),
            updated: timestamp(stack.last_updated_time.or(stack.creation_time)),
            outputs: stack
                .outputs
                .unwrap_or_default()
                .into_iter()
                .map(|output| Output { key: or_empty(output.output_key), value: or_empty(output.output_value) })
                .collect(),
            tags: stack
                .tags
                .unwrap_or_default()
                .into_iter()
                .map(|tag| (or_empty(tag.key), or_empty(tag.value)))
                .collect(),
            parameters: stack
                .parameters
                .unwrap_or_default()
                .into_iter()
                .map(|parameter| (or_empty(parameter.parameter_key), or_empty(parameter.parameter_value)))
                .collect(),
            notification_arns: stack.notification_arns.unwrap_or_default(),
            role_arn: stack.role_arn,
        }))
    }

    /// The text of the deployed template as submitted; `None` if the stack does not exist or has no template yet
    /// (`REVIEW_IN_PROGRESS`: CloudFormation returns an empty body).
    pub async fn template(&self, stack: &str) -> Result<Option<String>> {
        let action = format!("read the template of stack `{}`", stack_name(stack));
        match self.cloudformation().get_template().stack_name(stack).send().await {
            Ok(response) => Ok(response.template_body.filter(|body| !body.trim().is_empty())),
            Err(error) => none_if_missing(self.error(action, error)),
        }
    }

    /// The resources of a stack; empty if the stack does not exist.
    pub async fn stack_resources(&self, stack: &str) -> Result<Vec<StackResource>> {
        let action = format!("list the resources of stack `{}`", stack_name(stack));
        let mut pages = self.cloudformation().list_stack_resources().stack_name(stack).into_paginator().send();
        let mut resources = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    return none_if_missing::<Vec<_>>(self.error(action, error)).map(Option::unwrap_or_default);
                }
            };
            resources.extend(page.stack_resource_summaries.unwrap_or_default().into_iter().map(|resource| {
                StackResource {
                    logical_id: or_empty(resource.logical_resource_id),
                    physical_id: or_empty(resource.physical_resource_id),
                    resource_type: or_empty(resource.resource_type),
                    status: resource.resource_status.map(|status| status.as_str().into()).unwrap_or_default(),
                    reason: resource.resource_status_reason,
                }
            }));
        }
        Ok(resources)
    }

    /// The events of a stack after the event `last_event_id`, or all events, oldest first. Stops reading pages at that event.
    pub async fn stack_events_after(&self, stack: &str, last_event_id: Option<&str>) -> Result<Vec<StackEvent>> {
        let mut events = Vec::new();
        self.each_event(stack, |event| {
            let is_new = last_event_id.is_none_or(|last| event.id.is_empty() || event.id != last);
            if is_new {
                events.push(event);
            }
            is_new
        })
        .await?;
        events.reverse();
        Ok(events)
    }

    /// The id of the last event before the current or last operation; `None` if that was the first. Takes the stack's ARN.
    pub async fn event_id_before_operation(&self, arn: &str) -> Result<Option<String>> {
        let (mut before, mut has_started) = (None, false);
        self.each_event(arn, |event| {
            let first_statuses =
                ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"];
            if has_started {
                before = Some(event.id);
                return false;
            }
            has_started = event.physical_id == arn && first_statuses.contains(&event.status.as_str());
            true
        })
        .await?;
        Ok(before)
    }

    /// Passes the events of a stack to `on_event`, newest first, until it returns `false`.
    async fn each_event(&self, stack: &str, mut on_event: impl FnMut(StackEvent) -> bool) -> Result<()> {
        let action = format!("read the events of stack `{}`", stack_name(stack));
        let mut pages = self.cloudformation().describe_stack_events().stack_name(stack).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error(&action, error))?;
            for event in page.stack_events.unwrap_or_default() {
                let event = StackEvent {
                    id: or_empty(event.event_id),
                    timestamp: timestamp(event.timestamp).unwrap_or_default(),
                    logical_id: or_empty(event.logical_resource_id),
                    physical_id: or_empty(event.physical_resource_id),
                    resource_type: or_empty(event.resource_type),
                    status: event.resource_status.map(|status| status.as_str().into()).unwrap_or_default(),
                    reason: event.resource_status_reason,
                };
                if !on_event(event) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The id of the newest event of a stack, with one call; `None` without events.
    pub async fn newest_event_id(&self, stack: &str) -> Result<Option<String>> {
        let action = format!("read the events of stack `{}`", stack_name(stack));
        let call = self.cloudformation().describe_stack_events().stack_name(stack);
        let response = call.send().await.map_err(|error| self.error(action, error))?;
        Ok(response.stack_events.unwrap_or_default().into_iter().next().and_then(|event| event.event_id))
    }

    /// Cancels the update in progress, which is then rolled back.
    pub async fn cancel_update(&self, arn: &str) -> Result<()> {
        let action = format!("cancel the update of stack `{}`", stack_name(arn));
        let call = self.cloudformation().cancel_update_stack().stack_name(arn);
        let call = call.client_request_token(idempotency_token());
        call.send().await.map(drop).map_err(|error| self.error(action, error))
    }

    /// Starts to roll back a stack whose creation or update failed without a rollback.
    pub async fn roll_back(&self, arn: &str) -> Result<()> {
        let action = format!("roll back stack `{}`", stack_name(arn));
        let call = self.cloudformation().rollback_stack().stack_name(arn).client_request_token(idempotency_token());
        call.send().await.map(drop).map_err(|error| self.error(action, error))
    }

    /// Continues a failed rollback.
    pub async fn continue_rollback(&self, arn: &str, skipped: &[String]) -> Result<()> {
        let action = format!("continue the rollback of stack `{}`", stack_name(arn));
        let call = self.cloudformation().continue_update_rollback().stack_name(arn);
        let call = call.set_resources_to_skip((!skipped.is_empty()).then(|| skipped.to_vec()));
        let call = call.client_request_token(idempotency_token());
        call.send().await.map(drop).map_err(|error| self.error(action, error))
    }

    /// All exports of the account in this region.
    pub async fn exports(&self) -> Result<Vec<Export>> {
        let exports: std::result::Result<Vec<_>, _> =
            self.cloudformation().list_exports().into_paginator().items().send().collect().await;
        let exports = exports.map_err(|error| self.error("list the exports", error))?;
        let exports = exports.into_iter().map(|export| Export {
            name: or_empty(export.name),
            value: or_empty(export.value),
            stack: or_empty(export.exporting_stack_id),
        });
        Ok(exports.collect())
    }

    /// The names of the stacks that import an export.
    pub async fn importers(&self, export: &str) -> Result<Vec<String>> {
        let action = format!("list the stacks that import `{export}`");
        let call = self.cloudformation().list_imports().export_name(export);
        let stacks: std::result::Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        match stacks.map_err(|error| self.error(action, error)) {
            Err(error) if is_validation_error(&error, "is not imported by any stack") => Ok(Vec::new()),
            stacks => stacks,
        }
    }

    /// The ARN of the stack that contains the resource with this physical id. Resources that a deletion or rollback retained no longer
    /// belong to a stack.
    pub async fn owner_of(&self, physical_id: &str) -> Result<Option<String>> {
        let action = format!("find the stack of `{physical_id}`");
        let call = self.cloudformation().describe_stack_resources().physical_resource_id(physical_id);
        let response = match call.send().await {
            Ok(response) => response,
            Err(error) => return none_if_missing(self.error(action, error)),
        };
        let resources = response.stack_resources.unwrap_or_default();
        let owned = resources.into_iter().find(|resource| {
            let status = resource.resource_status.as_ref().map_or("", ResourceStatus::as_str);
            resource.physical_resource_id.as_deref() == Some(physical_id) && !status.starts_with("DELETE_")
        });
        Ok(owned.and_then(|resource| resource.stack_id))
    }

    /// Starts deleting a stack by its ARN.
    pub async fn delete_stack(&self, arn: &str) -> Result<()> {
        let action = format!("delete stack `{}`", stack_name(arn));
        let call = self.cloudformation().delete_stack().stack_name(arn).client_request_token(idempotency_token());
        call.send().await.map(drop).map_err(|error| self.error(action, error))
    }
}

/// A client token, by which CloudFormation recognises a request that the SDK retries after losing the response.
pub(crate) fn idempotency_token() -> String {
    format!("ecsws-{:032x}", rand::random::<u128>())
}

/// Maps errors about missing resources to `None`. For a missing stack, CloudFormation returns ValidationError with the message
/// "Stack with id X does not exist" or "Stack `[X]` does not exist".
fn none_if_missing<T>(error: AwsError) -> Result<Option<T>> {
    let is_missing = error.kind == AwsErrorKind::NotFound || is_validation_error(&error, "does not exist");
    if is_missing { Ok(None) } else { Err(error) }
}

/// Whether it is a ValidationError, CloudFormation's code for every invalid request, with `words` in its message.
fn is_validation_error(error: &AwsError, words: &str) -> bool {
    error.code.as_deref() == Some("ValidationError") && error.message.contains(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idempotency_tokens_are_unique_and_match_cloudformations_pattern() {
        let token = idempotency_token();
        assert!(token.starts_with(|first: char| first.is_ascii_alphabetic()), "{token}");
        assert!(token.len() <= 128 && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{token}");
        assert_ne!(token, idempotency_token());
    }

    #[test]
    fn a_missing_stack_or_change_set_is_not_an_error() {
        for (code, message) in [
            ("ValidationError", "Stack with id web does not exist"),
            ("ValidationError", "Stack [web] does not exist"),
            ("ChangeSetNotFound", "ChangeSet [ecsws-deploy] does not exist"),
            ("ChangeSetNotFoundException", ""),
        ] {
            assert!(
                matches!(none_if_missing::<()>(AwsError::from_code("x", code, message)), Ok(None)),
                "{code}: {message}"
            );
        }
        for (code, message) in [
            ("ValidationError", "Template format error"),
            ("AccessDenied", "the role does not exist or may not be used"),
        ] {
            assert!(none_if_missing::<()>(AwsError::from_code("x", code, message)).is_err(), "{code}");
        }
    }
}
