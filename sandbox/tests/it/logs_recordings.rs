//! CloudWatch Logs compared with recorded responses of AWS to the same requests.

use ecsws_sandbox::testing::Clock;
use serde_json::{Value, json};

use crate::in_process::InProcess;
use crate::recordings::{assert_as_recorded, recorded};

const GROUP: &str = "/recorded/group";
const STREAM: &str = "stream";
const ARN: &str = "arn:aws:logs:us-east-1:123456789012:log-group:/recorded/group";
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

fn now() -> i64 {
    Clock::new(1.0).now().as_millisecond()
}

async fn with_stream() -> InProcess {
    let aws = InProcess::new();
    aws.call("logs", "CreateLogGroup", json!({ "logGroupName": GROUP })).await;
    aws.call("logs", "CreateLogStream", in_stream(json!({}))).await;
    aws
}

/// Adds the names of the group and the stream to an input.
fn in_stream(mut input: Value) -> Value {
    input["logGroupName"] = GROUP.into();
    input["logStreamName"] = STREAM.into();
    input
}

/// Asserts that a request is refused as recorded.
async fn refused(aws: &InProcess, operation: &str, input: Value, file: &str, test: &str, step: &str) {
    let error = &recorded(&format!("logs/{file}"), test)[step]["Error"];
    let (code, message) = aws.refusal("logs", operation, input).await;
    assert_as_recorded(error, &json!({ "Code": code, "Message": message }), test);
}

/// Asserts that the response to a request is as recorded.
async fn assert_response_as_recorded(
    aws: &InProcess,
    operation: &str,
    input: Value,
    file: &str,
    test: &str,
    step: &str,
) {
    let response = aws.call("logs", operation, input).await;
    assert_as_recorded(&recorded(&format!("logs/{file}"), test)[step], &response, test);
}

#[tokio::test]
async fn events_are_accepted_and_refused_as_recorded() {
    let aws = with_stream().await;
    let put = |times: &[i64]| {
        let events: Value = times.iter().map(|time| json!({ "timestamp": time, "message": "m" })).collect();
        in_stream(json!({ "logEvents": events }))
    };
    let mut elsewhere = put(&[now()]);
    elsewhere["logStreamName"] = "none".into();
    let test = "test_put_log_events_to_invalid_stream";
    refused(&aws, "PutLogEvents", elsewhere, "events", test, "error-invalid-stream").await;
    let unsorted = put(&[now(), now() - 1000]);
    refused(&aws, "PutLogEvents", unsorted, "events", "test_put_log_events_wrong_order", "error-wrong-order").await;
    let old = put(&[now() - 20 * DAY_MILLIS]);
    assert_response_as_recorded(&aws, "PutLogEvents", old, "events", "test_put_log_events_too_old", "response-too-old")
        .await;
    let new = put(&[now() + DAY_MILLIS]);
    assert_response_as_recorded(&aws, "PutLogEvents", new, "events", "test_put_log_events_too_new", "response-too-new")
        .await;
}

#[tokio::test]
async fn events_are_read_as_recorded() {
    let aws = with_stream().await;
    let group = json!({ "logGroupName": GROUP });
    let with = |name: &str, value: Value| {
        let mut input = group.clone();
        input[name] = value;
        input
    };
    let get = |name: &str, value: Value| in_stream(json!({ name: value }));
    let token = get("nextToken", "invalid".into());
    refused(&aws, "GetLogEvents", token, "events", "test_get_log_events_invalid_token", "error-invalid-token").await;
    let many = get("limit", 10_001.into());
    refused(&aws, "GetLogEvents", many, "events", "test_get_log_events_limit_validation", "error-limit-exceeded").await;
    let many = with("limit", 10_001.into());
    let test = "test_filter_log_events_limit_validation";
    refused(&aws, "FilterLogEvents", many, "filter_events", test, "error-limit-exceeded").await;
    let token = with("nextToken", "invalid".into());
    let test = "test_filter_log_events_unknown_token";
    refused(&aws, "FilterLogEvents", token, "filter_events", test, "invalid-token").await;
    let test = "test_resource_does_not_exist";
    let nowhere = json!({ "logGroupName": "none", "logStreamName": STREAM });
    refused(&aws, "GetLogEvents", nowhere, "events", test, "error-log-group-does-not-exist").await;
    let nothing = json!({ "logGroupName": GROUP, "logStreamName": "none" });
    refused(&aws, "GetLogEvents", nothing, "events", test, "error-log-stream-does-not-exist").await;
}

