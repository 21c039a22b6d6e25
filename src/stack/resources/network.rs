//! The platform's network: VPC, gateways, subnets, routes and security groups. A `name` is the Name tag, which the CDK sets to the
//! construct path.

use serde_json::{Value, json};

use super::{
    EIP, INTERNET_GATEWAY, NAT_GATEWAY, ROUTE, ROUTE_TABLE, Resource, SECURITY_GROUP, SECURITY_GROUP_INGRESS, SUBNET,
    SUBNET_ROUTE_TABLE_ASSOCIATION, VPC, VPC_GATEWAY_ATTACHMENT, name_tag, reference,
};
use crate::stack::spec::{Cidr, Port};

pub(in crate::stack) fn vpc(cidr: Cidr, name: &str) -> Resource {
    VPC.with(json!({
        "CidrBlock": cidr.to_string(),
        "EnableDnsHostnames": true,
        "EnableDnsSupport": true,
        "InstanceTenancy": "default",
        "Tags": name_tag(name),
    }))
}

pub(in crate::stack) fn internet_gateway(name: &str) -> Resource {
    INTERNET_GATEWAY.with(json!({ "Tags": name_tag(name) }))
}

/// `gateway` is a logical id.
pub(in crate::stack) fn gateway_attachment(gateway: &str, vpc: &Value) -> Resource {
    VPC_GATEWAY_ATTACHMENT.with(json!({ "InternetGatewayId": reference(gateway), "VpcId": vpc }))
}

/// A subnet of the group `group`, which is `Public` or `Private`.
pub(in crate::stack) fn subnet(zone: &str, cidr: Cidr, group: &str, name: &str, vpc: &Value) -> Resource {
    SUBNET.with(json!({
        "AvailabilityZone": zone,
        "CidrBlock": cidr.to_string(),
        "MapPublicIpOnLaunch": group == "Public",
        "Tags": [
            { "Key": "aws-cdk:subnet-name", "Value": group },
            { "Key": "aws-cdk:subnet-type", "Value": group },
            { "Key": "Name", "Value": name },
        ],
        "VpcId": vpc,
    }))
}

pub(in crate::stack) fn route_table(name: &str, vpc: &Value) -> Resource {
    ROUTE_TABLE.with(json!({ "Tags": name_tag(name), "VpcId": vpc }))
}

/// Route table and subnet are logical ids.
pub(in crate::stack) fn route_table_association(route_table: &str, subnet: &str) -> Resource {
    SUBNET_ROUTE_TABLE_ASSOCIATION
        .with(json!({ "RouteTableId": reference(route_table), "SubnetId": reference(subnet) }))
}

/// The target of a subnet's default route, by logical id.
#[derive(Clone, Copy)]
pub(in crate::stack) enum Gateway<'a> {
    Internet(&'a str),
    Nat(&'a str),
}

pub(in crate::stack) fn default_route(route_table: &str, gateway: Gateway<'_>) -> Resource {
    let (internet, nat) = match gateway {
        Gateway::Internet(id) => (Some(reference(id)), None),
        Gateway::Nat(id) => (None, Some(reference(id))),
    };
    ROUTE.with(json!({
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": internet,
        "NatGatewayId": nat,
        "RouteTableId": reference(route_table),
    }))
}

/// The Elastic IP address of a NAT gateway.
pub(in crate::stack) fn elastic_ip(name: &str) -> Resource {
    EIP.with(json!({ "Domain": "vpc", "Tags": name_tag(name) }))
}

/// Address and subnet are logical ids.
pub(in crate::stack) fn nat_gateway(address: &str, subnet: &str, name: &str) -> Resource {
    NAT_GATEWAY.with(json!({
        "AllocationId": { "Fn::GetAtt": [address, "AllocationId"] },
        "SubnetId": reference(subnet),
        "Tags": name_tag(name),
    }))
}

/// A security group that allows all outbound traffic.
pub(in crate::stack) fn security_group(description: &str, vpc: &Value) -> Resource {
    SECURITY_GROUP.with(json!({
        "GroupDescription": description,
        "SecurityGroupEgress": [
            { "CidrIp": "0.0.0.0/0", "Description": "Allow all outbound traffic by default", "IpProtocol": "-1" },
        ],
        "VpcId": vpc,
    }))
}

/// Allows the members of `group` to reach each other on a port.
pub(in crate::stack) fn security_group_ingress(port: Port, group: &Value) -> Resource {
    SECURITY_GROUP_INGRESS.with(json!({
        "FromPort": port.number,
        "GroupId": group,
        "IpProtocol": port.protocol.name().to_uppercase(),
        "SourceSecurityGroupId": group,
        "ToPort": port.number,
    }))
}
