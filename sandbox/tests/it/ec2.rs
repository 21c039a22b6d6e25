//! EC2's networks in the sandbox.

use serde_json::json;

use crate::in_process::InProcess;

#[tokio::test]
async fn vpcs_are_listed_in_pages_and_have_no_virtual_private_gateways() {
    let aws = InProcess::new();
    for number in 0..6 {
        let cidr = format!("10.{number}.0.0/16");
        let tags = json!([{ "ResourceType": "vpc", "Tag": [{ "Key": "Name", "Value": format!("net-{cidr}") }] }]);
        aws.call("ec2", "CreateVpc", json!({ "CidrBlock": cidr, "TagSpecification": tags })).await;
    }
    let mut ask = json!({ "Filter": [{ "Name": "tag:Name", "Value": ["net-10.*"] }], "MaxResults": 5 });
    let first = aws.call("ec2", "DescribeVpcs", ask.clone()).await;
    assert_eq!(first["vpcSet"].as_array().map(Vec::len), Some(5));
    ask["NextToken"] = first["nextToken"].clone();
    let second = aws.call("ec2", "DescribeVpcs", ask.clone()).await;
    assert_eq!((second["vpcSet"].as_array().map(Vec::len), second["nextToken"].is_null()), (Some(1), true));
    ask["NextToken"] = "made up".into();
    assert_eq!(aws.refusal("ec2", "DescribeVpcs", ask).await.0, "InvalidNextToken");
    let vpc = &first["vpcSet"][0]["vpcId"];
    let gateways = json!({ "Filter": [{ "Name": "attachment.vpc-id", "Value": [vpc] }] });
    assert_eq!(aws.call("ec2", "DescribeVpnGateways", gateways).await["vpnGatewaySet"], json!([]));
}

#[tokio::test]
async fn a_route_and_an_association_are_replaced() {
    let aws = InProcess::new();
    let created = aws.call("ec2", "CreateVpc", json!({ "CidrBlock": "10.0.0.0/16" })).await;
    let vpc = &created["vpc"]["vpcId"];
    let subnet = aws.call("ec2", "CreateSubnet", json!({ "VpcId": vpc, "CidrBlock": "10.0.0.0/24" })).await;
    let table = async || {
        let created = aws.call("ec2", "CreateRouteTable", json!({ "VpcId": vpc })).await;
        created["routeTable"]["routeTableId"].clone()
    };
    let (first, second) = (table().await, table().await);
    let associate = json!({ "RouteTableId": first, "SubnetId": subnet["subnet"]["subnetId"] });
    let association = aws.call("ec2", "AssociateRouteTable", associate).await["associationId"].clone();
    let move_it = json!({ "AssociationId": association, "RouteTableId": second });
    aws.call("ec2", "ReplaceRouteTableAssociation", move_it.clone()).await;
    assert_eq!(aws.refusal("ec2", "ReplaceRouteTableAssociation", move_it).await.0, "InvalidAssociationID.NotFound");
    let (code, _) = aws.refusal("ec2", "DeleteRouteTable", json!({ "RouteTableId": second })).await;
    assert_eq!(code, "DependencyViolation");
    aws.call("ec2", "DeleteRouteTable", json!({ "RouteTableId": first })).await;
    let gateway = aws.call("ec2", "CreateInternetGateway", json!({})).await;
    let route = json!({
        "RouteTableId": second,
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": gateway["internetGateway"]["internetGatewayId"],
    });
    let attach = json!({ "InternetGatewayId": route["GatewayId"], "VpcId": vpc });
    aws.call("ec2", "AttachInternetGateway", attach).await;
    let (code, message) = aws.refusal("ec2", "ReplaceRoute", route.clone()).await;
    assert_eq!(code, "InvalidParameterValue", "{message}");
    aws.call("ec2", "CreateRoute", route.clone()).await;
    aws.call("ec2", "ReplaceRoute", route).await;
}

/// A VPC with a subnet, a route table, an attached internet gateway and a NAT gateway.
struct Network {
    table: String,
    internet: String,
    nat: String,
}

