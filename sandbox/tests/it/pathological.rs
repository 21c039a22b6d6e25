//! Inputs that are designed to take long: the responses come in time, and other callers do not have to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ecsws_sandbox::testing::Clock;
use ecsws_sandbox::testing::Fault;
use ecsws_sandbox::testing::glob;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::in_process::InProcess;

/// How long another caller may wait. An unoptimized build with other tests running needs up to three seconds; the
/// inputs of these tests would take forever.
const MAX_WAIT: Duration = Duration::from_secs(6);
/// How long it may wait during an operation on a large stack: half a second on a busy machine, and more than four if
/// the operation does not yield.
const MAX_WAIT_FOR_STACK: Duration = Duration::from_secs(2);

fn now() -> Timestamp {
    Clock::new(1.0).now()
}

fn since(start: Timestamp) -> Duration {
    now().duration_since(start).unsigned_abs()
}

type Request = (&'static str, &'static str, Value);

/// Runs `work` while another caller sends requests, and asserts that their responses come in time.
async fn while_another_caller_is_served<T>(
    aws: &Arc<InProcess>,
    max_wait: Duration,
    work: impl Future<Output = T>,
) -> T {
    let is_over = Arc::new(AtomicBool::new(false));
    let (other, over) = (Arc::clone(aws), Arc::clone(&is_over));
    let other = tokio::spawn(async move {
        let mut longest = Duration::ZERO;
        while !over.load(Ordering::Relaxed) {
            let start = now();
            other.call("sts", "GetCallerIdentity", json!({})).await;
            other.call("ecs", "ListClusters", json!({})).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
            longest = longest.max(since(start));
        }
        longest
    });
    let result = work.await;
    is_over.store(true, Ordering::Relaxed);
    let longest = other.await.expect("the other caller gets responses");
    assert!(longest < max_wait, "another caller waits {longest:?}");
    result
}

/// Sends requests one after another while another caller is served, and returns the responses.
async fn send(aws: &Arc<InProcess>, requests: Vec<Request>) -> Vec<Result<Value, Fault>> {
    while_another_caller_is_served(aws, MAX_WAIT, async {
        let mut responses = Vec::new();
        for (service, operation, input) in requests {
            responses.push(aws.try_call(service, operation, input).await);
        }
        responses
    })
    .await
}

/// Regular expressions that take exponential time in backtracking engines.
fn expressions() -> impl Iterator<Item = String> {
    let parts = [
        "(a+)+",
        "(a|aa)+",
        "(a|a)*",
        "((a*)*)*",
        "(.*a){N}",
        "(?:a?){N}a{N}",
        "(a*)*",
        "[ab]*a[ab]{N}",
        "(?:(?=a*)a)*",
        "(?=(?:[ab]*a[ab]{N}))a*",
        "(x+x+)+",
        "(a{N}){N}",
        r"(?:\p{L}a?){N}",
    ];
    let ends = ["", "b", "(?=b)", r"\1b", "(?!a)b", "(?<=a)b"];
    let sizes = [30, 900];
    let all = parts.into_iter().flat_map(move |part| ends.map(|end| format!("{part}{end}")));
    all.flat_map(move |text| sizes.map(|size| text.replace('N', &size.to_string())))
}

fn stack(number: usize, template: &Value) -> Request {
    let input = json!({
        "StackName": format!("s{number}"), "TemplateBody": template.to_string(), "Capabilities": ["CAPABILITY_AUTO_EXPAND"],
    });
    ("cloudformation", "CreateStack", input)
}

fn handle() -> Value {
    json!({ "Handle": { "Type": "AWS::CloudFormation::WaitConditionHandle" } })
}

fn parameter(pattern: &str) -> Value {
    json!({ "Type": "String", "Default": "a".repeat(4000), "AllowedPattern": pattern })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_that_backtrack_end() {
    let aws = Arc::new(InProcess::new());
    let mut requests = Vec::new();
    for (number, expression) in expressions().enumerate() {
        requests.push(stack(number, &json!({ "Parameters": { "P": parameter(&expression) }, "Resources": handle() })));
        let input = json!({ "Name": format!("p{number}"), "Value": "a".repeat(4000), "Type": "String", "AllowedPattern": expression });
        requests.push(("ssm", "PutParameter", input));
    }
    assert!(requests.len() > 300);
    send(&aws, requests).await;
    let declared = json!({ "Type": "String", "AllowedPattern": "(?:(?=[ab]*a[ab]{60}c)|a)*" });
    let names = (0..200).map(|number| format!("P{number}"));
    let many: serde_json::Map<String, Value> = names.clone().map(|name| (name, declared.clone())).collect();
    let mut of_many = stack(9000, &json!({ "Parameters": many, "Resources": handle() }));
    let value = "a".repeat(2000);
    of_many.2["Parameters"] = names.map(|name| json!({ "ParameterKey": name, "ParameterValue": value })).collect();
    let responses = send(&aws, vec![of_many]).await;
    responses[0].as_ref().expect("all values match");
}

/// Nested `Fn::Sub`s, each of which contains its inner one twice.
fn nested_sub(depth: usize, text: &str, innermost: &str) -> Value {
    (0..depth).fold(json!(innermost), |value, _| json!({ "Fn::Sub": [text, { "A": value }] }))
}

fn value(value: &Value) -> Value {
    json!({ "Resources": { "P": { "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": value } } } })
}

