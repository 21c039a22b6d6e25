//! Functions, parameters and dynamic references in templates.

use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types::{Parameter, TemplateStage};
use serde_json::Value;

use crate::local_aws::LocalAws;
use crate::templates::{create, outputs, reasons, refused, wait_until_complete, with};

#[tokio::test]
async fn functions_return_what_awss_do() {
    let aws = LocalAws::start().await;
    let body = with(
        r"
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
",
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
async fn language_extensions_need_their_transform() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let plain = r"
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
"
    .replace(
        "        DeletionPolicy: !If [Never, Delete, Delete]\n",
        "        DeletionPolicy: !Select [0, [Delete, Retain]]\n",
    )
    .replace("!Length [!Ref Names]", "!Length {Ref: Names}");
    let actual = refused("plain")(create(&client, "loops", &plain, &[]).await);
    assert_eq!(actual, "Template format error: [/Resources/Fn::ForEach::Values] resource definition is malformed");
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
    let original = client.get_template().stack_name("loops").template_stage(TemplateStage::Original);
    let original = original.send().await.expect("the template");
    assert_eq!(original.template_body(), Some(body.as_str()));
    let processed = client.get_template().stack_name("loops").template_stage(TemplateStage::Processed);
    let processed = processed.send().await.expect("the template").template_body.expect("a text");
    let by_default = client.get_template().stack_name("loops").send().await.expect("the template");
    assert_eq!(by_default.template_body(), Some(processed.as_str()));
    let processed: Value = serde_json::from_str(&processed).expect("it is JSON");
    assert!(processed.get("Transform").is_none());
    assert_eq!(processed["Resources"]["Valuetwo"]["Properties"]["Value"], "is two");
    let summary = client.get_template_summary().stack_name("loops").send().await.expect("the summary");
    assert_eq!(summary.declared_transforms(), ["AWS::LanguageExtensions"]);
}

#[tokio::test]
async fn parameters_must_satisfy_their_constraints() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let with_parameter =
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
        ("Type: Number", "x", "Parameter 'P' must be a number."),
        ("Type: Number, MinValue: 2", "1", "Parameter 'P' must be a number not less than 2"),
        ("Type: Number, MaxValue: 2", "3", "Parameter 'P' must be a number not greater than 2"),
        (
            "Type: Number, MaxValue: 2, ConstraintDescription: must be small.",
            "3",
            "Parameter 'P' failed to satisfy constraint: must be small.",
        ),
        (
            "Type: 'AWS::SSM::Parameter::Value<String>', Default: /default",
            "/gone",
            "Unable to fetch parameters [/gone] from parameter store for this account.",
        ),
    ];
    for (declaration, value, expected) in cases {
        let actual =
            refused(declaration)(create(&client, "never", &with_parameter(declaration), &[("P", value)]).await);
        assert_eq!(actual, expected);
    }
    let actual =
        refused("unknown")(create(&client, "never", &with_parameter("Type: String"), &[("P", "a"), ("Q", "b")]).await);
    assert_eq!(actual, "Parameters: [Q] do not exist in the template");
    let hidden = create(&client, "hidden", &with_parameter("Type: String, NoEcho: true"), &[("P", "secret")])
        .await
        .expect("it is made");
    assert_eq!(hidden.parameters()[0].parameter_value(), Some("****"));
    let kept = Parameter::builder().parameter_key("P").use_previous_value(true).build();
    let body = with_parameter("Type: String, NoEcho: true").replace("Value: !Ref P", "Value: !Sub 'now ${P}'");
    client
        .update_stack()
        .stack_name("hidden")
        .template_body(body)
        .parameters(kept.clone())
        .send()
        .await
        .expect("it begins");
    assert_eq!(outputs(&wait_until_complete(&client, "hidden").await)["Out"], "now secret");
    let error = client
        .create_stack()
        .stack_name("never")
        .template_body(with_parameter("Type: String"))
        .parameters(kept)
        .send()
        .await;
    assert_eq!(
        error.expect_err("there is none").message(),
        Some(
            "Invalid input for parameter key P. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
        )
    );
}

#[tokio::test]
async fn parameters_of_aws_types_must_name_existing_resources() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let net = "Resources:\n  Net: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}\n  Sub: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Net, CidrBlock: 10.0.0.0/24}}\nOutputs: {Net: {Value: !Ref Net}, Sub: {Value: !Ref Sub}}\n";
    let created = outputs(&create(&client, "net", net, &[]).await.expect("it is made"));
    let body = with(
        r"
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
",
    );
    let stack = create(&client, "user", &body, &[("Subnets", &created["Sub"]), ("Vpc", &created["Net"])])
        .await
        .expect("it fits");
    assert_eq!(outputs(&stack)["Out"], created["Sub"]);
    let other = create(&client, "other", net, &[]).await.expect("it is made");
    let outside = [("Subnets", created["Sub"].as_str()), ("Vpc", &outputs(&other)["Net"])];
    let actual = refused("outside")(create(&client, "never", &body, &outside).await);
    assert_eq!(actual, "Template error: Rule InTheNet failed: All subnets have to be in the VPC");
    let lost = with("Parameters: {Vpc: {Type: 'AWS::EC2::VPC::Id'}}");
    let stack = create(&client, "lost", &lost, &[("Vpc", "vpc-0123456789abcdef0")]).await.expect("it is taken");
    assert_eq!(stack.stack_status().expect("a status").as_str(), "ROLLBACK_COMPLETE");
    let reasons = reasons(&client, &stack).await;
    let expected = "Parameter validation failed: parameter value vpc-0123456789abcdef0 for parameter name Vpc does not exist. Rollback requested by user.";
    assert!(reasons.iter().any(|reason| reason == expected), "{reasons:?}");
}

#[tokio::test]
async fn an_unknown_attribute_fails_the_stack_before_its_first_resource() {
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
async fn dynamic_references_are_resolved_by_every_operation() {
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
    let created = outputs(&create(&client, "user", &user, &[]).await.expect("it is made"));
    assert_eq!(created["Out"], "is first and a, b");
    // In outputs they are not resolved.
    assert_eq!(created["Raw"], "{{resolve:ssm:/app/one}}");
    client
        .update_stack()
        .stack_name("store")
        .template_body(store("/app/one", "String", "second"))
        .send()
        .await
        .expect("it begins");
    wait_until_complete(&client, "store").await;
    client.update_stack().stack_name("user").template_body(&user).send().await.expect("what it stands for has changed");
    assert_eq!(outputs(&wait_until_complete(&client, "user").await)["Out"], "is second and a, b");
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
    let actual = refused("default")(create(&client, "never", &versionless, &[]).await);
    assert_eq!(actual, "Template error: parameter P should not contain ssm versionless resolver");
    let typed = with(
        "Parameters: {P: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: /app/list}}\nOutputs: {Out: {Value: !Select [1, !Ref P]}}",
    );
    let stack = create(&client, "typed", &typed, &[]).await.expect("it is made");
    assert_eq!(stack.parameters()[0].resolved_value(), Some("a,b"));
    assert_eq!(outputs(&stack)["Out"], "b");
    let wrong = typed.replace("List<String>", "String").replace("!Select [1, !Ref P]", "!Ref P");
    let actual = refused("types")(create(&client, "never", &wrong, &[]).await);
    assert_eq!(actual, "Types for SSM parameters [/app/list] defined in CFN template and SSM are incompatible");
}