impl Network {
    async fn make(aws: &InProcess) -> Self {
        let id = async |operation: &str, input: serde_json::Value, pointer: &str| {
            let created = aws.call("ec2", operation, input).await;
            created.pointer(pointer).and_then(serde_json::Value::as_str).expect(pointer).to_owned()
        };
        let vpc = id("CreateVpc", json!({ "CidrBlock": "10.0.0.0/16" }), "/vpc/vpcId").await;
        let subnet = json!({ "VpcId": vpc, "CidrBlock": "10.0.0.0/24" });
        let subnet = id("CreateSubnet", subnet, "/subnet/subnetId").await;
        let internet = id("CreateInternetGateway", json!({}), "/internetGateway/internetGatewayId").await;
        aws.call("ec2", "AttachInternetGateway", json!({ "InternetGatewayId": internet, "VpcId": vpc })).await;
        let address = id("AllocateAddress", json!({ "Domain": "vpc" }), "/allocationId").await;
        let nat = json!({ "SubnetId": subnet, "AllocationId": address });
        Self {
            table: id("CreateRouteTable", json!({ "VpcId": vpc }), "/routeTable/routeTableId").await,
            internet,
            nat: id("CreateNatGateway", nat, "/natGateway/natGatewayId").await,
        }
    }
}

#[tokio::test]
async fn the_target_of_a_route_must_be_in_its_vpc() {
    let aws = InProcess::new();
    let (own, other) = (Network::make(&aws).await, Network::make(&aws).await);
    let loose = aws.call("ec2", "CreateInternetGateway", json!({})).await;
    let loose = loose["internetGateway"]["internetGatewayId"].as_str().expect("an id");
    let absent = "igw-00000000000000000";
    let elsewhere = |gateway: &str| format!("route table {} and {gateway} belong to different networks", own.table);
    for (member, id, code, expected) in [
        (
            "GatewayId",
            other.internet.as_str(),
            "InvalidParameterValue",
            elsewhere(&format!("network gateway {}", other.internet)),
        ),
        ("GatewayId", loose, "InvalidParameterValue", elsewhere(&format!("network gateway {loose}"))),
        ("NatGatewayId", &other.nat, "InvalidParameterValue", elsewhere("interface interface-")),
        ("GatewayId", absent, "InvalidGatewayID.NotFound", format!("The gateway ID '{absent}' does not exist")),
        (
            "GatewayId",
            &own.nat,
            "InvalidParameterValue",
            format!("invalid value for parameter gateway-id: {}", own.nat),
        ),
    ] {
        let route = json!({ "RouteTableId": own.table, "DestinationCidrBlock": "0.0.0.0/0", member: id });
        for operation in ["CreateRoute", "ReplaceRoute"] {
            let (refused, message) = aws.refusal("ec2", operation, route.clone()).await;
            let (begin, end) = expected.split_once("interface-").unwrap_or((&expected, ""));
            assert_eq!(refused, code, "{message}");
            assert!(message.starts_with(begin) && message.ends_with(end), "{message}");
        }
    }
    for (destination, member, id) in
        [("0.0.0.0/0", "GatewayId", &own.internet), ("1.0.0.0/8", "NatGatewayId", &own.nat)]
    {
        let route = json!({ "RouteTableId": own.table, "DestinationCidrBlock": destination, member: id });
        aws.call("ec2", "CreateRoute", route).await;
    }
}

#[tokio::test]
async fn attributes_of_a_vpc_are_changed_one_at_a_time() {
    let aws = InProcess::new();
    let vpc = aws.call("ec2", "CreateVpc", json!({ "CidrBlock": "10.0.0.0/16" })).await["vpc"]["vpcId"].clone();
    let yes = json!({ "Value": true });
    for (input, message) in [
        (json!({ "VpcId": vpc }), "No attributes specified."),
        (
            json!({ "VpcId": vpc, "EnableDnsSupport": yes, "EnableDnsHostnames": yes }),
            "Fields for multiple attribute types specified: enableDnsHostnames, enableDnsSupport",
        ),
    ] {
        let refused = aws.refusal("ec2", "ModifyVpcAttribute", input).await;
        assert_eq!(refused, ("InvalidParameterCombination".to_owned(), message.to_owned()));
    }
    aws.call("ec2", "ModifyVpcAttribute", json!({ "VpcId": vpc, "EnableDnsHostnames": yes })).await;
    let input = json!({ "VpcId": vpc, "Attribute": "enableDnsHostnames" });
    let fault = aws.call("ec2", "DescribeVpcAttribute", input).await;
    assert_eq!(fault["enableDnsHostnames"], json!({ "value": true }));
}

