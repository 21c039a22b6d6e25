//! The live part of a deploy, drawn from events alone.

use std::time::Duration;

use ecsws::model::Deployment;
use ecsws::ops::{DeployEvent, Operation, ResourceEvent};
use ecsws::render::ProgressRows;
use insta::assert_snapshot;

fn resource(stack: &str, logical_id: &str, resource_type: &str, status: &str) -> DeployEvent {
    DeployEvent::Resource {
        stack: stack.to_owned(),
        done: 1,
        total: 9,
        resource: ResourceEvent {
            timestamp: "2026-03-01T12:00:00Z".parse().expect("a time"),
            status: status.to_owned(),
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

/// What is seen at some second after these events, each with the second in which it came; without colours.
fn drawn(events: &[(u64, DeployEvent)], at: u64) -> String {
    let mut board = ProgressRows::default();
    for (second, event) in events {
        board.apply(event, Duration::from_secs(*second));
    }
    let lines = board.lines(Duration::from_secs(at)).join("\n");
    anstream::adapter::strip_str(&lines).to_string()
}

fn an_update() -> Vec<(u64, DeployEvent)> {
    let before = [deployment("PRIMARY", 2, (1, 3), 2, "IN_PROGRESS"), deployment("ACTIVE", 1, (3, 3), 0, "COMPLETED")];
    vec![
        (0, started("web", Operation::Update)),
        (1, resource("web", "web", "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS")),
        (2, resource("web", "Role", "AWS::IAM::Role", "UPDATE_IN_PROGRESS")),
        (3, resource("web", "Role", "AWS::IAM::Role", "UPDATE_COMPLETE")),
        (4, resource("web", "Api", "AWS::ECS::Service", "UPDATE_IN_PROGRESS")),
        (6, rollout(&before)),
    ]
}

#[test]
fn an_update_shows_what_is_in_progress_and_each_deployment() {
    assert_snapshot!(drawn(&an_update(), 75));
}

#[test]
fn what_is_done_is_gone() {
    let mut events = an_update();
    events.push((80, resource("web", "Api", "AWS::ECS::Service", "UPDATE_COMPLETE")));
    assert_eq!(drawn(&events, 80), "web updating 1/9 1:20 min");
    let (arn, outputs) = (String::new(), serde_json::Map::new());
    let operation = Operation::Update;
    events.push((81, DeployEvent::Finished { stack: "web".to_owned(), operation, arn, outputs, seconds: 81.0 }));
    assert_eq!(drawn(&events, 81), "");
}

#[test]
fn stacks_stand_side_by_side_and_many_resources_are_counted() {
    let mut events = vec![(0, started("a", Operation::Create)), (0, started("b", Operation::RollBack))];
    events.extend((0..12).map(|at| (1, resource("a", &format!("Eip{at:02}"), "AWS::EC2::EIP", "CREATE_IN_PROGRESS"))));
    assert_snapshot!(drawn(&events, 5));
}

#[test]
fn nothing_from_outside_reaches_the_terminal_as_an_escape() {
    let events =
        [(0, started("a", Operation::Create)), (1, resource("a", "x\u{1b}[2J", "T\u{7}", "CREATE_IN_PROGRESS"))];
    assert!(!drawn(&events, 1).contains(['\u{1b}', '\u{7}']));
}
