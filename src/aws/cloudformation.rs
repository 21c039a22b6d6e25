//! CloudFormation: stacks, change sets, events.

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Capability, ChangeSetType, Tag};
use jiff::Timestamp;

use super::{Aws, AwsError, Result, text, timestamp};

/// A stack as DescribeStacks tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// StackName.
    pub name: String,
    /// The stack's ARN; names account and region.
    pub arn: String,
    /// StackStatus, such as `CREATE_COMPLETE`.
    pub status: String,
    /// StackStatusReason.
    pub status_reason: Option<String>,
    /// Outputs, in AWS's order.
    pub outputs: Vec<Output>,
    /// Tags, key and value.
    pub tags: Vec<(String, String)>,
}

/// An output of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// OutputKey.
    pub key: String,
    /// OutputValue.
    pub value: String,
}

/// One event of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEvent {
    /// EventId: unique in the stack.
    pub id: String,
    /// When, by AWS's clock.
    pub timestamp: Timestamp,
    /// LogicalResourceId; the stack's own name for the stack itself.
    pub logical_id: String,
    /// PhysicalResourceId, as soon as there is one.
    pub physical_id: String,
    /// ResourceType.
    pub resource_type: String,
    /// ResourceStatus.
    pub status: String,
    /// ResourceStatusReason.
    pub reason: Option<String>,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackResource {
    /// LogicalResourceId.
    pub logical_id: String,
    /// PhysicalResourceId; empty while it does not exist.
    pub physical_id: String,
    /// ResourceType.
    pub resource_type: String,
    /// ResourceStatus.
    pub status: String,
}

impl StackResource {
    /// Whether it is there: CloudFormation goes on listing what was deleted, with its physical id.
    pub fn exists(&self) -> bool {
        !self.physical_id.is_empty() && !matches!(self.status.as_str(), "DELETE_COMPLETE" | "CREATE_FAILED")
    }
}

/// What a change set shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeSetKind {
    /// Create the stack.
    Create,
    /// Update it.
    Update,
}

/// The input of CreateChangeSet.
#[derive(Debug, Clone)]
pub struct ChangeSetRequest<'a> {
    /// StackName.
    pub stack: &'a str,
    /// ChangeSetName.
    pub name: &'a str,
    /// Create or update.
    pub kind: ChangeSetKind,
    /// The template's text, at most 51,200 bytes.
    pub template: &'a str,
    /// Tags on the stack and what it makes.
    pub tags: &'a [(String, String)],
}

/// A change set as DescribeChangeSet tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// Its ARN.
    pub arn: String,
    /// Status: `CREATE_COMPLETE`, `FAILED`, …
    pub status: String,
    /// StatusReason: says why it failed.
    pub reason: Option<String>,
    /// How many resources it changes.
    pub changes: usize,
}

impl ChangeSet {
    /// Whether it failed because there is nothing to change (the two sentences that CloudFormation has for it).
    pub fn is_empty(&self) -> bool {
        self.status == "FAILED"
            && self.reason.as_deref().is_some_and(|reason| {
                reason.starts_with("The submitted information didn't contain changes.")
                    || reason.starts_with("No updates are to be performed")
            })
    }
}

impl Aws {
    fn cloudformation(&self) -> &Client {
        self.cloudformation.get_or_init(|| Client::new(&self.config))
    }

    /// The stack of this name or ARN; `None` when there is none.
    pub async fn stack(&self, name: &str) -> Result<Option<Stack>> {
        let action = format!("describe stack `{name}`");
        let answer = match self.cloudformation().describe_stacks().stack_name(name).send().await {
            Ok(answer) => answer,
            Err(error) => return absent(self.error(action, &error)),
        };
        Ok(answer.stacks.unwrap_or_default().into_iter().next().map(|stack| Stack {
            name: text(stack.stack_name),
            arn: text(stack.stack_id),
            status: stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            status_reason: stack.stack_status_reason,
            outputs: stack
                .outputs
                .unwrap_or_default()
                .into_iter()
                .map(|output| Output { key: text(output.output_key), value: text(output.output_value) })
                .collect(),
            tags: stack.tags.unwrap_or_default().into_iter().map(|tag| (text(tag.key), text(tag.value))).collect(),
        }))
    }

