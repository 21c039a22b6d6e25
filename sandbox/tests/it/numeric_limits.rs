//! Counts, percentages and times of any size: those above the quotas are refused, and others do not overload the
//! machine.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::in_process::InProcess;
use crate::local_aws::LocalAws;
use crate::raw_requests;

const LIMIT: Duration = Duration::from_mins(2);
/// The time limit of a request while many tasks are started and stopped. It normally takes tenths of a second, but test
/// machines may be busy.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
const HUGE: [i64; 4] = [5001, 100_000, 21_474_837, 2_147_483_647];

struct Counts {
    aws: LocalAws,
    subnets: Vec<String>,
}

impl Counts {
    /// Creates a cluster and a task definition with a sleeping container.
    async fn start() -> Self {
        let aws = LocalAws::start_with(true).await;
        let images = json!({ "idle": { "command": ["sleep", "1000"] } });
        aws.control("PutImages", json!({ "stackName": "s", "images": images })).await;
        let counts = Self { subnets: aws.subnets().await, aws };
        counts.ecs("CreateCluster", &json!({ "clusterName": "c" }));
        let definition = json!({
            "family": "f", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
            "containerDefinitions": [{ "name": "a", "image": "idle" }],
        });
        counts.ecs("RegisterTaskDefinition", &definition);
        counts
    }

    fn call(&self, service: &str, target: &str, input: &Value) -> Result<Value, (String, String)> {
        let response = raw_requests::json(&self.aws, service, target, input);
        let body = if response.body.is_empty() { Value::Null } else { response.json() };
        if response.status == 200 {
            return Ok(body);
        }
        let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        let code = text("__type").rsplit('#').next().unwrap_or_default().to_owned();
        Err((code, text("message") + &text("Message")))
    }

    fn try_ecs(&self, operation: &str, input: &Value) -> Result<Value, (String, String)> {
        self.call("ecs", &format!("AmazonEC2ContainerServiceV20141113.{operation}"), input)
    }

    fn ecs(&self, operation: &str, input: &Value) -> Value {
        self.try_ecs(operation, input).unwrap_or_else(|refusal| panic!("{operation}: {refusal:?}"))
    }

    /// The input for creating a service or task, with additional members.
    fn input(&self, more: &Value) -> Value {
        let mut input = json!({
            "cluster": "c", "taskDefinition": "f", "launchType": "FARGATE",
            "tags": [{ "key": "ecsws:stack-name", "value": "s" }],
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": self.subnets } },
        });
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        input
    }

    fn service(&self) -> Value {
        self.ecs("DescribeServices", &json!({ "cluster": "c", "services": ["web"] }))["services"][0].clone()
    }

