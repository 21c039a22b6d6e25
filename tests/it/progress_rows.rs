//! The progress rows of a deploy, folded from events without a terminal.

use std::time::Duration;

use ecsws::testing::model::Deployment;
use ecsws::testing::ops::{DeployEvent, Operation, ResourceEvent};
use ecsws::testing::render::ProgressRows;
use insta::assert_snapshot;

fn resource(stack: &str, logical_id: &str, resource_type: &str, status: &str) -> DeployEvent {
    DeployEvent::Resource {
        stack: stack.to_owned(),
        done: 1,
        total: 9,
        resource: ResourceEvent {
            timestamp: "2026-03-01T12:00:00Z".parse().expect("a time"),
            status: status.into(),
            resource_type: resource_type.to_owned(),
            logical_id: logical_id.to_owned(),
            path: None,
            physical_id: format!("arn:aws:ecs:us-east-1:123456789012:service/demo/{logical_id}"),
            reason: None,
        },
    }
}

fn deployment(status: &str, revision: u32, (running, desired): (u32, u32), failed: u32, state: &str) -> Deployment {
    Deployment {
        id: format!("ecs-svc/{revision}"),
        status: status.to_owned(),
        task_definition: format!("api:{revision}"),
        desired,
        running,
        pending: desired.saturating_sub(running),
        failed,
        rollout_state: Some(state.to_owned()),
        ..Deployment::default()
    }
}

fn rollout(deployments: &[Deployment]) -> DeployEvent {
    DeployEvent::Rollout { service: "Api".to_owned(), deployments: deployments.to_vec() }
}

fn started(stack: &str, operation: Operation) -> DeployEvent {
    DeployEvent::Started { stack: stack.to_owned(), operation }
}

/// The rows `at` seconds after the start, without colours, after events with their own times in seconds.
fn drawn(events: &[(u64, DeployEvent)], at: u64) -> String {
    let mut rows = ProgressRows::default();
    for (second, event) in events {
        rows.apply(event, Duration::from_secs(*second));
    }
    let lines = rows.lines(Duration::from_secs(at)).join("\n");
    anstream::adapter::strip_str(&lines).to_string()
}

fn update_events() -> Vec<(u64, DeployEvent)> {
    let deployments =
        [deployment("PRIMARY", 2, (1, 3), 2, "IN_PROGRESS"), deployment("ACTIVE", 1, (3, 3), 0, "COMPLETED")];
    vec![
        (0, started("web", Operation::Update)),
        (1, resource("web", "web", "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS")),
        (2, resource("web", "Role", "AWS::IAM::Role", "UPDATE_IN_PROGRESS")),
        (3, resource("web", "Role", "AWS::IAM::Role", "UPDATE_COMPLETE")),
        (4, resource("web", "Api", "AWS::ECS::Service", "UPDATE_IN_PROGRESS")),
        (6, rollout(&deployments)),
    ]
}

#[test]
fn an_update_shows_what_is_in_progress_and_each_deployment() {
    assert_snapshot!(drawn(&update_events(), 75));
}

#[test]
fn completed_resources_and_stacks_have_no_rows() {
    let mut events = update_events();
    events.push((80, resource("web", "Api", "AWS::ECS::Service", "UPDATE_COMPLETE")));
    assert_eq!(drawn(&events, 80), "web updating 1/9 1m 20s");
    let (arn, outputs) = (String::new(), serde_json::Map::new());
    let operation = Operation::Update;
    events.push((81, DeployEvent::Finished { stack: "web".to_owned(), operation, arn, outputs, seconds: 81.0 }));
    assert_eq!(drawn(&events, 81), "");
}

#[test]
fn several_stacks_are_shown_and_further_resources_are_counted() {
    let mut events = vec![(0, started("a", Operation::Create)), (0, started("b", Operation::RollBack))];
    events.extend((0..12).map(|at| (1, resource("a", &format!("Eip{at:02}"), "AWS::EC2::EIP", "CREATE_IN_PROGRESS"))));
    assert_snapshot!(drawn(&events, 5));
}

#[test]
fn control_characters_in_events_are_replaced() {
    let events =
        [(0, started("a", Operation::Create)), (1, resource("a", "x\u{1b}[2J", "T\u{7}", "CREATE_IN_PROGRESS"))];
    assert!(!drawn(&events, 1).contains(['\u{1b}', '\u{7}']));
}