    /// The text of the deployed template, as it was handed in; `None` when there is no such stack, or none has been deployed to it
    /// (`REVIEW_IN_PROGRESS`: CloudFormation answers with an empty body).
    pub async fn template(&self, stack: &str) -> Result<Option<String>> {
        let action = format!("read the template of stack `{stack}`");
        match self.cloudformation().get_template().stack_name(stack).send().await {
            Ok(answer) => Ok(answer.template_body.filter(|body| !body.trim().is_empty())),
            Err(error) => absent(self.error(action, &error)),
        }
    }

    /// The resources of a stack; none when there is no such stack.
    pub async fn stack_resources(&self, stack: &str) -> Result<Vec<StackResource>> {
        let action = format!("list the resources of stack `{stack}`");
        let mut pages = self.cloudformation().list_stack_resources().stack_name(stack).into_paginator().send();
        let mut resources = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    return absent::<Vec<_>>(self.error(action, &error)).map(Option::unwrap_or_default);
                }
            };
            resources.extend(page.stack_resource_summaries.unwrap_or_default().into_iter().map(|resource| {
                StackResource {
                    logical_id: text(resource.logical_resource_id),
                    physical_id: text(resource.physical_resource_id),
                    resource_type: text(resource.resource_type),
                    status: resource.resource_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
                }
            }));
        }
        Ok(resources)
    }

    /// The events of a stack that came after the event `seen` (all when it is `None`), oldest first. Reads only as many pages as it must.
    pub async fn stack_events_after(&self, stack: &str, seen: Option<&str>) -> Result<Vec<StackEvent>> {
        let action = format!("read the events of stack `{stack}`");
        let mut pages = self.cloudformation().describe_stack_events().stack_name(stack).into_paginator().send();
        let mut events = Vec::new();
        'pages: while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error(&action, &error))?;
            for event in page.stack_events.unwrap_or_default() {
                if event.event_id.is_some() && event.event_id.as_deref() == seen {
                    break 'pages;
                }
                events.push(StackEvent {
                    id: text(event.event_id),
                    timestamp: timestamp(event.timestamp).unwrap_or_default(),
                    logical_id: text(event.logical_resource_id),
                    physical_id: text(event.physical_resource_id),
                    resource_type: text(event.resource_type),
                    status: event.resource_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
                    reason: event.resource_status_reason,
                });
            }
        }
        events.reverse();
        Ok(events)
    }

    /// The id of the newest event of a stack, with one call; `None` when it has no events.
    pub async fn newest_event_id(&self, stack: &str) -> Result<Option<String>> {
        let action = format!("read the events of stack `{stack}`");
        let call = self.cloudformation().describe_stack_events().stack_name(stack);
        let answer = call.send().await.map_err(|error| self.error(action, &error))?;
        Ok(answer.stack_events.unwrap_or_default().into_iter().next().and_then(|event| event.event_id))
    }

    /// Creates a change set and gives back its ARN; CloudFormation goes on working on it.
    pub async fn create_change_set(&self, request: &ChangeSetRequest<'_>) -> Result<String> {
        let action = format!("create a change set for stack `{}`", request.stack);
        let kind = match request.kind {
            ChangeSetKind::Create => ChangeSetType::Create,
            ChangeSetKind::Update => ChangeSetType::Update,
        };
        let answer = self
            .cloudformation()
            .create_change_set()
            .stack_name(request.stack)
            .change_set_name(request.name)
            .change_set_type(kind)
            .template_body(request.template)
            .set_tags(tags(request.tags))
            .client_token(idempotency_token())
            .capabilities(Capability::CapabilityNamedIam)
            .description("ecsws deploy")
            .send()
            .await
            .map_err(|error| self.error(&action, &error))?;
        Ok(text(answer.id))
    }

    /// A change set by name or ARN; `None` when there is none.
    pub async fn change_set(&self, stack: &str, change_set: &str) -> Result<Option<ChangeSet>> {
        let action = format!("describe change set `{change_set}` of stack `{stack}`");
        let mut pages = self
            .cloudformation()
            .describe_change_set()
            .stack_name(stack)
            .change_set_name(change_set)
            .into_paginator()
            .send();
        let mut found: Option<ChangeSet> = None;
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) => return absent(self.error(action, &error)),
            };
            let changes = page.changes.as_deref().unwrap_or_default().len();
            match &mut found {
                Some(change_set) => change_set.changes += changes,
                None => {
                    found = Some(ChangeSet {
                        arn: text(page.change_set_id),
                        status: page.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
                        reason: page.status_reason,
                        changes,
                    });
                }
            }
        }
        Ok(found)
    }

    /// Executes a change set by its ARN: what was looked at is what runs.
    pub async fn execute_change_set(&self, arn: &str) -> Result<()> {
        let action = format!("execute change set `{arn}`");
        let call = self.cloudformation().execute_change_set().change_set_name(arn);
        let call = call.client_request_token(idempotency_token());
        call.send().await.map(drop).map_err(|error| self.error(action, &error))
    }

    /// Deletes a change set by its ARN; one that is gone already is no error.
    pub async fn delete_change_set(&self, arn: &str) -> Result<()> {
        let action = format!("delete change set `{arn}`");
        match self.cloudformation().delete_change_set().change_set_name(arn).send().await {
            Ok(_) => Ok(()),
            Err(error) => absent::<()>(self.error(action, &error)).map(drop),
        }
    }

    /// Begins to delete a stack, by its ARN.
    pub async fn delete_stack(&self, arn: &str) -> Result<()> {
        let action = format!("delete stack `{arn}`");
        let call = self.cloudformation().delete_stack().stack_name(arn).client_request_token(idempotency_token());
        call.send().await.map(drop).map_err(|error| self.error(action, &error))
    }
}

