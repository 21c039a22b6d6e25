//! Stacks, change sets and templates compared with recorded responses of AWS: `tests/data/recordings/cloudformation/tests.json`. The
//! templates are like those of the tests that were recorded.

use serde_json::{Value, json};

use crate::in_process::InProcess;
use crate::recordings::{assert_as_recorded, recorded_message};

const SERVICE: &str = "cloudformation";
const FILE: &str = "cloudformation/tests";

fn recorded(test: &str) -> Value {
    crate::recordings::recorded(FILE, test)
}

fn parameter(value: &Value) -> Value {
    json!({ "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": value } })
}

fn given(parameters: &[(&str, &str)]) -> Value {
    parameters.iter().map(|(key, value)| json!({ "ParameterKey": key, "ParameterValue": value })).collect()
}

/// Creates a change set, and returns its ARN and the ARN of its stack.
async fn prepare(aws: &InProcess, change_type: &str, template: &Value, parameters: &[(&str, &str)]) -> [String; 2] {
    let input = json!({
        "StackName": "stack", "ChangeSetName": "changes", "ChangeSetType": change_type, "TemplateBody": template.to_string(),
        "Parameters": given(parameters),
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    });
    let created = aws.call(SERVICE, "CreateChangeSet", input).await;
    ["Id", "StackId"].map(|name| created[name].as_str().expect("an ARN").to_owned())
}

async fn describe_change_set(aws: &InProcess, arn: &str, with_values: bool) -> Value {
    let input = json!({ "ChangeSetName": arn, "IncludePropertyValues": with_values });
    aws.call(SERVICE, "DescribeChangeSet", input).await
}

/// Creates a stack by a change set, and returns the ARNs of both.
async fn deploy(aws: &InProcess, change_type: &str, template: &Value, parameters: &[(&str, &str)]) -> [String; 2] {
    let [change_set, stack] = prepare(aws, change_type, template, parameters).await;
    let input = json!({ "ChangeSetName": change_set, "StackName": stack });
    aws.change_stack("ExecuteChangeSet", input).await;
    [change_set, stack]
}

async fn delete(aws: &InProcess, stack: &str) -> Value {
    aws.change_stack("DeleteStack", json!({ "StackName": stack })).await
}

/// The events of a stack, oldest first.
async fn events(aws: &InProcess, stack: &str) -> Vec<Value> {
    let mut response = aws.call(SERVICE, "DescribeStackEvents", json!({ "StackName": stack })).await;
    let mut events = response["StackEvents"].take().as_array().expect("events").clone();
    events.reverse();
    events
}

#[tokio::test]
async fn the_events_of_a_deleted_stack_show_resource_properties() {
    let aws = InProcess::new();
    let chain = json!({ "Resources": {
        "A": parameter(&json!("root")), "B": parameter(&json!({ "Ref": "A" })), "C": parameter(&json!({ "Ref": "B" })),
    } });
    let [_, stack] = deploy(&aws, "CREATE", &chain, &[]).await;
    delete(&aws, &stack).await;
    let is_complete = |event: &Value| {
        let status = event["ResourceStatus"].as_str().unwrap_or_default();
        event["ResourceType"] == "AWS::SSM::Parameter" && ["CREATE_COMPLETE", "DELETE_COMPLETE"].contains(&status)
    };
    let completed: Value = events(&aws, &stack).await.into_iter().filter(is_complete).collect();
    assert_as_recorded(&recorded("test_stack_deploy_order[A-B-C]")["events"], &completed, "events");
}

