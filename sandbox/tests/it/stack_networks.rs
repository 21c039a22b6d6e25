//! EC2's resources in stacks: their properties, and those that are not served.

use serde_json::json;

use crate::cloudformation::{create, events, status, template, update};
use crate::local_aws::LocalAws;

#[tokio::test]
async fn a_network_has_the_ranges_rules_and_tags_of_its_template() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let resources = |tag: &str, port: u16| {
        json!({
            "Vpc": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.0.0.9/16", "Tags": [{ "Key": "team", "Value": tag }] } },
            "Subnet": { "Type": "AWS::EC2::Subnet", "Properties": {
                "VpcId": { "Ref": "Vpc" }, "CidrBlock": "10.0.1.5/24", "MapPublicIpOnLaunch": true,
            } },
            "Group": { "Type": "AWS::EC2::SecurityGroup", "Properties": {
                "GroupDescription": "d", "VpcId": { "Ref": "Vpc" },
                "SecurityGroupEgress": [{
                    "CidrIp": "255.255.255.255/32", "IpProtocol": "icmp", "FromPort": 252, "ToPort": 86,
                    "Description": "Disallow all traffic",
                }],
            } },
            "Rule": { "Type": "AWS::EC2::SecurityGroupIngress", "Properties": {
                "GroupId": { "Ref": "Group" }, "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "10.0.0.0/8",
            } },
            "Instance": { "Type": "AWS::EC2::Instance", "Properties": {
                "ImageId": "ami-12345678", "InstanceType": "t3.micro",
                "NetworkInterfaces": [{
                    "DeviceIndex": "0", "SubnetId": { "Ref": "Subnet" }, "GroupSet": [{ "Ref": "Group" }],
                    "AssociatePublicIpAddress": true,
                }],
            } },
        })
    };
    let outputs = json!({
        "Ranges": { "Value": { "Fn::Sub": "${Vpc.CidrBlock} ${Subnet.CidrBlock}" } },
        "Rule": { "Value": { "Ref": "Rule" } },
        "Public": { "Value": { "Fn::GetAtt": ["Instance", "PublicIp"] } },
    });
    let body = |tag: &str, port: u16| json!({ "Resources": resources(tag, port), "Outputs": outputs }).to_string();
    let stack = create(&client, "net", &body("a", 80)).await;
    assert_eq!(status(&stack), "CREATE_COMPLETE", "{:?}", events(&client, "net").await);
    let output = |key: &str| {
        let matching = stack.outputs().iter().find(|output| output.output_key() == Some(key));
        matching.and_then(|output| output.output_value()).unwrap_or_default()
    };
    assert_eq!(output("Ranges"), "10.0.0.0/16 10.0.1.0/24");
    assert!(output("Public").starts_with("203.0.113."), "{}", output("Public"));
    let version = "2016-11-15";
    let rules =
        aws.query("ec2", version, "DescribeSecurityGroupRules", &[("SecurityGroupRuleId.1", output("Rule"))]).await;
    assert!(rules.contains("<cidrIpv4>10.0.0.0/8</cidrIpv4>"), "{rules}");

    let stack = update(&client, "net", &body("b", 81)).await;
    assert_eq!(status(&stack), "UPDATE_COMPLETE", "{:?}", events(&client, "net").await);
    let tags =
        aws.query("ec2", version, "DescribeVpcs", &[("Filter.1.Name", "tag:team"), ("Filter.1.Value.1", "b")]).await;
    assert!(tags.contains("<key>aws:cloudformation:logical-id</key>"), "{tags}");
}

#[tokio::test]
async fn properties_that_are_not_served_are_distinguished_from_unknown_ones() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let security_group = |properties: serde_json::Value| json!({ "One": { "Type": "AWS::EC2::SecurityGroup", "Properties": properties } });
    let cases = [
        (
            "nested",
            json!({ "GroupDescription": "d", "SecurityGroupIngress": [{ "IpProtocol": "tcp", "CidrIpv6": "::/0" }] }),
            "the sandbox does not serve AWS::EC2::SecurityGroup with the property CidrIpv6",
        ),
        ("unknown", json!({ "GroupDescription": "d", "Colour": "red" }), "#: extraneous key [Colour] is not permitted"),
    ];
    for (name, properties, words) in cases {
        let stack = create(&client, name, &template(&security_group(properties))).await;
        assert_eq!(status(&stack), "ROLLBACK_COMPLETE");
        let actual = events(&client, name).await;
        assert!(
            actual.iter().any(|event| event.starts_with("One CREATE_FAILED") && event.contains(words)),
            "{actual:#?}"
        );
    }
}

#[tokio::test]
async fn attributes_that_are_not_served_are_refused_by_name() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let body = json!({
        "Resources": { "Vpc": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.0.0.0/16" } } },
        "Outputs": { "Acl": { "Value": { "Fn::GetAtt": ["Vpc", "DefaultNetworkAcl"] } } },
    });
    let stack = create(&client, "acl", &body.to_string()).await;
    assert_eq!(status(&stack), "ROLLBACK_COMPLETE");
    let actual = events(&client, "acl").await;
    let words = "the sandbox does not serve AWS::EC2::VPC with the attribute DefaultNetworkAcl.";
    assert!(actual.iter().any(|event| event.contains(words)), "{actual:#?}");
}

#[tokio::test]
async fn the_description_of_a_rule_changes_in_place() {
    let aws = crate::in_process::InProcess::new();
    let input = |description: &str| {
        let group = json!({ "GroupDescription": "d", "VpcId": { "Ref": "Vpc" } });
        let rule = json!({
            "GroupId": { "Ref": "Group" }, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0",
            "Description": description,
        });
        let resources = json!({
            "Vpc": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.0.0.0/16" } },
            "Group": { "Type": "AWS::EC2::SecurityGroup", "Properties": group },
            "Rule": { "Type": "AWS::EC2::SecurityGroupIngress", "Properties": rule },
        });
        json!({ "StackName": "s", "TemplateBody": template(&resources) })
    };
    aws.change_stack("CreateStack", input("old")).await;
    let rule = async || {
        let resource = json!({ "StackName": "s", "LogicalResourceId": "Rule" });
        let resource = aws.call("cloudformation", "DescribeStackResource", resource).await;
        let id = resource["StackResourceDetail"]["PhysicalResourceId"].as_str().expect("an id").to_owned();
        let rules = aws.call("ec2", "DescribeSecurityGroupRules", json!({ "SecurityGroupRuleId": [id] })).await;
        (id, rules["securityGroupRuleSet"][0]["description"].clone())
    };
    let (id, _) = rule().await;
    assert_eq!(aws.change_stack("UpdateStack", input("new")).await["StackStatus"], "UPDATE_COMPLETE");
    assert_eq!(rule().await, (id, json!("new")));
    let arn =
        aws.call("cloudformation", "DescribeStacks", json!({ "StackName": "s" })).await["Stacks"][0]["StackId"].clone();
    aws.call("cloudformation", "DeleteStack", json!({ "StackName": "s" })).await;
    assert_eq!(aws.change_stack("DeleteStack", json!({ "StackName": arn })).await["StackStatus"], "DELETE_COMPLETE");
}