/// `None` instead of an empty list: CloudFormation takes that to strip the stack of its tags, and keeps them when there is no list.
fn tags(tags: &[(String, String)]) -> Option<Vec<Tag>> {
    let tags: Vec<_> = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    (!tags.is_empty()).then_some(tags)
}

/// The SDK sends a call again when its answer is lost; by the token CloudFormation knows that it has done it already.
fn idempotency_token() -> String {
    format!("ecsws-{:032x}", rand::random::<u128>())
}

/// CloudFormation says "ValidationError: Stack with id X does not exist" (or `Stack [X] does not exist`) where other services have a code for it.
fn absent<T>(error: AwsError) -> Result<Option<T>> {
    let code = error.code.as_deref().unwrap_or_default();
    let gone = code.starts_with("ChangeSetNotFound")
        || (code == "ValidationError" && error.message.contains("does not exist"));
    if gone { Ok(None) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tags_are_no_list() {
        assert_eq!(tags(&[]), None);
        let one = tags(&[("team".to_owned(), "web".to_owned())]);
        assert_eq!(one, Some(vec![Tag::builder().key("team").value("web").build()]));
    }

    #[test]
    fn an_idempotency_token_fits_cloudformations_pattern_and_is_new_each_time() {
        let token = idempotency_token();
        assert!(token.starts_with(|first: char| first.is_ascii_alphabetic()), "{token}");
        assert!(token.len() <= 128 && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{token}");
        assert_ne!(token, idempotency_token());
    }

    #[test]
    fn a_missing_stack_or_change_set_is_no_error() {
        for (code, message) in [
            ("ValidationError", "Stack with id web does not exist"),
            ("ValidationError", "Stack [web] does not exist"),
            ("ChangeSetNotFound", "ChangeSet [ecsws-deploy] does not exist"),
            ("ChangeSetNotFoundException", ""),
        ] {
            assert!(matches!(absent::<()>(AwsError::answered("x", code, message)), Ok(None)), "{code}: {message}");
        }
        assert!(absent::<()>(AwsError::answered("x", "ValidationError", "Template format error")).is_err());
    }
}