#[tokio::test]
async fn the_events_of_a_deleted_stack_hide_values() {
    let aws = InProcess::new();
    let template = json!({
        "Parameters": { "Secret": { "Type": "String", "NoEcho": true } },
        "Resources": {
            "A": parameter(&json!({ "Ref": "Secret" })),
            "B": parameter(&json!({ "Fn::Select": [1, { "Fn::Split": ["-", { "Ref": "Secret" }] }] })),
        },
    });
    let [_, stack] = deploy(&aws, "CREATE", &template, &[("Secret", "hunter2-swordfish")]).await;
    delete(&aws, &stack).await;
    let events = Value::from(events(&aws, &stack).await).to_string();
    assert!(events.contains("****") && !events.contains("hunter2") && !events.contains("swordfish"), "{events}");
}

#[tokio::test]
async fn an_executed_change_set_is_described_after_its_stack_is_deleted() {
    let aws = InProcess::new();
    let template = json!({ "Resources": { "SimpleParam": parameter(&json!("test")) } });
    let [first, stack] = deploy(&aws, "CREATE", &template, &[]).await;
    let changed = json!({ "Resources": { "SimpleParam": parameter(&json!("changed")) } });
    let [second, _] = deploy(&aws, "UPDATE", &changed, &[]).await;
    delete(&aws, &stack).await;
    let mut described = describe_change_set(&aws, &first, false).await;
    // The recorded request has none.
    described["Capabilities"] = json!([]);
    assert_as_recorded(&recorded("test_name_conflicts")["initial_changeset_id_desc"], &described, "change set");
    assert_eq!(describe_change_set(&aws, &second, false).await["ExecutionStatus"], "EXECUTE_COMPLETE");
}

#[tokio::test]
async fn the_latest_executed_change_sets_of_a_stack_are_kept() {
    let aws = InProcess::new();
    let mut change_sets = Vec::new();
    for number in 0..7 {
        let change_type = if number == 0 { "CREATE" } else { "UPDATE" };
        let template = json!({ "Resources": { "P": parameter(&json!(number.to_string())) } });
        let [change_set, _] = deploy(&aws, change_type, &template, &[]).await;
        change_sets.push(change_set);
    }
    let (code, _) = aws.refusal(SERVICE, "DescribeChangeSet", json!({ "ChangeSetName": change_sets[0] })).await;
    assert_eq!(code, "ChangeSetNotFound");
    for change_set in &change_sets[2..] {
        assert_eq!(describe_change_set(&aws, change_set, false).await["ExecutionStatus"], "EXECUTE_COMPLETE");
    }
}

