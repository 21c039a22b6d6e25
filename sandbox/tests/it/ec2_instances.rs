//! Security groups and instances of EC2 in the sandbox.

use serde_json::{Value, json};

use crate::in_process::InProcess;

/// Creates a VPC with a subnet, and returns their ids.
async fn network(aws: &InProcess) -> (String, String) {
    let vpc = aws.call("ec2", "CreateVpc", json!({ "CidrBlock": "10.0.0.0/16" })).await;
    let vpc = vpc["vpc"]["vpcId"].as_str().expect("it has an id").to_owned();
    let subnet = aws.call("ec2", "CreateSubnet", json!({ "VpcId": vpc, "CidrBlock": "10.0.1.0/24" })).await;
    (vpc, subnet["subnet"]["subnetId"].as_str().expect("it has an id").to_owned())
}

async fn group(aws: &InProcess, vpc: &str, name: &str) -> String {
    let input = json!({ "GroupName": name, "GroupDescription": "d", "VpcId": vpc });
    let group = aws.call("ec2", "CreateSecurityGroup", input).await;
    let arn =
        format!("arn:aws:ec2:us-east-1:123456789012:security-group/{}", group["groupId"].as_str().unwrap_or_default());
    assert_eq!(group["securityGroupArn"], arn);
    group["groupId"].as_str().expect("it has an id").to_owned()
}

fn rule(protocol: &str, from: i64, to: i64, cidr: &str) -> Value {
    json!({ "IpProtocol": protocol, "FromPort": from, "ToPort": to, "IpRanges": [{ "CidrIp": cidr }] })
}

#[tokio::test]
async fn an_instance_needs_a_subnet_and_a_group_its_id() {
    let aws = InProcess::new();
    let run = json!({ "ImageId": "ami-12345678", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1 });
    let none = ("VPCIdNotSpecified".to_owned(), "No default VPC for this user".to_owned());
    assert_eq!(aws.refusal("ec2", "RunInstances", run).await, none);
    for operation in ["DeleteSecurityGroup", "DescribeSecurityGroups", "AuthorizeSecurityGroupIngress"] {
        let name = if operation.starts_with("Describe") { json!(["a"]) } else { json!("a") };
        assert_eq!(aws.refusal("ec2", operation, json!({ "GroupName": name })).await.0, none.0, "{operation}");
    }
}

#[tokio::test]
async fn invalid_rules_are_refused_with_awss_messages() {
    let aws = InProcess::new();
    let (vpc, _) = network(&aws).await;
    let id = group(&aws, &vpc, "a").await;
    let cases = [
        (rule("tcp", 80, 80, "10.0.0/8"), "CIDR block 10.0.0/8 is malformed"),
        (rule("all", 80, 80, "10.0.0.0/8"), "Invalid value 'all' for IP protocol. Unknown protocol."),
        (rule("tcp", 80, 70_000, "10.0.0.0/8"), "TCP/UDP port (70000) out of range"),
        (rule("udp", 443, 80, "10.0.0.0/8"), "Invalid TCP/UDP port range (443:80)"),
        (rule("icmp", 0, 65_535, "10.0.0.0/8"), "ICMP code (65535) out of range"),
        (
            json!({ "IpProtocol": "tcp", "FromPort": 80, "IpRanges": [{ "CidrIp": "10.0.0.0/8" }] }),
            "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
        ),
    ];
    for (rule, message) in cases {
        let input = json!({ "GroupId": id, "IpPermissions": [rule] });
        let fault = aws.refusal("ec2", "AuthorizeSecurityGroupIngress", input).await;
        assert_eq!(fault, ("InvalidParameterValue".to_owned(), message.to_owned()));
    }
    let twice = json!([rule("tcp", 1, 1, "10.0.0.0/8"), rule("6", 1, 1, "10.0.0.1/8")]);
    let input = json!({ "GroupId": id, "IpPermissions": twice });
    let (_, message) = aws.refusal("ec2", "AuthorizeSecurityGroupIngress", input).await;
    assert_eq!(message, "The same permission must not appear multiple times");
    let none = json!({ "GroupName": "b", "GroupDescription": "", "VpcId": vpc });
    assert_eq!(aws.refusal("ec2", "CreateSecurityGroup", none).await.0, "MissingParameter");
}