    /// Waits until the service is as expected, and checks that every response comes in time.
    async fn until(&self, expected: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let input = Instant::now();
            let service = self.service();
            let took = input.elapsed();
            assert!(took < RESPONSE_TIMEOUT, "a response took {took:?}");
            if expected(&service) {
                return service;
            }
            assert!(begun.elapsed() < LIMIT, "{service}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn is_steady(service: &Value) -> bool {
    let deployments = service["deployments"].as_array().expect("a list");
    deployments.len() == 1
        && deployments[0]["rolloutState"] == "COMPLETED"
        && service["runningCount"] == service["desiredCount"]
}

#[tokio::test]
async fn counts_above_the_quota_are_refused_from_every_api() {
    let counts = Counts::start().await;
    let beyond = ("InvalidParameterException".to_owned(), "Desired count exceeds limit.".to_owned());
    for count in HUGE {
        let input = counts.input(&json!({ "serviceName": "web", "desiredCount": count }));
        assert_eq!(counts.try_ecs("CreateService", &input), Err(beyond.clone()), "{count}");
    }
    counts.ecs("CreateService", &counts.input(&json!({ "serviceName": "web", "desiredCount": 1 })));
    for count in HUGE {
        let input = json!({ "cluster": "c", "service": "web", "desiredCount": count });
        assert_eq!(counts.try_ecs("UpdateService", &input), Err(beyond.clone()), "{count}");
    }
    for count in [-1, 0, 11, 2_147_483_647] {
        let refused = counts.try_ecs("RunTask", &counts.input(&json!({ "count": count })));
        assert_eq!(refused.expect_err("it is refused").0, "InvalidParameterException", "{count}");
    }
    let register = |min: i64, max: i64| {
        let input = json!({
            "ServiceNamespace": "ecs", "ResourceId": "service/c/web", "ScalableDimension": "ecs:service:DesiredCount",
            "MinCapacity": min, "MaxCapacity": max,
        });
        counts.call("application-autoscaling", "AnyScaleFrontendService.RegisterScalableTarget", &input)
    };
    // Any bounds are accepted; counts that ECS refuses appear in the scaling activities.
    register(1, 2_147_483_647).expect("it is registered");
    register(2_000_000_000, 2_147_483_647).expect("it is registered");
    let activities = json!({ "ServiceNamespace": "ecs", "ResourceId": "service/c/web" });
    let activities =
        counts.call("application-autoscaling", "AnyScaleFrontendService.DescribeScalingActivities", &activities);
    let newest = activities.expect("a list")["ScalingActivities"][0].clone();
    assert_eq!(newest["StatusCode"], "Failed", "{newest}");
    let words = "Failed to set desired count to 2000000000. Reason: Desired count exceeds limit.";
    assert_eq!(newest["StatusMessage"], words);
    assert_eq!(counts.service()["desiredCount"], 1);

    let stacks = counts.aws.cloudformation();
    let service = json!({ "Type": "AWS::ECS::Service", "Properties": {
        "Cluster": "c", "TaskDefinition": "f", "LaunchType": "FARGATE", "DesiredCount": 2_147_483_647,
        "NetworkConfiguration": { "AwsvpcConfiguration": { "Subnets": counts.subnets } },
    } });
    let template = json!({ "Resources": { "Web": service } }).to_string();
    stacks.create_stack().stack_name("huge").template_body(template).send().await.expect("it begins");
    let failed = async {
        loop {
            let events = stacks.describe_stack_events().stack_name("huge").send().await.expect("events");
            let event = events.stack_events().iter().find(|event| {
                event.logical_resource_id() == Some("Web")
                    && event.resource_status().is_some_and(|status| status.as_str() == "CREATE_FAILED")
            });
            if let Some(event) = event {
                return event.resource_status_reason().unwrap_or_default().to_owned();
            }
        }
    };
    let reason = tokio::time::timeout(LIMIT, failed).await.expect("it fails");
    assert!(reason.contains("Desired count exceeds limit."), "{reason}");
}

#[tokio::test]
async fn percentages_of_any_size_do_not_overflow() {
    let counts = Counts::start().await;
    counts.ecs("CreateService", &counts.input(&json!({ "serviceName": "web", "desiredCount": 3 })));
    counts.until(is_steady).await;
    for (minimum, maximum) in [(0, 2_147_483_647), (2_147_483_646, 2_147_483_647), (100, 143_165_577), (0, 100)] {
        let percents = json!({ "minimumHealthyPercent": minimum, "maximumPercent": maximum });
        let update = json!({
            "cluster": "c", "service": "web", "forceNewDeployment": true, "deploymentConfiguration": percents,
        });
        let updated = counts.ecs("UpdateService", &update);
        let begun = updated["service"]["deployments"][0]["id"].clone();
        let service = counts.until(is_steady).await;
        assert_eq!(service["deployments"][0]["id"], begun, "{minimum} {maximum}");
    }
    for count in [5000, 0, 2] {
        counts.ecs("UpdateService", &json!({ "cluster": "c", "service": "web", "desiredCount": count }));
    }
    counts.until(is_steady).await;
}

#[tokio::test]
async fn the_maximum_count_starts_gradually_while_other_requests_get_responses() {
    let counts = Counts::start().await;
    counts.ecs("CreateService", &counts.input(&json!({ "serviceName": "web", "desiredCount": 5000 })));
    let service = counts
        .until(|service| {
            assert!(
                service["pendingCount"].as_u64() <= Some(64),
                "too many start at once: {}",
                service["pendingCount"]
            );
            service["runningCount"].as_u64() >= Some(100)
        })
        .await;
    assert_eq!(service["desiredCount"], 5000);
    counts.ecs("UpdateService", &json!({ "cluster": "c", "service": "web", "desiredCount": 1 }));
    let all_but_one_stopped = |service: &Value| service["runningCount"] == 1 && service["pendingCount"] == 0;
    counts.until(all_but_one_stopped).await;
}

#[tokio::test]
async fn times_and_periods_of_any_size_do_not_overflow() {
    let inside = InProcess::new();
    let times = [-f64::MAX, -1e15, 0.0, 1e15, f64::MAX];
    for period in [1, 60, 2_147_483_640, 9_223_372_036_854_775_800_i64, i64::MAX, i64::MIN] {
        for (start, end) in times.iter().flat_map(|start| times.map(|end| (*start, end))) {
            let metric = json!({ "Namespace": "n", "MetricName": "m" });
            let statistics = json!({
                "Namespace": "n", "MetricName": "m", "Statistics": ["Sum"], "Period": period, "StartTime": start,
                "EndTime": end,
            });
            let query = json!({ "Id": "a", "MetricStat": { "Metric": metric, "Period": period, "Stat": "Sum" } });
            let data = json!({ "MetricDataQueries": [query], "StartTime": start, "EndTime": end });
            for (operation, input) in [("GetMetricStatistics", statistics), ("GetMetricData", data)] {
                if let Err(fault) = inside.try_call("monitoring", operation, input).await {
                    assert!(fault.status < 500, "{operation} {period} {start} {end}: {fault}");
                }
            }
        }
    }
    inside.call("logs", "CreateLogGroup", json!({ "logGroupName": "g" })).await;
    inside.call("logs", "CreateLogStream", json!({ "logGroupName": "g", "logStreamName": "s" })).await;
    for (first, last) in [(i64::MIN, i64::MAX), (i64::MIN, i64::MIN), (i64::MAX, i64::MAX), (0, i64::MAX)] {
        let events = [first, last].map(|timestamp| json!({ "timestamp": timestamp, "message": "x" }));
        let input = json!({ "logGroupName": "g", "logStreamName": "s", "logEvents": events });
        if let Err(fault) = inside.try_call("logs", "PutLogEvents", input).await {
            assert_eq!(fault.code, "InvalidParameterException", "{first} {last}: {fault}");
        }
    }
}
