//! Outages of AWS while a deploy waits: which errors end the wait, after which time.

use std::io;
use std::time::Duration;

use ecsws::testing::model::StackRequest;
use ecsws::testing::ops::{self, Execution, OpsError, Timeout};
use serde_json::json;
use tokio::time::Instant;

use crate::execution::Server;
use crate::scripted::{Answer, Parameters, ScriptedError, aws_error, scripted};

const SERVICE: &str = "arn:aws:ecs:us-east-1:123456789012:service/web/web";

/// Errors that may pass. With the sandbox's keys, which the client has here, a refused connection would mean that the sandbox has ended.
fn transient() -> Vec<ScriptedError> {
    vec![
        ScriptedError::Http(502, "<html><body>Bad Gateway</body></html>"),
        ScriptedError::Http(503, ""),
        ScriptedError::Http(504, "<html></html>"),
        ScriptedError::Http(200, "<html>Please log in to the hotel's network</html>"),
        ScriptedError::Http(200, "{\"services\":[{\"serviceNa"),
        ScriptedError::Connection(io::ErrorKind::ConnectionReset),
        aws_error("Throttling", "Rate exceeded".to_owned()),
        aws_error("InternalFailure", String::new()),
    ]
}

/// Errors of the caller, which do not pass.
fn permanent() -> Vec<ScriptedError> {
    ["ExpiredToken", "InvalidClientTokenId", "AccessDenied"].map(|code| aws_error(code, String::new())).into()
}

/// How long the update of the stack takes, and until its service is steady, in seconds.
const UPDATE: u64 = 60;
const STEADY: u64 = 400;
/// When outages start, in seconds.
const OUTAGE: u64 = 20;

/// The responses for a stack that is updated, and its one service. Calls of `operation` fail with `error` for the seconds of the outage.
fn answer(
    operation: &'static str,
    error: ScriptedError,
    outage: u64,
) -> impl FnMut(&str, &Parameters) -> Answer + Send + 'static {
    let start = Instant::now();
    let mut server = Server {
        stack_status: |polls| if polls == 0 { "UPDATE_IN_PROGRESS" } else { "UPDATE_COMPLETE" },
        execution_status: |polls| if polls == 0 { "EXECUTE_IN_PROGRESS" } else { "EXECUTE_COMPLETE" },
        events: |polls| match polls {
            0 => vec![("1", "CREATE_COMPLETE")],
            1 => vec![("2", "UPDATE_IN_PROGRESS"), ("1", "CREATE_COMPLETE")],
            _ => vec![("3", "UPDATE_COMPLETE"), ("2", "UPDATE_IN_PROGRESS"), ("1", "CREATE_COMPLETE")],
        },
        ..Server::default()
    };
    move |action, parameters| {
        let elapsed = start.elapsed().as_secs();
        if action == operation && (OUTAGE..OUTAGE + outage).contains(&elapsed) {
            return Err(error.clone());
        }
        server.polls = usize::from(elapsed >= UPDATE);
        match action {
            "ListStackResources" => Ok(format!(
                "<StackResourceSummaries><member><LogicalResourceId>Service</LogicalResourceId>\
                 <PhysicalResourceId>{SERVICE}</PhysicalResourceId><ResourceType>AWS::ECS::Service</ResourceType>\
                 <ResourceStatus>UPDATE_COMPLETE</ResourceStatus></member></StackResourceSummaries>"
            )),
            "DescribeServices" => Ok(service(elapsed >= STEADY)),
            "ListTasks" => Ok(json!({ "taskArns": [] }).to_string()),
            _ => server.answer(action, parameters),
        }
    }
}

fn service(is_steady: bool) -> String {
    let rollout_state = if is_steady { "COMPLETED" } else { "IN_PROGRESS" };
    let deployment =
        json!({ "id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": rollout_state, "desiredCount": 1 });
    let service = json!({
        "serviceName": "web", "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/web", "status": "ACTIVE",
        "desiredCount": 1, "runningCount": i32::from(is_steady), "pendingCount": 0, "deployments": [deployment], "events": [],
    });
    json!({ "services": [service] }).to_string()
}

