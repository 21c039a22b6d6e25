//! Scaling by load: metrics, alarms and scaling policies.

use std::time::Duration;

use ecsws_sandbox::testing::Clock;
use serde_json::{Value, json};

use crate::in_process::InProcess;
use crate::local_aws::LocalAws;
use crate::raw_requests;

const LIMIT: Duration = Duration::from_mins(1);
const RESOURCE: &str = "service/demo/web";

/// A cluster with a service that is a scalable target.
struct Scaled {
    aws: LocalAws,
}

impl Scaled {
    async fn start(speed: f64, script: &str, count: u32) -> Self {
        let aws = LocalAws::start_at(speed).await;
        let images = json!({ "web": { "command": ["sh", "-c", script], "cwd": aws.folder() } });
        aws.control("PutImages", json!({ "stackName": "s", "images": images })).await;
        let subnets = aws.subnets().await;
        let this = Self { aws };
        this.call("ecs", "CreateCluster", &json!({ "clusterName": "demo" }));
        let definition = json!({
            "family": "web", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "containerDefinitions": [{ "name": "web", "image": "web" }],
        });
        this.call("ecs", "RegisterTaskDefinition", &definition);
        let service = json!({
            "cluster": "demo", "serviceName": "web", "taskDefinition": "web", "desiredCount": count, "launchType": "FARGATE",
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": subnets } },
            "tags": [{ "key": "ecsws:stack-name", "value": "s" }],
        });
        this.call("ecs", "CreateService", &service);
        this.until(|| this.service()["deployments"][0]["rolloutState"] == "COMPLETED").await;
        this
    }

    fn call(&self, service: &str, operation: &str, input: &Value) -> Value {
        let target = match service {
            "ecs" => "AmazonEC2ContainerServiceV20141113",
            "monitoring" => "GraniteServiceVersion20100801",
            _ => "AnyScaleFrontendService",
        };
        let response = raw_requests::json(&self.aws, service, &format!("{target}.{operation}"), input);
        assert_eq!(response.status, 200, "{operation}: {}", response.text());
        if response.body.is_empty() { Value::Null } else { response.json() }
    }

    fn scaling(&self, operation: &str, input: Value) -> Value {
        self.call("application-autoscaling", operation, &of_service(input))
    }

    async fn until(&self, holds: impl Fn() -> bool) {
        let waiting = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let state = || format!("{}\n{}", self.service(), self.activities());
        tokio::time::timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("it never holds: {}", state()));
    }

    fn service(&self) -> Value {
        let input = json!({ "cluster": "demo", "services": ["web"] });
        self.call("ecs", "DescribeServices", &input)["services"][0].clone()
    }

    fn desired(&self) -> Value {
        self.service()["desiredCount"].clone()
    }

    fn activities(&self) -> Value {
        let input = json!({ "ServiceNamespace": "ecs", "IncludeNotScaledActivities": true });
        self.call("application-autoscaling", "DescribeScalingActivities", &input)["ScalingActivities"].clone()
    }

    fn alarm(&self, name: &Value) -> Value {
        self.call("monitoring", "DescribeAlarms", &json!({ "AlarmNames": [name] }))["MetricAlarms"][0].clone()
    }

    /// Sets an alarm's state, with these data points as the reason.
    fn set_state(&self, alarm: &Value, state: &str, values: &[f64]) {
        let data = json!({ "recentDatapoints": values }).to_string();
        let input =
            json!({ "AlarmName": alarm, "StateValue": state, "StateReason": "a test", "StateReasonData": data });
        self.call("monitoring", "SetAlarmState", &input);
    }

    /// Creates a policy that tracks a custom metric at 50, and returns the names of its alarms.
    fn track(&self, metric: &str, more: Value) -> [Value; 2] {
        let mut input = tracking(metric, metric, more);
        input = of_service(input);
        let put = self.call("application-autoscaling", "PutScalingPolicy", &input);
        [0, 1].map(|at| put["Alarms"][at]["AlarmName"].clone())
    }
}

