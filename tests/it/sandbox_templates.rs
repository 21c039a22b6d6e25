//! The template language of the sandbox's CloudFormation, held against what AWS itself answered.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types::{Capability, ChangeSetType, Parameter, Stack, TemplateStage};
use serde_json::{Value, json};

use crate::common::{data, read};
use crate::local_aws::LocalAws;

/// What AWS answered in a recorded test.
fn recorded(test: &str) -> Value {
    let all: Value = serde_json::from_str(&read(&data("aws-recordings/templates.json"))).expect("it is JSON");
    all[test].clone()
}

/// The sentence of the one error in a recorded answer, which may be botocore's text of it.
fn message(test: &str) -> String {
    let answer = recorded(test);
    let error = answer.as_object().expect(test).values().next().expect("an answer");
    match error.as_str() {
        Some(text) => text.split_once("operation: ").expect("an error").1.to_owned(),
        None => error.pointer("/Error/Message").and_then(Value::as_str).expect("an error").to_owned(),
    }
}

fn parameter(key: &str, value: &str) -> Parameter {
    Parameter::builder().parameter_key(key).parameter_value(value).build()
}

/// A template with one resource that is nothing, and these sections.
fn with(sections: &str) -> String {
    format!("{sections}\nResources:\n  Handle: {{Type: 'AWS::CloudFormation::WaitConditionHandle'}}\n")
}

async fn create(client: &Client, name: &str, body: &str, parameters: &[(&str, &str)]) -> Result<Stack, String> {
    let given = parameters.iter().map(|(key, value)| parameter(key, value)).collect();
    let creation = client.create_stack().stack_name(name).template_body(body).set_parameters(Some(given));
    let creation = creation.capabilities(Capability::CapabilityNamedIam).capabilities(Capability::CapabilityAutoExpand);
    creation.send().await.map_err(|error| error.message().unwrap_or_default().to_owned())?;
    Ok(settled(client, name).await)
}

