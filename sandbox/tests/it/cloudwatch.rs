//! CloudWatch in the sandbox, in each of its protocols.

use serde_json::{Value, json};

use crate::local_aws::LocalAws;
use crate::raw_requests::{self, RawResponse};

fn call(aws: &LocalAws, operation: &str, input: &Value) -> RawResponse {
    raw_requests::json(aws, "monitoring", &format!("GraniteServiceVersion20100801.{operation}"), input)
}

fn ok(aws: &LocalAws, operation: &str, input: &Value) -> Value {
    let response = call(aws, operation, input);
    assert_eq!(response.status, 200, "{operation}: {}", response.text());
    response.json()
}

fn refused(aws: &LocalAws, operation: &str, input: &Value) -> String {
    let response = call(aws, operation, input);
    assert_ne!(response.status, 200, "{operation}: {}", response.text());
    let code = response.head.lines().find_map(|line| line.strip_prefix("x-amzn-query-error: ")).unwrap_or_default();
    format!("{code} {}", response.json()["message"].as_str().unwrap_or_default())
}

#[expect(clippy::disallowed_methods, reason = "metrics are put with the clock of this machine")]
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[tokio::test]
async fn statistics_are_computed_from_what_was_put() {
    let aws = LocalAws::start().await;
    let dimensions = json!([{ "Name": "Service", "Value": "web" }]);
    let minute = now() / 60 * 60 - 120;
    let datum = |value: f64, at: i64| json!({ "MetricName": "load", "Dimensions": dimensions, "Value": value, "Timestamp": at, "Unit": "Percent" });
    let data = [datum(1.0, minute), datum(3.0, minute + 59), datum(10.0, minute + 60)];
    ok(&aws, "PutMetricData", &json!({ "Namespace": "Test", "MetricData": data }));

    let metrics = ok(&aws, "ListMetrics", &json!({ "Namespace": "Test" }));
    assert_eq!(metrics["Metrics"], json!([{ "Namespace": "Test", "MetricName": "load", "Dimensions": dimensions }]));
    let input = json!({
        "Namespace": "Test", "MetricName": "load", "Dimensions": dimensions, "StartTime": minute, "EndTime": minute + 120,
        "Period": 60, "Statistics": ["Average", "Sum", "Minimum", "Maximum", "SampleCount"],
    });
    let statistics = ok(&aws, "GetMetricStatistics", &input);
    let [first, second] = &statistics["Datapoints"].as_array().expect("a list")[..] else { panic!("{statistics}") };
    let expected = json!({ "Timestamp": f64::from(i32::try_from(minute).expect("it is before 2038")), "Unit": "Percent", "Average": 2.0, "Sum": 4.0, "Minimum": 1.0, "Maximum": 3.0, "SampleCount": 2.0 });
    assert_eq!(first, &expected);
    assert_eq!(second["Average"], 10.0);

    let stat = json!({ "Metric": { "Namespace": "Test", "MetricName": "load", "Dimensions": dimensions }, "Period": 60, "Stat": "Sum" });
    let mut input = json!({ "MetricDataQueries": [{ "Id": "m", "MetricStat": stat }], "StartTime": minute, "EndTime": minute + 120, "MaxDatapoints": 1 });
    let page = ok(&aws, "GetMetricData", &input);
    assert_eq!(page["MetricDataResults"][0]["Values"], json!([10.0]), "the newest first");
    assert_eq!(page["MetricDataResults"][0]["StatusCode"], "PartialData");
    assert_eq!(page["MetricDataResults"][0]["Label"], "load");
    input["NextToken"] = page["NextToken"].clone();
    let page = ok(&aws, "GetMetricData", &input);
    assert_eq!(page["MetricDataResults"][0]["Values"], json!([4.0]));
    assert_eq!(page["NextToken"], Value::Null);
}

