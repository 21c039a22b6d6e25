//! The live view of `status --watch`, drawn on ratatui's test backend.

use ecsws::testing::model::{Container, Deployment, DiscoveryInstance, DiscoveryService, ScalingPolicy, ServiceEvent};
use ecsws::testing::model::{ScalableTarget, Task};
use ecsws::testing::ops::{ServicePhase, StateSummary, StatusReport};
use ecsws::testing::render::draw;
use insta::assert_snapshot;
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn at(time: &str) -> Timestamp {
    format!("2026-01-01T{time}Z").parse().expect("a time")
}

fn drawn(report: &StatusReport, message: Option<&str>, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, report, message, at("12:00:00"))).expect("drawing succeeds");
    terminal.backend().to_string()
}

fn task(id: char, last_status: &str, revision: u32) -> Task {
    Task {
        id: id.to_string().repeat(32),
        last_status: last_status.to_owned(),
        health: "UNKNOWN".to_owned(),
        task_definition: format!("api:{revision}"),
        started: (last_status == "RUNNING").then(|| at("11:58:30")),
        stopped: None,
        private_ip: Some("10.0.0.4".to_owned()),
        stopped_reason: None,
        containers: vec![Container {
            name: "web".to_owned(),
            last_status: last_status.to_owned(),
            exit_code: None,
            reason: None,
        }],
    }
}

fn deployment(status: &str, revision: u32, (running, desired): (u32, u32), rollout: &str) -> Deployment {
    Deployment {
        id: format!("ecs-svc/{revision}"),
        status: status.to_owned(),
        task_definition: format!("api:{revision}"),
        created: None,
        desired,
        running,
        pending: desired - running,
        failed: 0,
        rollout_state: Some(rollout.to_owned()),
        rollout_reason: None,
    }
}

fn event(time: &str, message: &str) -> ServiceEvent {
    ServiceEvent { id: time.to_owned(), timestamp: Some(at(time)), message: message.to_owned() }
}

fn steady() -> StatusReport {
    StatusReport {
        cluster: "container-demo".to_owned(),
        service: "api".to_owned(),
        status: "ACTIVE".to_owned(),
        summary: StateSummary { phase: ServicePhase::Steady, text: "steady".to_owned() },
        steady: true,
        desired: 2,
        running: 2,
        pending: 0,
        deployments: vec![deployment("PRIMARY", 1, (2, 2), "COMPLETED")],
        tasks: vec![task('a', "RUNNING", 1), task('b', "RUNNING", 1)],
        stopped: Vec::new(),
        scaling: None,
        discovery: vec![DiscoveryService {
            name: "api.service".to_owned(),
            instances: vec![DiscoveryInstance {
                id: "a".repeat(32),
                address: "10.0.0.4".to_owned(),
                port: Some("3000".to_owned()),
            }],
        }],
        url: Some("http://127.0.0.1:4000".to_owned()),
        events: vec![event("11:59:00", "(service api) has reached a steady state.")],
        notes: Vec::new(),
    }
}

fn rolling_out() -> StatusReport {
    let policies = vec![ScalingPolicy { metric: "ECSServiceAverageCPUUtilization".to_owned(), target: 50.0 }];
    StatusReport {
        summary: StateSummary { phase: ServicePhase::RollingOut, text: "rolling out 0 of 3".to_owned() },
        steady: false,
        desired: 3,
        running: 2,
        pending: 1,
        deployments: vec![
            deployment("PRIMARY", 2, (0, 3), "IN_PROGRESS"),
            Deployment { failed: 1, ..deployment("ACTIVE", 1, (2, 2), "COMPLETED") },
        ],
        tasks: vec![task('a', "RUNNING", 1), task('b', "RUNNING", 1), task('c', "PROVISIONING", 2)],
        scaling: Some(ScalableTarget { min: 1, max: 10, suspended: vec![], policies, activities: vec![] }),
        events: vec![
            event("11:59:58", "(service api) has started 1 tasks: (task \u{1b}[2Jcccccccccccccccccccccccccccccccc)."),
            event("11:59:00", "(service api) has reached a steady state."),
        ],
        ..steady()
    }
}

#[test]
fn a_steady_service() {
    assert_snapshot!(drawn(&steady(), None, (90, 16)));
}

#[test]
fn a_service_with_two_deployments() {
    assert_snapshot!(drawn(&rolling_out(), Some("AWS does not respond; retrying"), (90, 22)));
}

#[test]
fn a_tiny_terminal_shows_what_fits() {
    assert_snapshot!(drawn(&rolling_out(), None, (20, 5)));
}

#[test]
fn tasks_that_do_not_fit_are_counted() {
    let many = StatusReport { tasks: vec![task('a', "RUNNING", 1); 40], ..steady() };
    let drawn = drawn(&many, None, (90, 24));
    let shown = drawn.matches("RUNNING").count();
    assert!((10..40).contains(&shown), "{drawn}");
    assert!(drawn.contains(&format!("{} more", 40 - shown)), "{drawn}");
}

#[test]
fn a_terminal_of_any_size_can_be_drawn_on() {
    for width in 0..12 {
        for height in 0..12 {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
            let draws = terminal.draw(|frame| draw(frame, &rolling_out(), Some("message"), at("12:00:00")));
            draws.expect("drawing succeeds");
        }
    }
}

#[test]
fn a_missing_service() {
    let missing = StatusReport {
        status: "MISSING".to_owned(),
        summary: StateSummary { phase: ServicePhase::Missing, text: "not deployed".to_owned() },
        steady: false,
        desired: 0,
        running: 0,
        pending: 0,
        deployments: vec![],
        tasks: vec![],
        discovery: vec![],
        url: None,
        events: vec![],
        ..steady()
    };
    assert_snapshot!(drawn(&missing, None, (60, 8)));
}
