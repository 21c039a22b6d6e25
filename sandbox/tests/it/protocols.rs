//! What all services have in common: validation by the model, paging, encodings, and handling of random bytes.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::local_aws::LocalAws;
use crate::raw_requests::{json, query, send, send_as};
use crate::recordings::recorded;

fn message(response: &Value) -> String {
    let message = response["message"].as_str().or(response["Message"].as_str());
    format!("{}: {}", response["__type"].as_str().unwrap_or_default(), message.unwrap_or_default())
}

#[tokio::test]
async fn inputs_that_violate_the_model_are_refused_with_each_services_message() {
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
async fn callers_cannot_set_or_remove_reserved_tags() {
    let aws = LocalAws::start().await;
    let words = "aws: prefixed tag key names are not allowed for external use.";
    let ecs = |operation: &str, input: Value| {
        message(&json(&aws, "ecs", &format!("AmazonEC2ContainerServiceV20141113.{operation}"), &input).json())
    };
    let tags = json!([{ "key": "team", "value": "a" }, { "key": "AWS:team", "value": "a" }]);
    let refused = format!("InvalidParameterException: {words}");
    assert_eq!(ecs("CreateCluster", json!({ "clusterName": "web", "tags": tags })), refused);
    assert_eq!(ecs("UntagResource", json!({ "resourceArn": "a", "tagKeys": ["aws:team"] })), refused);
    let secrets = json!({ "Name": "a", "Tags": [{ "Key": "aws:team", "Value": "a" }] });
    assert_eq!(message(&json(&aws, "secretsmanager", "secretsmanager.CreateSecret", &secrets).json()), refused);
    let tag = "Action=TagRole&Version=2010-05-08&RoleName=a&Tags.member.1.Key=aws%3Ateam&Tags.member.1.Value=a";
    let response = query(&aws, "iam", tag).text();
    assert!(response.contains(&format!("<Code>InvalidInput</Code><Message>{words}</Message>")), "{response}");
    let odd = "Action=TagRole&Version=2010-05-08&RoleName=a&Tags.member.1.Key=NOWAY!&Tags.member.1.Value=a";
    let odd = query(&aws, "iam", odd).text();
    let words = "Value 'NOWAY!' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression \
        pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+";
    assert!(odd.contains("<Code>ValidationError</Code>") && odd.contains(words), "{odd}");
}

#[tokio::test]
async fn operations_that_are_not_served_are_refused_in_the_callers_protocol() {
    let aws = LocalAws::start().await;
    let rest = send(&aws, "lambda", "/2015-03-31/functions/web/invocations", &[], b"{}");
    assert_eq!((rest.status, rest.json()["__type"].as_str()), (501, Some("NotImplemented")), "{rest:?}");
    assert_eq!(rest.json()["message"], "the sandbox does not serve the service lambda");
    assert!(rest.head.contains("x-amzn-errortype: NotImplemented"), "{}", rest.head);
    assert!(rest.head.contains("content-type: application/json"), "{}", rest.head);
    let target = json(&aws, "dynamodb", "DynamoDB_20120810.ListTables", &json!({}));
    assert_eq!((target.status, target.json()["__type"].as_str()), (501, Some("NotImplemented")));
    for (service, path) in [("elasticloadbalancing", "/"), ("s3", "/bucket"), ("route53", "/2013-04-01/hostedzone")] {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let xml = send(&aws, service, path, &headers, b"Action=List");
        assert!(xml.status == 501 && xml.text().contains("<Code>NotImplemented</Code>"), "{}", xml.text());
    }
}

#[tokio::test]
async fn pages_are_consecutive_and_their_tokens_are_validated() {
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
    // The first item of the next page is deleted.
    call("DeleteAlarms", &json!({ "AlarmNames": ["b"] }));
    let second = call("DescribeAlarms", &json!({ "MaxRecords": 1, "NextToken": token }));
    assert_eq!(second["MetricAlarms"][0]["AlarmName"], "c");
    for (operation, input) in [
        ("DescribeAlarms", json!({ "AlarmNamePrefix": "a", "NextToken": token })),
        ("DescribeAlarms", json!({ "StateValue": "OK", "NextToken": token })),
        ("DescribeAlarms", json!({ "NextToken": "made up" })),
    ] {
        assert_eq!(message(&call(operation, &input)), "InvalidNextToken: The next token specified is invalid.");
    }
}

#[tokio::test]
async fn random_bytes_are_refused_and_do_no_harm() {
    let aws = LocalAws::start().await;
    let deep = "[".repeat(100_000);
    let named = format!("Action=DescribeVpcs&Version=2016-11-15&{}=1", "a.".repeat(10_000));
    let many = format!("Action=DescribeVpcs&Version=2016-11-15{}", "&Filter.9.Value.9=x".repeat(20_000));
    let cbor = vec![0x81; 100_000];
    let target = [("x-amz-target", "GraniteServiceVersion20100801.ListMetrics")];
    let spoken = [("smithy-protocol", "rpc-v2-cbor")];
    let path = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
    let responses = [
        send(&aws, "monitoring", "/", &target, deep.as_bytes()),
        send(&aws, "monitoring", "/", &target, b"\xff\xfe"),
        send(&aws, "monitoring", path, &spoken, &cbor),
        send(&aws, "monitoring", "/service/", &spoken, &cbor),
        send(&aws, "ec2", "/", &[], named.as_bytes()),
        send(&aws, "ec2", "/", &[], b"%%%&&&===.1.1"),
    ];
    for response in responses {
        assert!((400..502).contains(&response.status) && response.status != 500, "{response:?}");
    }
    let response = send(&aws, "ec2", "/", &[], many.as_bytes());
    assert_eq!(response.status, 400, "a filter without a name: {}", response.text());
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("it is compressed");
    encoder.finish().expect("it is compressed")
}

#[tokio::test]
async fn a_body_may_be_compressed_where_awss_model_allows_it() {
    let aws = LocalAws::start().await;
    let put = json!({ "Namespace": "n", "MetricData": [{ "MetricName": "compressed", "Value": 1.0 }] }).to_string();
    let call = |target: &str, body: &[u8]| {
        let target = format!("GraniteServiceVersion20100801.{target}");
        let headers = [("x-amz-target", target.as_str()), ("content-encoding", "gzip")];
        send(&aws, "monitoring", "/", &headers, body)
    };
    assert_eq!(call("PutMetricData", &compressed(put.as_bytes())).status, 200);
    let query = "Action=PutMetricData&Version=2010-08-01&Namespace=n&MetricData.member.1.MetricName=q&MetricData.member.1.Value=1";
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("content-encoding", "gzip")];
    assert_eq!(send(&aws, "monitoring", "/", &headers, &compressed(query.as_bytes())).status, 200);
    let listed = json(&aws, "monitoring", "GraniteServiceVersion20100801.ListMetrics", &json!({})).json();
    assert_eq!(listed["Metrics"].as_array().map(Vec::len), Some(2), "{listed}");
    assert_eq!(call("ListMetrics", &compressed(b"{}")).status, 415);
    assert_eq!(call("PutMetricData", b"no gzip").status, 400);
    // A quarter of a gigabyte; compressed, a hundredth of it.
    let bomb = compressed(&vec![b' '; 1 << 28]);
    assert!(bomb.len() < 4 << 20, "{}", bomb.len());
    assert_eq!(call("PutMetricData", &bomb).status, 413);
}