#[tokio::test]
async fn rules_have_ids_and_share_a_permission_for_the_same_ports() {
    let aws = InProcess::new();
    let (vpc, _) = network(&aws).await;
    let (id, peer) = (group(&aws, &vpc, "a").await, group(&aws, &vpc, "b").await);
    let mut both = rule("tcp", 80, 80, "10.0.0.1/8");
    both["Groups"] = json!([{ "GroupId": peer, "Description": "peers" }]);
    let authorize = json!({ "GroupId": id, "IpPermissions": [both, rule("tcp", 80, 80, "192.168.0.0/16")] });
    let response = aws.call("ec2", "AuthorizeSecurityGroupIngress", authorize.clone()).await;
    let rules = response["securityGroupRuleSet"].as_array().expect("rules");
    assert_eq!(rules.len(), 3);
    assert_eq!((&rules[0]["cidrIpv4"], &rules[0]["isEgress"]), (&"10.0.0.0/8".into(), &false.into()));
    assert_eq!(rules[1]["referencedGroupInfo"]["groupId"], peer);
    let (code, message) = aws.refusal("ec2", "AuthorizeSecurityGroupIngress", authorize).await;
    assert_eq!(code, "InvalidPermission.Duplicate");
    let fault = r#"the specified rule "peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW" already exists"#;
    assert_eq!(message, fault);

    let described = aws.call("ec2", "DescribeSecurityGroups", json!({ "GroupId": [id] })).await;
    let permissions = described["securityGroupInfo"][0]["ipPermissions"].clone();
    assert_eq!(permissions.as_array().map(Vec::len), Some(1), "{permissions}");
    assert_eq!(permissions[0]["ipRanges"].as_array().map(Vec::len), Some(2));
    assert_eq!(permissions[0]["groups"][0]["description"], "peers");

    let filter = json!({ "Filter": [{ "Name": "group-id", "Value": [id] }] });
    let all = aws.call("ec2", "DescribeSecurityGroupRules", filter).await;
    assert_eq!(all["securityGroupRuleSet"].as_array().map(Vec::len), Some(4), "the one that lets everything out too");
    let first = rules[0]["securityGroupRuleId"].clone();
    let gone = json!({ "GroupId": id, "SecurityGroupRuleId": [first] });
    let revoked = aws.call("ec2", "RevokeSecurityGroupIngress", gone.clone()).await;
    assert_eq!(revoked["revokedSecurityGroupRuleSet"][0]["cidrIpv4"], "10.0.0.0/8");
    let (code, _) = aws.refusal("ec2", "RevokeSecurityGroupIngress", gone).await;
    assert_eq!(code, "InvalidSecurityGroupRuleId.NotFound");
    let (code, _) = aws.refusal("ec2", "DeleteSecurityGroup", json!({ "GroupId": peer })).await;
    assert_eq!(code, "DependencyViolation");
}

#[tokio::test]
async fn a_group_has_sixty_rules_at_most() {
    let aws = InProcess::new();
    let (vpc, _) = network(&aws).await;
    let id = group(&aws, &vpc, "a").await;
    let rules = |ports: std::ops::Range<i64>| -> Vec<Value> {
        ports.map(|port| rule("tcp", port, port, "10.0.0.0/8")).collect()
    };
    aws.call("ec2", "AuthorizeSecurityGroupIngress", json!({ "GroupId": id, "IpPermissions": rules(0..60) })).await;
    let one_more = json!({ "GroupId": id, "IpPermissions": rules(60..61) });
    let (code, _) = aws.refusal("ec2", "AuthorizeSecurityGroupIngress", one_more).await;
    assert_eq!(code, "RulesPerSecurityGroupLimitExceeded");
}

fn run(subnet: &str) -> Value {
    json!({ "ImageId": "ami-12345678", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet })
}

#[tokio::test]
async fn invalid_instances_are_refused_with_awss_messages() {
    let aws = InProcess::new();
    let (_, subnet) = network(&aws).await;
    let cases = [
        ("ImageId", json!("foo"), "InvalidAMIID.Malformed", "Invalid id: \"foo\" (expecting \"ami-...\")"),
        ("InstanceType", json!("t3.giant"), "InvalidParameterValue", "Invalid value 't3.giant' for InstanceType."),
        (
            "MinCount",
            json!(5),
            "InvalidParameterValue",
            "Value (5) for parameter minCount is invalid. Must be less than or equal to maxCount.",
        ),
        ("UserData", json!("no base64!"), "InvalidParameterValue", "Invalid BASE64 encoding of user data."),
        (
            "KeyName",
            json!("a"),
            "NotImplemented",
            "the sandbox does not serve ec2:RunInstances with the member KeyName",
        ),
        (
            "Placement",
            json!({ "AvailabilityZone": "us-east-1b" }),
            "NotImplemented",
            "the sandbox does not serve ec2:RunInstances with another zone than that of the subnet",
        ),
        (
            "MinCount",
            json!(0),
            "InvalidParameterValue",
            "Value (0) for parameter minCount is invalid. Must be at least 1.",
        ),
        (
            "SecurityGroup",
            json!(["a"]),
            "InvalidParameterCombination",
            "The parameter groupName cannot be used with the parameter subnet",
        ),
        ("SecurityGroupId", json!(["a"]), "InvalidGroupId.Malformed", "Invalid id: \"a\" (expecting \"sg-...\")"),
    ];
    for (member, value, code, message) in cases {
        let mut input = run(&subnet);
        input[member] = value;
        let fault = aws.refusal("ec2", "RunInstances", input).await;
        assert_eq!(fault, (code.to_owned(), message.to_owned()));
    }
}

