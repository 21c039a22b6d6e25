//! The resource types that we emit: one file each, with the properties that a spec gives them, and one row each in [`TYPES`].

use serde_json::{Value, json};

use super::spec::Reference;

pub(super) mod autoscaling_policy;
pub(super) mod autoscaling_target;
pub(super) mod ec2_eip;
pub(super) mod ec2_gateway_attachment;
pub(super) mod ec2_instance;
pub(super) mod ec2_internet_gateway;
pub(super) mod ec2_nat_gateway;
pub(super) mod ec2_route;
pub(super) mod ec2_route_table;
pub(super) mod ec2_route_table_association;
pub(super) mod ec2_security_group;
pub(super) mod ec2_security_group_ingress;
pub(super) mod ec2_subnet;
pub(super) mod ec2_vpc;
pub(super) mod ecs_cluster;
pub(super) mod ecs_service;
pub(super) mod ecs_task_definition;
pub(super) mod iam_instance_profile;
pub(super) mod iam_managed_policy;
pub(super) mod iam_policy;
pub(super) mod iam_role;
pub(super) mod logs_log_group;
pub(super) mod servicediscovery_namespace;
pub(super) mod servicediscovery_service;

/// What is known of a resource type besides how it is emitted.
#[derive(Debug)]
pub struct ResourceType {
    /// CloudFormation's name of the type.
    pub name: &'static str,
    /// Properties that the first generation of the CDK writes before the others.
    pub required_first: &'static [&'static str],
}

/// Every type that we emit.
pub const TYPES: &[ResourceType] = &[
    autoscaling_policy::TYPE,
    autoscaling_target::TYPE,
    ec2_eip::TYPE,
    ec2_gateway_attachment::TYPE,
    ec2_instance::TYPE,
    ec2_internet_gateway::TYPE,
    ec2_nat_gateway::TYPE,
    ec2_route::TYPE,
    ec2_route_table::TYPE,
    ec2_route_table_association::TYPE,
    ec2_security_group::TYPE,
    ec2_security_group_ingress::TYPE,
    ec2_subnet::TYPE,
    ec2_vpc::TYPE,
    ecs_cluster::TYPE,
    ecs_service::TYPE,
    ecs_task_definition::TYPE,
    iam_instance_profile::TYPE,
    iam_managed_policy::TYPE,
    iam_policy::TYPE,
    iam_role::TYPE,
    logs_log_group::TYPE,
    servicediscovery_namespace::TYPE,
    servicediscovery_service::TYPE,
];

/// The row of a type by CloudFormation's name.
pub fn find(name: &str) -> Option<&'static ResourceType> {
    TYPES.iter().find(|row| row.name == name)
}

/// The only version of IAM's policy language in use.
const POLICY_VERSION: &str = "2012-10-17";

/// The value of a reference to the platform.
pub(super) fn imported(reference: &Reference) -> Value {
    match reference {
        Reference::Import(name) => json!({ "Fn::ImportValue": name }),
        Reference::Literal(value) => json!(value),
    }
}

/// An ARN in the stack's partition; `rest` begins at the colon after it.
pub(super) fn arn(rest: &str) -> Value {
    join(&[json!("arn:"), json!({ "Ref": "AWS::Partition" }), json!(rest)])
}

fn join(parts: &[Value]) -> Value {
    json!({ "Fn::Join": ["", parts] })
}

fn name_tag(name: &str) -> Value {
    json!([{ "Key": "Name", "Value": name }])
}

/// Empty lists are left out of templates.
fn unless_empty(items: &[Value]) -> Option<&[Value]> {
    (!items.is_empty()).then_some(items)
}