fn of_service(mut input: Value) -> Value {
    let named =
        json!({ "ServiceNamespace": "ecs", "ResourceId": RESOURCE, "ScalableDimension": "ecs:service:DesiredCount" });
    merge(&mut input, named);
    input
}

fn merge(input: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("{more} is no object") };
    input.as_object_mut().expect("an object").extend(more);
}

fn tracking(name: &str, metric: &str, more: Value) -> Value {
    let mut configuration = json!({
        "TargetValue": 50.0,
        "CustomizedMetricSpecification": { "MetricName": metric, "Namespace": "Test", "Statistic": "Average" },
    });
    merge(&mut configuration, more);
    json!({
        "PolicyName": name, "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": configuration,
    })
}

#[tokio::test]
async fn a_busy_service_is_measured_and_scales_out() {
    let aws = Scaled::start(120.0, "while :; do :; done", 1).await;
    aws.scaling("RegisterScalableTarget", json!({ "MinCapacity": 1, "MaxCapacity": 2 }));
    let specification = json!({ "PredefinedMetricType": "ECSServiceAverageCPUUtilization" });
    let put = aws.scaling(
        "PutScalingPolicy",
        json!({
            "PolicyName": "cpu", "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": { "TargetValue": 50.0, "PredefinedMetricSpecification": specification },
        }),
    );
    aws.until(|| aws.service()["runningCount"] == 2).await;
    aws.until(|| aws.activities()[0]["NotScaledReasons"][0]["Code"] == "AlreadyAtMaxCapacity").await;
    let activities = aws.activities();
    assert_eq!(activities[0]["NotScaledReasons"], json!([{ "Code": "AlreadyAtMaxCapacity", "MaxCapacity": 2 }]));
    assert_eq!(activities[1]["Description"], "Setting desired count to 2.");
    assert_eq!(
        activities[1]["StatusMessage"],
        "Successfully set desired count to 2. Change successfully fulfilled by ecs."
    );
    let alarm = put["Alarms"][0]["AlarmName"].as_str().expect("a name");
    assert_eq!(activities[1]["Cause"], format!("monitor alarm {alarm} in state ALARM triggered policy cpu"));

    let now = Clock::new(1.0).now().as_second();
    for metric in ["CPUUtilization", "MemoryUtilization"] {
        let dimensions = json!([{ "Name": "ServiceName", "Value": "web" }, { "Name": "ClusterName", "Value": "demo" }]);
        let input = json!({
            "Namespace": "AWS/ECS", "MetricName": metric, "Dimensions": dimensions, "Period": 60, "StartTime": now - 300,
            "EndTime": now + 60, "Statistics": ["Average", "Maximum", "SampleCount"],
        });
        let points = aws.call("monitoring", "GetMetricStatistics", &input)["Datapoints"].clone();
        let point = &points[0];
        assert_eq!(point["Unit"], "Percent", "{points}");
        assert!(point["Average"].as_f64() > Some(0.0) && point["SampleCount"].as_f64() > Some(1.0), "{points}");
    }
}

