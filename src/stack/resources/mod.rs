//! The resources that synth emits, with their properties from the spec. Each resource type has one row here.

use serde_json::{Value, json};

use super::spec::Reference;

pub(super) mod autoscaling;
pub(super) mod cloud_map;
pub(super) mod ecs_service;
pub(super) mod ecs_task_definition;
pub(super) mod iam;
pub(super) mod instance;
pub(super) mod network;

/// A CloudFormation resource type.
#[derive(Debug)]
pub(super) struct ResourceType {
    pub name: &'static str,
    /// Properties that the first generation of the CDK writes before the others.
    pub required_first: &'static [&'static str],
}

/// A resource's type and properties. Properties that are null are not written to the template.
pub(super) struct Resource {
    pub resource_type: ResourceType,
    pub properties: Value,
}

macro_rules! resource_types {
    ($($constant:ident = $name:literal, [$($property:literal),*];)*) => {
        $(const $constant: ResourceType = ResourceType { name: $name, required_first: &[$($property),*] };)*
    };
}

resource_types! {
    CLUSTER = "AWS::ECS::Cluster", [];
    EIP = "AWS::EC2::EIP", [];
    INSTANCE = "AWS::EC2::Instance", [];
    INSTANCE_PROFILE = "AWS::IAM::InstanceProfile", [];
    INTERNET_GATEWAY = "AWS::EC2::InternetGateway", [];
    LOG_GROUP = "AWS::Logs::LogGroup", [];
    MANAGED_POLICY = "AWS::IAM::ManagedPolicy", ["PolicyDocument"];
    NAMESPACE = "AWS::ServiceDiscovery::PrivateDnsNamespace", [];
    NAMESPACE_SERVICE = "AWS::ServiceDiscovery::Service", [];
    NAT_GATEWAY = "AWS::EC2::NatGateway", ["SubnetId"];
    POLICY = "AWS::IAM::Policy", [];
    ROLE = "AWS::IAM::Role", [];
    ROUTE = "AWS::EC2::Route", ["RouteTableId"];
    ROUTE_TABLE = "AWS::EC2::RouteTable", ["VpcId"];
    SCALABLE_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget", [];
    SCALING_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy", [];
    SECURITY_GROUP = "AWS::EC2::SecurityGroup", [];
    SECURITY_GROUP_INGRESS = "AWS::EC2::SecurityGroupIngress", ["IpProtocol"];
    SERVICE = "AWS::ECS::Service", [];
    SUBNET = "AWS::EC2::Subnet", ["VpcId"];
    SUBNET_ROUTE_TABLE_ASSOCIATION = "AWS::EC2::SubnetRouteTableAssociation", [];
    TASK_DEFINITION = "AWS::ECS::TaskDefinition", [];
    VPC = "AWS::EC2::VPC", [];
    VPC_GATEWAY_ATTACHMENT = "AWS::EC2::VPCGatewayAttachment", ["VpcId"];
}

impl ResourceType {
    fn with(self, properties: Value) -> Resource {
        Resource { resource_type: self, properties }
    }
}

/// The value of a reference to the platform.
pub(super) fn imported(reference: &Reference) -> Value {
    match reference {
        Reference::Import(name) => json!({ "Fn::ImportValue": name }),
        Reference::Literal(value) => json!(value),
    }
}

/// An ARN in the stack's partition; `rest` starts with the colon after it.
pub(super) fn arn(rest: &str) -> Value {
    join(&[json!("arn:"), json!({ "Ref": "AWS::Partition" }), json!(rest)])
}

fn reference(logical_id: &str) -> Value {
    json!({ "Ref": logical_id })
}

fn join(parts: &[Value]) -> Value {
    json!({ "Fn::Join": ["", parts] })
}

fn name_tag(name: &str) -> Value {
    json!([{ "Key": "Name", "Value": name }])
}

/// `None` for an empty list, which templates leave out.
fn unless_empty(items: &[Value]) -> Option<&[Value]> {
    (!items.is_empty()).then_some(items)
}