#[tokio::test]
async fn an_instance_is_pending_then_running_and_finally_terminated() {
    let aws = InProcess::in_region("eu-west-1");
    let (vpc, subnet) = network(&aws).await;
    let dns = json!({ "VpcId": vpc, "EnableDnsHostnames": { "Value": true } });
    aws.call("ec2", "ModifyVpcAttribute", dns).await;
    let mut input = run(&subnet);
    let members = input.as_object_mut().expect("an object");
    members.remove("SubnetId");
    members.insert(
        "NetworkInterface".to_owned(),
        json!([{ "DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": true }]),
    );
    members.insert("ClientToken".to_owned(), "once".into());
    let response = aws.call("ec2", "RunInstances", input.clone()).await;
    let instance = &response["instancesSet"][0];
    assert_eq!(instance["instanceState"], json!({ "code": 0, "name": "pending" }));
    assert_eq!(instance["privateDnsName"], "ip-10-0-1-14.eu-west-1.compute.internal");
    assert_eq!(instance["groupSet"][0]["groupName"], "default");
    assert_eq!(instance["dnsName"], "ec2-203-0-113-4.eu-west-1.compute.amazonaws.com");
    let again = aws.call("ec2", "RunInstances", input).await;
    assert_eq!(again["reservationId"], response["reservationId"]);

    let id = &instance["instanceId"];
    let described = aws.call("ec2", "DescribeInstances", json!({ "InstanceId": [id] })).await;
    assert_eq!(described["reservationSet"][0]["instancesSet"][0]["instanceState"]["name"], "running");
    let ended = aws.call("ec2", "TerminateInstances", json!({ "InstanceId": [id] })).await;
    assert_eq!(ended["instancesSet"][0]["currentState"], json!({ "code": 32, "name": "shutting-down" }));
    aws.call("ec2", "DeleteSubnet", json!({ "SubnetId": subnet })).await;
    aws.call("ec2", "DeleteVpc", json!({ "VpcId": vpc })).await;
}

#[tokio::test]
async fn instances_are_described_in_pages_or_by_their_ids() {
    let aws = InProcess::new();
    let (_, subnet) = network(&aws).await;
    for _ in 0..6 {
        aws.call("ec2", "RunInstances", run(&subnet)).await;
    }
    let first = aws.call("ec2", "DescribeInstances", json!({ "MaxResults": 5 })).await;
    assert_eq!(first["reservationSet"].as_array().map(Vec::len), Some(5));
    assert_eq!(first["reservationSet"][0]["instancesSet"][0].get("tagSet"), None);
    let next = json!({ "MaxResults": 5, "NextToken": first["nextToken"] });
    assert_eq!(aws.call("ec2", "DescribeInstances", next).await["reservationSet"].as_array().map(Vec::len), Some(1));
    let id = "i-00000000000000001";
    let both = aws.refusal("ec2", "DescribeInstances", json!({ "MaxResults": 5, "InstanceId": [id] })).await;
    let message = "The parameter instancesSet cannot be used with the parameter maxResults";
    assert_eq!(both, ("InvalidParameterCombination".to_owned(), message.to_owned()));
    let few = aws.refusal("ec2", "DescribeInstances", json!({ "MaxResults": 1 })).await;
    assert_eq!(few.1, "Value ( 1 ) for parameter maxResults is invalid. Expecting a value greater than 5.");
    let unknown = ["i-00000000000000001", "i-00000000000000002"];
    let fault = aws.refusal("ec2", "DescribeInstances", json!({ "InstanceId": unknown })).await;
    let message = "The instance IDs 'i-00000000000000001, i-00000000000000002' do not exist";
    assert_eq!(fault, ("InvalidInstanceID.NotFound".to_owned(), message.to_owned()));
    let none = aws.refusal("ec2", "TerminateInstances", json!({})).await;
    assert_eq!(none, ("InvalidParameterCombination".to_owned(), "No instances specified".to_owned()));
    let fault = aws.refusal("ec2", "TerminateInstances", json!({ "InstanceId": ["foo"] })).await;
    let message = "Invalid id: \"foo\" (expecting \"i-...\")";
    assert_eq!(fault, ("InvalidInstanceID.Malformed".to_owned(), message.to_owned()));
    let fault = aws.refusal("ec2", "DescribeAddresses", json!({ "PublicIp": ["1.2.3.4"] })).await;
    assert_eq!(fault, ("InvalidAddress.NotFound".to_owned(), "Address '1.2.3.4' not found.".to_owned()));
}