#[tokio::test]
async fn the_alarms_of_a_policy_are_deleted_with_it() {
    let aws = Scaled::start(20.0, "sleep 1000", 0).await;
    aws.scaling("RegisterScalableTarget", json!({ "MinCapacity": 0, "MaxCapacity": 4 }));
    let [high, low] = aws.track("load", json!({}));
    let (up, down) = (aws.alarm(&high), aws.alarm(&low));
    let shape = |alarm: &Value| {
        ["EvaluationPeriods", "Period", "Threshold", "ComparisonOperator", "Statistic"]
            .map(|member| alarm[member].clone())
    };
    assert_eq!(json!(shape(&up)), json!([3, 60, 50.0, "GreaterThanThreshold", "Average"]));
    assert_eq!(json!(shape(&down)), json!([15, 60, 45.0, "LessThanThreshold", "Average"]));
    assert!(high.as_str().is_some_and(|name| name.starts_with("TargetTracking-service/demo/web-AlarmHigh-")), "{high}");
    let policies =
        || aws.call("application-autoscaling", "DescribeScalingPolicies", &json!({ "ServiceNamespace": "ecs" }));
    let action = up["AlarmActions"][0].as_str().expect("an action").to_owned();
    let arn = policies()["ScalingPolicies"][0]["PolicyARN"].as_str().expect("an ARN").to_owned();
    assert!(action.starts_with(&format!("{arn}:createdBy/")), "{action}");
    assert_eq!(up["AlarmDescription"], format!("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {action}."));

    // The alarm is changed in place; without scaling in there is only one.
    let [again, none] = aws.track("load", json!({ "TargetValue": 80.0, "DisableScaleIn": true }));
    assert_eq!((&again, &none), (&high, &Value::Null));
    assert_eq!((&aws.alarm(&high)["Threshold"], aws.alarm(&low)), (&json!(80.0), Value::Null));
    let other = raw_requests::json(
        &aws.aws,
        "application-autoscaling",
        "AnyScaleFrontendService.PutScalingPolicy",
        &of_service(tracking("other", "load", json!({}))),
    );
    assert!(
        other.text().contains("Only one TargetTrackingScaling policy for a given metric specification"),
        "{}",
        other.text()
    );
    aws.scaling("DeleteScalingPolicy", json!({ "PolicyName": "load" }));
    assert_eq!(aws.alarm(&high), Value::Null);
    let [high, low] = aws.track("load", json!({}));
    aws.scaling("DeregisterScalableTarget", json!({}));
    assert_eq!((aws.alarm(&high), aws.alarm(&low)), (Value::Null, Value::Null));
}

#[tokio::test]
async fn scaling_in_needs_all_policies_and_no_cooldown() {
    let aws = Scaled::start(20.0, "exec sleep 1000", 3).await;
    aws.scaling("RegisterScalableTarget", json!({ "MinCapacity": 1, "MaxCapacity": 4 }));
    let [_, low] = aws.track("load", json!({}));
    let [_, other] = aws.track("queue", json!({}));
    // A minute lasts three seconds at this speed.
    let now = Clock::new(1.0).now().as_second();
    let datum = |at: i64| json!({ "MetricName": "load", "Value": 10, "Timestamp": now - 60 + at });
    let data: Vec<Value> = (0..100).map(datum).collect();
    aws.call("monitoring", "PutMetricData", &json!({ "Namespace": "Test", "MetricData": data }));
    aws.until(|| aws.alarm(&low)["StateValue"] == "ALARM").await;
    assert_eq!(aws.desired(), 3, "the other policy does not agree");
    aws.set_state(&other, "ALARM", &[20.0, 30.0]);
    assert_eq!(aws.desired(), 2, "{}", aws.activities());
    aws.until(|| aws.activities()[0]["StatusCode"] == "Successful").await;
    aws.set_state(&other, "OK", &[]);
    aws.set_state(&other, "ALARM", &[0.0]);
    assert_eq!(aws.desired(), 2, "the cooldown keeps it");
}

#[tokio::test]
async fn a_cooldown_survives_a_kill_and_allows_only_larger_scale_outs() {
    let mut aws = Scaled::start(1.0, "exec sleep 1000", 1).await;
    aws.scaling("RegisterScalableTarget", json!({ "MinCapacity": 1, "MaxCapacity": 4 }));
    let [high, _] = aws.track("load", json!({}));
    aws.set_state(&high, "ALARM", &[100.0]);
    aws.until(|| aws.service()["runningCount"] == 2 && aws.activities()[0]["StatusCode"] == "Successful").await;
    aws.aws.kill_and_restart().await;
    aws.until(|| aws.service()["runningCount"] == 2).await;
    aws.set_state(&high, "OK", &[]);
    aws.set_state(&high, "ALARM", &[75.0]);
    assert_eq!(aws.desired(), 2, "a task more is what there is already");
    aws.set_state(&high, "OK", &[]);
    aws.set_state(&high, "ALARM", &[140.0]);
    assert_eq!(aws.desired(), 3, "{}", aws.activities());
}