#[tokio::test]
async fn groups_are_described_as_recorded() {
    let aws = InProcess::new();
    let key = "arn:aws:kms:us-east-1:123456789012:key/1";
    aws.call("logs", "CreateLogGroup", json!({ "logGroupName": GROUP, "kmsKeyId": key })).await;
    let all = json!({ "logGroupNamePrefix": GROUP });
    let test = "test_create_log_group_with_kms_key";
    assert_response_as_recorded(&aws, "DescribeLogGroups", all, "groups", test, "describe-log-groups-with-kms").await;
    let twice = json!({ "logGroupName": GROUP });
    let test = "test_create_log_group_duplicate_error";
    refused(&aws, "CreateLogGroup", twice, "groups", test, "error-duplicate-log-group").await;
    let long = json!({ "logGroupName": "x".repeat(513) });
    let test = "test_create_log_group_invalid_name_length";
    refused(&aws, "CreateLogGroup", long, "groups", test, "error-invalid-name-length").await;
    for index in 1..=3 {
        aws.call("logs", "CreateLogGroup", json!({ "logGroupName": format!("prefix-{index}") })).await;
    }
    let some = json!({ "logGroupNamePrefix": "prefix-" });
    let test = "test_describe_log_groups_with_prefix";
    assert_response_as_recorded(&aws, "DescribeLogGroups", some, "groups", test, "describe-log-groups-prefix").await;
    let by_pattern = json!({ "logGroupNamePattern": "fix-2" });
    let test = "test_describe_log_groups_with_pattern";
    assert_response_as_recorded(
        &aws,
        "DescribeLogGroups",
        by_pattern.clone(),
        "groups",
        test,
        "describe-log-groups-pattern",
    )
    .await;
    let response = aws.call("logs", "DescribeLogGroups", by_pattern).await;
    let rest = json!({ "logGroupNamePattern": "fix-2", "nextToken": response["nextToken"] });
    assert_eq!(aws.call("logs", "DescribeLogGroups", rest).await["logGroups"], json!([]));
    let both = json!({ "logGroupNamePattern": "a", "logGroupNamePrefix": "a" });
    let test = "test_describe_log_groups_prefix_and_pattern_error";
    refused(&aws, "DescribeLogGroups", both, "groups", test, "error-prefix-and-pattern").await;
    let none = json!({ "logGroupNamePattern": "nowhere" });
    let test = "test_list_log_groups_with_pattern";
    assert_response_as_recorded(&aws, "ListLogGroups", none, "groups", test, "list-log-groups-no-match").await;
}

#[tokio::test]
async fn tags_of_groups_are_as_recorded() {
    let aws = InProcess::new();
    aws.call("logs", "CreateLogGroup", json!({ "logGroupName": GROUP, "tags": { "env": "testing1" } })).await;
    let test = "test_tag_resource_api";
    let (by_arn, by_name) = (json!({ "resourceArn": ARN }), json!({ "logGroupName": GROUP }));
    let both = async |after: &str| {
        assert_response_as_recorded(
            &aws,
            "ListTagsLogGroup",
            by_name.clone(),
            "groups",
            test,
            &format!("list-tags-log-group-after-{after}"),
        )
        .await;
        let step = format!("list-tags-for-resource-after-{after}");
        assert_response_as_recorded(&aws, "ListTagsForResource", by_arn.clone(), "groups", test, &step).await;
    };
    assert_response_as_recorded(&aws, "ListTagsForResource", by_arn.clone(), "groups", test, "list-tags-after-create")
        .await;
    aws.call("logs", "TagResource", json!({ "resourceArn": ARN, "tags": { "test1": "val1", "test2": "val2" } })).await;
    both("tag-resource").await;
    aws.call("logs", "TagLogGroup", json!({ "logGroupName": GROUP, "tags": { "test3": "val3" } })).await;
    both("tag-log-group").await;
    aws.call("logs", "UntagResource", json!({ "resourceArn": ARN, "tagKeys": ["env", "test1"] })).await;
    aws.call("logs", "UntagLogGroup", json!({ "logGroupName": GROUP, "tags": ["test3"] })).await;
    both("untag").await;
}

#[tokio::test]
async fn streams_are_described_as_recorded() {
    let aws = with_stream().await;
    let group = json!({ "logGroupName": GROUP });
    let test = "test_create_and_delete_log_stream";
    assert_response_as_recorded(
        &aws,
        "DescribeLogStreams",
        group,
        "streams",
        test,
        "describe-log-streams-after-create",
    )
    .await;
    let test = "test_create_log_stream_duplicate_error";
    refused(&aws, "CreateLogStream", in_stream(json!({})), "streams", test, "error-duplicate-log-stream").await;
    let test = "test_describe_log_streams_with_log_group_identifier";
    let by = |identifier: &str| json!({ "logGroupIdentifier": identifier });
    assert_response_as_recorded(
        &aws,
        "DescribeLogStreams",
        by(GROUP),
        "streams",
        test,
        "describe-streams-identifier-name",
    )
    .await;
    assert_response_as_recorded(
        &aws,
        "DescribeLogStreams",
        by(ARN),
        "streams",
        test,
        "describe-streams-identifier-arn",
    )
    .await;
    let both = json!({ "logGroupName": GROUP, "logGroupIdentifier": ARN });
    refused(&aws, "DescribeLogStreams", both, "streams", test, "error-both-name-and-identifier").await;
    for index in 1..=3 {
        let input = json!({ "logGroupName": GROUP, "logStreamName": format!("prefix-{index}") });
        aws.call("logs", "CreateLogStream", input).await;
    }
    let some = json!({ "logGroupName": GROUP, "logStreamNamePrefix": "prefix-" });
    let test = "test_describe_log_streams_with_prefix";
    assert_response_as_recorded(&aws, "DescribeLogStreams", some, "streams", test, "describe-streams-with-prefix")
        .await;
    let by_prefix = json!({ "logGroupName": GROUP, "logStreamNamePrefix": STREAM });
    assert_response_as_recorded(
        &aws,
        "DescribeLogStreams",
        by_prefix,
        "streams",
        "test_log_stream_arn_format",
        "describe-log-streams-with-arn",
    )
    .await;
}