#[tokio::test]
async fn invalid_inputs_are_refused_with_awss_messages() {
    let aws = LocalAws::start().await;
    let datum = |more: &Value| {
        let mut datum = json!({ "MetricName": "m" });
        datum.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({ "Namespace": "n", "MetricData": [datum] })
    };
    let both = refused(&aws, "PutMetricData", &datum(&json!({ "Value": 1, "Values": [1] })));
    assert_eq!(
        both,
        "InvalidParameterValue;Sender The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both."
    );
    let nan = refused(&aws, "PutMetricData", &datum(&json!({ "Value": "NaN" })));
    assert_eq!(nan, "InvalidParameterValue;Sender The value NaN for parameter MetricData.member.1.Value is invalid.");
    let unit = refused(&aws, "PutMetricData", &datum(&json!({ "Value": 1, "Unit": "Miles" })));
    assert!(unit.contains("1 validation error detected: Value 'Miles' at 'metricData.1.member.unit' failed to satisfy constraint: Member must satisfy enum value set: ["), "{unit}");
    let query = json!([{ "Id": "e", "Expression": "m1*2" }]);
    let expression =
        refused(&aws, "GetMetricData", &json!({ "MetricDataQueries": query, "StartTime": 0, "EndTime": 1 }));
    assert!(expression.contains("the sandbox does not serve the expression m1*2 in GetMetricData"), "{expression}");
    let token = refused(&aws, "ListMetrics", &json!({ "NextToken": "made up" }));
    assert_eq!(token, "InvalidParameterValue;Sender Request parameter NextToken is invalid");
    let token = refused(&aws, "DescribeAlarms", &json!({ "NextToken": "made up" }));
    assert!(token.starts_with("InvalidNextToken;Sender"), "{token}");
    let state = json!({ "AlarmName": "none", "StateValue": "OK", "StateReason": "" });
    assert_eq!(call(&aws, "SetAlarmState", &state).status, 404);
    let typed = call(&aws, "PutMetricAlarm", &json!({ "AlarmName": 1 }));
    assert_eq!(typed.json()["__type"], "SerializationException");
}

#[tokio::test]
async fn an_alarm_follows_its_metric() {
    let aws = LocalAws::start().await;
    let alarm = json!({
        "AlarmName": "busy", "Namespace": "Test", "MetricName": "load", "Statistic": "Average", "Period": 10, "EvaluationPeriods": 1,
        "Threshold": 5, "ComparisonOperator": "GreaterThanThreshold", "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:x"],
        "Tags": [{ "Key": "team", "Value": "web" }],
    });
    ok(&aws, "PutMetricAlarm", &alarm);
    let described = || ok(&aws, "DescribeAlarms", &json!({ "AlarmNames": ["busy"] }))["MetricAlarms"][0].clone();
    assert_eq!(described()["StateValue"], "INSUFFICIENT_DATA");
    ok(&aws, "PutMetricData", &json!({ "Namespace": "Test", "MetricData": [{ "MetricName": "load", "Value": 9 }] }));
    let mut changes = polled(&described);
    assert!(changes.any(|alarm| alarm["StateValue"] == "ALARM"), "{}", described());
    let arn = described()["AlarmArn"].clone();
    let tags = ok(&aws, "ListTagsForResource", &json!({ "ResourceARN": arn }));
    assert_eq!(tags["Tags"], json!([{ "Key": "team", "Value": "web" }]));
    ok(&aws, "DeleteAlarms", &json!({ "AlarmNames": ["busy", "none"] }));
    assert_eq!(described(), Value::Null);
}

/// Describes the alarm repeatedly until a timeout.
fn polled(described: &impl Fn() -> Value) -> impl Iterator<Item = Value> {
    (0..2000).map(|_| described())
}

