//! Fault injection: each effect as an AWS SDK sees it, and the SDK's retries.

use std::time::{Duration, Instant};

use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types::{OnFailure, Stack};
use aws_sdk_cloudwatchlogs::types::{FilteredLogEvent, InputLogEvent};
use aws_smithy_types::retry::RetryConfig;
use ecsws_sandbox::lifecycle::{self, ControlError};
use ecsws_sandbox::testing::Clock;
use serde_json::{Value, json};

use crate::local_aws::LocalAws;

async fn with(faults: Value) -> LocalAws {
    let aws = LocalAws::start().await;
    aws.control("PutFaults", faults).await;
    aws
}

async fn operation(fault: Value) -> LocalAws {
    with(json!({ "operations": [fault] })).await
}

/// How often the first fault times_applied.
async fn times_applied(aws: &LocalAws) -> u64 {
    let set = aws.control("DescribeFaults", json!({})).await;
    set["operations"][0]["injected"].as_u64().expect("a count")
}

/// An SDK configuration without retries.
fn once(aws: &LocalAws) -> aws_types::SdkConfig {
    aws.config().into_builder().retry_config(RetryConfig::disabled()).build()
}

#[tokio::test]
async fn throttling_errors_have_the_form_of_the_protocol() {
    let aws = operation(json!({ "operation": "*", "effect": "throttle" })).await;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&once(&aws));
    let json = logs.describe_log_groups().send().await.expect_err("it is throttled");
    assert_eq!((json.code(), json.message()), (Some("ThrottlingException"), Some("Rate exceeded")));
    let query = aws_sdk_cloudformation::Client::new(&once(&aws)).list_stacks().send().await.expect_err("throttled");
    assert_eq!((query.code(), query.message()), (Some("Throttling"), Some("Rate exceeded")));
    assert_eq!(times_applied(&aws).await, 2);
}

#[tokio::test]
async fn the_sdk_retries_a_throttled_request() {
    let aws = operation(json!({ "operation": "logs:Describe*", "effect": "throttle", "times": 1 })).await;
    aws.logs().describe_log_groups().send().await.expect("the second attempt succeeds");
    assert_eq!(times_applied(&aws).await, 1);
}

#[tokio::test]
async fn only_requests_above_a_rate_are_throttled() {
    let fault = json!({ "operation": "logs:DescribeLogGroups", "effect": "throttle", "perSecond": 0.5 });
    let aws = operation(fault).await;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&once(&aws));
    logs.describe_log_groups().send().await.expect("it is within the rate");
    let error = logs.describe_log_groups().send().await.expect_err("it is not");
    assert_eq!((error.code(), times_applied(&aws).await), (Some("ThrottlingException"), 1));
    let allowed_again = async { while logs.describe_log_groups().send().await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(20), allowed_again).await.expect("there is a new token");
}

#[tokio::test]
async fn log_events_arrive_late_and_all_of_them_when_the_sandbox_stops() {
    let delay = |seconds: f64| json!({ "group": "g*", "seconds": seconds, "times": 1 });
    let mut aws = with(json!({ "logs": [delay(0.4), delay(3600.0)] })).await;
    let logs = aws.logs();
    logs.create_log_group().log_group_name("g").send().await.expect("a group");
    logs.create_log_stream().log_group_name("g").log_stream_name("s").send().await.expect("a stream");
    let now = Clock::new(1.0).now().as_millisecond();
    for (message, time) in [("late", now), ("at the end", now + 1), ("in time", now + 2)] {
        let event = InputLogEvent::builder().timestamp(time).message(message).build().expect("an event");
        logs.put_log_events().log_group_name("g").log_stream_name("s").log_events(event).send().await.expect("put");
    }
    let read = async |logs: &aws_sdk_cloudwatchlogs::Client| {
        let page = logs.filter_log_events().log_group_name("g").send().await.expect("events");
        let event = |event: &FilteredLogEvent| (event.message().expect("a text").to_owned(), event.ingestion_time());
        page.events().iter().map(event).collect::<Vec<_>>()
    };
    assert_eq!(read(&logs).await.iter().map(|(message, _)| message.as_str()).collect::<Vec<_>>(), ["in time"]);
    let arrived = async {
        while read(&logs).await.len() < 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), arrived).await.expect("it arrives");
    let (message, ingested_at) = read(&logs).await.remove(0);
    assert!(message == "late" && ingested_at.expect("a time") >= now + 400, "{message} {ingested_at:?} {now}");
    let rules = aws.control("DescribeFaults", json!({})).await;
    assert!(rules["logs"].as_array().expect("a list").iter().all(|rule| rule["injected"] == 1), "{rules}");

    assert!(lifecycle::stop(&aws.folder()).await.expect("it stops"));
    aws.try_restart().await.expect("it starts");
    let messages: Vec<String> = read(&aws.logs()).await.into_iter().map(|(message, _)| message).collect();
    assert_eq!(messages, ["late", "at the end", "in time"]);
}