/// Deploys during the outage. Returns the result and how long it took, in seconds.
async fn deploy(
    operation: &'static str,
    error: ScriptedError,
    outage: u64,
    limit: Option<u64>,
) -> (Result<(), OpsError>, u64) {
    let start = Instant::now();
    let aws = scripted(answer(operation, error, outage)).await;
    let existing = aws.stack("web").await.expect("an answer").expect("the stack exists");
    let request = StackRequest { stack: "web", template: "{}", ..Default::default() };
    let prepared = ops::prepare_change_set(&aws, &request, "ecsws", Some(&existing)).await.expect("an answer");
    let prepared = prepared.expect("there are changes");
    let mut execution = Execution::for_change_set(&aws, &prepared, &[]).await.expect("an answer");
    execution.execute(&aws, &prepared, false).await.expect("it starts");
    let timeout = Timeout { duration: limit.map(Duration::from_secs), delete_creation: false };
    let (reporter, _messages) = ops::message_channel::<OpsError>();
    let result = match execution.follow(&aws, timeout, &reporter).await {
        Ok(_) => execution.until_steady(&aws, timeout, &reporter).await,
        Err(error) => Err(error),
    };
    (result, start.elapsed().as_secs())
}

/// The calls of the two waits, and the time at which the second starts.
const WAITS: [(&str, u64); 2] = [("DescribeStackEvents", OUTAGE), ("DescribeServices", UPDATE)];

#[tokio::test(start_paused = true)]
async fn a_wait_survives_an_outage_of_less_than_two_minutes() {
    for (operation, start) in WAITS {
        for error in transient() {
            let (result, elapsed) = deploy(operation, error.clone(), start - OUTAGE + 100, None).await;
            assert!(result.is_ok(), "{operation}: {error:?}: {result:?}");
            assert!((STEADY..STEADY + 5).contains(&elapsed), "{operation}: {error:?}: {elapsed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_longer_outage_ends_a_wait_after_two_minutes_and_names_what_continues() {
    for (operation, start) in WAITS {
        for error in transient() {
            let (result, elapsed) = deploy(operation, error.clone(), 3600, None).await;
            let failure = result.expect_err("it fails");
            match operation {
                "DescribeServices" => assert!(matches!(failure, OpsError::UnreadableService { .. }), "{failure}"),
                _ => assert!(matches!(failure, OpsError::FollowInterrupted { .. }), "{failure}"),
            }
            let waited = elapsed - start;
            assert!((115..150).contains(&waited), "{operation}: {error:?}: {waited} seconds");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_caller_ends_a_wait_at_once() {
    for (operation, start) in WAITS {
        for error in permanent() {
            let (result, elapsed) = deploy(operation, error.clone(), 3600, None).await;
            assert!(result.is_err(), "{operation}: {error:?}");
            assert!((start..start + 5).contains(&elapsed), "{operation}: {error:?}: {elapsed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_is_reported_as_it_was_requested() {
    let none = ScriptedError::Http(503, "");
    let (result, elapsed) = deploy("none", none, 0, Some(90)).await;
    let failure = result.expect_err("it is not steady yet");
    assert_eq!(failure.to_string(), "service `web` is not steady after 1m 30s");
    assert!((90..95).contains(&elapsed), "{elapsed}");
}

#[tokio::test(start_paused = true)]
async fn an_exceeded_time_limit_is_reported_although_the_update_cannot_be_cancelled() {
    let denied = aws_error("AccessDenied", "no".to_owned());
    let (result, _) = deploy("CancelUpdateStack", denied, 3600, Some(30)).await;
    let failure = result.expect_err("it takes longer");
    assert!(matches!(failure, OpsError::TimedOut { .. }), "{failure}");
    let expected = "the operation on stack `web` exceeded its time limit of 30s; the stack is UPDATE_IN_PROGRESS";
    assert_eq!(failure.to_string(), expected);
}
