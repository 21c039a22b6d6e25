//! Values of `NoEcho` parameters are not shown in any response about a stack.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::in_process::InProcess;

const SECRET: &str = "hunter2secret";

/// A template that uses a secret everywhere, unchanged and transformed by functions.
fn template(more: &str) -> String {
    let parameter =
        |value: Value| json!({ "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": value } });
    let secret = json!({ "Ref": "Secret" });
    let resources = json!({
        "Plain": parameter(secret.clone()),
        "InText": parameter(json!({ "Fn::Sub": "user:${Secret}@host/1" })),
        "Joined": parameter(json!({ "Fn::Join": ["-", ["a", secret, more]] })),
        "Encoded": parameter(json!({ "Fn::Base64": { "Fn::Sub": "password=${Secret}" } })),
        "Part": parameter(json!({ "Fn::Select": ["1", { "Fn::Split": ["2", secret] }] })),
        "Member": parameter(json!({ "Fn::Select": ["1", { "Ref": "List" }] })),
        "Chosen": parameter(json!({ "Fn::If": ["IsSecret", "right", "wrong"] })),
        "Other": parameter(json!({ "Fn::GetAtt": ["Plain", "Value"] })),
        "Group": { "Type": "AWS::Logs::LogGroup", "Properties": { "Tags": [{ "Key": "k", "Value": secret }, { "Key": "m", "Value": more }] } },
    });
    let hidden = |kind: &str, default: &str| json!({ "Type": kind, "NoEcho": true, "Default": default });
    json!({
        "Parameters": { "Secret": hidden("String", "defaultsecret"), "List": hidden("CommaDelimitedList", "one, twosecret") },
        "Conditions": { "IsSecret": { "Fn::Equals": [secret, SECRET] } },
        "Resources": resources,
    })
    .to_string()
}

/// The forms of the secret that a response contains.
fn leaks(response: &Value) -> Vec<&'static str> {
    let text = response.to_string();
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("password={SECRET}"));
    let parts = [
        (SECRET, "value"),
        (encoded.as_str(), "encoded"),
        ("\"secret\"", "part"),
        (r#"\"secret\""#, "part"),
        ("twosecret", "member"),
        ("defaultsecret", "default"),
    ];
    parts.into_iter().filter(|(part, _)| text.contains(part)).map(|(_, name)| name).collect()
}

async fn responses(aws: &InProcess, stack: &str) -> Vec<(&'static str, Value)> {
    let mut responses = Vec::new();
    for operation in ["DescribeStackEvents", "DescribeStacks", "DescribeStackResources", "ListStackResources"] {
        responses.push((operation, aws.call("cloudformation", operation, json!({ "StackName": stack })).await));
    }
    responses
}

fn input(stack: &str, body: &str) -> Value {
    json!({ "StackName": stack, "TemplateBody": body, "Parameters": [{ "ParameterKey": "Secret", "ParameterValue": SECRET }] })
}

fn properties(events: &Value, resource: &str) -> Value {
    let mut of =
        events["StackEvents"].as_array().expect("events").iter().filter(|event| event["LogicalResourceId"] == resource);
    serde_json::from_str(of.next().expect("an event")["ResourceProperties"].as_str().expect("properties"))
        .expect("JSON")
}

#[tokio::test]
async fn no_response_contains_a_noecho_value_in_any_form() {
    let aws = InProcess::new();
    aws.change_stack("CreateStack", input("s", &template("one"))).await;
    let read = aws.call("ssm", "DescribeParameters", json!({})).await;
    assert_eq!(read["Parameters"].as_array().expect("parameters").len(), 8, "{:#?}", aws.events("s").await);
    let change = json!({ "ChangeSetName": "c", "StackName": "s" });
    let mut set = input("s", &template("two"));
    set["ChangeSetName"] = "c".into();
    set["Parameters"][0]["ParameterValue"] = format!("{SECRET}-new").into();
    aws.call("cloudformation", "CreateChangeSet", set).await;
    for values in [true, false] {
        let mut described = change.clone();
        described["IncludePropertyValues"] = values.into();
        let response = aws.call("cloudformation", "DescribeChangeSet", described).await;
        assert_eq!(leaks(&response), Vec::<&str>::new(), "{response:#}");
        let changes = response["Changes"].as_array().expect("changes");
        assert!(
            changes.iter().any(|change| change["ResourceChange"]["LogicalResourceId"] == "Encoded"),
            "{response:#}"
        );
    }
    aws.change_stack("ExecuteChangeSet", change).await;
    for (operation, response) in responses(&aws, "s").await {
        assert_eq!(leaks(&response), Vec::<&str>::new(), "{operation}: {response:#}");
    }
    let events = aws.call("cloudformation", "DescribeStackEvents", json!({ "StackName": "s" })).await;
    assert_eq!(properties(&events, "Plain")["Value"], "****");
    assert_eq!(properties(&events, "InText")["Value"], "user:****@host/1");
    assert_eq!(properties(&events, "Joined")["Value"], "a-****-two");
    assert_eq!(properties(&events, "Group")["Tags"][1], json!({ "Key": "m", "Value": "two" }));
    for stack in [json!({ "StackName": "s" }), json!({ "TemplateBody": template("x") })] {
        let summary = aws.call("cloudformation", "GetTemplateSummary", stack).await;
        assert_eq!(summary["Parameters"][0]["DefaultValue"], "****");
    }
    let id =
        aws.call("cloudformation", "DescribeStacks", json!({ "StackName": "s" })).await["Stacks"][0]["StackId"].clone();
    aws.call("cloudformation", "DeleteStack", json!({ "StackName": "s" })).await;
    aws.change_stack("DeleteStack", json!({ "StackName": id })).await;
    let events = aws.call("cloudformation", "DescribeStackEvents", json!({ "StackName": id })).await;
    assert_eq!(leaks(&events), Vec::<&str>::new());
}

