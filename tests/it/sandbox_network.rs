//! EC2's records in the sandbox: look-ups in pages, and routes that are replaced.
#![cfg(unix)]

use serde_json::json;

use crate::inside::Inside;

#[tokio::test]
async fn networks_are_looked_up_in_pages_and_without_virtual_private_gateways() {
    let aws = Inside::new();
    for cidr in ["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16"] {
        let tags = json!([{ "ResourceType": "vpc", "Tag": [{ "Key": "Name", "Value": format!("net-{cidr}") }] }]);
        aws.call("ec2", "CreateVpc", json!({ "CidrBlock": cidr, "TagSpecification": tags })).await;
    }
    let mut ask = json!({ "Filter": [{ "Name": "tag:Name", "Value": ["net-10.*"] }], "MaxResults": "2" });
    let first = aws.call("ec2", "DescribeVpcs", ask.clone()).await;
    assert_eq!(first["vpcSet"].as_array().map(Vec::len), Some(2));
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
    let aws = Inside::new();
    let made = aws.call("ec2", "CreateVpc", json!({ "CidrBlock": "10.0.0.0/16" })).await;
    let vpc = &made["vpc"]["vpcId"];
    let subnet = aws.call("ec2", "CreateSubnet", json!({ "VpcId": vpc, "CidrBlock": "10.0.0.0/24" })).await;
    let table = async || {
        let made = aws.call("ec2", "CreateRouteTable", json!({ "VpcId": vpc })).await;
        made["routeTable"]["routeTableId"].clone()
    };
    let (one, two) = (table().await, table().await);
    let associate = json!({ "RouteTableId": one, "SubnetId": subnet["subnet"]["subnetId"] });
    let association = aws.call("ec2", "AssociateRouteTable", associate).await["associationId"].clone();
    let move_it = json!({ "AssociationId": association, "RouteTableId": two });
    aws.call("ec2", "ReplaceRouteTableAssociation", move_it.clone()).await;
    assert_eq!(aws.refusal("ec2", "ReplaceRouteTableAssociation", move_it).await.0, "InvalidAssociationID.NotFound");
    let (code, _) = aws.refusal("ec2", "DeleteRouteTable", json!({ "RouteTableId": two })).await;
    assert_eq!(code, "DependencyViolation");
    aws.call("ec2", "DeleteRouteTable", json!({ "RouteTableId": one })).await;
    let gateway = aws.call("ec2", "CreateInternetGateway", json!({})).await;
    let route = json!({
        "RouteTableId": two,
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": gateway["internetGateway"]["internetGatewayId"],
    });
    let (code, message) = aws.refusal("ec2", "ReplaceRoute", route.clone()).await;
    assert_eq!(code, "InvalidParameterValue", "{message}");
    aws.call("ec2", "CreateRoute", route.clone()).await;
    aws.call("ec2", "ReplaceRoute", route).await;
}
