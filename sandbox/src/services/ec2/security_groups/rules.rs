//! The rules of groups: each is kept by itself, with an id, and told in permissions that have what they share once.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::State;
use super::super::describe::{self, Describe};
use super::super::nouns::{SECURITY_GROUP, SECURITY_GROUP_RULE};
use super::super::records::{self, list};
use super::super::tags::{self, TagSpecification};
use super::permissions::{IpRange, Permission};
use super::{given_id, invalid, rule_ids};
use crate::base::ids;
use crate::core::Reply;
use crate::{Config, Fault, Sandbox};

/// Rules that a group may have in each direction (AWS's quota, as it is before anybody asks for more).
const MOST: usize = 60;

/// Which way the traffic of a rule goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    /// The member of a group that lists its permissions.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Ingress => "ipPermissions",
            Self::Egress => "ipPermissionsEgress",
        }
    }
}

/// The rule that lets everything out.
pub fn everything() -> Value {
    json!({
        "ruleId": ids::resource("sgr"),
        "ipProtocol": "-1",
        "groups": [],
        "ipRanges": [{ "cidrIp": "0.0.0.0/0" }],
        "ipv6Ranges": [],
        "prefixListIds": [],
    })
}

/// The input of `AuthorizeSecurityGroupIngress` and `AuthorizeSecurityGroupEgress`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Authorize {
    group_id: Option<String>,
    group_name: Option<String>,
    #[serde(default)]
    ip_permissions: Vec<Permission>,
    // One rule may be given without a permission around it.
    ip_protocol: Option<String>,
    from_port: Option<i64>,
    to_port: Option<i64>,
    cidr_ip: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

/// The input of `RevokeSecurityGroupIngress` and `RevokeSecurityGroupEgress`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Revoke {
    group_id: Option<String>,
    group_name: Option<String>,
    #[serde(default)]
    ip_permissions: Vec<Permission>,
    ip_protocol: Option<String>,
    from_port: Option<i64>,
    to_port: Option<i64>,
    cidr_ip: Option<String>,
    #[serde(default)]
    security_group_rule_id: Vec<String>,
}

/// The permission of the members that stand for one.
fn single(
    ip_protocol: Option<String>,
    from_port: Option<i64>,
    to_port: Option<i64>,
    cidr_ip: Option<String>,
) -> Option<Permission> {
    if ip_protocol.is_none() && cidr_ip.is_none() {
        return None;
    }
    let ip_ranges = cidr_ip.into_iter().map(|cidr_ip| IpRange { cidr_ip, description: None }).collect();
    Some(Permission { ip_protocol, from_port, to_port, ip_ranges, ..Permission::default() })
}