#[tokio::test]
async fn requests_are_refused_with_the_recorded_messages() {
    let aws = InProcess::new();
    let mapping = |first: Value, second: &str| {
        json!({
            "Mappings": { "TopicSuffixMap": { "A": { "Suffix": "a" } } },
            "Resources": { "P": parameter(&json!({ "Fn::FindInMap": ["TopicSuffixMap", first, second] })) },
        })
    };
    let value = |value: Value| json!({ "Resources": { "P": parameter(&value) } });
    let declared = |key: &str, kind: &str| json!({ "Parameters": { key: { "Type": kind } }, "Resources": { "P": parameter(&json!({ "Ref": key })) } });
    let select = |index: Value, list: Value| value(json!({ "Fn::Select": [index, list] }));
    let macro_reference = json!({
        "Parameters": { "Name": { "Type": "String", "Default": "a" } },
        "Transform": [{ "Name": { "Ref": "Name" } }],
        "Resources": { "P": parameter(&json!("a")) },
    });
    let cases = [
        ("test_mapping_with_nonexisting_key", mapping(json!("C"), "Suffix"), None),
        ("test_async_mapping_error_second_level_v2", mapping(json!("A"), "NotValid"), None),
        ("test_invalid_select_index_type[non-integer-index]", select(json!("bad"), json!(["test"])), None),
        ("test_invalid_select_index_type[non-list-list]", select(json!(0), json!(2)), None),
        ("test_invalid_select_index_type[index-out-of-range]", select(json!(100), json!(["test"])), None),
        ("test_invalid_parameter_type", declared("Value", "Number"), Some(("Value", "text"))),
        (
            "test_resolve_ssm_missing_parameter",
            declared("InputValue", "AWS::SSM::Parameter::Value<String>"),
            Some(("InputValue", "gone")),
        ),
        ("test_error_pass_macro_as_reference", macro_reference, None),
    ];
    for (test, template, parameter) in cases {
        let expected = ("ValidationError".to_owned(), recorded_message(FILE, test));
        let parameters = given(parameter.as_slice());
        let body = template.to_string();
        for operation in ["CreateChangeSet", "CreateStack"] {
            let mut input = json!({ "StackName": "stack", "TemplateBody": body, "Parameters": parameters });
            if operation == "CreateChangeSet" {
                input["ChangeSetName"] = "changes".into();
                input["ChangeSetType"] = "CREATE".into();
            }
            assert_eq!(aws.refusal(SERVICE, operation, input).await, expected, "{test}: {operation}");
        }
        // It has no values of parameters.
        if parameter.is_none() {
            let input = json!({ "TemplateBody": body });
            assert_eq!(aws.refusal(SERVICE, "ValidateTemplate", input).await, expected, "{test}: ValidateTemplate");
        }
    }
    let [_, stack] = deploy(&aws, "CREATE", &value(json!("a")), &[]).await;
    let mut template = mapping(json!({ "Ref": "Key" }), "Suffix");
    template["Parameters"] = json!({ "Key": { "Type": "String" } });
    let parameters = given(&[("Key", "C")]);
    let input = json!({ "StackName": stack, "TemplateBody": template.to_string(), "Parameters": parameters });
    let (_, message) = aws.refusal(SERVICE, "UpdateStack", input).await;
    assert_eq!(message, recorded_message(FILE, "test_mapping_with_nonexisting_key"));
    let input = json!({ "StackName": stack, "LogicalResourceId": "not-a-valid-resource" });
    let (_, message) = aws.refusal(SERVICE, "DescribeStackResource", input).await;
    let expected = recorded_message(FILE, "test_describe_non_existent_resource").replace("<stack-id>", &stack);
    assert_eq!(message, expected);
}

#[tokio::test]
async fn functions_that_may_have_a_value_are_not_refused() {
    let aws = InProcess::new();
    let part = |index: u8| json!({ "Fn::Select": [index, { "Fn::Split": ["/", { "Ref": "AWS::StackId" }] }] });
    let missing = json!({ "Fn::FindInMap": ["Map", "Gone", "Key"] });
    let template = json!({
        "Mappings": { "Map": { "A": { "Key": "a" } } },
        "Parameters": { "Part": { "Type": "String" } },
        "Conditions": { "Never": { "Fn::Equals": ["a", "b"] } },
        "Resources": {
            "Id": parameter(&part(2)),
            "OfResource": parameter(&json!({ "Fn::Select": ["1", { "Fn::Split": ["-", { "Ref": "Id" }] }] })),
            "OfParameter": parameter(&json!({ "Fn::FindInMap": ["Map", { "Ref": "Part" }, "Key"] })),
            "Skipped": { "Condition": "Never", "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": missing } },
            "Branch": parameter(&json!({ "Fn::If": ["Never", missing, "no"] })),
        },
    });
    aws.call(SERVICE, "ValidateTemplate", json!({ "TemplateBody": template.to_string() })).await;
    let [_, stack] = deploy(&aws, "CREATE", &template, &[("Part", "A")]).await;
    let stacks = aws.call(SERVICE, "DescribeStacks", json!({ "StackName": stack })).await;
    assert_eq!(stacks["Stacks"][0]["StackStatus"], "CREATE_COMPLETE");
}

