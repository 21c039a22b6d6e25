//! `AWS::EC2::SecurityGroup` and `::SecurityGroupIngress`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    HandlerContext, HandlerOutput, PhysicalResource, ResourceType, Tag, resource_type, retag, tag_specification,
    tags_of, text,
};
use crate::Fault;

pub(super) const GROUP: ResourceType = resource_type!(
    "AWS::EC2::SecurityGroup",
    attributes: ["GroupId", "Id", "VpcId"],
    create_only: [],
    create, update, delete
);
/// An inbound rule of a group.
pub(super) const INGRESS: ResourceType = resource_type!(
    "AWS::EC2::SecurityGroupIngress", attributes: ["Id"], create_only: [], create_ingress, describe_ingress, delete_ingress
);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SecurityGroupProperties {
    group_description: String,
    group_name: Option<String>,
    vpc_id: Option<String>,
    #[serde(default)]
    security_group_egress: Vec<Rule>,
    #[serde(default)]
    security_group_ingress: Vec<Rule>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Rule {
    ip_protocol: String,
    from_port: Option<i64>,
    to_port: Option<i64>,
    cidr_ip: Option<String>,
    source_security_group_id: Option<String>,
    destination_security_group_id: Option<String>,
    description: Option<String>,
}

impl Rule {
    fn permission(&self) -> Value {
        let range = |cidr: &String| json!([{ "CidrIp": cidr, "Description": self.description }]);
        let pair = |group: &String| json!([{ "GroupId": group, "Description": self.description }]);
        json!({
            "IpProtocol": self.ip_protocol,
            "FromPort": self.from_port,
            "ToPort": self.to_port,
            "IpRanges": self.cidr_ip.as_ref().map(range),
            "Groups": self.source_security_group_id.as_ref().or(self.destination_security_group_id.as_ref()).map(pair),
        })
    }
}

/// The egress rule of a group without rules in the template.
fn allow_all() -> Rule {
    let [from_port, to_port] = [None; 2];
    let [source_security_group_id, destination_security_group_id, description] = [None, None, None];
    let (ip_protocol, cidr_ip) = ("-1".to_owned(), Some("0.0.0.0/0".to_owned()));
    Rule {
        ip_protocol,
        from_port,
        to_port,
        cidr_ip,
        source_security_group_id,
        destination_security_group_id,
        description,
    }
}

async fn call_rules(context: &HandlerContext, operation: &str, group: &str, rules: &[Rule]) -> Result<Value, Fault> {
    if rules.is_empty() {
        return Ok(Value::Null);
    }
    let permissions: Vec<Value> = rules.iter().map(Rule::permission).collect();
    context.call("ec2", operation, json!({ "GroupId": group, "IpPermissions": permissions })).await
}

async fn create(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let group: SecurityGroupProperties = context.properties(properties)?;
    let input = json!({
        "GroupName": group.group_name.clone().unwrap_or_else(|| context.generated_name(255)),
        "GroupDescription": group.group_description,
        "VpcId": group.vpc_id,
        "TagSpecification": tag_specification(&context, "security-group", &group.tags),
    });
    let response = context.call("ec2", "CreateSecurityGroup", input).await?;
    let id = text(&response, "/groupId");
    replace_egress(&context, id, &[], &group.security_group_egress).await?;
    call_rules(&context, "AuthorizeSecurityGroupIngress", id, &group.security_group_ingress).await?;
    let described = context.call("ec2", "DescribeSecurityGroups", json!({ "GroupId": [id] })).await?;
    let created = &described["securityGroupInfo"][0];
    // The physical id of a group whose VPC is the default one is its name (recorded: localstack's test_ec2_security_group_id_with_vpc).
    let physical_id = if group.vpc_id.is_some() { id } else { text(created, "/groupName") };
    Ok(HandlerOutput::new(physical_id, json!({ "GroupId": id, "Id": id, "VpcId": created["vpcId"] })))
}

fn group_id(group: &PhysicalResource) -> &str {
    group.attributes.get("GroupId").and_then(Value::as_str).unwrap_or(&group.physical_id)
}

/// A group without egress rules in the template allows all outbound traffic.
async fn replace_egress(context: &HandlerContext, id: &str, before: &[Rule], after: &[Rule]) -> Result<(), Fault> {
    let default = [allow_all()];
    let old = if before.is_empty() { &default[..] } else { before };
    let new = if after.is_empty() { &default[..] } else { after };
    call_rules(context, "RevokeSecurityGroupEgress", id, old).await?;
    call_rules(context, "AuthorizeSecurityGroupEgress", id, new).await.map(drop)
}

async fn update(context: HandlerContext, old: PhysicalResource, properties: Value) -> Result<HandlerOutput, Fault> {
    let (before, after): (SecurityGroupProperties, SecurityGroupProperties) =
        (context.properties(old.properties.clone())?, context.properties(properties)?);
    let id = group_id(&old);
    replace_egress(&context, id, &before.security_group_egress, &after.security_group_egress).await?;
    call_rules(&context, "RevokeSecurityGroupIngress", id, &before.security_group_ingress).await?;
    call_rules(&context, "AuthorizeSecurityGroupIngress", id, &after.security_group_ingress).await?;
    retag(&context, id, &tags_of(&old.properties), &after.tags).await?;
    Ok(HandlerOutput::from(&old))
}

async fn delete(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ec2", "DeleteSecurityGroup", json!({ "GroupId": group_id(&old) })).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct IngressProperties {
    group_id: String,
    ip_protocol: String,
    from_port: Option<i64>,
    to_port: Option<i64>,
    cidr_ip: Option<String>,
    source_security_group_id: Option<String>,
    description: Option<String>,
}

impl IngressProperties {
    fn split(self) -> (String, Rule) {
        let Self { group_id, ip_protocol, from_port, to_port, cidr_ip, source_security_group_id, description } = self;
        let destination_security_group_id = None;
        let rule = Rule {
            ip_protocol,
            from_port,
            to_port,
            cidr_ip,
            source_security_group_id,
            destination_security_group_id,
            description,
        };
        (group_id, rule)
    }
}

async fn create_ingress(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let (group, rule) = context.properties::<IngressProperties>(properties)?.split();
    let response = call_rules(&context, "AuthorizeSecurityGroupIngress", &group, &[rule]).await?;
    let id = text(&response, "/securityGroupRuleSet/0/securityGroupRuleId");
    Ok(HandlerOutput::new(id, json!({ "Id": id })))
}

/// Everything but the description is create-only.
async fn describe_ingress(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    let IngressProperties { group_id, description, .. } = context.properties(properties)?;
    let rule = json!({ "SecurityGroupRuleId": old.physical_id, "Description": description });
    let input = json!({ "GroupId": group_id, "SecurityGroupRuleDescription": [rule] });
    context.call("ec2", "UpdateSecurityGroupRuleDescriptionsIngress", input).await?;
    Ok(HandlerOutput::from(&old))
}

async fn delete_ingress(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let (group, rule) = context.properties::<IngressProperties>(old.properties)?.split();
    call_rules(&context, "RevokeSecurityGroupIngress", &group, &[rule]).await.map(drop)
}