#[tokio::test]
async fn json_services_accept_only_post() {
    let aws = LocalAws::start().await;
    for method in ["GET", "PUT", "TRACE"] {
        let headers = [("x-amz-target", "Logs_20140328.DescribeLogGroups")];
        let response = send_as(&aws, method, "logs", "/", &headers, b"{}");
        let fault = response.json()["__type"].clone();
        assert_eq!((response.status, fault.as_str()), (404, Some("UnknownOperationException")), "{method}");
    }
}

#[tokio::test]
async fn error_bodies_have_the_recorded_members() {
    let aws = LocalAws::start().await;
    let body = |service: &str, target: &str, input: Value| json(&aws, service, target, &input).json();
    // botocore adds the members `Error` and those of the error's type.
    let expected = |test: &str, key: &str| recorded("cloudformation/tests", test)[key]["Message"].clone();
    let secret = body("secretsmanager", "secretsmanager.DescribeSecret", json!({ "SecretId": "gone" }));
    assert_eq!(secret["Message"], expected("test_cfn_handle_secretsmanager_secret", "exception"));
    assert_eq!(secret.get("message"), None);
    let parameter = body("ssm", "AmazonSSM.GetParameter", json!({ "Name": "gone" }));
    assert_eq!(parameter, json!({ "__type": "ParameterNotFound" }));
    assert_eq!(expected("test_parameter_defaults", "ssm_parameter_not_found"), Value::Null);
}