#[tokio::test]
async fn cidr_blocks_are_normalised_and_validated() {
    let aws = InProcess::new();
    let created = aws.call("ec2", "CreateVpc", json!({ "CidrBlock": "192.168.0.1/16" })).await;
    assert_eq!(created["vpc"]["cidrBlock"], "192.168.0.0/16");
    let vpc = &created["vpc"]["vpcId"];
    let subnet = aws.call("ec2", "CreateSubnet", json!({ "VpcId": vpc, "CidrBlock": "192.168.1.5/24" })).await;
    assert_eq!(subnet["subnet"]["cidrBlock"], "192.168.1.0/24");
    for (operation, input, parameter) in [
        ("CreateVpc", json!({ "CidrBlock": "1000.1.0.0/20" }), "cidrBlock"),
        ("CreateSubnet", json!({ "VpcId": vpc, "CidrBlock": "1000.1.0.0/20" }), "cidrBlock"),
    ] {
        let fault = aws.refusal("ec2", operation, input).await;
        assert_eq!(fault, invalid_range(parameter), "{operation}");
    }
    let table = aws.call("ec2", "CreateRouteTable", json!({ "VpcId": vpc })).await;
    let gateway = aws.call("ec2", "CreateInternetGateway", json!({})).await;
    let mut route = json!({
        "RouteTableId": table["routeTable"]["routeTableId"],
        "DestinationCidrBlock": "10.200.0.4/24",
        "GatewayId": gateway["internetGateway"]["internetGatewayId"],
    });
    let attach = json!({ "InternetGatewayId": route["GatewayId"], "VpcId": vpc });
    aws.call("ec2", "AttachInternetGateway", attach).await;
    aws.call("ec2", "CreateRoute", route.clone()).await;
    let filters = json!([
        { "Name": "route.destination-cidr-block", "Value": ["10.200.0.0/24"] },
        { "Name": "route.origin", "Value": ["CreateRoute"] },
    ]);
    let tables = aws.call("ec2", "DescribeRouteTables", json!({ "Filter": filters })).await;
    assert_eq!(tables["routeTableSet"].as_array().map(Vec::len), Some(1));
    aws.call(
        "ec2",
        "DeleteRoute",
        json!({ "RouteTableId": route["RouteTableId"], "DestinationCidrBlock": "10.200.0.9/24" }),
    )
    .await;
    route["DestinationCidrBlock"] = "1000.1.0.0/20".into();
    assert_eq!(aws.refusal("ec2", "CreateRoute", route).await, invalid_range("destinationCidrBlock"));
}

fn invalid_range(parameter: &str) -> (String, String) {
    let message =
        format!("Value (1000.1.0.0/20) for parameter {parameter} is invalid. This is not a valid CIDR block.");
    ("InvalidParameterValue".to_owned(), message)
}

#[tokio::test]
async fn members_that_are_not_served_are_refused_by_name() {
    let aws = InProcess::new();
    let vpc = json!({ "CidrBlock": "10.0.0.0/16", "AmazonProvidedIpv6CidrBlock": true });
    let fault = aws.refusal("ec2", "CreateVpc", vpc).await;
    let message = "the sandbox does not serve ec2:CreateVpc with the member AmazonProvidedIpv6CidrBlock";
    assert_eq!(fault, ("NotImplemented".to_owned(), message.to_owned()));
    // A member that requests the default is accepted.
    let vpc = json!({ "CidrBlock": "10.0.0.0/16", "AmazonProvidedIpv6CidrBlock": false, "DryRun": false });
    aws.call("ec2", "CreateVpc", vpc).await;
    let fault = aws.refusal("ec2", "DescribeAvailabilityZones", json!({ "AllAvailabilityZones": true })).await;
    assert_eq!(fault.0, "NotImplemented");
}

#[tokio::test]
async fn filters_that_are_not_served_are_distinguished_from_unknown_ones() {
    let aws = InProcess::new();
    let of = |name: &str| json!({ "Filter": [{ "Name": name, "Value": ["x"] }] });
    let (code, message) = aws.refusal("ec2", "DescribeVpcs", of("ipv6-cidr-block-association.state")).await;
    assert_eq!(code, "NotImplemented");
    assert_eq!(
        message,
        "the sandbox does not serve ec2:DescribeVpcs with the filter ipv6-cidr-block-association.state"
    );
    let (code, message) = aws.refusal("ec2", "DescribeVpcs", of("colour")).await;
    assert_eq!((code.as_str(), message.as_str()), ("InvalidParameterValue", "The filter 'colour' is invalid"));
    assert_eq!(aws.refusal("ec2", "DescribeVpcs", of("tag")).await.1, "The filter 'tag' is invalid");
    for (operation, filter) in [
        ("DescribeVpcs", "tag-value"),
        ("DescribeSubnets", "defaultForAz"),
        ("DescribeAddresses", "network-interface-id"),
    ] {
        aws.call("ec2", operation, of(filter)).await;
    }
}