#[tokio::test]
async fn cloudformation_creates_updates_and_deletes_alarms() {
    let aws = LocalAws::start().await;
    let template = |threshold: &str, team: &str| {
        json!({ "Resources": { "Busy": { "Type": "AWS::CloudWatch::Alarm", "Properties": {
            "MetricName": "load", "Namespace": "Test", "Statistic": "Average", "Period": "60", "EvaluationPeriods": 1,
            "Threshold": threshold, "ComparisonOperator": "GreaterThanThreshold", "Tags": [{ "Key": team, "Value": "1" }],
        } } } })
        .to_string()
    };
    let client = aws.cloudformation();
    let until = async |expected: &str| {
        for _ in 0..2000 {
            let stacks = client.describe_stacks().stack_name("alarms").send().await;
            let status = stacks.map(|stacks| stacks.stacks()[0].stack_status().cloned());
            let status =
                status.map_or_else(|_| "DELETE_COMPLETE".to_owned(), |status| status.expect("a status").to_string());
            if status == expected {
                return;
            }
        }
        panic!("it never is {expected}");
    };
    let alarm = || ok(&aws, "DescribeAlarms", &json!({ "AlarmNamePrefix": "alarms-Busy-" }))["MetricAlarms"][0].clone();
    client.create_stack().stack_name("alarms").template_body(template("80", "old")).send().await.expect("a stack");
    until("CREATE_COMPLETE").await;
    let created = alarm();
    assert_eq!((&created["Threshold"], &created["StateValue"]), (&json!(80.0), &json!("INSUFFICIENT_DATA")));
    client.update_stack().stack_name("alarms").template_body(template("70", "new")).send().await.expect("an update");
    until("UPDATE_COMPLETE").await;
    let changed = alarm();
    assert_eq!((&changed["Threshold"], &changed["AlarmArn"]), (&json!(70.0), &created["AlarmArn"]));
    let tags = ok(&aws, "ListTagsForResource", &json!({ "ResourceARN": created["AlarmArn"] })).to_string();
    assert!(tags.contains("\"new\"") && !tags.contains("\"old\""), "{tags}");
    client.delete_stack().stack_name("alarms").send().await.expect("a deletion");
    until("DELETE_COMPLETE").await;
    assert_eq!(alarm(), Value::Null);
}

#[tokio::test]
async fn one_service_responds_in_three_protocols() {
    let aws = LocalAws::start().await;
    let put = "Action=PutMetricData&Version=2010-08-01&Namespace=Test&MetricData.member.1.MetricName=load&MetricData.member.1.Value=2.5\
        &MetricData.member.1.Dimensions.member.1.Name=a&MetricData.member.1.Dimensions.member.1.Value=b";
    let response = raw_requests::query(&aws, "monitoring", put);
    assert_eq!(response.status, 200, "{}", response.text());
    let alarm = "Action=PutMetricAlarm&Version=2010-08-01&AlarmName=a&Namespace=n&MetricName=m&Statistic=Sum&Period=60&EvaluationPeriods=1\
        &Threshold=1&ComparisonOperator=LessThanThreshold";
    assert_eq!(raw_requests::query(&aws, "monitoring", alarm).status, 200);
    let listed = raw_requests::query(&aws, "monitoring", "Action=DescribeAlarms&Version=2010-08-01").text();
    assert!(
        listed.contains("<ActionsEnabled>true</ActionsEnabled>") && listed.contains("<Threshold>1.0</Threshold>"),
        "{listed}"
    );
    let time = listed.split("<StateUpdatedTimestamp>").nth(1).and_then(|rest| rest.split('<').next()).expect("a time");
    assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    let refused = raw_requests::query(&aws, "monitoring", "Action=DeleteAlarms&Version=2010-08-01");
    assert!(refused.text().contains("<Code>ValidationError</Code>"), "{}", refused.text());

    let headers = [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
    let path = |operation: &str| format!("/service/GraniteServiceVersion20100801/operation/{operation}");
    let response = raw_requests::send(&aws, "monitoring", &path("DescribeAlarms"), &headers, &[0xbf, 0xff]);
    assert_eq!(response.status, 200);
    assert!(response.head.contains("smithy-protocol: rpc-v2-cbor"), "{}", response.head);
    // In CBOR, a timestamp is tag 1 with a double.
    let key = b"StateUpdatedTimestamp";
    let at = response.body.windows(key.len()).position(|window| window == key).expect("there is a time") + key.len();
    assert_eq!(response.body[at..at + 2], [0xc1, 0xfb]);
    let refused = raw_requests::send(&aws, "monitoring", &path("DeleteAlarms"), &headers, b"");
    assert!(refused.head.contains("x-amzn-query-error: ValidationError;Sender"), "{}", refused.head);
    let unknown = raw_requests::send(&aws, "monitoring", "/service/Other/operation/X", &headers, b"");
    assert_eq!(unknown.status, 404);
}