#[tokio::test]
async fn a_fault_has_its_code_and_applies_to_matching_inputs_only() {
    let fault = json!({
        "operation": "logs:CreateLogGroup", "input": { "logGroupName": "bad*" }, "effect": "fail",
        "code": "LimitExceededException", "message": "Resource limit exceeded.", "status": 400,
    });
    let aws = operation(fault).await;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&once(&aws));
    logs.create_log_group().log_group_name("good").send().await.expect("no rule matches");
    let error = logs.create_log_group().log_group_name("bad-one").send().await.expect_err("a rule matches");
    assert!(error.as_service_error().expect("AWS's response").is_limit_exceeded_exception(), "{error:?}");
}

#[tokio::test]
async fn a_hanging_request_gets_no_response() {
    let aws = operation(json!({ "operation": "logs:CreateLogGroup", "effect": "hang" })).await;
    let call = aws.logs().create_log_group().log_group_name("g").send();
    assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err());
    let groups = aws.logs().describe_log_groups().send().await.expect("others succeed");
    assert!(groups.log_groups().is_empty());
}

#[tokio::test]
async fn a_delayed_request_gets_its_response_late() {
    let aws = operation(json!({ "operation": "logs:DescribeLogGroups", "effect": "delay", "seconds": 0.3 })).await;
    #[expect(clippy::disallowed_methods, reason = "the delay is by the wall clock")]
    let begun = Instant::now();
    aws.logs().describe_log_groups().send().await.expect("a response");
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_connection_cut_before_the_operation_is_retried_by_the_sdk() {
    let aws = operation(json!({ "operation": "logs:CreateLogGroup", "effect": "cut", "times": 1 })).await;
    aws.logs().create_log_group().log_group_name("g").send().await.expect("the second attempt makes it");
    assert_eq!(times_applied(&aws).await, 1);
}

#[tokio::test]
async fn a_response_cut_in_the_middle_does_not_undo_the_operation() {
    let aws = operation(json!({ "operation": "logs:DescribeLogGroups", "effect": "cutAnswer" })).await;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&once(&aws));
    logs.describe_log_groups().send().await.expect_err("half a response is none");
    aws.control(
        "PutFaults",
        json!({ "operations": [{ "operation": "cloudformation:CreateStack", "effect": "cutAnswer", "times": 1 }] }),
    )
    .await;
    let client = aws.cloudformation();
    let creation = client.create_stack().stack_name("s").template_body(template("a")).send().await;
    let error = creation.expect_err("the second attempt finds what the first made");
    assert_eq!(error.code(), Some("AlreadyExistsException"));
}

