//! The end of an operation is that of the executed change set, not any completed status of the stack.

use std::sync::{Arc, Mutex};

use ecsws::testing::aws::Aws;
use ecsws::testing::ops::{self, Execution, OpsError, Timeout};

use crate::scripted::{Answer, Parameters, aws_error, scripted};

const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/web/1";
const CHANGE_SET: &str = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/ecsws/1";

/// A CloudFormation with one stack. Its responses depend on the number of DescribeStackEvents calls since ExecuteChangeSet.
pub struct Server {
    /// Whether the change set was created.
    pub created: bool,
    /// Whether the change set was executed.
    pub executed: bool,
    pub polls: usize,
    pub stack_status: fn(usize) -> &'static str,
    pub execution_status: fn(usize) -> &'static str,
    /// Ids and statuses, newest first.
    pub events: fn(usize) -> Vec<(&'static str, &'static str)>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            created: false,
            executed: false,
            polls: 0,
            stack_status: |_| "CREATE_COMPLETE",
            execution_status: |_| "AVAILABLE",
            events: |_| BEFORE.to_vec(),
        }
    }
}

impl Server {
    pub fn answer(&mut self, action: &str, _: &Parameters) -> Answer {
        let polls = self.polls;
        Ok(match action {
            "DescribeStacks" => format!(
                "<Stacks><member><StackName>web</StackName><StackId>{STACK}</StackId><StackStatus>{}</StackStatus>\
                 <CreationTime>2026-01-01T00:00:00Z</CreationTime></member></Stacks>",
                (self.stack_status)(polls)
            ),
            "CreateChangeSet" => {
                self.created = true;
                format!("<Id>{CHANGE_SET}</Id><StackId>{STACK}</StackId>")
            }
            "DescribeChangeSet" if !self.created => return Err(aws_error("ChangeSetNotFound", String::new())),
            "DescribeChangeSet" => format!(
                "<ChangeSetId>{CHANGE_SET}</ChangeSetId><Status>CREATE_COMPLETE</Status><ExecutionStatus>{}</ExecutionStatus>\
                 <Changes><member><Type>Resource</Type><ResourceChange><LogicalResourceId>Q</LogicalResourceId></ResourceChange></member></Changes>",
                if self.executed { (self.execution_status)(polls) } else { "AVAILABLE" }
            ),
            "ExecuteChangeSet" => {
                self.executed = true;
                String::new()
            }
            "DescribeStackEvents" => {
                let polls = if self.executed { polls + 1 } else { 0 };
                self.polls = polls;
                let event = |(at, (id, status)): (usize, (&str, &str))| {
                    format!(
                        "<member><StackId>{STACK}</StackId><EventId>{id}</EventId><StackName>web</StackName>\
                         <LogicalResourceId>web</LogicalResourceId><PhysicalResourceId>{STACK}</PhysicalResourceId>\
                         <ResourceType>AWS::CloudFormation::Stack</ResourceType><ResourceStatus>{status}</ResourceStatus>\
                         <Timestamp>2026-01-01T00:00:{:02}Z</Timestamp></member>",
                        59 - at
                    )
                };
                format!(
                    "<StackEvents>{}</StackEvents>",
                    (self.events)(polls).into_iter().enumerate().map(event).collect::<String>()
                )
            }
            "ListStackResources" => "<StackResourceSummaries/>".to_owned(),
            "DeleteStack" | "CancelUpdateStack" => String::new(),
            other => return Err(aws_error("NotImplemented", other.to_owned())),
        })
    }
}

async fn connect(server: Server) -> (Aws, Arc<Mutex<Server>>) {
    let server = Arc::new(Mutex::new(server));
    let shared = Arc::clone(&server);
    let answer = move |action: &str, parameters: &_| shared.lock().expect("no panic").answer(action, parameters);
    (scripted(answer).await, server)
}

/// Executes a change set of the stack, and follows it.
async fn update(server: Server) -> Result<String, OpsError> {
    let (aws, _) = connect(server).await;
    let existing = aws.stack("web").await?.expect("the stack exists");
    let request = ecsws::testing::model::StackRequest { stack: "web", template: "{}", ..Default::default() };
    let Some(prepared) = ops::prepare_change_set(&aws, &request, "ecsws", Some(&existing)).await? else {
        panic!("there are changes")
    };
    let mut execution = Execution::for_change_set(&aws, &prepared, &[]).await?;
    execution.execute(&aws, &prepared, false).await?;
    let timeout = Timeout { duration: None, delete_creation: false };
    let (reporter, _messages) = ops::message_channel::<OpsError>();
    execution.follow(&aws, timeout, &reporter).await.map(|stack| stack.status.to_string())
}

