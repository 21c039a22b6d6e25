//! The workshop's base stack: VPC, cluster, namespace, security group, the instance for load tests, and the exports that services import.

use serde_json::{Value, json};

use super::stack_builder::{Attributes, StackBuilder};
use super::{SynthError, principal};
use crate::stack::construct::ConstructPath;
use crate::stack::resources::instance::{InstanceReferences, instance};
use crate::stack::resources::network::Gateway;
use crate::stack::resources::{arn, cloud_map, ecs_service, iam, network};
use crate::stack::spec::{CdkVersion, Cidr, PlatformStack, Protocol, VPC_ID};
use crate::stack::template::Template;

/// The maximum number of availability zones of the platform; the default of the CDK's VPC.
const MAX_ZONES: usize = 3;
/// The public parameter with the current Amazon Linux image.
const IMAGE_PARAMETER: &str = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
/// Installs ApacheBench, which is in httpd-tools. Amazon Linux 2023 has no package of siege.
const USER_DATA: &str = "#!/bin/bash\ndnf install -y httpd-tools\n";

/// Logical ids of resources of a platform stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformIds {
    pub vpc: String,
    /// Public subnets, one per availability zone of up to three.
    pub public_subnets: Vec<String>,
    /// Private subnets, one per availability zone of up to three.
    pub private_subnets: Vec<String>,
}

/// The logical ids of a platform stack's resources.
pub fn platform_ids(stack: &PlatformStack) -> PlatformIds {
    let root = ConstructPath::stack(&stack.name);
    let vpc = root.child(VPC_ID);
    let subnets = |group: &str| {
        let subnet = |number: usize| vpc.child(&format!("{group}Subnet{number}")).child("Subnet").logical_id();
        (1..=MAX_ZONES).map(subnet).collect()
    };
    PlatformIds {
        vpc: vpc.child("Resource").logical_id(),
        public_subnets: subnets("Public"),
        private_subnets: subnets("Private"),
    }
}

/// A subnet, with the logical ids that other resources refer to.
struct SynthesizedSubnet {
    path: ConstructPath,
    zone: String,
    id: String,
    route_table: String,
    association: String,
}

pub(super) fn synth(
    platform: &PlatformStack,
    cdk_version: CdkVersion,
    region: &str,
    zones: &[String],
) -> Result<Template, SynthError> {
    let zones = &zones[..zones.len().min(MAX_ZONES)];
    let count = u8::try_from(2 * zones.len()).unwrap_or(u8::MAX);
    let cidrs = platform
        .cidr
        .subnets(count)
        .ok_or_else(|| SynthError::NetworkTooSmall { cidr: platform.cidr.to_string(), subnets: count })?;
    let mut network = Network { stack: StackBuilder::new(&platform.name, cdk_version), cdk_version };
    let (vpc, first_subnet) = network.add(platform.cidr, zones, &cidrs);
    let mut stack = network.stack;
    let (group, outputs) = add_shared_resources(&mut stack, platform, &vpc);
    let instance = match first_subnet {
        Some(subnet) if platform.stress_tool => {
            let principal = principal::ec2(cdk_version, region);
            Some(add_stress_tool(&mut stack, &platform.name, &subnet, &group, &principal))
        }
        _ => None,
    };
    for (id, value, export) in outputs {
        stack.add_output(id, &value, Some(export));
    }
    if let Some(instance) = instance {
        stack.add_output("StressToolEc2Id", &json!({ "Ref": instance }), None);
        stack.add_output("StressToolEc2Ip", &json!({ "Fn::GetAtt": [instance, "PrivateIp"] }), None);
    }
    Ok(stack.finish())
}

struct Network {
    stack: StackBuilder,
    cdk_version: CdkVersion,
}

impl Network {
    /// Adds the VPC and returns a reference to it and its first private subnet.
    fn add(&mut self, cidr: Cidr, zones: &[String], cidrs: &[Cidr]) -> (Value, Option<SynthesizedSubnet>) {
        let path = self.stack.child(VPC_ID);
        let name = path.to_string();
        let id = self.stack.add(&path.child("Resource"), network::vpc(cidr, &name));
        let vpc = json!({ "Ref": id });
        let gateway = path.child("IGW");
        let attachment = path.child("VPCGW");
        let (public_cidrs, private_cidrs) = cidrs.split_at(zones.len());
        let mut nat_gateways = Vec::new();
        for (at, (zone, cidr)) in zones.iter().zip(public_cidrs).enumerate() {
            let subnet = self.add_subnet(&path.child(&format!("PublicSubnet{}", at + 1)), zone, *cidr, "Public", &vpc);
            let route = network::default_route(&subnet.route_table, Gateway::Internet(&gateway.logical_id()));
            let attached = Attributes { depends_on: vec![attachment.logical_id()], ..Attributes::default() };
            let route = self.stack.add_with(&subnet.path.child("DefaultRoute"), route, attached);
            nat_gateways.push(self.add_nat_gateway(&subnet, route));
        }
        let mut first = None;
        for (at, ((zone, cidr), nat)) in zones.iter().zip(private_cidrs).zip(nat_gateways).enumerate() {
            let subnet =
                self.add_subnet(&path.child(&format!("PrivateSubnet{}", at + 1)), zone, *cidr, "Private", &vpc);
            let route = network::default_route(&subnet.route_table, Gateway::Nat(&nat));
            self.stack.add(&subnet.path.child("DefaultRoute"), route);
            first.get_or_insert(subnet);
        }
        let gateway_id = self.stack.add(&gateway, network::internet_gateway(&name));
        self.stack.add(&attachment, network::gateway_attachment(&gateway_id, &vpc));
        (vpc, first)
    }