/// The events of a recording, by resource.
fn assert_events(recorded: &Value, events: &[Value], resource: &str) {
    let mut statuses: Vec<[&Value; 2]> = Vec::new();
    for event in events.iter().filter(|event| event["LogicalResourceId"] == resource) {
        let event = [&event["ResourceStatus"], &event["PhysicalResourceId"]];
        // The recording has one event of each status.
        if statuses.last().is_some_and(|last| last[0] == event[0]) {
            statuses.pop();
        }
        statuses.push(event);
    }
    let expected = recorded["per-resource-events"][resource].as_array().expect("events");
    let statuses: Vec<&Value> = statuses.into_iter().map(|[status, _]| status).collect();
    assert_eq!(statuses, expected.iter().map(|event| &event["ResourceStatus"]).collect::<Vec<_>>());
}

#[tokio::test]
async fn policies_may_be_functions() {
    let aws = InProcess::new();
    let mut resource = parameter(&json!("a"));
    resource["DeletionPolicy"] = json!({ "Fn::If": ["IsPermanent", "Retain", "Delete"] });
    let template = json!({
        "Parameters": { "EnvType": { "Type": "String" } },
        "Conditions": { "IsPermanent": { "Fn::Equals": [{ "Ref": "EnvType" }, "prod"] } },
        "Resources": { "MyParameter": resource },
    });
    for (kind, is_retained) in [("prod", true), ("dev", false)] {
        let [_, stack] = deploy(&aws, "CREATE", &template, &[("EnvType", kind)]).await;
        delete(&aws, &stack).await;
        let events = events(&aws, &stack).await;
        if is_retained {
            assert_events(&recorded("test_deletion_policy_with_retain"), &events, "MyParameter");
        } else {
            assert_eq!(events[events.len() - 2]["ResourceStatus"], "DELETE_COMPLETE");
        }
    }
    let replaced = |policy: &str| {
        json!({
            "Parameters": { "Name": { "Type": "String" }, "PolicyType": { "Type": "String", "Default": policy } },
            "Resources": { "MyParameter": {
                "Type": "AWS::SSM::Parameter",
                "UpdateReplacePolicy": { "Ref": "PolicyType" },
                "Properties": { "Type": "String", "Value": "a", "Name": { "Ref": "Name" } },
            } },
        })
    };
    deploy(&aws, "CREATE", &replaced("Retain"), &[("Name", "one")]).await;
    let [_, stack] = deploy(&aws, "UPDATE", &replaced("Retain"), &[("Name", "two")]).await;
    assert_events(&recorded("test_update_replace_policy_retain"), &events(&aws, &stack).await, "MyParameter");
    let input = json!({ "StackName": "other", "TemplateBody": replaced("Keep").to_string(), "Parameters": given(&[("Name", "x")]) });
    let (_, message) = aws.refusal(SERVICE, "CreateStack", input).await;
    assert_eq!(message, "Template format error: Unrecognized UpdateReplacePolicy Keep for resource MyParameter");
}

#[tokio::test]
async fn the_new_value_or_type_of_a_parameter_is_a_direct_modification() {
    let aws = InProcess::new();
    let put = |value: &'static str| json!({ "Name": "input", "Value": value, "Type": "String", "Overwrite": true });
    let template = |kind: &str| {
        json!({
            "Parameters": { "InputValue": { "Type": kind } },
            "Resources": { "DerivedParameter": parameter(&json!({ "Ref": "InputValue" })) },
        })
    };
    let ssm = "AWS::SSM::Parameter::Value<String>";
    aws.call("ssm", "PutParameter", put("one")).await;
    let [_, stack] = deploy(&aws, "CREATE", &template("String"), &[("InputValue", "input")]).await;
    for test in ["test_change_parameter_type", "test_dynamic_ssm_parameter_lookup"] {
        let [change_set, _] = prepare(&aws, "UPDATE", &template(ssm), &[("InputValue", "input")]).await;
        for (name, with_values) in [("describe-change-set-2-prop-values", true), ("describe-change-set-2", false)] {
            let described = describe_change_set(&aws, &change_set, with_values).await;
            let pointer = "/Changes/0/ResourceChange/Details";
            let expected = recorded(test)[name].pointer(pointer).expect("details").clone();
            assert_as_recorded(&expected, described.pointer(pointer).expect("details"), &format!("{test} {name}"));
        }
        aws.change_stack("ExecuteChangeSet", json!({ "ChangeSetName": change_set, "StackName": stack })).await;
        aws.call("ssm", "PutParameter", put("two")).await;
    }
}