fn rules_of(permissions: &[Permission], config: &Config) -> Result<Vec<Value>, Fault> {
    let mut rules: Vec<Value> = Vec::new();
    for permission in permissions {
        for rule in permission.rules(&config.account)? {
            if rules.iter().any(|other| identity(other) == identity(&rule)) {
                return Err(invalid("The same permission must not appear multiple times".to_owned()));
            }
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// What makes two rules the same: everything but their descriptions.
fn identity(rule: &Value) -> [&Value; 5] {
    [
        &rule["ipProtocol"],
        &rule["fromPort"],
        &rule["toPort"],
        &rule["ipRanges"][0]["cidrIp"],
        &rule["groups"][0]["groupId"],
    ]
}

/// `AuthorizeSecurityGroupIngress` and `AuthorizeSecurityGroupEgress`.
pub fn authorize(sandbox: &Arc<Sandbox>, direction: Direction, input: Authorize) -> Reply {
    let Authorize { group_id, group_name, mut ip_permissions, ip_protocol, from_port, to_port, cidr_ip, .. } = input;
    let id = given_id(group_id.as_deref(), group_name.as_deref())?;
    ip_permissions.extend(single(ip_protocol, from_port, to_port, cidr_ip));
    if ip_permissions.is_empty() {
        return Err(Fault::client("MissingParameter", "The request must contain the parameter ipPermissions"));
    }
    let tags = tags::tag_set(&SECURITY_GROUP_RULE, input.tag_specification)?;
    let new = rules_of(&ip_permissions, &sandbox.config)?;
    sandbox.world.write(|world| {
        check_peers(world.of::<State>(), id, &new)?;
        let rules = list(records::get_mut(world.of_mut::<State>(), &SECURITY_GROUP, id)?, direction.member());
        let mut added = Vec::new();
        for mut rule in new {
            if rules.iter().any(|existing| identity(existing) == identity(&rule)) {
                let message = format!("the specified rule \"{}\" already exists", in_words(&rule));
                return Err(Fault::already_exists("InvalidPermission.Duplicate", message));
            }
            rule["ruleId"] = ids::resource("sgr").into();
            rule["tagSet"] = tags.clone();
            added.push(told(&sandbox.config, id, direction, &rule));
            rules.push(rule);
        }
        if rules.len() > MOST {
            let message = "The maximum number of rules per security group has been reached.";
            return Err(Fault::limit_exceeded("RulesPerSecurityGroupLimitExceeded", message));
        }
        Ok(json!({ "return": true, "securityGroupRuleSet": added }))
    })
}

/// The groups that rules name have to be there, in the same network.
fn check_peers(state: &State, id: &str, rules: &[Value]) -> Result<(), Fault> {
    let vpc = &records::get(state, &SECURITY_GROUP, id)?["vpcId"];
    for peer in rules.iter().filter_map(|rule| rule["groups"][0]["groupId"].as_str()) {
        if records::get(state, &SECURITY_GROUP, peer)?["vpcId"] != *vpc {
            let message = "You have specified two resources that belong to different networks.";
            return Err(Fault::not_found("InvalidGroup.NotFound", message));
        }
    }
    Ok(())
}

/// A rule as the fault for its double tells it.
fn in_words(rule: &Value) -> String {
    let peer = rule["ipRanges"][0]["cidrIp"].as_str().or_else(|| rule["groups"][0]["groupId"].as_str());
    let peer = peer.unwrap_or_default();
    let protocol = rule["ipProtocol"].as_str().unwrap_or_default().to_uppercase();
    match protocol.as_str() {
        "-1" => format!("peer: {peer}, ALL, ALLOW"),
        "TCP" | "UDP" => {
            format!("peer: {peer}, {protocol}, from port: {}, to port: {}, ALLOW", rule["fromPort"], rule["toPort"])
        }
        "ICMP" | "ICMPV6" => {
            let number = |member: &str| if rule[member] == -1 { "ALL".to_owned() } else { rule[member].to_string() };
            format!("peer: {peer}, {protocol}, type: {}, code: {}, ALLOW", number("fromPort"), number("toPort"))
        }
        _ => format!("peer: {peer}, {protocol}, ALLOW"),
    }
}

/// A rule as operations on rules tell it.
fn told(config: &Config, group: &str, direction: Direction, rule: &Value) -> Value {
    let id = rule["ruleId"].as_str().unwrap_or_default();
    let (range, peer) = (&rule["ipRanges"][0], &rule["groups"][0]);
    // Here every rule has ports: -1 stands for all.
    let port = |member: &str| rule[member].as_i64().unwrap_or(-1);
    json!({
        "securityGroupRuleId": id,
        "securityGroupRuleArn": config.arn("ec2", &format!("security-group-rule/{id}")),
        "groupId": group,
        "groupOwnerId": config.account,
        "isEgress": direction == Direction::Egress,
        "ipProtocol": rule["ipProtocol"],
        "fromPort": port("fromPort"),
        "toPort": port("toPort"),
        "cidrIpv4": range["cidrIp"],
        "referencedGroupInfo": (!peer.is_null()).then(|| json!({ "groupId": peer["groupId"], "userId": peer["userId"] })),
        "description": if peer.is_null() { &range["description"] } else { &peer["description"] },
        "tagSet": rule["tagSet"].as_array().cloned().unwrap_or_default(),
    })
}

/// `RevokeSecurityGroupIngress` and `RevokeSecurityGroupEgress`: rules by their ids, or by what they say.
pub fn revoke(sandbox: &Arc<Sandbox>, direction: Direction, input: Revoke) -> Reply {
    let Revoke { group_id, group_name, mut ip_permissions, ip_protocol, from_port, to_port, cidr_ip, .. } = input;
    let id = given_id(group_id.as_deref(), group_name.as_deref())?;
    ip_permissions.extend(single(ip_protocol, from_port, to_port, cidr_ip));
    let gone = rules_of(&ip_permissions, &sandbox.config)?;
    sandbox.world.write(|world| {
        let rules = list(records::get_mut(world.of_mut::<State>(), &SECURITY_GROUP, id)?, direction.member());
        let mut revoked = Vec::new();
        for id in &input.security_group_rule_id {
            let at = rules.iter().position(|rule| rule["ruleId"] == id.as_str());
            revoked.push(rules.remove(at.ok_or_else(|| records::not_found(&SECURITY_GROUP_RULE, &[id]))?));
        }
        for rule in &gone {
            let missing = || {
                let message = "The specified rule does not exist in this security group.";
                Fault::not_found("InvalidPermission.NotFound", message)
            };
            let at = rules.iter().position(|existing| identity(existing) == identity(rule));
            revoked.push(rules.remove(at.ok_or_else(missing)?));
        }
        let revoked: Vec<Value> = revoked
            .iter()
            .map(|rule| {
                let mut rule = told(&sandbox.config, id, direction, rule);
                // Of what is gone less is told.
                rule["referencedGroupId"] = rule["referencedGroupInfo"]["groupId"].clone();
                for member in ["securityGroupRuleArn", "groupOwnerId", "referencedGroupInfo", "tagSet"] {
                    rule[member] = Value::Null;
                }
                rule
            })
            .collect();
        Ok(json!({ "return": true, "revokedSecurityGroupRuleSet": revoked }))
    })
}

/// Rules as the permissions of a group: those of the same protocol and ports are one.
pub fn merged(rules: &Value) -> Value {
    let mut permissions: Vec<Value> = Vec::new();
    for rule in rules.as_array().into_iter().flatten() {
        let same = |other: &&mut Value| identity(other)[..3] == identity(rule)[..3];
        let Some(permission) = permissions.iter_mut().find(same) else {
            let mut permission = rule.clone();
            for member in ["ruleId", "tagSet"] {
                permission[member] = Value::Null;
            }
            permissions.push(permission);
            continue;
        };
        for member in ["ipRanges", "groups"] {
            let more = rule[member].as_array().cloned().unwrap_or_default();
            list(permission, member).extend(more);
        }
    }
    permissions.into()
}

/// `DescribeSecurityGroupRules`.
pub fn describe_rules(sandbox: &Arc<Sandbox>, mut input: Describe) -> Reply {
    let asked = input.take(SECURITY_GROUP_RULE.ids).unwrap_or_default();
    let asked: Vec<&str> = asked.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let is_group = |id: &&str| id.strip_prefix(SECURITY_GROUP.prefix).is_some_and(records::is_hex);
    if let Some(malformed) = input.filtered("group-id").find(|id| !is_group(id)) {
        let message = format!("The security group ID '{malformed}' is malformed");
        return Err(Fault::client("InvalidGroupId.Malformed", message));
    }
    sandbox.world.read(|world| {
        let rules = rule_ids::all(world.of::<State>());
        let mut rows: Vec<Value> =
            rules.map(|(id, direction, rule)| told(&sandbox.config, id, direction, rule)).collect();
        let is = |row: &Value, id: &str| row["securityGroupRuleId"] == id;
        if let Some(unknown) = asked.iter().find(|id| !rows.iter().any(|row| is(row, id))) {
            return Err(records::not_found(&SECURITY_GROUP_RULE, &[unknown]));
        }
        rows.retain(|row| asked.is_empty() || asked.iter().any(|id| is(row, id)));
        let found = input.pick(&SECURITY_GROUP_RULE, rows.into_iter())?;
        describe::answer(&SECURITY_GROUP_RULE, &input, found)
    })
}
