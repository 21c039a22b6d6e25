//! What counts as the end of an operation: the executed change set, not a stack that happens to be at rest.

use std::sync::{Arc, Mutex};

use ecsws::aws::Aws;
use ecsws::ops::{self, Execution, Limits, OpsError, Prepared};

use crate::scripted::{Answer, Parameters, scripted};

const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/web/1";
const CHANGE_SET: &str = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/ecsws/1";

/// A CloudFormation with one stack, whose answers depend on how often it was asked since the execution was accepted.
struct Server {
    /// The stack's status and events (newest first) before, and the answers after: by the number of looks at the events.
    created: bool,
    executed: bool,
    looks: usize,
    stack_status: fn(usize) -> &'static str,
    execution_status: fn(usize) -> &'static str,
    events: fn(usize) -> Vec<(&'static str, &'static str)>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            created: false,
            executed: false,
            looks: 0,
            stack_status: |_| "CREATE_COMPLETE",
            execution_status: |_| "AVAILABLE",
            events: |_| BEFORE.to_vec(),
        }
    }
}

impl Server {
    fn answer(&mut self, action: &str, _: &Parameters) -> Answer {
        let looks = self.looks;
        Ok(match action {
            "DescribeStacks" => format!(
                "<Stacks><member><StackName>web</StackName><StackId>{STACK}</StackId><StackStatus>{}</StackStatus>\
                 <CreationTime>2026-01-01T00:00:00Z</CreationTime></member></Stacks>",
                (self.stack_status)(looks)
            ),
            "CreateChangeSet" => {
                self.created = true;
                format!("<Id>{CHANGE_SET}</Id><StackId>{STACK}</StackId>")
            }
            "DescribeChangeSet" if !self.created => return Err(("ChangeSetNotFound", String::new())),
            "DescribeChangeSet" => format!(
                "<ChangeSetId>{CHANGE_SET}</ChangeSetId><Status>CREATE_COMPLETE</Status><ExecutionStatus>{}</ExecutionStatus>\
                 <Changes><member><Type>Resource</Type><ResourceChange><LogicalResourceId>Q</LogicalResourceId></ResourceChange></member></Changes>",
                if self.executed { (self.execution_status)(looks) } else { "AVAILABLE" }
            ),
            "ExecuteChangeSet" => {
                self.executed = true;
                String::new()
            }
            "DescribeStackEvents" => {
                let looks = if self.executed { looks + 1 } else { 0 };
                self.looks = looks;
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
                    (self.events)(looks).into_iter().enumerate().map(event).collect::<String>()
                )
            }
            "ListStackResources" => "<StackResourceSummaries/>".to_owned(),
            "DeleteStack" | "CancelUpdateStack" => String::new(),
            other => return Err(("NotImplemented", other.to_owned())),
        })
    }
}

async fn connect(server: Server) -> (Aws, Arc<Mutex<Server>>) {
    let server = Arc::new(Mutex::new(server));
    let shared = Arc::clone(&server);
    (scripted(move |action, parameters| shared.lock().expect("it is there").answer(action, parameters)).await, server)
}

/// Executes a change set of the stack, and follows it.
async fn update(server: Server) -> Result<String, OpsError> {
    let (aws, _) = connect(server).await;
    let existing = aws.stack("web").await?.expect("it exists");
    let request = ecsws::model::StackRequest { stack: "web", template: "{}", ..Default::default() };
    let Prepared::Ready(ready) = ops::prepare(&aws, &request, "ecsws", Some(&existing)).await? else {
        panic!("there are changes")
    };
    let mut execution = Execution::for_change_set(&aws, &ready).await?;
    execution.execute(&aws, &ready, false).await?;
    let limits = Limits { limit: None, delete_late_creation: false };
    execution.follow(&aws, limits, &mut |_| {}).await.map(|stack| stack.status)
}

/// The creation that was there before.
const BEFORE: &[(&str, &str)] = &[("1", "CREATE_COMPLETE"), ("0", "CREATE_IN_PROGRESS")];

fn with(newer: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    newer.iter().chain(BEFORE).copied().collect()
}

#[tokio::test(start_paused = true)]
async fn an_update_that_has_not_begun_is_no_success() {
    let server = Server {
        stack_status: |_| "UPDATE_COMPLETE",
        execution_status: |_| "AVAILABLE",
        events: |_| BEFORE.to_vec(),
        ..Server::default()
    };
    let error = update(server).await.expect_err("nothing has been updated");
    assert!(matches!(error, OpsError::NeverBegan { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_beginning_is_waited_for() {
    let server = Server {
        stack_status: |_| "UPDATE_COMPLETE",
        execution_status: |looks| if looks < 500 { "EXECUTE_IN_PROGRESS" } else { "EXECUTE_COMPLETE" },
        events: |_| BEFORE.to_vec(),
        ..Server::default()
    };
    assert_eq!(update(server).await.expect("it succeeds"), "UPDATE_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn events_of_an_earlier_operation_are_not_the_end_of_this_one() {
    // The events before the execution were not there yet when they were asked for; they come with the new ones.
    let server = Server {
        stack_status: |looks| match looks {
            0..10 => "CREATE_COMPLETE",
            10..40 => "UPDATE_IN_PROGRESS",
            _ => "UPDATE_ROLLBACK_COMPLETE",
        },
        execution_status: |looks| if looks < 30 { "EXECUTE_IN_PROGRESS" } else { "EXECUTE_FAILED" },
        events: |looks| match looks {
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
async fn a_failed_execution_is_no_success_whatever_the_stack_says() {
    let server = Server {
        stack_status: |_| "UPDATE_COMPLETE",
        execution_status: |_| "EXECUTE_FAILED",
        events: |looks| {
            if looks == 0 { BEFORE.to_vec() } else { with(&[("3", "UPDATE_COMPLETE"), ("2", "UPDATE_IN_PROGRESS")]) }
        },
        ..Server::default()
    };
    let error = update(server).await.expect_err("it failed");
    assert!(matches!(error, OpsError::StackFailed { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_review_of_a_new_stack_is_not_its_creation() {
    let server = Server {
        stack_status: |looks| match looks {
            0..50 => "REVIEW_IN_PROGRESS",
            50..60 => "CREATE_IN_PROGRESS",
            _ => "CREATE_COMPLETE",
        },
        execution_status: |looks| if looks < 60 { "EXECUTE_IN_PROGRESS" } else { "EXECUTE_COMPLETE" },
        events: |looks| match looks {
            0 => Vec::new(),
            1..50 => vec![("0", "REVIEW_IN_PROGRESS")],
            50..60 => vec![("1", "CREATE_IN_PROGRESS"), ("0", "REVIEW_IN_PROGRESS")],
            _ => vec![("2", "CREATE_COMPLETE"), ("1", "CREATE_IN_PROGRESS"), ("0", "REVIEW_IN_PROGRESS")],
        },
        ..Server::default()
    };
    assert_eq!(update(server).await.expect("it succeeds"), "CREATE_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_never_began_is_reported_as_such() {
    let server = Server { stack_status: |_| "CREATE_COMPLETE", events: |_| BEFORE.to_vec(), ..Server::default() };
    let (aws, _) = connect(server).await;
    let error = ops::destroy(&aws, "web", &mut |_| {}).await.expect_err("nothing is deleted");
    let expected = "CloudFormation accepted to delete stack `web`, but has not begun; the stack is CREATE_COMPLETE";
    assert_eq!(error.to_string(), expected);
}