    fn add_subnet(
        &mut self,
        path: &ConstructPath,
        zone: &str,
        cidr: Cidr,
        group: &str,
        vpc: &Value,
    ) -> SynthesizedSubnet {
        let name = path.to_string();
        let id = self.stack.add(&path.child("Subnet"), network::subnet(zone, cidr, group, &name, vpc));
        let route_table = self.stack.add(&path.child("RouteTable"), network::route_table(&name, vpc));
        let association = network::route_table_association(&route_table, &id);
        let association = self.stack.add(&path.child("RouteTableAssociation"), association);
        SynthesizedSubnet { path: path.clone(), zone: zone.to_owned(), id, route_table, association }
    }

    fn add_nat_gateway(&mut self, subnet: &SynthesizedSubnet, route: String) -> String {
        let name = subnet.path.to_string();
        let address = self.stack.add(&subnet.path.child("EIP"), network::elastic_ip(&name));
        let depends_on = match self.cdk_version {
            CdkVersion::V1 => Vec::new(),
            CdkVersion::V2 => vec![route, subnet.association.clone()],
        };
        let gateway = network::nat_gateway(&address, &subnet.id, &name);
        let attributes = Attributes { depends_on, ..Attributes::default() };
        self.stack.add_with(&subnet.path.child("NATGateway"), gateway, attributes)
    }
}

/// The export names of the platform.
pub(in crate::stack) const EXPORTS: [&str; 7] =
    ["NSARN", "NSNAME", "NSID", "SecGrpId", "ECSClusterName", "ECSSecGrpList", "ServicesSecGrp"];

/// The export names of the security group's id.
pub(in crate::stack) const GROUP_EXPORTS: [&str; 2] = ["SecGrpId", "ServicesSecGrp"];

type Outputs = [(&'static str, Value, &'static str); EXPORTS.len()];

/// Adds cluster, namespace and security group; returns the security group's id and the exported outputs.
fn add_shared_resources(stack: &mut StackBuilder, platform: &PlatformStack, vpc: &Value) -> (Value, Outputs) {
    let path = stack.child("ECSCluster");
    let cluster = ecs_service::cluster(&platform.cluster_name, platform.container_insights);
    let cluster = stack.add(&path.child("Resource"), cluster);
    let path = path.child("DefaultServiceDiscoveryNamespace").child("Resource");
    let namespace = stack.add(&path, cloud_map::namespace(&platform.namespace, vpc));

    let path = stack.child("FrontendToBackendSecurityGroup").child("Resource");
    let description = "Security group for frontend service to talk to backend services";
    let group = stack.add(&path, network::security_group(description, vpc));
    let group = json!({ "Fn::GetAtt": [group, "GroupId"] });
    for port in &platform.ports {
        let protocol = match port.protocol {
            Protocol::Tcp => "",
            Protocol::Udp => "UDP",
        };
        let path = stack.child(&format!("InboundSecGrp{}{protocol}", port.number));
        stack.add(&path, network::security_group_ingress(*port, &group));
    }

    let values = [
        ("NSArn", json!({ "Fn::GetAtt": [namespace, "Arn"] })),
        ("NSName", json!(platform.namespace)),
        ("NSId", json!({ "Fn::GetAtt": [namespace, "Id"] })),
        ("FE2BESecGrp", group.clone()),
        ("ECSClusterName", json!({ "Ref": cluster })),
        ("ECSClusterSecGrp", json!("[]")),
        ("ServicesSecGrp", group.clone()),
    ];
    let mut exports = EXPORTS.into_iter();
    let outputs = values.map(|(id, value)| (id, value, exports.next().unwrap_or_default()));
    (group, outputs)
}

/// Adds the instance that load tests run from and returns its logical id. `principal` is EC2's.
fn add_stress_tool(
    stack: &mut StackBuilder,
    name: &str,
    subnet: &SynthesizedSubnet,
    group: &Value,
    principal: &Value,
) -> String {
    let managed = [arn(":iam::aws:policy/service-role/AmazonEC2RoleforSSM")];
    let path = stack.child("InstanceSSM").child("Resource");
    let role = stack.add(&path, iam::role(principal, &managed));
    let construct = stack.child("Instance");
    let profile = stack.add(&construct.child("InstanceProfile"), iam::instance_profile(&role));
    let image = stack.add_public_parameter("AWS::EC2::Image::Id", IMAGE_PARAMETER);
    let references = InstanceReferences {
        availability_zone: &subnet.zone,
        profile: &profile,
        image: &image,
        security_group: group,
        subnet: &subnet.id,
    };
    let instance = instance(&format!("{name}-stresstool"), USER_DATA, &references);
    let after_role = Attributes { depends_on: vec![role], ..Attributes::default() };
    stack.add_with(&construct.child("Resource"), instance, after_role)
}