#[tokio::test]
async fn fault_rules_are_validated_and_end_with_the_sandbox() {
    let mut aws = operation(json!({ "operation": "logs:*", "effect": "throttle" })).await;
    for (wrong, words) in [
        (json!({ "operations": [{ "operation": "logs:Nope", "effect": "cut" }] }), "serves no operation logs:Nope"),
        (json!({ "operations": [{ "operation": "logs:*", "effect": "explode" }] }), "explode"),
        (json!({ "operations": [{ "operation": "logs:*", "effect": "fail" }] }), "no code"),
        (json!({ "operations": [{ "operation": "logs:*", "effect": "delay" }] }), "needs seconds"),
        (json!({ "operations": [{ "operation": "logs:*", "effect": "cut", "time": 3 }] }), "time is not known"),
        (
            json!({ "operations": [{ "operation": "*", "effect": "cut", "perSecond": 2 }] }),
            "only the effect `throttle`",
        ),
        (json!({ "operations": [{ "operation": "*", "effect": "throttle", "perSecond": 0 }] }), "must be above 0"),
        (json!({ "logs": [{ "group": "*", "seconds": 0 }] }), "seconds of the rule for the log group *"),
        (json!({ "logs": [{ "group": "*", "seconds": 1, "probability": 2 }] }), "probability of the rule for *"),
        (json!({ "resources": [{ "resource": "AWS::No::Type", "on": "create", "reason": "x" }] }), "AWS::No::Type"),
    ] {
        match aws.endpoint.put_faults(&wrong, Clock::new(1.0).now()).await {
            Err(ControlError::Refused { message, .. }) => assert!(message.contains(words), "{message}"),
            other => panic!("{wrong}: {other:?}"),
        }
    }
    assert_eq!(times_applied(&aws).await, 0);
    aws.kill_and_restart().await;
    assert_eq!(
        aws.control("DescribeFaults", json!({})).await,
        json!({ "operations": [], "resources": [], "logs": [] })
    );
}

fn template(value: &str) -> String {
    let parameter = json!({ "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": value } });
    json!({ "Resources": { "One": parameter } }).to_string()
}

async fn wait_until_complete(client: &aws_sdk_cloudformation::Client) -> Stack {
    let wait = async {
        loop {
            let response = client.describe_stacks().stack_name("s").send().await.expect("the stack is known");
            let stack = response.stacks()[0].clone();
            if !stack.stack_status().expect("a status").as_str().ends_with("_IN_PROGRESS") {
                return stack;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the operation ends")
}

async fn reasons(client: &aws_sdk_cloudformation::Client, status: &str) -> Vec<String> {
    let events = client.describe_stack_events().stack_name("s").send().await.expect("events");
    let of_status = events.stack_events().iter().filter(|event| {
        event.resource_status().is_some_and(|event_status| event_status.as_str() == status)
            && event.logical_resource_id() == Some("One")
    });
    of_status.filter_map(|event| event.resource_status_reason().map(str::to_owned)).collect()
}

#[tokio::test]
async fn rules_make_the_creation_update_and_deletion_of_resources_fail() {
    let rule = |on: &str, resource: &str| json!({ "resource": resource, "stack": "s", "on": on, "reason": format!("no {on} today"), "times": 1 });
    let rules = [rule("create", "AWS::SSM::*"), rule("update", "One"), rule("delete", "One")];
    let aws = with(json!({ "resources": rules })).await;
    let client = aws.cloudformation();
    let create = || client.create_stack().stack_name("s").template_body(template("a"));

    create().on_failure(OnFailure::DoNothing).send().await.expect("it begins");
    assert_eq!(wait_until_complete(&client).await.stack_status().expect("a status").as_str(), "CREATE_FAILED");
    assert_eq!(reasons(&client, "CREATE_FAILED").await, ["no create today"]);
    // The resource was never created, so there is none to delete.
    client.delete_stack().stack_name("s").send().await.expect("it begins");

    let wait = async {
        while create().send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the name is free again");
    assert_eq!(wait_until_complete(&client).await.stack_status().expect("a status").as_str(), "CREATE_COMPLETE");
    client.update_stack().stack_name("s").template_body(template("b")).send().await.expect("it begins");
    assert_eq!(
        wait_until_complete(&client).await.stack_status().expect("a status").as_str(),
        "UPDATE_ROLLBACK_COMPLETE"
    );
    assert_eq!(reasons(&client, "UPDATE_FAILED").await, ["no update today"]);

    client.delete_stack().stack_name("s").send().await.expect("it begins");
    assert_eq!(wait_until_complete(&client).await.stack_status().expect("a status").as_str(), "DELETE_FAILED");
    assert_eq!(reasons(&client, "DELETE_FAILED").await, ["no delete today"]);
}
