//! The template language, compared with recorded responses of AWS.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types::{Capability, ChangeSetType, Parameter, Stack};
use serde_json::{Value, json};

use crate::common::{data, read};
use crate::local_aws::LocalAws;

/// The response of AWS in a recorded test.
fn recorded(test: &str) -> Value {
    let all: Value =
        serde_json::from_str(&read(&data("recordings/cloudformation/templates.json"))).expect("it is JSON");
    all[test].clone()
}

/// The error message in a recorded response, which may be in botocore's form.
fn message(test: &str) -> String {
    let response = recorded(test);
    let error = response.as_object().expect(test).values().next().expect("a response");
    match error.as_str() {
        Some(text) => text.split_once("operation: ").expect("an error").1.to_owned(),
        None => error.pointer("/Error/Message").and_then(Value::as_str).expect("an error").to_owned(),
    }
}

pub fn parameter(key: &str, value: &str) -> Parameter {
    Parameter::builder().parameter_key(key).parameter_value(value).build()
}

/// A template with a resource without effect, and these sections.
pub fn with(sections: &str) -> String {
    format!("{sections}\nResources:\n  Handle: {{Type: 'AWS::CloudFormation::WaitConditionHandle'}}\n")
}

pub async fn create(client: &Client, name: &str, body: &str, parameters: &[(&str, &str)]) -> Result<Stack, String> {
    let given = parameters.iter().map(|(key, value)| parameter(key, value)).collect();
    let creation = client.create_stack().stack_name(name).template_body(body).set_parameters(Some(given));
    let creation = creation.capabilities(Capability::CapabilityNamedIam).capabilities(Capability::CapabilityAutoExpand);
    creation.send().await.map_err(|error| error.message().unwrap_or_default().to_owned())?;
    Ok(wait_until_complete(client, name).await)
}