#[tokio::test]
async fn tags_are_checked_for_their_type_their_number_and_reserved_keys() {
    let aws = InProcess::new();
    let created = async |specification: serde_json::Value| {
        aws.refusal("ec2", "CreateVpc", json!({ "CidrBlock": "10.0.0.0/16", "TagSpecification": [specification] }))
            .await
    };
    let tag = json!([{ "Key": "a", "Value": "b" }]);
    let fault = created(json!({ "Tag": tag })).await;
    assert_eq!(
        (fault.0.as_str(), fault.1.as_str()),
        ("InvalidParameterValue", "Tag specification resource type must have a value")
    );
    let fault = created(json!({ "ResourceType": "subnet", "Tag": tag })).await;
    assert_eq!(fault.1, "'subnet' is not a valid taggable resource type for this operation.");
    let reserved = "Tag keys starting with 'aws:' are reserved for internal use";
    let fault = created(json!({ "ResourceType": "vpc", "Tag": [{ "Key": "aws:a", "Value": "b" }] })).await;
    assert_eq!(fault, ("InvalidParameterValue".to_owned(), reserved.to_owned()));

    let vpc = aws.call("ec2", "CreateVpc", json!({ "CidrBlock": "10.0.0.0/16" })).await;
    let id = &vpc["vpc"]["vpcId"];
    let fault = aws.refusal("ec2", "CreateTags", json!({ "ResourceId": [id], "Tag": [{ "Key": "aws:a" }] })).await;
    assert_eq!(fault.1, reserved);
    let many = |count: u8| (0..count).map(|number| json!({ "Key": format!("k{number}"), "Value": "v" })).collect();
    let tags: Vec<serde_json::Value> = many(51);
    assert_eq!(
        aws.refusal("ec2", "CreateTags", json!({ "ResourceId": [id], "Tag": tags })).await.0,
        "TagLimitExceeded"
    );
    let tags: Vec<serde_json::Value> = many(50);
    for _ in 0..2 {
        aws.call("ec2", "CreateTags", json!({ "ResourceId": [id], "Tag": tags })).await;
    }
    let by_key = json!({ "Filter": [{ "Name": "key", "Value": ["k1"] }, { "Name": "resource-id", "Value": [id] }] });
    let described = aws.call("ec2", "DescribeTags", by_key).await;
    assert_eq!(described["tagSet"], json!([{ "resourceId": id, "resourceType": "vpc", "key": "k1", "value": "v" }]));
    aws.call("ec2", "DeleteTags", json!({ "ResourceId": [id], "Tag": [{ "Key": "k1", "Value": "other" }] })).await;
    aws.call("ec2", "DeleteTags", json!({ "ResourceId": [id] })).await;
    assert_eq!(aws.call("ec2", "DescribeTags", json!({})).await["tagSet"], json!([]));
    let described = aws.call("ec2", "DescribeVpcs", json!({})).await["vpcSet"][0].clone();
    assert_eq!(described.get("tagSet"), None, "AWS says nothing of the tags of an untagged network");
    for operation in ["CreateTags", "DeleteTags"] {
        let fault = aws.refusal("ec2", operation, json!({ "Tag": [{ "Key": "a" }] })).await;
        let message = "The request must contain the parameter resourceIdSet";
        assert_eq!(fault, ("MissingParameter".to_owned(), message.to_owned()));
    }
    let nowhere = json!({ "ResourceId": ["vpc-00000000000000000"], "Tag": [{ "Key": "a" }] });
    assert_eq!(aws.refusal("ec2", "CreateTags", nowhere).await.0, "InvalidVpcID.NotFound");
}

