//! What every service has in common on the wire: inputs that do not satisfy the model, pages, and noise.
#![cfg(unix)]

use serde_json::{Value, json};

use crate::local_aws::LocalAws;
use crate::signed::{json, query, send};

fn message(answer: &Value) -> String {
    format!("{}: {}", answer["__type"].as_str().unwrap_or_default(), answer["message"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn what_does_not_satisfy_the_model_is_refused_in_each_services_words() {
    let aws = LocalAws::start().await;
    let ssm =
        |operation: &str, input: Value| message(&json(&aws, "ssm", &format!("AmazonSSM.{operation}"), &input).json());
    assert_eq!(
        ssm("PutParameter", json!({ "Name": "a", "Type": "Text" })),
        "ValidationException: 2 validation errors detected: Value null at 'value' failed to satisfy constraint: Member must not be null; \
         Value 'Text' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]"
    );
    let typed = ssm("GetParameter", json!({ "Name": 5 }));
    assert_eq!(
        typed,
        "SerializationException: class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String"
    );
    assert_eq!(
        ssm("GetParameters", json!({ "Names": {} })),
        "SerializationException: Start of structure or map found where not expected."
    );
    let logs = json(&aws, "logs", "Logs_20140328.DescribeLogGroups", &json!({ "limit": 51 })).json();
    assert_eq!(
        message(&logs),
        "InvalidParameterException: 1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: \
         Member must have value less than or equal to 50"
    );

    let iam = query(&aws, "iam", "Action=GetRole&Version=2010-05-08").text();
    assert!(iam.contains("<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"), "{iam}");
    assert!(iam.contains("<Message>1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null</Message>"), "{iam}");
    let iam = query(
        &aws,
        "iam",
        "Action=CreateRole&Version=2010-05-08&RoleName=a&AssumeRolePolicyDocument={}&MaxSessionDuration=x",
    )
    .text();
    assert!(iam.contains("<Code>MalformedInput</Code>"), "{iam}");

    let ec2 = |parameters: &str| query(&aws, "ec2", &format!("Version=2016-11-15&{parameters}")).text();
    let missing = ec2("Action=DeleteVpc");
    assert!(
        missing
            .contains("<Code>MissingParameter</Code><Message>The request must contain the parameter VpcId</Message>"),
        "{missing}"
    );
    let unknown = ec2("Action=DeleteVpc&VpcId=vpc-1&Nonsense=1");
    assert!(unknown.contains("<Code>UnknownParameter</Code>"), "{unknown}");
    let dry = ec2("Action=CreateVpc&CidrBlock=10.0.0.0/16&DryRun=true");
    assert!(dry.contains("<Code>DryRunOperation</Code>"), "{dry}");
    assert!(!ec2("Action=DescribeVpcs").contains("10.0.0.0/16"));
}

#[tokio::test]
async fn pages_follow_each_other_and_their_tokens_are_checked() {
    let aws = LocalAws::start().await;
    let call = |operation: &str, input: &Value| {
        json(&aws, "monitoring", &format!("GraniteServiceVersion20100801.{operation}"), input).json()
    };
    for name in ["a", "b", "c"] {
        let alarm = json!({
            "AlarmName": name, "Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
            "Threshold": 1, "ComparisonOperator": "LessThanThreshold",
        });
        call("PutMetricAlarm", &alarm);
    }
    let first = call("DescribeAlarms", &json!({ "MaxRecords": 1 }));
    assert_eq!(first["MetricAlarms"][0]["AlarmName"], "a");
    let token = &first["NextToken"];
    // What the next page begins with is gone by then.
    call("DeleteAlarms", &json!({ "AlarmNames": ["b"] }));
    let second = call("DescribeAlarms", &json!({ "MaxRecords": 1, "NextToken": token }));
    assert_eq!(second["MetricAlarms"][0]["AlarmName"], "c");
    for (operation, input) in [
        ("DescribeAlarms", json!({ "AlarmNamePrefix": "a", "NextToken": token })),
        ("DescribeAlarmHistory", json!({ "NextToken": token })),
        ("DescribeAlarms", json!({ "NextToken": "made up" })),
    ] {
        assert_eq!(message(&call(operation, &input)), "InvalidNextToken: The next token specified is invalid.");
    }
}

#[tokio::test]
async fn noise_is_refused_and_does_no_harm() {
    let aws = LocalAws::start().await;
    let deep = "[".repeat(100_000);
    let named = format!("Action=DescribeVpcs&Version=2016-11-15&{}=1", "a.".repeat(10_000));
    let many = format!("Action=DescribeVpcs&Version=2016-11-15{}", "&Filter.9.Value.9=x".repeat(20_000));
    let cbor = vec![0x81; 100_000];
    let target = [("x-amz-target", "GraniteServiceVersion20100801.ListMetrics")];
    let spoken = [("smithy-protocol", "rpc-v2-cbor")];
    let path = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
    let answers = [
        send(&aws, "monitoring", "/", &target, deep.as_bytes()),
        send(&aws, "monitoring", "/", &target, b"\xff\xfe"),
        send(&aws, "monitoring", path, &spoken, &cbor),
        send(&aws, "monitoring", "/service/", &spoken, &cbor),
        send(&aws, "ec2", "/", &[], named.as_bytes()),
        send(&aws, "ec2", "/", &[], b"%%%&&&===.1.1"),
    ];
    for answer in answers {
        assert!((400..502).contains(&answer.status) && answer.status != 500, "{answer:?}");
    }
    let answer = send(&aws, "ec2", "/", &[], many.as_bytes());
    assert_eq!(answer.status, 400, "a filter without a name: {}", answer.text());
}