pub async fn wait_until_complete(client: &Client, name: &str) -> Stack {
    let wait = async {
        loop {
            let response = client.describe_stacks().stack_name(name).send().await.expect("the stack is known");
            let stack = response.stacks()[0].clone();
            if !stack.stack_status().expect("a status").as_str().ends_with("_IN_PROGRESS") {
                return stack;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the operation ends")
}

pub fn outputs(stack: &Stack) -> BTreeMap<String, String> {
    let pair = |output: &aws_sdk_cloudformation::types::Output| {
        (output.output_key().unwrap_or_default().to_owned(), output.output_value().unwrap_or_default().to_owned())
    };
    stack.outputs().iter().map(pair).collect()
}

pub fn refused(body: &str) -> impl Fn(Result<Stack, String>) -> String + '_ {
    move |result| result.expect_err(body)
}

#[tokio::test]
async fn an_invalid_template_is_refused_with_the_recorded_message() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let parameter = "{Type: 'AWS::SSM::Parameter', Properties: {Type: String, Value: ";
    let conditional = |user: &str| {
        format!(
            "Conditions: {{Never: !Equals [a, b]}}\nResources:\n  Other: {{Type: 'AWS::SSM::Parameter', Properties: {{Type: String, Value: x}}}}\n  MyTopic: {{Type: 'AWS::ECS::Cluster', Condition: Never}}\n{user}"
        )
    };
    let output = |output: Value| json!({ "Resources": { "Foo": { "Type": "AWS::Logs::LogGroup" } }, "Outputs": { "MyOutput": output } });
    let cases = [
        ("test_validate_invalid_json_template_should_fail", r#"{"this is invalid JSON"="bobbins"}"#.to_owned()),
        ("test_create_stack_url_as_template", "https://bucket.s3.amazonaws.com/template.json".to_owned()),
        ("test_missing_resources_block", "{}".to_owned()),
        ("test_get_template_summary_no_resources", "AWSTemplateFormatVersion: 2010-09-09\nResources: {}\n".to_owned()),
        ("test_linting_error_during_creation", "Resources: {A: text}".to_owned()),
        ("test_resources_blocks[missing-type]", "Resources: {A: {Properties: {}}}".to_owned()),
        ("test_resources_blocks[invalid-key]", "Resources: {A: {Type: 'AWS::Logs::LogGroup', Invalid: 1}}".to_owned()),
        ("test_invalid_output_structure[none-value]", output(json!({ "Value": null })).to_string()),
        ("test_invalid_output_structure[missing-def]", output(json!({ "Value": null, "Other": null })).to_string()),
        ("test_invalid_output_structure[multiple-nones]", output(json!({})).to_string()),
        (
            "test_using_pseudoparameters_in_places[resource]",
            "Resources: {'AWS::NoValue': {Type: 'AWS::Logs::LogGroup'}}".to_owned(),
        ),
        ("test_using_pseudoparameters_in_places[parameter]", with("Parameters: {'AWS::NoValue': {Type: String}}")),
        ("test_useful_error_when_invalid_ref", format!("Resources:\n  A: {parameter}!Ref InvalidRef}}}}\n")),
        (
            "test_depends_on_with_missing_reference",
            "Resources: {A: {Type: 'AWS::ECS::Cluster', DependsOn: NonExistingResource}}".to_owned(),
        ),
        ("test_dependent_ref", conditional(&format!("  A: {parameter}!Ref MyTopic}}}}\n"))),
        ("test_dependent_get_att", conditional(&format!("  A: {parameter}!GetAtt MyTopic.Arn}}}}\n"))),
        ("test_output_reference_to_skipped_resource", conditional("Outputs: {Out: {Value: !Ref MyTopic}}\n")),
        ("test_validate_equals_args_len", with("Conditions: {A: !Equals [a]}")),
    ];
    for (test, body) in cases {
        let actual = refused(test)(create(&client, "never", &body, &[]).await);
        assert_eq!(actual, message(test), "{test}: {body}");
    }
    let yaml = "Resources:\n  A:\n    Type: AWS::Logs::LogGroup\n    Properties:\n        Name: test\n      Other:\n        B: c\n";
    let actual = refused(yaml)(create(&client, "never", yaml, &[]).await);
    // The recording does not have the position.
    let bare = message("test_create_stack_invalid_yaml_template_should_fail");
    assert!(actual.starts_with(&format!("{bare} (line 6, column ")), "{actual}");
    let missing = refused("")(create(&client, "never", &with("Parameters: {Input: {Type: String}}"), &[]).await);
    assert_eq!(missing, message("test_no_parameters_given"));
    let urls = [
        ("test_create_stack_from_s3_template_url[s3_url]", "s3://<bucket_name>/template.yml"),
        ("test_create_stack_from_s3_template_url[http_invalid]", "https://example.com/template.yml"),
    ];
    for (test, url) in urls {
        let error =
            client.create_stack().stack_name("never").template_url(url).send().await.expect_err("it is refused");
        assert_eq!(error.message(), Some(message(test).as_str()));
    }
    let error =
        client.create_stack().stack_name("never").template_url("https://s3.amazonaws.com/bucket/a.yml").send().await;
    assert_eq!(
        error.expect_err("no S3").message(),
        Some("the sandbox does not serve S3, where the TemplateURL points")
    );
}

#[tokio::test]
async fn other_template_errors_have_awss_messages() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let join = "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.";
    let output = |value: &str| with(&format!("Outputs: {{Out: {{Value: {value}}}}}"));
    let cases = [
        (with("Extra: {}"), "Invalid template property or properties [Extra]"),
        (
            with("AWSTemplateFormatVersion: 2011-01-01"),
            "Template format error: unsupported value for AWSTemplateFormatVersion.",
        ),
        (
            with("Parameters: {P: {Default: a}}"),
            "Template format error: Every Parameters object must contain a Type member.",
        ),
        (with("Parameters: {P: {Type: Text}}"), "Template format error: Unrecognized parameter type: Text"),
        (with("Parameters: {P: {Type: String, Defalut: a}}"), "Invalid template parameter property 'Defalut'"),
        (with("Mappings: {M: {A: b}}"), "Template format error: Every Mappings member A must be a map"),
        (
            with("Mappings: {M: {A: {B: {C: d}}}}"),
            "Template format error: Every Mappings attribute must be a String or a List.",
        ),
        (
            output("!FindInMap [M, A, B]"),
            "Template error: Mapping named 'M' is not present in the 'Mappings' section of template.",
        ),
        (
            with("Mappings: {M: {A: {B: c}}}\nOutputs: {Out: {Value: !FindInMap [M, C, B]}}"),
            "Template error: Unable to get mapping for M::C::B",
        ),
        (output("!Join [a]"), join),
        (
            output("!Select [5, !Split [',', 'a,b']]"),
            "Template error: Fn::Select cannot select nonexistent value at index 5",
        ),
        (output("!GetAtt Gone.Arn"), "Template error: instance of Fn::GetAtt references undefined resource Gone"),
        (
            output("!Sub '${Gone.Arn}'"),
            "Template error: instance of Fn::Sub references invalid resource attribute Gone.Arn",
        ),
        (
            output("!Sub '${Gone}'"),
            "Template format error: Unresolved resource dependencies [Gone] in the Outputs block of the template",
        ),
        (output("!If [Gone, a, b]"), "Template error: unresolved condition dependency Gone in Fn::If"),
        (output("!Equals [a, b]"), "Template error: Fn::Equals cannot be partially collapsed"),
        (
            with("Conditions: {A: !Equals [!Ref Handle, a]}"),
            "Template format error: Unresolved dependencies [Handle]. Cannot reference resources in the Conditions block of the template",
        ),
        (
            with("Conditions: {A: !Not [!Condition B]}"),
            "Template format error: Unresolved condition dependency B in the Conditions block of the template",
        ),
        (
            with("Conditions: {A: !Not [!Condition B], B: !Not [!Condition A]}"),
            "Template error: Found circular condition dependency between [A, B]",
        ),
        (
            output("!Sub '${a-b}'"),
            "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons",
        ),
        (
            with("Transform: AWS::Serverless-2016-10-31"),
            "the sandbox does not serve the transform AWS::Serverless-2016-10-31",
        ),
        (
            with("Parameters: {Handle: {Type: String, Default: a}}"),
            "Template error: all resources and parameters must have unique names. Common name(s):[Handle]",
        ),
        (
            "Resources: {Nested: {Type: 'AWS::CloudFormation::Stack'}}".to_owned(),
            "the sandbox does not serve the resource type AWS::CloudFormation::Stack",
        ),
        (
            "Resources: {A: {Type: 'AWS::ECS::Cluster', DeletionPolicy: Keep}}".to_owned(),
            "Template format error: Unrecognized DeletionPolicy Keep for resource A",
        ),
    ];
    for (body, expected) in cases {
        let actual = create(&client, "never", &body, &[]).await;
        // Errors in outputs are only detected when they are evaluated.
        match actual {
            Err(actual) => assert_eq!(actual, expected, "{body}"),
            Ok(stack) => {
                let reason = reasons(&client, &stack).await;
                assert!(reason.iter().any(|reason| reason.starts_with(expected)), "{reason:?}: {body}");
                client.delete_stack().stack_name("never").send().await.expect("it is deleted");
                wait_until_deleted(&client, "never").await;
            }
        }
    }
}

#[tokio::test]
async fn exceeded_limits_and_unknown_functions_are_refused() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let unknown = with(r#"Outputs: {Out: {Value: {"Fn::Nope": a}}}"#);
    let actual = refused(&unknown)(create(&client, "never", &unknown, &[]).await);
    assert!(actual.starts_with("Template Error: Encountered unsupported function: Fn::Nope Supported functions are: [Fn::Base64, Fn::GetAtt, "), "{actual}");
    let members: serde_json::Map<String, Value> = (0..501)
        .map(|number| (format!("R{number}"), json!({ "Type": "AWS::CloudFormation::WaitConditionHandle" })))
        .collect();
    let many = json!({ "Resources": members }).to_string();
    let actual = refused("many")(create(&client, "never", &many, &[]).await);
    assert_eq!(actual, "Template format error: Number of resources, 501, is greater than maximum allowed, 500");
    let long = with(&format!("Description: x\nMetadata: {{A: '{}'}}", "x".repeat(51_200)));
    let actual = refused("long")(create(&client, "never", &long, &[]).await);
    assert_eq!(
        actual,
        "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200"
    );
}

async fn wait_until_deleted(client: &Client, name: &str) {
    while client.describe_stacks().stack_name(name).send().await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The reasons of a stack's events.
pub async fn reasons(client: &Client, stack: &Stack) -> Vec<String> {
    let response =
        client.describe_stack_events().stack_name(stack.stack_id().expect("an id")).send().await.expect("events");
    response.stack_events().iter().filter_map(|event| event.resource_status_reason()).map(str::to_owned).collect()
}

#[tokio::test]
async fn template_summaries_are_as_recorded() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let body = r"
AWSTemplateFormatVersion: '2010-09-09'
Metadata: {TopicName: sns-topic-simple}
Parameters:
  KeyExample: {Type: String, Description: The EC2 Key Pair to allow SSH access to the instance}
  Kind: {Type: String, AllowedValues: [a, b], Default: a}
Resources:
  topic123: {Type: 'AWS::SNS::Topic'}
  A: {Type: 'AWS::SSM::Parameter', Properties: {Type: String, Value: a}}
  B: {Type: 'AWS::SSM::Parameter', Properties: {Type: String, Value: a}}
  R: {Type: 'AWS::IAM::Role', Properties: {RoleName: r, AssumeRolePolicyDocument: {}}}
";
    let summary = client.get_template_summary().template_body(body).send().await.expect("a summary");
    let expected = recorded("test_get_template_summary")["template-summary"].clone();
    assert_eq!(summary.metadata(), expected["Metadata"].as_str());
    assert_eq!(summary.version(), expected["Version"].as_str());
    assert_eq!(summary.resource_types(), ["AWS::SNS::Topic", "AWS::SSM::Parameter", "AWS::IAM::Role"]);
    assert_eq!(summary.capabilities(), [Capability::CapabilityNamedIam]);
    assert_eq!(summary.capabilities_reason(), Some("The following resource(s) require capabilities: [AWS::IAM::Role]"));
    let kinds = summary.resource_identifier_summaries();
    assert_eq!(kinds[1].logical_resource_ids(), ["A", "B"]);
    let kind = &summary.parameters()[1];
    assert_eq!((kind.parameter_type(), kind.default_value()), (Some("String"), Some("a")));
    assert_eq!(kind.parameter_constraints().expect("constraints").allowed_values(), ["a", "b"]);
    let valid = client.validate_template().template_body(body).send().await.expect("it is valid");
    let first = &valid.parameters()[0];
    let expected = &recorded("test_validate_template")["validate-template"]["Parameters"][0];
    assert_eq!(
        (first.parameter_key(), first.no_echo()),
        (expected["ParameterKey"].as_str(), expected["NoEcho"].as_bool())
    );
    assert_eq!((first.description(), first.default_value()), (expected["Description"].as_str(), None));

    let created = client.create_change_set().stack_name("review").change_set_name("first").template_body(with(""));
    let created = created.change_set_type(ChangeSetType::Create).send().await.expect("a change set");
    let id = created.id().expect("an id").to_owned();
    let text = client.get_template().change_set_name(&id).send().await.expect("its template");
    assert_eq!(text.template_body(), Some(with("").as_str()));
    let error = client.get_template_summary().stack_name("review").send().await.expect_err("it is in review");
    assert_eq!(error.message(), Some(message("test_get_template_summary_non_executed_change_set").as_str()));
    let get = |stack: Option<&str>, set: Option<&str>| {
        client
            .get_template()
            .set_stack_name(stack.map(str::to_owned))
            .set_change_set_name(set.map(str::to_owned))
            .send()
    };
    let missing = recorded("test_get_template_missing_resources");
    let cases = [
        (None, None, message("test_get_template_no_arguments")),
        (
            Some("does-not-exist"),
            None,
            missing["stack-error"]["Error"]["Message"].as_str().expect("a sentence").to_owned(),
        ),
        (
            None,
            Some("does-not-exist"),
            missing["change-set-error"]["Error"]["Message"].as_str().expect("a sentence").to_owned(),
        ),
        (
            None,
            Some("arn:aws:cloudformation:us-east-1:123456789012:changeSet/none/1"),
            message("test_get_template_missing_resources_change_set_id")
                .replace("<change-set-id>", "arn:aws:cloudformation:us-east-1:123456789012:changeSet/none/1"),
        ),
    ];
    for (stack, set, expected) in cases {
        let error = get(stack, set).await.expect_err("it is refused");
        assert_eq!(error.message(), Some(expected.as_str()));
    }
}