#[tokio::test]
async fn a_change_set_warns_of_a_list_that_is_not_known_yet() {
    let aws = InProcess::new();
    let split = json!({ "Fn::Split": ["-", { "Fn::GetAtt": ["Topic1", "Value"] }] });
    let template = json!({ "Resources": {
        "Topic1": parameter(&json!("a-b")), "Topic2": parameter(&json!({ "Fn::Join": ["_", split] })),
    } });
    let [change_set, _] = prepare(&aws, "CREATE", &template, &[]).await;
    let expected = &recorded("test_fn_split_with_get_att")["describe-change-set-1-prop-values"]["StatusReason"];
    assert_eq!(&describe_change_set(&aws, &change_set, true).await["StatusReason"], expected);
    assert_eq!(describe_change_set(&aws, &change_set, false).await["StatusReason"], Value::Null);
}

#[tokio::test]
async fn stacks_list_their_last_operation() {
    let aws = InProcess::new();
    let template = |value: &str| json!({ "Resources": { "P": parameter(&json!(value)) } });
    let [_, stack] = deploy(&aws, "CREATE", &template("a"), &[]).await;
    let recorded = recorded("test_fn_find_in_map_with_nested_ref");
    let describe = || async { aws.call(SERVICE, "DescribeStacks", json!({ "StackName": stack })).await };
    assert_as_recorded(&recorded["post-create-1-describe"], &describe().await["Stacks"][0], "created");
    deploy(&aws, "UPDATE", &template("b"), &[]).await;
    assert_as_recorded(&recorded["post-create-2-describe"], &describe().await["Stacks"][0], "updated");
    delete(&aws, &stack).await;
    assert_as_recorded(&recorded["delete-describe"], &describe().await["Stacks"][0], "deleted");
}

#[tokio::test]
async fn summaries_and_descriptions_have_the_recorded_members() {
    let aws = InProcess::new();
    let failing = json!({ "Resources": { "MyParameter": { "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String" } } } });
    let [_, stack] = deploy(&aws, "CREATE", &failing, &[]).await;
    let summary = aws.call(SERVICE, "GetTemplateSummary", json!({ "StackName": stack })).await;
    assert_as_recorded(&recorded("test_get_template_summary_failed_stack")["template-summary"], &summary, "summary");
    delete(&aws, &stack).await;
    let gateway = json!({ "Resources": { "Gateway": { "Type": "AWS::EC2::InternetGateway" } } });
    let [_, stack] = deploy(&aws, "CREATE", &gateway, &[]).await;
    let input = json!({ "StackName": stack, "LogicalResourceId": "Gateway" });
    let described = aws.call(SERVICE, "DescribeStackResource", input).await;
    let expected = &recorded("test_internet_gateway_ref_and_attr")["description"];
    assert_as_recorded(expected, &described["StackResourceDetail"], "resource");
}

#[tokio::test]
async fn a_transform_replaces_functions_whose_values_are_known() {
    let aws = InProcess::new();
    let loops = |prefix: &str, names: Value| json!([prefix, names, { format!("My${{{prefix}}}Parameter"): parameter(&json!({ "Fn::Sub": format!("my value ${{{prefix}}}") })) }]);
    let lettered = |word: &str| json!(["Letter", ["A", "B", "C"], { format!("My{word}Parameter${{Letter}}"): parameter(&json!({ "Fn::Sub": "my value ${Letter}" })) }]);
    let template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::LanguageExtensions",
        "Resources": {
            "Fn::ForEach::Words": loops("Word", json!(["Foo", "Bar"])),
            "Fn::ForEach::Foo": lettered("Foo"), "Fn::ForEach::Bar": lettered("Bar"),
        },
    });
    let [_, stack] = deploy(&aws, "CREATE", &template, &[]).await;
    let transformed = aws.call(SERVICE, "GetTemplate", json!({ "StackName": stack })).await;
    let expected = &recorded("test_transform_foreach_multiple_resources")["transformed"];
    assert_as_recorded(expected, &transformed["TemplateBody"], "template");
}

