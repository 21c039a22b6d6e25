//! `AWS::EC2::VPC`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    HandlerContext, HandlerOutput, PhysicalResource, ResourceType, Tag, resource_type, retag, tag_specification,
    tags_of, text,
};
use crate::Fault;

pub(super) const TYPE: ResourceType = resource_type!(
    "AWS::EC2::VPC",
    attributes: ["VpcId", "CidrBlock", "DefaultSecurityGroup", "CidrBlockAssociations"],
    create_only: ["InstanceTenancy"],
    create, update, delete
);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct VpcProperties {
    cidr_block: String,
    enable_dns_hostnames: Option<bool>,
    enable_dns_support: Option<bool>,
    instance_tenancy: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

async fn create(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let vpc: VpcProperties = context.properties(properties)?;
    let input = json!({
        "CidrBlock": vpc.cidr_block,
        "InstanceTenancy": vpc.instance_tenancy,
        "TagSpecification": tag_specification(&context, "vpc", &vpc.tags),
    });
    let response = context.call("ec2", "CreateVpc", input).await?;
    let id = text(&response, "/vpc/vpcId");
    set_dns(&context, id, &vpc).await?;
    let filters = json!([{ "Name": "vpc-id", "Value": [id] }, { "Name": "group-name", "Value": ["default"] }]);
    let groups = context.call("ec2", "DescribeSecurityGroups", json!({ "Filter": filters })).await?;
    let attributes = json!({
        "VpcId": id,
        "CidrBlock": text(&response, "/vpc/cidrBlock"),
        "DefaultSecurityGroup": text(&groups, "/securityGroupInfo/0/groupId"),
        "CidrBlockAssociations": [text(&response, "/vpc/cidrBlockAssociationSet/0/associationId")],
    });
    Ok(HandlerOutput::new(id, attributes))
}

async fn set_dns(context: &HandlerContext, id: &str, vpc: &VpcProperties) -> Result<(), Fault> {
    for (member, value) in
        [("EnableDnsSupport", vpc.enable_dns_support), ("EnableDnsHostnames", vpc.enable_dns_hostnames)]
    {
        if let Some(value) = value {
            let input = json!({ "VpcId": id, member: { "Value": value } });
            context.call("ec2", "ModifyVpcAttribute", input).await?;
        }
    }
    Ok(())
}

async fn update(context: HandlerContext, old: PhysicalResource, properties: Value) -> Result<HandlerOutput, Fault> {
    let vpc: VpcProperties = context.properties(properties)?;
    set_dns(&context, &old.physical_id, &vpc).await?;
    retag(&context, &old.physical_id, &tags_of(&old.properties), &vpc.tags).await?;
    Ok(HandlerOutput::from(&old))
}

async fn delete(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ec2", "DeleteVpc", json!({ "VpcId": old.physical_id })).await.map(drop)
}