#[tokio::test]
async fn step_scaling_policies_follow_alarms_of_users() {
    let aws = InProcess::new();
    let call =
        async |operation: &str, input: Value| aws.call("application-autoscaling", operation, of_service(input)).await;
    let desired = async || {
        let input = json!({ "cluster": "demo", "services": ["web"] });
        aws.call("ecs", "DescribeServices", input).await["services"][0]["desiredCount"].clone()
    };
    aws.call("ecs", "CreateCluster", json!({ "clusterName": "demo" })).await;
    let containers = json!([{ "name": "web", "image": "web", "memory": 64 }]);
    aws.call("ecs", "RegisterTaskDefinition", json!({ "family": "web", "containerDefinitions": containers })).await;
    let service = json!({ "cluster": "demo", "serviceName": "web", "taskDefinition": "web", "desiredCount": 0 });
    aws.call("ecs", "CreateService", service).await;
    call("RegisterScalableTarget", json!({ "MinCapacity": 0, "MaxCapacity": 9 })).await;
    let steps = json!([
        { "MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 2 },
        { "MetricIntervalLowerBound": 10, "ScalingAdjustment": 3 },
    ]);
    let configuration = json!({ "AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps, "Cooldown": 600 });
    let policy =
        json!({ "PolicyName": "out", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": configuration });
    let arn = call("PutScalingPolicy", policy).await["PolicyARN"].clone();
    let alarm = json!({
        "AlarmName": "busy", "Namespace": "Test", "MetricName": "load", "Statistic": "Average", "Period": 60, "EvaluationPeriods": 1,
        "Threshold": 50, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "AlarmActions": [arn, "arn:aws:sns:us-east-1:123456789012:x"],
    });
    aws.call("monitoring", "PutMetricAlarm", alarm).await;
    let policies =
        aws.call("application-autoscaling", "DescribeScalingPolicies", json!({ "ServiceNamespace": "ecs" })).await;
    assert_eq!(policies["ScalingPolicies"][0]["Alarms"][0]["AlarmName"], "busy");
    let breach = async |value: f64| {
        for (state, values) in [("OK", vec![]), ("ALARM", vec![value])] {
            let data = json!({ "recentDatapoints": values }).to_string();
            let input =
                json!({ "AlarmName": "busy", "StateValue": state, "StateReason": "a test", "StateReasonData": data });
            aws.call("monitoring", "SetAlarmState", input).await;
        }
        desired().await
    };
    call("RegisterScalableTarget", json!({ "SuspendedState": { "DynamicScalingOutSuspended": true } })).await;
    assert_eq!(breach(50.0).await, 0, "scaling out is suspended");
    call("RegisterScalableTarget", json!({ "SuspendedState": { "DynamicScalingOutSuspended": false } })).await;
    assert_eq!(breach(50.0).await, 2);
    assert_eq!(breach(59.0).await, 2);
    assert_eq!(breach(60.0).await, 3, "of which two are there");
    let log = aws.log();
    let line = "alarm busy cannot perform arn:aws:sns:us-east-1:123456789012:x: ";
    assert!(log.iter().any(|entry| entry.contains(line)), "{log:?}");
}

#[tokio::test]
async fn a_stack_updates_and_deletes_the_alarms_of_its_policy() {
    let aws = Scaled::start(20.0, "sleep 1000", 0).await;
    let template = |target: &str| {
        let target_properties = json!({
            "MinCapacity": 0, "MaxCapacity": 2, "ResourceId": RESOURCE, "ScalableDimension": "ecs:service:DesiredCount", "ServiceNamespace": "ecs",
        });
        let configuration = json!({
            "TargetValue": target, "PredefinedMetricSpecification": { "PredefinedMetricType": "ECSServiceAverageMemoryUtilization" },
        });
        let policy = json!({
            "PolicyName": "memory", "PolicyType": "TargetTrackingScaling", "ScalingTargetId": { "Ref": "Target" },
            "TargetTrackingScalingPolicyConfiguration": configuration,
        });
        let steps = json!([{ "MetricIntervalUpperBound": "0", "ScalingAdjustment": "-1" }]);
        let step = json!({
            "PolicyName": "step", "PolicyType": "StepScaling", "ScalingTargetId": { "Ref": "Target" },
            "StepScalingPolicyConfiguration": { "AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps },
        });
        json!({ "Resources": {
            "Target": { "Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": target_properties },
            "Memory": { "Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": policy },
            "Step": { "Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": step },
        } })
        .to_string()
    };
    let client = aws.aws.cloudformation();
    let until = async |expected: &str| {
        let waiting = async {
            loop {
                let stacks = client.describe_stacks().stack_name("scaling").send().await;
                let status = stacks.map(|stacks| stacks.stacks()[0].stack_status().cloned());
                let status = status
                    .map_or_else(|_| "DELETE_COMPLETE".to_owned(), |status| status.expect("a status").to_string());
                if status == expected {
                    return;
                }
            }
        };
        tokio::time::timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("it never is {expected}"));
    };
    let alarms = || {
        let response =
            aws.call("monitoring", "DescribeAlarms", &json!({ "AlarmNamePrefix": "TargetTracking-service/demo/web-" }));
        let of = |alarm: &Value| (alarm["AlarmName"].clone(), alarm["Threshold"].clone());
        response["MetricAlarms"].as_array().expect("a list").iter().map(of).collect::<Vec<_>>()
    };
    client.create_stack().stack_name("scaling").template_body(template("50")).send().await.expect("a stack");
    until("CREATE_COMPLETE").await;
    let created = alarms();
    assert_eq!((&created[0].1, &created[1].1), (&json!(50.0), &json!(45.0)));
    client.update_stack().stack_name("scaling").template_body(template("40")).send().await.expect("an update");
    until("UPDATE_COMPLETE").await;
    let changed = alarms();
    assert_eq!((&changed[0].1, &changed[1].1), (&json!(40.0), &json!(36.0)));
    assert_eq!((&changed[0].0, &changed[1].0), (&created[0].0, &created[1].0), "they are the same alarms");
    client.delete_stack().stack_name("scaling").send().await.expect("a deletion");
    until("DELETE_COMPLETE").await;
    assert_eq!(alarms(), []);
}

#[tokio::test]
async fn metrics_that_are_not_served_are_named() {
    let aws = InProcess::new();
    let refused = async |configuration: Value| {
        let policy = json!({
            "PolicyName": "p", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": configuration,
        });
        aws.refusal("application-autoscaling", "PutScalingPolicy", of_service(policy)).await
    };
    let predefined = json!({ "PredefinedMetricType": "ALBRequestCountPerTarget" });
    let (code, message) = refused(json!({ "TargetValue": 1.0, "PredefinedMetricSpecification": predefined })).await;
    assert_eq!(code, "NotImplemented");
    assert!(message.contains("the metric type ALBRequestCountPerTarget"), "{message}");
    let math = json!({ "Metrics": [{ "Id": "m1", "Expression": "m2 * 2" }] });
    let (code, message) = refused(json!({ "TargetValue": 1.0, "CustomizedMetricSpecification": math })).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("NotImplemented", "the sandbox does not serve Metrics in CustomizedMetricSpecification")
    );
    let predictive = json!({ "PolicyName": "p", "PolicyType": "PredictiveScaling" });
    let (_, message) = aws.refusal("application-autoscaling", "PutScalingPolicy", of_service(predictive)).await;
    assert_eq!(message, "the sandbox does not serve scaling policies of the type PredictiveScaling");
}