#[tokio::test]
async fn a_security_group_without_a_vpc_is_in_the_default_one_and_has_its_name_as_its_id() {
    let aws = InProcess::new();
    let group = |vpc: Value| json!({ "Type": "AWS::EC2::SecurityGroup", "Properties": { "GroupDescription": "a group", "VpcId": vpc } });
    let output = |function: Value| json!({ "Value": function });
    let template = |description: &str| {
        json!({
            "Resources": {
                "Vpc": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.0.0.0/16" } },
                "With": group(json!({ "Ref": "Vpc" })),
                "Without": {
                    "Type": "AWS::EC2::SecurityGroup",
                    "Properties": {
                        "GroupDescription": "a group",
                        "SecurityGroupIngress": [{ "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8", "Description": description }],
                    },
                },
            },
            "Outputs": {
                "SGWithVpcIdGroupId": output(json!({ "Fn::GetAtt": ["With", "GroupId"] })),
                "SGWithVpcIdRef": output(json!({ "Ref": "With" })),
                "SGWithoutVpcIdGroupId": output(json!({ "Fn::GetAtt": ["Without", "GroupId"] })),
                "SGWithoutVpcIdRef": output(json!({ "Ref": "Without" })),
            },
        })
    };
    let [_, stack] = deploy(&aws, "CREATE", &template("web"), &[]).await;
    let described = aws.call(SERVICE, "DescribeStacks", json!({ "StackName": stack })).await;
    let value = |key: &str| {
        let mut outputs = described["Stacks"][0]["Outputs"].as_array().expect("outputs").iter();
        outputs.find(|output| output["OutputKey"] == key).expect("an output")["OutputValue"].clone()
    };
    let ids = recorded("test_ec2_security_group_id_with_vpc")["references"].clone();
    for (left, right) in [("SGWithVpcIdGroupId", "SGWithVpcIdRef"), ("SGWithoutVpcIdGroupId", "SGWithoutVpcIdRef")] {
        assert_eq!(ids[left] == ids[right], value(left) == value(right), "{left}");
    }
    let groups = json!({ "GroupId": [value("SGWithoutVpcIdGroupId")] });
    let groups = aws.call("ec2", "DescribeSecurityGroups", groups).await;
    let group = &groups["securityGroupInfo"][0];
    assert_eq!(group["groupName"], value("SGWithoutVpcIdRef"));
    let vpcs = aws.call("ec2", "DescribeVpcs", json!({ "VpcId": [group["vpcId"]] })).await;
    assert_eq!(vpcs["vpcSet"][0]["isDefault"], true);
    deploy(&aws, "UPDATE", &template("other"), &[]).await;
    assert_eq!(delete(&aws, &stack).await["StackStatus"], "DELETE_COMPLETE");
}