/// The events of the stack's creation, before the update.
const BEFORE: &[(&str, &str)] = &[("1", "CREATE_COMPLETE"), ("0", "CREATE_IN_PROGRESS")];

fn with(newer: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    newer.iter().chain(BEFORE).copied().collect()
}

#[tokio::test(start_paused = true)]
async fn an_update_that_has_not_started_is_not_a_success() {
    let server = Server {
        stack_status: |_| "UPDATE_COMPLETE",
        execution_status: |_| "AVAILABLE",
        events: |_| BEFORE.to_vec(),
        ..Server::default()
    };
    let error = update(server).await.expect_err("nothing has been updated");
    assert!(matches!(error, OpsError::NeverStarted { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_change_set_that_starts_slowly_is_waited_for() {
    let server = Server {
        stack_status: |_| "UPDATE_COMPLETE",
        execution_status: |polls| if polls < 500 { "EXECUTE_IN_PROGRESS" } else { "EXECUTE_COMPLETE" },
        events: |_| BEFORE.to_vec(),
        ..Server::default()
    };
    assert_eq!(update(server).await.expect("the update succeeds"), "UPDATE_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn events_of_an_earlier_operation_are_not_the_end_of_this_one() {
    // The events before the execution were not returned when they were first read; they arrive with the new ones.
    let server = Server {
        stack_status: |polls| match polls {
            0..10 => "CREATE_COMPLETE",
            10..40 => "UPDATE_IN_PROGRESS",
            _ => "UPDATE_ROLLBACK_COMPLETE",
        },
        execution_status: |polls| if polls < 30 { "EXECUTE_IN_PROGRESS" } else { "EXECUTE_FAILED" },
        events: |polls| match polls {
            0 => Vec::new(),
            1..10 => with(&[]),
            10..40 => with(&[("2", "UPDATE_IN_PROGRESS")]),
            _ => with(&[
                ("4", "UPDATE_ROLLBACK_COMPLETE"),
                ("3", "UPDATE_ROLLBACK_IN_PROGRESS"),
                ("2", "UPDATE_IN_PROGRESS"),
            ]),
        },
        ..Server::default()
    };
    let error = update(server).await.expect_err("it is rolled back");
    assert!(error.to_string().starts_with("stack `web` is UPDATE_ROLLBACK_COMPLETE"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_execution_is_a_failure_even_if_the_stack_is_update_complete() {
    let server = Server {
        stack_status: |_| "UPDATE_COMPLETE",
        execution_status: |_| "EXECUTE_FAILED",
        events: |polls| {
            if polls == 0 { BEFORE.to_vec() } else { with(&[("3", "UPDATE_COMPLETE"), ("2", "UPDATE_IN_PROGRESS")]) }
        },
        ..Server::default()
    };
    let error = update(server).await.expect_err("it failed");
    assert!(matches!(error, OpsError::StackFailed { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_review_of_a_new_stack_is_not_its_creation() {
    let server = Server {
        stack_status: |polls| match polls {
            0..50 => "REVIEW_IN_PROGRESS",
            50..60 => "CREATE_IN_PROGRESS",
            _ => "CREATE_COMPLETE",
        },
        execution_status: |polls| if polls < 60 { "EXECUTE_IN_PROGRESS" } else { "EXECUTE_COMPLETE" },
        events: |polls| match polls {
            0 => Vec::new(),
            1..50 => vec![("0", "REVIEW_IN_PROGRESS")],
            50..60 => vec![("1", "CREATE_IN_PROGRESS"), ("0", "REVIEW_IN_PROGRESS")],
            _ => vec![("2", "CREATE_COMPLETE"), ("1", "CREATE_IN_PROGRESS"), ("0", "REVIEW_IN_PROGRESS")],
        },
        ..Server::default()
    };
    assert_eq!(update(server).await.expect("the update succeeds"), "CREATE_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_never_started_is_an_error() {
    let server = Server { stack_status: |_| "CREATE_COMPLETE", events: |_| BEFORE.to_vec(), ..Server::default() };
    let (aws, _) = connect(server).await;
    let (reporter, _messages) = ops::message_channel::<OpsError>();
    let error = ops::destroy(&aws, "web", None, false, &reporter).await.expect_err("nothing is deleted");
    let expected =
        "CloudFormation accepted the request to delete stack `web`, but has not started; the stack is CREATE_COMPLETE";
    assert_eq!(error.to_string(), expected);
}