#[tokio::test]
async fn conditions_compare_the_real_value_of_a_noecho_parameter() {
    let aws = InProcess::new();
    aws.change_stack("CreateStack", input("s", &template("one"))).await;
    let events = aws.call("cloudformation", "DescribeStackEvents", json!({ "StackName": "s" })).await;
    assert_eq!(properties(&events, "Chosen")["Value"], "right");
}

#[tokio::test]
async fn a_refusal_does_not_contain_a_noecho_value() {
    let aws = InProcess::new();
    let net = json!({ "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": { "Ref": "Secret" } } });
    let body = json!({ "Parameters": { "Secret": { "Type": "String", "NoEcho": true } }, "Resources": { "Net": net } });
    let stack = aws.change_stack("CreateStack", input("s", &body.to_string())).await;
    assert_eq!(stack["StackStatus"], "ROLLBACK_COMPLETE");
    let events = aws.events("s").await;
    assert!(events.iter().any(|line| line.contains("CREATE_FAILED") && line.contains("****")), "{events:#?}");
    for (operation, response) in responses(&aws, "s").await {
        assert_eq!(leaks(&response), Vec::<&str>::new(), "{operation}: {response:#}");
    }
}

#[tokio::test]
async fn a_noecho_value_is_masked_in_json_strings() {
    let aws = InProcess::new();
    let value = json!({ "Fn::ToJsonString": { "password": { "Ref": "Secret" }, "again": { "Fn::ToJsonString": [{ "Ref": "Secret" }] } } });
    let body = json!({
        "Transform": "AWS::LanguageExtensions",
        "Parameters": { "Secret": { "Type": "String", "NoEcho": true } },
        "Resources": { "A": { "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": value } } },
    });
    let secret = r#"hunter"2\secret"#;
    let input = json!({
        "StackName": "s", "TemplateBody": body.to_string(), "Capabilities": ["CAPABILITY_AUTO_EXPAND"],
        "Parameters": [{ "ParameterKey": "Secret", "ParameterValue": secret }],
    });
    aws.change_stack("CreateStack", input).await;
    let mut shown = responses(&aws, "s").await;
    for stage in ["Original", "Processed"] {
        let input = json!({ "StackName": "s", "TemplateStage": stage });
        shown.push((stage, aws.call("cloudformation", "GetTemplate", input).await));
    }
    for (operation, response) in shown {
        let text = response.to_string();
        assert!(!text.contains("hunter") && !text.contains("secret\""), "{operation}: {text}");
    }
    let stored = aws.call("ssm", "DescribeParameters", json!({})).await;
    assert_eq!(stored["Parameters"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn parts_of_a_noecho_value_are_masked_in_status_reasons() {
    let aws = InProcess::new();
    let part = |at: u32| json!({ "Fn::Select": [at, { "Fn::Split": ["|", { "Ref": "Secret" }] }] });
    let body = |id: Value| {
        let net = json!({ "Type": "AWS::EC2::Subnet", "Properties": { "VpcId": id, "CidrBlock": "10.0.0.0/24" } });
        json!({ "Parameters": { "Secret": { "Type": "String", "NoEcho": true } }, "Resources": { "Net": net } })
            .to_string()
    };
    let ids = ["vpc-0123456789abcdef0", "0fedcba9876543210"];
    let in_text = json!({ "Fn::Sub": ["vpc-${Id}", { "Id": part(2) }] });
    for (number, id) in [part(1), in_text].into_iter().enumerate() {
        let name = format!("s{number}");
        let mut input = input(&name, &body(id));
        input["Parameters"][0]["ParameterValue"] = format!("x|{}|{}", ids[0], ids[1]).into();
        assert_eq!(aws.change_stack("CreateStack", input).await["StackStatus"], "ROLLBACK_COMPLETE");
        let events = aws.events(&name).await;
        assert!(events.iter().any(|line| line.contains("CREATE_FAILED") && line.contains("****")), "{events:#?}");
        for (operation, response) in responses(&aws, &name).await {
            let text = response.to_string();
            assert!(ids.iter().all(|id| !text.contains(id)), "{operation}: {text}");
        }
    }
}

#[tokio::test]
async fn the_summary_of_a_stack_expands_loops_over_its_parameters() {
    let aws = InProcess::new();
    let handle = json!({ "Handle${Name}": { "Type": "AWS::CloudFormation::WaitConditionHandle" } });
    let body = json!({
        "Transform": "AWS::LanguageExtensions",
        "Parameters": { "Names": { "Type": "CommaDelimitedList" } },
        "Resources": { "Fn::ForEach::All": ["Name", { "Ref": "Names" }, handle] },
    });
    let input = json!({
        "StackName": "s", "TemplateBody": body.to_string(), "Capabilities": ["CAPABILITY_AUTO_EXPAND"],
        "Parameters": [{ "ParameterKey": "Names", "ParameterValue": "one,two" }],
    });
    aws.change_stack("CreateStack", input).await;
    let summary = aws.call("cloudformation", "GetTemplateSummary", json!({ "StackName": "s" })).await;
    assert_eq!(summary["ResourceIdentifierSummaries"][0]["LogicalResourceIds"], json!(["Handleone", "Handletwo"]));
}

#[tokio::test]
async fn template_errors_do_not_contain_noecho_values() {
    let log_group = |properties: Value| json!({ "Type": "AWS::Logs::LogGroup", "Properties": properties });
    let parameter =
        |value: Value| json!({ "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": value } });
    let policy = json!({ "Type": "AWS::SSM::Parameter", "DeletionPolicy": { "Ref": "Pw" }, "Properties": { "Type": "String", "Value": "a" } });
    let part = json!({ "Fn::Select": [1, { "Fn::Split": ["|", { "Ref": "Pw" }] }] });
    let sub = |text: &str| json!({ "Fn::Sub": text });
    let bodies = [
        json!({ "X": policy }),
        json!({ "X": parameter(sub("{{resolve:ssm:/nope-${Pw}}}")) }),
        json!({ "X": parameter(json!({ "Fn::Join": ["", ["{{resolve:ssm:/nope-", part.clone(), "}}"]] })) }),
        json!({ "Fn::ForEach::All": ["N", [{ "Ref": "Pw" }, { "Ref": "Pw" }], { "L${N}": parameter(json!("a")) }] }),
        json!({ "Fn::ForEach::All": ["N", [{ "Ref": "Pw" }], { "L-${N}": parameter(json!("a")) }] }),
        json!({ "Y": log_group(json!({ "LogGroupName": { "Fn::ImportValue": sub("no-${Pw}") } })) }),
        json!({ "Y": log_group(json!({ "LogGroupName": { "Fn::ImportValue": { "Fn::Join": ["-", ["no", part]] } } })) }),
    ];
    for (number, resources) in bodies.into_iter().enumerate() {
        let aws = InProcess::new();
        let body = |resources: &Value| {
            let parameters = json!({ "Pw": { "Type": "String", "NoEcho": true } });
            json!({ "Transform": "AWS::LanguageExtensions", "Parameters": parameters, "Resources": resources })
                .to_string()
        };
        let input = |body: String, value: Value| {
            let mut parameter = json!({ "ParameterKey": "Pw" });
            parameter.as_object_mut().expect("a map").extend(value.as_object().expect("a map").clone());
            json!({
                "StackName": "s", "TemplateBody": body, "Capabilities": ["CAPABILITY_AUTO_EXPAND"], "Parameters": [parameter],
            })
        };
        let secret = "hunter2|SECRET";
        let first = body(&json!({ "X": parameter(json!("a")) }));
        aws.change_stack("CreateStack", input(first, json!({ "ParameterValue": secret }))).await;
        let update = input(body(&resources), json!({ "UsePreviousValue": true }));
        let mut change = update.clone();
        change["ChangeSetName"] = json!("c");
        let mut texts = Vec::new();
        if let Err(fault) = aws.try_call("cloudformation", "CreateChangeSet", change).await {
            texts.push(fault.to_string());
        } else {
            let input = json!({ "StackName": "s", "ChangeSetName": "c", "IncludePropertyValues": true });
            texts.push(aws.call("cloudformation", "DescribeChangeSet", input).await.to_string());
        }
        if let Err(fault) = aws.try_call("cloudformation", "UpdateStack", update).await {
            texts.push(fault.to_string());
        }
        let shown = texts.join("\n");
        assert!(!shown.contains("hunter2") && !shown.contains("SECRET"), "{number}: {shown}");
        assert!(shown.contains("****"), "{number}: {shown}");
    }
}