#[tokio::test]
async fn a_parameter_can_name_the_absent_value() {
    let aws = InProcess::new();
    let template = json!({
        "Parameters": { "LogGroupName": { "Type": "String", "Default": "AWS::NoValue" } },
        "Conditions": { "HasNoName": { "Fn::Equals": [{ "Ref": "LogGroupName" }, "AWS::NoValue"] } },
        "Resources": { "LogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "Condition": "HasNoName",
            "Properties": { "LogGroupName": { "Ref": "LogGroupName" }, "RetentionInDays": 731 },
        } },
    });
    deploy(&aws, "CREATE", &template, &[]).await;
    let groups = aws.call("logs", "DescribeLogGroups", json!({})).await;
    let mut group = groups["logGroups"][0].clone();
    // AWS has added it since.
    group["deletionProtectionEnabled"] = Value::Null;
    let expected = &recorded("test_cfn_handle_log_group_resource")["describe_log_groups"]["logGroups"][0];
    assert_as_recorded(expected, &group, "log group");
    let name = group["logGroupName"].as_str().expect("a name");
    assert!(name.starts_with("stack-LogGroup-"), "{name}");
}

#[tokio::test]
async fn an_alarm_on_one_metric_lists_no_metrics() {
    let aws = InProcess::new();
    let template = json!({ "Resources": { "Alarm": { "Type": "AWS::CloudWatch::Alarm", "Properties": {
        "AlarmDescription": "uses extended statistic", "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "DatapointsToAlarm": 3, "Dimensions": [{ "Name": "FunctionName", "Value": "my-function" }], "EvaluationPeriods": 3,
        "ExtendedStatistic": "p99", "MetricName": "Duration", "Namespace": "test", "Period": 300, "Threshold": 10,
        "TreatMissingData": "ignore", "Unit": "Count",
    } } } });
    deploy(&aws, "CREATE", &template, &[]).await;
    let mut alarms = aws.call("monitoring", "DescribeAlarms", json!({})).await;
    let alarm = alarms["MetricAlarms"][0].take();
    assert_as_recorded(&recorded("test_alarm_ext_statistic")["simple_alarm"][0], &alarm, "alarm");
}

#[tokio::test]
async fn a_policy_document_may_be_a_text() {
    let aws = InProcess::new();
    let document = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:${AWS::Partition}:s3:::bucket-${ClusterName}-${AWS::Region}/*",
    }] });
    let text = json!({ "Fn::Sub": document.to_string() });
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] });
    let template = json!({
        "Parameters": { "ClusterName": { "Type": "String" } },
        "Resources": {
            "Role": { "Type": "AWS::IAM::Role", "Properties": {
                "RoleName": "role", "AssumeRolePolicyDocument": trust.to_string(),
                "Policies": [{ "PolicyName": "own", "PolicyDocument": text }],
            } },
            "Inline": { "Type": "AWS::IAM::Policy", "Properties": {
                "PolicyName": "inline", "PolicyDocument": text, "Roles": [{ "Ref": "Role" }],
            } },
            "Managed": { "Type": "AWS::IAM::ManagedPolicy", "Properties": { "PolicyDocument": text } },
        },
        "Outputs": { "Arn": { "Value": { "Ref": "Managed" } } },
    });
    let [_, stack] = deploy(&aws, "CREATE", &template, &[("ClusterName", "my-cluster")]).await;
    let described = aws.call(SERVICE, "DescribeStacks", json!({ "StackName": stack })).await;
    let arn = described["Stacks"][0]["Outputs"][0]["OutputValue"].clone();
    let managed = aws.call("iam", "GetPolicyVersion", json!({ "PolicyArn": arn, "VersionId": "v1" })).await;
    let inline = |name: &'static str| json!({ "RoleName": "role", "PolicyName": name });
    let documents = [
        managed["PolicyVersion"]["Document"].clone(),
        aws.call("iam", "GetRolePolicy", inline("own")).await["PolicyDocument"].clone(),
        aws.call("iam", "GetRolePolicy", inline("inline")).await["PolicyDocument"].clone(),
    ];
    let expected = recorded("test_managedpolicy_with_fn_sub_json_string")["policy_document"].clone();
    for document in documents {
        let document = document.as_str().expect("a text");
        let document = percent_encoding::percent_decode_str(document).decode_utf8().expect("a text");
        assert_as_recorded(&expected, &Value::from(document), "document");
    }
}