async fn settled(client: &Client, name: &str) -> Stack {
    let wait = async {
        loop {
            let answer = client.describe_stacks().stack_name(name).send().await.expect("the stack is known");
            let found = answer.stacks()[0].clone();
            if !found.stack_status().expect("a status").as_str().ends_with("_IN_PROGRESS") {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the stack comes to rest")
}

fn outputs(stack: &Stack) -> BTreeMap<String, String> {
    let pair = |output: &aws_sdk_cloudformation::types::Output| {
        (output.output_key().unwrap_or_default().to_owned(), output.output_value().unwrap_or_default().to_owned())
    };
    stack.outputs().iter().map(pair).collect()
}

fn refused(body: &str) -> impl Fn(Result<Stack, String>) -> String + '_ {
    move |result| result.expect_err(body)
}

#[tokio::test]
async fn a_template_is_refused_with_the_words_that_aws_was_recorded_with() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let parameter = "{Type: 'AWS::SSM::Parameter', Properties: {Type: String, Value: ";
    let conditional = |user: &str| {
        format!(
            "Conditions: {{Never: !Equals [a, b]}}\nResources:\n  Other: {{Type: 'AWS::SSM::Parameter', Properties: {{Type: String, Value: x}}}}\n  MyTopic: {{Type: 'AWS::ECS::Cluster', Condition: Never}}\n{user}"
        )
    };
    let output = |output: Value| json!({ "Resources": { "Foo": { "Type": "AWS::SNS::Topic" } }, "Outputs": { "MyOutput": output } });
    let cases = [
        ("test_validate_invalid_json_template_should_fail", r#"{"this is invalid JSON"="bobbins"}"#.to_owned()),
        ("test_create_stack_url_as_template", "https://bucket.s3.amazonaws.com/template.json".to_owned()),
        ("test_missing_resources_block", "{}".to_owned()),
        ("test_get_template_summary_no_resources", "AWSTemplateFormatVersion: 2010-09-09\nResources: {}\n".to_owned()),
        ("test_linting_error_during_creation", "Resources: {A: text}".to_owned()),
        ("test_resources_blocks[missing-type]", "Resources: {A: {Properties: {}}}".to_owned()),
        ("test_resources_blocks[invalid-key]", "Resources: {A: {Type: 'AWS::SNS::Topic', Invalid: 1}}".to_owned()),
        ("test_invalid_output_structure[none-value]", output(json!({ "Value": null })).to_string()),
        ("test_invalid_output_structure[missing-def]", output(json!({ "Value": null, "Other": null })).to_string()),
        ("test_invalid_output_structure[multiple-nones]", output(json!({})).to_string()),
        (
            "test_using_pseudoparameters_in_places[resource]",
            "Resources: {'AWS::NoValue': {Type: 'AWS::SNS::Topic'}}".to_owned(),
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
        let said = refused(test)(create(&client, "never", &body, &[]).await);
        assert_eq!(said, message(test), "{test}: {body}");
    }
    let yaml = "Resources:\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n        Name: test\n      Other:\n        B: c\n";
    let said = refused(yaml)(create(&client, "never", yaml, &[]).await);
    // The place was taken out of the recording.
    let bare = message("test_create_stack_invalid_yaml_template_should_fail");
    assert!(said.starts_with(&format!("{bare} (line 6, column ")), "{said}");
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
async fn what_aws_says_of_other_mistakes() {
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
        (output("!Select [5, [a, b]]"), "Template error: Fn::Select cannot select nonexistent value at index 5"),
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
            "Template format error: Unrecognized resource types: [AWS::CloudFormation::Stack]",
        ),
        (
            "Resources: {A: {Type: 'AWS::ECS::Cluster', DeletionPolicy: Keep}}".to_owned(),
            "Template format error: Unrecognized DeletionPolicy Keep for resource A",
        ),
    ];
    for (body, expected) in cases {
        let said = create(&client, "never", &body, &[]).await;
        // What is wrong in an output is only seen when it is made.
        match said {
            Err(said) => assert_eq!(said, expected, "{body}"),
            Ok(stack) => {
                let reason = reasons(&client, &stack).await;
                assert!(reason.iter().any(|reason| reason.starts_with(expected)), "{reason:?}: {body}");
                client.delete_stack().stack_name("never").send().await.expect("it goes");
                gone(&client, "never").await;
            }
        }
    }
    let unknown = output(r#"{"Fn::Nope": a}"#);
    let said = refused(&unknown)(create(&client, "never", &unknown, &[]).await);
    assert!(said.starts_with("Template Error: Encountered unsupported function: Fn::Nope Supported functions are: [Fn::Base64, Fn::GetAtt, "), "{said}");
    let members: serde_json::Map<String, Value> = (0..501)
        .map(|number| (format!("R{number}"), json!({ "Type": "AWS::CloudFormation::WaitConditionHandle" })))
        .collect();
    let many = json!({ "Resources": members }).to_string();
    let said = refused("many")(create(&client, "never", &many, &[]).await);
    assert_eq!(said, "Template format error: Number of resources, 501, is greater than maximum allowed, 500");
    let long = with(&format!("Description: x\nMetadata: {{A: '{}'}}", "x".repeat(51_200)));
    let said = refused("long")(create(&client, "never", &long, &[]).await);
    assert_eq!(
        said,
        "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200"
    );
}

async fn gone(client: &Client, name: &str) {
    while client.describe_stacks().stack_name(name).send().await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The reasons of a stack's events.
async fn reasons(client: &Client, stack: &Stack) -> Vec<String> {
    let answer =
        client.describe_stack_events().stack_name(stack.stack_id().expect("an id")).send().await.expect("events");
    answer.stack_events().iter().filter_map(|event| event.resource_status_reason()).map(str::to_owned).collect()
}

#[tokio::test]
async fn functions_give_what_aws_s_give() {
    let aws = LocalAws::start().await;
    let body = with(
        r#"
Parameters:
  Env: {Type: String, Default: test}
  Names: {Type: CommaDelimitedList, Default: 'a, b ,c'}
  Ports: {Type: 'List<Number>', Default: '80,443'}
Mappings:
  Sizes: {test: {Count: 1, Zones: [x, y]}}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  IsTest: !Not [!Condition IsProd]
  Both: !And [!Condition IsTest, !Equals [!FindInMap [Sizes, !Ref Env, Count], '1']]
  Either: !Or [!Condition IsProd, !Equals ['true', true]]
Outputs:
  And: {Value: !If [Both, 'yes', 'no']}
  Or: {Value: !If [Either, 'yes', 'no']}
  Hidden: {Condition: IsProd, Value: never}
  Join: {Value: !Join ['|', [!Ref Env, !Ref 'AWS::NoValue', !Select [1, !Ref Names]]]}
  List: {Value: !Join ['-', !Ref Names]}
  Ports: {Value: !Select ['1', !Ref Ports]}
  Map: {Value: !Join [',', !FindInMap [Sizes, !Ref Env, Zones]]}
  Split: {Value: !Select [2, !Split ['/', 'a/b/c']]}
  Sub: {Value: !Sub ['${Env}-${Own}-${!Literal}-${AWS::Region}-${AWS::Partition}-${AWS::URLSuffix}', {Own: !Select [0, !Ref Names]}]}
  Cidr: {Value: !Join [',', !Cidr ['192.168.0.0/16', 2, 8]]}
  Cidr6: {Value: !Select [1, !Cidr ['2001:db8::/56', 2, 64]]}
  Base64: {Value: !Base64 {'Fn::Sub': '${AWS::AccountId}'}}
  Zones: {Value: !Select [1, !GetAZs '']}
  Other: {Value: !Select [0, !GetAZs eu-central-1]}
  Name: {Value: !Ref 'AWS::StackName'}
  Last: {Value: !Select [2, !Split ['/', !Ref 'AWS::StackId']]}
  None: {Value: !Join [',', !Ref 'AWS::NotificationARNs']}
"#,
    );
    let stack = create(&aws.cloudformation(), "all", &body, &[]).await.expect("it is made");
    let expected = [
        ("And", "yes"),
        ("Base64", "MTIzNDU2Nzg5MDEy"),
        ("Cidr", "192.168.0.0/24,192.168.1.0/24"),
        ("Cidr6", "2001:db8:0:1::/64"),
        ("Join", "test|b"),
        ("Last", stack.stack_id().expect("an id").rsplit('/').next().expect("a part")),
        ("List", "a-b-c"),
        ("Map", "x,y"),
        ("Name", "all"),
        ("None", ""),
        ("Or", "yes"),
        ("Other", "eu-central-1a"),
        ("Ports", "443"),
        ("Split", "c"),
        ("Sub", "test-a-${Literal}-us-east-1-aws-amazonaws.com"),
        ("Zones", "us-east-1b"),
    ];
    assert_eq!(outputs(&stack), expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
}

#[tokio::test]
async fn loops_lengths_and_texts_of_json_need_their_transform() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let plain = r#"
Parameters:
  Names: {Type: CommaDelimitedList, Default: 'one,two'}
  Policy: {Type: String, Default: Retain}
Mappings:
  M: {A: {B: c}}
Resources:
  Fn::ForEach::Values:
    - Name
    - !Ref Names
    - 'Value${Name}':
        Type: AWS::SSM::Parameter
        DeletionPolicy: !If [Never, Delete, Delete]
        Properties: {Type: String, Value: !Sub 'is ${Name}', Name: !Join ['', ['/loop/', !Ref Name]]}
Outputs:
  Fn::ForEach::Outs:
    - Name
    - [one, two]
    - 'Out${Name}': {Value: !GetAtt [!Sub 'Value${Name}', Value]}
  Count: {Value: !Length [!Ref Names]}
  Json: {Value: !ToJsonString {a: [1, !Ref Valueone], stack: !Ref 'AWS::StackName'}}
  Default: {Value: !FindInMap [M, X, Y, {DefaultValue: other}]}
"#
    .replace(
        "        DeletionPolicy: !If [Never, Delete, Delete]\n",
        "        DeletionPolicy: !Select [0, [Delete, Retain]]\n",
    )
    .replace("!Length [!Ref Names]", "!Length {Ref: Names}");
    let said = refused("plain")(create(&client, "loops", &plain, &[]).await);
    assert_eq!(said, "Template format error: [/Resources/Fn::ForEach::Values] resource definition is malformed");
    let body = format!("Transform: AWS::LanguageExtensions\n{plain}");
    let error =
        client.create_stack().stack_name("loops").template_body(&body).send().await.expect_err("not acknowledged");
    assert_eq!(error.message(), Some("Requires capabilities : [CAPABILITY_AUTO_EXPAND]"));
    let stack = create(&client, "loops", &body, &[]).await.expect("it is made");
    let expected = [
        ("Count", "2"),
        ("Default", "other"),
        ("Json", r#"{"a":[1,"/loop/one"],"stack":"loops"}"#),
        ("Outone", "is one"),
        ("Outtwo", "is two"),
    ];
    assert_eq!(outputs(&stack), expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    let original = client.get_template().stack_name("loops").send().await.expect("the template");
    assert_eq!(original.template_body(), Some(body.as_str()));
    let processed = client.get_template().stack_name("loops").template_stage(TemplateStage::Processed);
    let processed = processed.send().await.expect("the template").template_body.expect("a text");
    let processed: Value = serde_json::from_str(&processed).expect("it is JSON");
    assert!(processed.get("Transform").is_none());
    assert_eq!(processed["Resources"]["Valuetwo"]["Properties"]["Value"], json!({ "Fn::Sub": "is two" }));
    let summary = client.get_template_summary().stack_name("loops").send().await.expect("the summary");
    assert_eq!(summary.declared_transforms(), ["AWS::LanguageExtensions"]);
}

#[tokio::test]
async fn parameters_are_held_to_what_the_template_says_of_them() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let one =
        |declaration: &str| with(&format!("Parameters: {{P: {{{declaration}}}}}\nOutputs: {{Out: {{Value: !Ref P}}}}"));
    let cases = [
        ("Type: String, AllowedValues: [a, b]", "c", "Parameter 'P' must be one of AllowedValues"),
        ("Type: String, AllowedPattern: '[a-z]+'", "ab1", "Parameter 'P' must match pattern [a-z]+"),
        (
            "Type: String, AllowedPattern: '(?=.*[0-9])[a-z0-9]+'",
            "abc",
            "Parameter 'P' must match pattern (?=.*[0-9])[a-z0-9]+",
        ),
        ("Type: String, MinLength: 3", "ab", "Parameter 'P' must contain at least 3 characters"),
        ("Type: String, MaxLength: '3'", "abcd", "Parameter 'P' must contain at most 3 characters"),
        ("Type: Number", "x", "Parameter 'P' must be a number"),
        ("Type: Number, MinValue: 2", "1", "Parameter 'P' must be a number not less than 2"),
        ("Type: Number, MaxValue: 2", "3", "Parameter 'P' must be a number not greater than 2"),
        (
            "Type: Number, MaxValue: 2, ConstraintDescription: must be small.",
            "3",
            "Parameter 'P' failed to satisfy constraint: must be small.",
        ),
        (
            "Type: 'AWS::SSM::Parameter::Value<String>'",
            "/gone",
            "Unable to fetch parameters [/gone] from parameter store for this account.",
        ),
    ];
    for (declaration, value, expected) in cases {
        let said = refused(declaration)(create(&client, "never", &one(declaration), &[("P", value)]).await);
        assert_eq!(said, expected);
    }
    let said = refused("unknown")(create(&client, "never", &one("Type: String"), &[("P", "a"), ("Q", "b")]).await);
    assert_eq!(said, "Parameters: [Q] do not exist in the template");
    let hidden =
        create(&client, "hidden", &one("Type: String, NoEcho: true"), &[("P", "secret")]).await.expect("it is made");
    assert_eq!(hidden.parameters()[0].parameter_value(), Some("****"));
    let kept = Parameter::builder().parameter_key("P").use_previous_value(true).build();
    let body = one("Type: String, NoEcho: true").replace("Value: !Ref P", "Value: !Sub 'now ${P}'");
    client
        .update_stack()
        .stack_name("hidden")
        .template_body(body)
        .parameters(kept.clone())
        .send()
        .await
        .expect("it begins");
    assert_eq!(outputs(&settled(&client, "hidden").await)["Out"], "now secret");
    let error =
        client.create_stack().stack_name("never").template_body(one("Type: String")).parameters(kept).send().await;
    assert_eq!(
        error.expect_err("there is none").message(),
        Some(
            "Invalid input for parameter key P. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
        )
    );
}

#[tokio::test]
async fn parameters_of_aws_s_own_types_name_what_is_there() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let net = "Resources:\n  Net: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}\n  Sub: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Net, CidrBlock: 10.0.0.0/24}}\nOutputs: {Net: {Value: !Ref Net}, Sub: {Value: !Ref Sub}}\n";
    let made = outputs(&create(&client, "net", net, &[]).await.expect("it is made"));
    let body = with(
        r#"
Parameters: {Subnets: {Type: 'List<AWS::EC2::Subnet::Id>'}, Vpc: {Type: 'AWS::EC2::VPC::Id'}}
Rules:
  InTheNet:
    RuleCondition: !Not [!Equals [!Ref 'AWS::Region', eu-west-1]]
    Assertions:
      - Assert: {'Fn::EachMemberEquals': [{'Fn::ValueOf': [Subnets, VpcId]}, !Ref Vpc]}
        AssertDescription: All subnets have to be in the VPC
      - Assert: {'Fn::EachMemberIn': [{'Fn::ValueOfAll': ['AWS::EC2::Subnet::Id', VpcId]}, {'Fn::RefAll': 'AWS::EC2::VPC::Id'}]}
      - Assert: {'Fn::Contains': [{'Fn::RefAll': 'AWS::EC2::VPC::Id'}, !Ref Vpc]}
Outputs: {Out: {Value: !Join ['|', !Ref Subnets]}}
"#,
    );
    let stack =
        create(&client, "user", &body, &[("Subnets", &made["Sub"]), ("Vpc", &made["Net"])]).await.expect("it fits");
    assert_eq!(outputs(&stack)["Out"], made["Sub"]);
    let other = create(&client, "other", net, &[]).await.expect("it is made");
    let outside = [("Subnets", made["Sub"].as_str()), ("Vpc", &outputs(&other)["Net"])];
    let said = refused("outside")(create(&client, "never", &body, &outside).await);
    assert_eq!(said, "Template error: Rule InTheNet failed: All subnets have to be in the VPC");
    let lost = with("Parameters: {Vpc: {Type: 'AWS::EC2::VPC::Id'}}");
    let stack = create(&client, "lost", &lost, &[("Vpc", "vpc-0123456789abcdef0")]).await.expect("it is taken");
    assert_eq!(stack.stack_status().expect("a status").as_str(), "ROLLBACK_COMPLETE");
    let reasons = reasons(&client, &stack).await;
    let expected = "Parameter validation failed: parameter value vpc-0123456789abcdef0 for parameter name Vpc does not exist. Rollback requested by user.";
    assert!(reasons.iter().any(|reason| reason == expected), "{reasons:?}");
}

#[tokio::test]
async fn an_attribute_that_a_type_does_not_have_fails_the_stack_before_its_first_resource() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let body = "Resources: {P: {Type: 'AWS::SSM::Parameter', Properties: {Type: String, Value: a}}}\nOutputs: {InvalidOutput: {Value: !GetAtt P.Invalid}}";
    let stack = create(&client, "invalid", body, &[]).await.expect("it is taken");
    let reasons = reasons(&client, &stack).await;
    let expected = "[Error] /Outputs/InvalidOutput/Value/Fn::GetAtt: Resource type AWS::SSM::Parameter does not support attribute {Invalid}. Rollback requested by user.";
    assert_eq!(reasons.last().map(String::as_str), Some("User Initiated"));
    assert!(reasons.iter().any(|reason| reason == expected), "{reasons:?}");
}

#[tokio::test]
async fn dynamic_references_are_looked_up_by_every_operation() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let store = |name: &str, kind: &str, value: &str| {
        format!(
            "Resources: {{P: {{Type: 'AWS::SSM::Parameter', Properties: {{Name: {name}, Type: {kind}, Value: {value}}}}}}}"
        )
    };
    create(&client, "store", &store("/app/one", "String", "first"), &[]).await.expect("it is made");
    create(&client, "list", &store("/app/list", "StringList", "'a, b'"), &[]).await.expect("it is made");
    let body = |value: &str| {
        format!(
            "Parameters: {{Env: {{Type: String, Default: app}}}}\nResources: {{User: {{Type: 'AWS::SSM::Parameter', Properties: {{Type: String, Value: {value}}}}}}}\nOutputs: {{Out: {{Value: !GetAtt User.Value}}, Raw: {{Value: '{{{{resolve:ssm:/app/one}}}}'}}}}"
        )
    };
    let user = body("!Sub 'is {{resolve:ssm:/${Env}/one}} and {{resolve:ssm:/app/list}}'");
    let made = outputs(&create(&client, "user", &user, &[]).await.expect("it is made"));
    assert_eq!(made["Out"], "is first and a, b");
    // Outputs keep them as they are.
    assert_eq!(made["Raw"], "{{resolve:ssm:/app/one}}");
    client
        .update_stack()
        .stack_name("store")
        .template_body(store("/app/one", "String", "second"))
        .send()
        .await
        .expect("it begins");
    settled(&client, "store").await;
    client.update_stack().stack_name("user").template_body(&user).send().await.expect("what it stands for has changed");
    assert_eq!(outputs(&settled(&client, "user").await)["Out"], "is second and a, b");
    let cases = [
        (
            "'{{resolve:ssm:/app/gone}}'",
            "Unable to fetch parameters [/app/gone] from parameter store for this account.",
        ),
        (
            "'{{resolve:ssm:/app/one:prod}}'",
            "Incorrect format is used in the following SSM reference: [{{resolve:ssm:/app/one:prod}}]",
        ),
        (
            "'{{resolve:ssm-secure:/app/one:1}}'",
            "SSM Secure reference is not supported in: [AWS::SSM::Parameter/Properties/Value]",
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(refused(value)(create(&client, "never", &body(value), &[]).await), expected);
    }
    let versionless = with("Parameters: {P: {Type: String, Default: '{{resolve:ssm:/app/one}}'}}");
    let said = refused("default")(create(&client, "never", &versionless, &[]).await);
    assert_eq!(said, "Template error: parameter P should not contain ssm versionless resolver");
    let typed = with(
        "Parameters: {P: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /app/list}}\nOutputs: {Out: {Value: !Select [1, !Ref P]}}",
    );
    let stack = create(&client, "typed", &typed, &[]).await.expect("it is made");
    assert_eq!(stack.parameters()[0].resolved_value(), Some("a,b"));
    assert_eq!(outputs(&stack)["Out"], "b");
    let wrong = typed.replace("List<String>", "String").replace("!Select [1, !Ref P]", "!Ref P");
    let said = refused("types")(create(&client, "never", &wrong, &[]).await);
    assert_eq!(said, "Types for SSM parameters [/app/list] defined in CFN template and SSM are incompatible");
}

#[tokio::test]
async fn templates_are_told_of_as_aws_tells_of_them() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let body = r#"
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
"#;
    let summary = client.get_template_summary().template_body(body).send().await.expect("a summary");
    let expected = recorded("test_get_template_summary")["template-summary"].clone();
    assert_eq!(summary.metadata(), expected["Metadata"].as_str());
    assert_eq!(summary.version(), expected["Version"].as_str());
    assert_eq!(summary.resource_types(), ["AWS::SNS::Topic", "AWS::SSM::Parameter", "AWS::IAM::Role"]);
    assert_eq!(summary.capabilities(), [Capability::CapabilityNamedIam]);
    assert_eq!(summary.capabilities_reason(), Some("The following resource(s) require capabilities: [AWS::IAM::Role]"));
    let kinds = summary.resource_identifier_summaries();
    assert_eq!(
        (kinds[1].logical_resource_ids(), kinds[1].resource_identifiers()),
        (&["A".to_owned(), "B".to_owned()][..], &["Name".to_owned()][..])
    );
    assert_eq!(kinds[0].resource_identifiers(), [] as [String; 0]);
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

    let made = client.create_change_set().stack_name("review").change_set_name("first").template_body(with(""));
    let made = made.change_set_type(ChangeSetType::Create).send().await.expect("a change set");
    let id = made.id().expect("an id").to_owned();
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