fn extended(resources: &Value) -> Value {
    json!({ "Transform": "AWS::LanguageExtensions", "Resources": resources })
}

/// Nested loops over the items of each level.
fn loops(depth: usize, items: &Value, fragment: &Value) -> Value {
    (0..depth).fold(
        fragment.clone(),
        |inner, level| json!({ format!("Fn::ForEach::L{level}"): [format!("I{level}"), items, inner] }),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_that_grow_are_refused() {
    let aws = Arc::new(InProcess::new());
    let ten: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let named = |depth: usize| {
        let names = (0..depth).map(|level| format!("${{I{level}}}")).collect::<Vec<_>>().concat();
        json!({ format!("H{names}"): { "Type": "AWS::CloudFormation::WaitConditionHandle" } })
    };
    // Each identifier stands for the next one, twice.
    let multiplied = (0..30).fold(named(30), |inner, level| {
        let next = format!("${{I{0}}}${{I{0}}}", level + 1);
        json!({ format!("Fn::ForEach::L{level}"): [format!("I{level}"), [next], inner] })
    });
    let json_text = (0..40).fold(json!({ "a": "\"" }), |value, _| json!({ "a": { "Fn::ToJsonString": value } }));
    let long = "x".repeat(20_000);
    let pieces = json!({ "Fn::Split": ["", nested_sub(20, "${A}${A}", "a")] });
    let grown = [
        value(&nested_sub(30, "${A}${A}", "a")),
        value(&nested_sub(30, "${A}${A}${A}", "ab")),
        value(&json!({ "Fn::Base64": nested_sub(24, "${A}${A}", "abc") })),
        value(&json!({ "Fn::Join": [long, { "Fn::Split": ["", "y".repeat(20_000)] }] })),
        value(&json!({ "Fn::Join": ["", pieces] })),
        value(&json!({ "Fn::Select": ["0", pieces] })),
        extended(&loops(8, &json!(ten), &named(8))),
        extended(&loops(20, &json!(ten), &json!({}))),
        extended(
            &json!({ "P": { "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": { "Fn::ToJsonString": json_text } } } }),
        ),
    ];
    let requests = grown.iter().enumerate().map(|(number, template)| stack(number, template)).collect();
    for (response, template) in send(&aws, requests).await.into_iter().zip(&grown) {
        let fault = response.expect_err(&template.to_string());
        assert_eq!(fault.code, "ValidationError");
        assert!(fault.message.contains("exceed"), "{fault}: {template}");
    }
    let responses = send(&aws, vec![stack(99, &extended(&multiplied))]).await;
    assert!(responses[0].as_ref().is_err_and(|fault| fault.message.contains("is non alphanumeric")), "{responses:?}");
    // Templates that only appear to grow are accepted.
    let conditions: serde_json::Map<String, Value> = (0..200)
        .map(|number| {
            let before = json!({ "Condition": format!("C{}", number - 1) });
            let condition =
                if number == 0 { json!({ "Fn::Equals": ["a", "a"] }) } else { json!({ "Fn::And": [before, before] }) };
            (format!("C{number}"), condition)
        })
        .collect();
    let taken = [
        json!({ "Conditions": conditions, "Resources": { "H": { "Type": "AWS::CloudFormation::WaitConditionHandle", "Condition": "C199" } } }),
        value(&json!({ "Fn::Sub": ["x${A}", { "A": nested_sub(30, "${A}${A}", "") }] })),
        extended(&loops(2, &json!(ten), &named(2))),
    ];
    let requests = taken.iter().enumerate().map(|(number, template)| stack(100 + number, template)).collect();
    for (response, template) in send(&aws, requests).await.into_iter().zip(&taken) {
        response.unwrap_or_else(|fault| panic!("{fault}: {template}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wildcards_filters_and_patterns_of_events_end() {
    let aws = Arc::new(InProcess::new());
    aws.call("logs", "CreateLogGroup", json!({ "logGroupName": "g" })).await;
    aws.call("logs", "CreateLogStream", json!({ "logGroupName": "g", "logStreamName": "s" })).await;
    let timestamp = now().as_millisecond();
    let events = json!([{ "timestamp": timestamp, "message": "a".repeat(50_000) }]);
    aws.call("logs", "PutLogEvents", json!({ "logGroupName": "g", "logStreamName": "s", "logEvents": events })).await;
    let tags = json!([{ "ResourceType": "vpc", "Tag": [{ "Key": "a".repeat(120), "Value": "a".repeat(250) }] }]);
    aws.call("ec2", "CreateVpc", json!({ "CidrBlock": "10.0.0.0/16", "TagSpecification": tags })).await;
    let mut requests: Vec<Request> = Vec::new();
    for part in ["*a", "*?", "?*a", "*a?", "**", "*aa?a", "a*?"] {
        for count in [1, 7, 30, 80] {
            for end in ["", "b", "*b", "?"] {
                let pattern = part.repeat(count) + end;
                for name in ["tag:x", "tag-key", "tag-value", "vpc-id", "cidr"] {
                    let filter = json!([{ "Name": name, "Value": [pattern] }]);
                    requests.push(("ec2", "DescribeVpcs", json!({ "Filter": filter })));
                }
            }
        }
    }
    let long = "a".repeat(1000);
    for pattern in
        ["%(a|aa)*b%", "%[a-z]*a[a-z]{20}b%", "%a*a*a*a*a*b%", &long, "{ $.a = *a*a* }", "[a=*a*b, ...]", "%a{1,99}b%"]
    {
        requests.push(("logs", "FilterLogEvents", json!({ "logGroupName": "g", "filterPattern": pattern })));
    }
    assert!(requests.len() > 500);
    send(&aws, requests).await;
    // Patterns of fault rules are matched against members of any size, such as a template.
    let start = now();
    for pattern in ["*a".repeat(400) + "*b*", "*a?".repeat(300) + "b", format!("*{}?b", "a".repeat(1000))] {
        assert!(!glob::matches(&pattern, &"a".repeat(51_000)));
    }
    assert!(since(start) < MAX_WAIT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_stacks_leave_room_for_other_callers() {
    let aws = Arc::new(InProcess::new());
    let stack = |value: &str| {
        let parameter = |number: usize| {
            let properties = json!({ "Type": "String", "Value": format!("{value}{number}") });
            (format!("P{number}"), json!({ "Type": "AWS::SSM::Parameter", "Properties": properties }))
        };
        let resources: serde_json::Map<String, Value> = (0..300).map(parameter).collect();
        json!({ "StackName": "s", "TemplateBody": json!({ "Resources": resources }).to_string() })
    };
    for (operation, input, end) in [
        ("CreateStack", stack("a"), "CREATE_COMPLETE"),
        ("UpdateStack", stack("b"), "UPDATE_COMPLETE"),
        ("DeleteStack", json!({ "StackName": "s" }), "DELETE_COMPLETE"),
    ] {
        let status = while_another_caller_is_served(&aws, MAX_WAIT_FOR_STACK, async {
            aws.call("cloudformation", operation, input).await;
            loop {
                let response = aws.call("cloudformation", "ListStacks", json!({})).await;
                let status = response["StackSummaries"][0]["StackStatus"].as_str().expect("a status").to_owned();
                if !status.ends_with("_IN_PROGRESS") {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        assert_eq!(status, end);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patterns_on_large_events_leave_room_for_other_callers() {
    let aws = Arc::new(InProcess::new());
    aws.call("logs", "CreateLogGroup", json!({ "logGroupName": "g" })).await;
    aws.call("logs", "CreateLogStream", json!({ "logGroupName": "g", "logStreamName": "s" })).await;
    let timestamp = now().as_millisecond();
    for _ in 0..10 {
        let event = json!({ "timestamp": timestamp, "message": "a ".repeat(100_000) });
        let events: Vec<_> = vec![event; 5];
        aws.call("logs", "PutLogEvents", json!({ "logGroupName": "g", "logStreamName": "s", "logEvents": events }))
            .await;
    }
    let patterns = [
        "%(a|aa)*b%",
        "%[a-z ]*a[a-z ]{20}b%",
        "{ $.a = *a*a* }",
        "[a=*a*b, ...]",
        "%(a{1,99} ){1,9}b%",
        "-a -b",
        "?a ?b c",
    ];
    let search = |pattern| ("logs", "FilterLogEvents", json!({ "logGroupName": "g", "filterPattern": pattern }));
    send(&aws, patterns.into_iter().map(search).collect()).await;
}
