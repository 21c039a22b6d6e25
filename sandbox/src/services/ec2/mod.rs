//! Amazon EC2, as far as stacks need it: records of networks and instances, without any real network.
//!
//! Every resource is stored in the form of its response, so that all Describe operations are one function over a table
//! of resource kinds ([`resource_kinds`]).

use serde_json::Value;

use self::security_groups::Direction;
pub(crate) use self::security_groups::rule_ids::assign_missing_rule_ids;
use crate::core::{AwsService, operation};
use crate::protocol::Protocol;
use crate::store::table::state;

mod cidr;
mod describe_operations;
mod describe_regions;
mod elastic_ips;
mod gateways;
mod ignored_members;
mod instances;
mod records;
mod resource_kinds;
mod route_replacement;
mod routes;
mod security_groups;
mod subnets;
mod tags;
mod vpcs;

state! {
    pub struct State {
        /// Every resource by its id, in the form of its response.
        pub records: Table<Value> = "ec2.records",
    }
}

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: "ec2",
    protocols: &[Protocol::Ec2Query { version: "2016-11-15", xmlns: "http://ec2.amazonaws.com/doc/2016-11-15/" }],
    validation_code: "MissingParameter",
    owner_only: false,
    input_hook: Some(ignored_members::remove_ignored_members),
    operations: &[
        operation!("DescribeAvailabilityZones" => describe_regions::describe_zones),
        operation!("DescribeRegions" => describe_regions::describe_regions),
        operation!("CreateTags" => tags::create),
        operation!("DeleteTags" => tags::delete),
        operation!("DescribeTags" => tags::describe),
        operation!("CreateVpc" => vpcs::create),
        operation!("ModifyVpcAttribute" => vpcs::modify_attribute),
        operation!("DescribeVpcAttribute" => vpcs::describe_attribute),
        operation!("DescribeVpcs" => |sandbox, input| describe_operations::describe(sandbox, &resource_kinds::VPC, &input)),
        operation!("DeleteVpc" => vpcs::delete),
        operation!("CreateSubnet" => subnets::create),
        operation!("ModifySubnetAttribute" => subnets::modify_attribute),
        operation!("DescribeSubnets" => |sandbox, input| describe_operations::describe(sandbox, &resource_kinds::SUBNET, &input)),
        operation!("DeleteSubnet" => subnets::delete),
        operation!("CreateRouteTable" => routes::create_table),
        operation!("AssociateRouteTable" => routes::associate),
        operation!("DisassociateRouteTable" => routes::disassociate),
        operation!("CreateRoute" => routes::create),
        operation!("DeleteRoute" => routes::delete),
        operation!("ReplaceRoute" => route_replacement::route),
        operation!("ReplaceRouteTableAssociation" => route_replacement::association),
        operation!("DescribeRouteTables" => |sandbox, input| describe_operations::describe(sandbox, &resource_kinds::ROUTE_TABLE, &input)),
        operation!("DeleteRouteTable" => routes::delete_table),
        operation!("CreateInternetGateway" => gateways::create_internet),
        operation!("AttachInternetGateway" => gateways::attach_internet),
        operation!("DetachInternetGateway" => gateways::detach_internet),
        operation!("DescribeInternetGateways" => |sandbox, input| {
            describe_operations::describe(sandbox, &resource_kinds::INTERNET_GATEWAY, &input)
        }),
        operation!("DeleteInternetGateway" => gateways::delete_internet),
        operation!("CreateNatGateway" => gateways::create_nat),
        operation!("DescribeNatGateways" => |sandbox, input| describe_operations::describe(sandbox, &resource_kinds::NAT_GATEWAY, &input)),
        operation!("DeleteNatGateway" => gateways::delete_nat),
        operation!("DescribeVpnGateways" => |sandbox, input| describe_operations::describe(sandbox, &resource_kinds::VPN_GATEWAY, &input)),
        operation!("AllocateAddress" => elastic_ips::allocate),
        operation!("DescribeAddresses" => |sandbox, input| describe_operations::describe(sandbox, &resource_kinds::ADDRESS, &input)),
        operation!("ReleaseAddress" => elastic_ips::release),
        operation!("CreateSecurityGroup" => security_groups::create),
        operation!("AuthorizeSecurityGroupIngress" => |sandbox, input| {
            security_groups::authorize(sandbox, Direction::Ingress, input)
        }),
        operation!("AuthorizeSecurityGroupEgress" => |sandbox, input| {
            security_groups::authorize(sandbox, Direction::Egress, input)
        }),
        operation!("RevokeSecurityGroupIngress" => |sandbox, input| {
            security_groups::revoke(sandbox, Direction::Ingress, input)
        }),
        operation!("RevokeSecurityGroupEgress" => |sandbox, input| {
            security_groups::revoke(sandbox, Direction::Egress, input)
        }),
        operation!("UpdateSecurityGroupRuleDescriptionsIngress" => security_groups::update_ingress_descriptions),
        operation!("DescribeSecurityGroups" => security_groups::describe),
        operation!("DescribeSecurityGroupRules" => security_groups::describe_rules),
        operation!("DeleteSecurityGroup" => security_groups::delete),
        operation!("RunInstances" => instances::run),
        operation!("DescribeInstances" => instances::describe),
        operation!("TerminateInstances" => instances::terminate),
    ],
};