#[tokio::test]
async fn security_group_rules_are_tagged_and_found_by_their_ids() {
    let aws = InProcess::new();
    let vpc = aws.call("ec2", "CreateVpc", json!({ "CidrBlock": "10.0.0.0/16" })).await["vpc"]["vpcId"].clone();
    let group = json!({ "GroupName": "g", "GroupDescription": "d", "VpcId": vpc });
    let group = aws.call("ec2", "CreateSecurityGroup", group).await["groupId"].clone();
    let permission = json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "10.0.0.0/8" }] }]);
    let rule = json!({ "GroupId": group, "IpPermissions": permission });
    let created = aws.call("ec2", "AuthorizeSecurityGroupIngress", rule).await;
    let id = &created["securityGroupRuleSet"][0]["securityGroupRuleId"];
    aws.call("ec2", "CreateTags", json!({ "ResourceId": [id], "Tag": [{ "Key": "team", "Value": "web" }] })).await;
    let by_tag = json!({ "Filter": [{ "Name": "tag:team", "Value": ["web"] }] });
    let described = aws.call("ec2", "DescribeSecurityGroupRules", by_tag).await;
    assert_eq!(described["securityGroupRuleSet"][0]["tagSet"], json!([{ "key": "team", "value": "web" }]));
    let tag = json!({ "resourceId": id, "resourceType": "security-group-rule", "key": "team", "value": "web" });
    assert_eq!(aws.call("ec2", "DescribeTags", json!({})).await["tagSet"], json!([tag]));
    aws.call("ec2", "DeleteTags", json!({ "ResourceId": [id] })).await;
    assert_eq!(aws.call("ec2", "DescribeTags", json!({})).await["tagSet"], json!([]));

    let absent = "sgr-00000000000000000";
    let message = format!("The security group rule ID '{absent}' does not exist");
    for (operation, input) in [
        ("CreateTags", json!({ "ResourceId": [absent], "Tag": [{ "Key": "team" }] })),
        ("DescribeSecurityGroupRules", json!({ "SecurityGroupRuleId": [absent] })),
    ] {
        let refused = aws.refusal("ec2", operation, input).await;
        assert_eq!(refused, ("InvalidSecurityGroupRuleId.NotFound".to_owned(), message.clone()), "{operation}");
    }
    let of_group = |id: &str| json!({ "Filter": [{ "Name": "group-id", "Value": [id] }] });
    let refused = aws.refusal("ec2", "DescribeSecurityGroupRules", of_group("foobar")).await;
    let message = "The security group ID 'foobar' is malformed";
    assert_eq!(refused, ("InvalidGroupId.Malformed".to_owned(), message.to_owned()));
    let none = aws.call("ec2", "DescribeSecurityGroupRules", of_group("sg-00000000000000000")).await;
    assert_eq!(none["securityGroupRuleSet"], json!([]));
}

#[tokio::test]
async fn a_region_has_its_zones_and_its_partition() {
    let aws = InProcess::in_region("us-gov-west-1");
    let zones = aws.call("ec2", "DescribeAvailabilityZones", json!({ "ZoneId": ["usgw1-az2"] })).await;
    assert_eq!(zones["availabilityZoneInfo"][0]["zoneName"], "us-gov-west-1b");
    let vpc = aws.call("ec2", "CreateVpc", json!({ "CidrBlock": "10.0.0.0/16" })).await;
    let subnet = json!({ "VpcId": vpc["vpc"]["vpcId"], "CidrBlock": "10.0.0.0/24", "AvailabilityZoneId": "usgw1-az3" });
    let subnet = aws.call("ec2", "CreateSubnet", subnet).await["subnet"].clone();
    let arn = subnet["subnetArn"].as_str().unwrap_or_default();
    assert!(arn.starts_with("arn:aws-us-gov:ec2:us-gov-west-1:123456789012:subnet/"), "{arn}");
    assert_eq!(subnet["availabilityZone"], "us-gov-west-1c");
    assert_eq!(subnet["privateDnsNameOptionsOnLaunch"]["hostnameType"], "ip-name");
    let policy = "arn:aws-us-gov:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
    assert_eq!(aws.call("iam", "GetPolicy", json!({ "PolicyArn": policy })).await["Policy"]["Arn"], policy);
    let attribute = json!({ "VpcId": vpc["vpc"]["vpcId"], "Attribute": "enableNetworkAddressUsageMetrics" });
    let attribute = aws.call("ec2", "DescribeVpcAttribute", attribute).await;
    assert_eq!(attribute["enableNetworkAddressUsageMetrics"]["value"], false);
    let regions = async |all: bool| aws.call("ec2", "DescribeRegions", json!({ "AllRegions": all })).await;
    assert_eq!(regions(false).await["regionInfo"].as_array().map(Vec::len), Some(1));
    let all = regions(true).await;
    assert_eq!(
        (&all["regionInfo"][0]["optInStatus"], &all["regionInfo"][1]["optInStatus"]),
        (&"not-opted-in".into(), &"opt-in-not-required".into())
    );
}
