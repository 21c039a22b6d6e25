//! Security groups and their rules.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use super::nouns::{INSTANCE, SECURITY_GROUP, VPC};
use super::records::{self, TagSpecification, list};
use crate::sandbox::services::Reply;
use crate::sandbox::world::ids;
use crate::sandbox::{Fault, Sandbox};

/// A new group, with the rule that every group begins with: everything out.
pub fn record(owner: &str, vpc: &str, name: &str, description: &str, tags: Value) -> Value {
    json!({
        "groupId": ids::resource("sg"),
        "groupName": name,
        "groupDescription": description,
        "vpcId": vpc,
        "ownerId": owner,
        "ipPermissions": [],
        "ipPermissionsEgress": [{ "ipProtocol": "-1", "groups": [], "ipRanges": [{ "cidrIp": "0.0.0.0/0" }], "ipv6Ranges": [], "prefixListIds": [] }],
        "tagSet": tags,
    })
}

/// The input of `CreateSecurityGroup`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Create {
    group_name: String,
    group_description: String,
    vpc_id: String,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

/// `CreateSecurityGroup`.
pub fn create(sandbox: &Arc<Sandbox>, input: Create) -> Reply {
    let tags = records::tag_set(input.tag_specification);
    sandbox.world.write(|world| {
        let (name, vpc) = (&input.group_name, &input.vpc_id);
        records::get(&world.ec2, &VPC, vpc)?;
        let mut groups = world.ec2.records.with_prefix(SECURITY_GROUP.prefix);
        if groups.any(|(_, group)| group["vpcId"] == vpc.as_str() && group["groupName"] == name.as_str()) {
            let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
            return Err(Fault::client("InvalidGroup.Duplicate", message));
        }
        drop(groups);
        let group = record(&sandbox.config.account, vpc, name, &input.group_description, tags);
        let id = group["groupId"].as_str().unwrap_or_default().to_owned();
        world.ec2.records.insert(id.clone(), group);
        Ok(json!({ "return": true, "groupId": id }))
    })
}

/// The input of the operations on rules.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rules {
    group_id: String,
    #[serde(default)]
    ip_permissions: Vec<Permission>,
}

/// Rules for one protocol and range of ports.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Permission {
    ip_protocol: String,
    from_port: Option<i64>,
    to_port: Option<i64>,
    #[serde(default)]
    ip_ranges: Vec<IpRange>,
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IpRange {
    cidr_ip: String,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    group_id: String,
    description: Option<String>,
}

impl Permission {
    /// The permission in the form of an answer, with one source per element, so that each rule is compared by itself.
    fn rules(&self, owner: &str) -> Vec<Value> {
        let rule = |ranges: Value, groups: Value| {
            json!({
                "ipProtocol": self.ip_protocol.to_lowercase(),
                "fromPort": self.from_port,
                "toPort": self.to_port,
                "ipRanges": ranges,
                "groups": groups,
                "ipv6Ranges": [],
                "prefixListIds": [],
            })
        };
        let ranges = self
            .ip_ranges
            .iter()
            .map(|range| rule(json!([{ "cidrIp": range.cidr_ip, "description": range.description }]), json!([])));
        let groups = self.groups.iter().map(|group| {
            let pair = json!({ "userId": owner, "groupId": group.group_id, "description": group.description });
            rule(json!([]), json!([pair]))
        });
        ranges.chain(groups).collect()
    }
}

/// What makes two rules the same: everything but their descriptions.
fn identity(rule: &Value) -> (&Value, &Value, &Value, &Value, &Value) {
    let port = |member: &str| &rule[member];
    (
        &rule["ipProtocol"],
        port("fromPort"),
        port("toPort"),
        &rule["ipRanges"][0]["cidrIp"],
        &rule["groups"][0]["groupId"],
    )
}

/// `AuthorizeSecurityGroupIngress` and `AuthorizeSecurityGroupEgress`.
pub fn authorize(sandbox: &Arc<Sandbox>, member: &str, input: Rules) -> Reply {
    sandbox.world.write(|world| {
        for group in input.ip_permissions.iter().flat_map(|permission| &permission.groups) {
            records::get(&world.ec2, &SECURITY_GROUP, &group.group_id)?;
        }
        let rules = list(records::get_mut(&mut world.ec2, &SECURITY_GROUP, &input.group_id)?, member);
        for rule in input.ip_permissions.iter().flat_map(|permission| permission.rules(&sandbox.config.account)) {
            if rules.iter().any(|existing| identity(existing) == identity(&rule)) {
                let message = "the specified rule already exists";
                return Err(Fault::client("InvalidPermission.Duplicate", message));
            }
            rules.push(rule);
        }
        Ok(records::returned())
    })
}

/// `RevokeSecurityGroupIngress` and `RevokeSecurityGroupEgress`.
pub fn revoke(sandbox: &Arc<Sandbox>, member: &str, input: Rules) -> Reply {
    sandbox.world.write(|world| {
        let rules = list(records::get_mut(&mut world.ec2, &SECURITY_GROUP, &input.group_id)?, member);
        for rule in input.ip_permissions.iter().flat_map(|permission| permission.rules(&sandbox.config.account)) {
            let before = rules.len();
            rules.retain(|existing| identity(existing) != identity(&rule));
            if rules.len() == before {
                let message = "The specified rule does not exist in this security group.";
                return Err(Fault::client("InvalidPermission.NotFound", message));
            }
        }
        Ok(records::returned())
    })
}

/// The input of `DeleteSecurityGroup`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Delete {
    group_id: String,
}

/// `DeleteSecurityGroup`: refused while an instance or another group's rule uses it.
pub fn delete(sandbox: &Arc<Sandbox>, input: Delete) -> Reply {
    sandbox.world.write(|world| {
        let id = &input.group_id;
        if records::get(&world.ec2, &SECURITY_GROUP, id)?["groupName"] == "default" {
            return Err(Fault::client(
                "CannotDelete",
                format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"),
            ));
        }
        if is_in_use(&world.ec2, id) {
            return Err(Fault::client("DependencyViolation", format!("resource {id} has a dependent object")));
        }
        world.ec2.records.remove(id);
        Ok(json!({ "return": true, "groupId": id }))
    })
}

fn is_in_use(state: &State, id: &str) -> bool {
    let names_it = |value: &Value| value.as_array().is_some_and(|all| all.iter().any(|one| one["groupId"] == id));
    let has_rule = |group: &Value, member: &str| {
        group[member].as_array().is_some_and(|rules| rules.iter().any(|rule| names_it(&rule["groups"])))
    };
    let mut groups = state.records.with_prefix(SECURITY_GROUP.prefix).filter(|(other, _)| *other != id);
    let mut instances = state.records.with_prefix(INSTANCE.prefix);
    groups.any(|(_, group)| has_rule(group, "ipPermissions") || has_rule(group, "ipPermissionsEgress"))
        || instances
            .any(|(_, instance)| instance["instanceState"]["name"] != "terminated" && names_it(&instance["groupSet"]))
}
