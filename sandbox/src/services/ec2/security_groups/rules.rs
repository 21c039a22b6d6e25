//! Rules of security groups. Each is stored with an id of its own, and shown in permissions that group rules with the
//! same protocol and ports.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::permissions::{IpRange, Permission};
use super::{given_id, rule_ids};
use crate::base::ids;
use crate::core::OperationResult;
use crate::services::ec2::State;
use crate::services::ec2::describe_operations::{self, DescribeInput};
use crate::services::ec2::records::{self, invalid_parameter, list};
use crate::services::ec2::resource_kinds::{SECURITY_GROUP, SECURITY_GROUP_RULE};
use crate::services::ec2::tags::{self, TagSpecification};
use crate::{Config, Fault, Sandbox};

/// Rules that a group may have in each direction (AWS's default quota).
const MAX_RULES: usize = 60;

/// The direction of a rule's traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    /// The member of a group with its permissions.
    pub(crate) const fn member(self) -> &'static str {
        match self {
            Self::Ingress => "ipPermissions",
            Self::Egress => "ipPermissionsEgress",
        }
    }
}

/// The rule that allows all traffic.
pub(super) fn allow_all() -> Value {
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
pub(crate) struct Authorize {
    group_id: Option<String>,
    group_name: Option<String>,
    #[serde(default)]
    ip_permissions: Vec<Permission>,
    // A single rule may be given by these members, without a permission.
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
pub(crate) struct Revoke {
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

/// The permission that is given by members of the request itself.
fn inline_permission(
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
                return Err(invalid_parameter("The same permission must not appear multiple times"));
            }
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// The members by which rules are compared: everything but the description.
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
pub(crate) fn authorize(sandbox: &Arc<Sandbox>, direction: Direction, input: Authorize) -> OperationResult {
    let Authorize { group_id, group_name, mut ip_permissions, ip_protocol, from_port, to_port, cidr_ip, .. } = input;
    let id = given_id(group_id.as_deref(), group_name.as_deref())?;
    ip_permissions.extend(inline_permission(ip_protocol, from_port, to_port, cidr_ip));
    if ip_permissions.is_empty() {
        return Err(Fault::client("MissingParameter", "The request must contain the parameter ipPermissions"));
    }
    let tags = tags::tag_set(&SECURITY_GROUP_RULE, input.tag_specification)?;
    let new = rules_of(&ip_permissions, &sandbox.config)?;
    sandbox.store.write(|states| {
        check_peers(states.of::<State>(), id, &new)?;
        let rules = list(records::get_mut(states.of_mut::<State>(), &SECURITY_GROUP, id)?, direction.member());
        let mut added = Vec::new();
        for mut rule in new {
            if rules.iter().any(|existing| identity(existing) == identity(&rule)) {
                let message = format!("the specified rule \"{}\" already exists", describe_duplicate(&rule));
                return Err(Fault::already_exists("InvalidPermission.Duplicate", message));
            }
            rule["ruleId"] = ids::resource("sgr").into();
            rule["tagSet"] = tags.clone();
            added.push(to_output(&sandbox.config, id, direction, &rule));
            rules.push(rule);
        }
        if rules.len() > MAX_RULES {
            let message = "The maximum number of rules per security group has been reached.";
            return Err(Fault::limit_exceeded("RulesPerSecurityGroupLimitExceeded", message));
        }
        Ok(json!({ "return": true, "securityGroupRuleSet": added }))
    })
}

/// Checks that the groups in rules exist in the same VPC.
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

/// A rule, as the fault for duplicates shows it.
fn describe_duplicate(rule: &Value) -> String {
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

/// A rule, as operations on rules show it.
fn to_output(config: &Config, group: &str, direction: Direction, rule: &Value) -> Value {
    let id = rule["ruleId"].as_str().unwrap_or_default();
    let (range, peer) = (&rule["ipRanges"][0], &rule["groups"][0]);
    // These operations show ports for every rule: -1 stands for all.
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

/// `RevokeSecurityGroupIngress` and `RevokeSecurityGroupEgress`, of rules by id or by content.
pub(crate) fn revoke(sandbox: &Arc<Sandbox>, direction: Direction, input: Revoke) -> OperationResult {
    let Revoke { group_id, group_name, mut ip_permissions, ip_protocol, from_port, to_port, cidr_ip, .. } = input;
    let id = given_id(group_id.as_deref(), group_name.as_deref())?;
    ip_permissions.extend(inline_permission(ip_protocol, from_port, to_port, cidr_ip));
    let requested = rules_of(&ip_permissions, &sandbox.config)?;
    sandbox.store.write(|states| {
        let rules = list(records::get_mut(states.of_mut::<State>(), &SECURITY_GROUP, id)?, direction.member());
        let mut revoked = Vec::new();
        for id in &input.security_group_rule_id {
            let at = rules.iter().position(|rule| rule["ruleId"] == id.as_str());
            revoked.push(rules.remove(at.ok_or_else(|| records::not_found(&SECURITY_GROUP_RULE, &[id]))?));
        }
        for rule in &requested {
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
                let mut rule = to_output(&sandbox.config, id, direction, rule);
                // Revoked rules are shown with fewer members.
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

/// Groups rules with the same protocol and ports into permissions.
pub(super) fn merged(rules: &Value) -> Value {
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

pub(crate) fn describe_rules(sandbox: &Arc<Sandbox>, mut input: DescribeInput) -> OperationResult {
    let ids = input.take(SECURITY_GROUP_RULE.ids).unwrap_or_default();
    let ids: Vec<&str> = ids.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let is_group = |id: &&str| id.strip_prefix(SECURITY_GROUP.prefix).is_some_and(records::is_hex);
    if let Some(malformed) = input.filter_values("group-id").find(|id| !is_group(id)) {
        let message = format!("The security group ID '{malformed}' is malformed");
        return Err(Fault::client("InvalidGroupId.Malformed", message));
    }
    sandbox.store.read(|states| {
        let rules = rule_ids::all(states.of::<State>());
        let mut rows: Vec<Value> =
            rules.map(|(id, direction, rule)| to_output(&sandbox.config, id, direction, rule)).collect();
        let is = |rule: &Value, id: &str| rule["securityGroupRuleId"] == id;
        if let Some(unknown) = ids.iter().find(|id| !rows.iter().any(|rule| is(rule, id))) {
            return Err(records::not_found(&SECURITY_GROUP_RULE, &[unknown]));
        }
        rows.retain(|rule| ids.is_empty() || ids.iter().any(|id| is(rule, id)));
        let rules = input.select(&SECURITY_GROUP_RULE, rows.into_iter())?;
        describe_operations::describe_response(&SECURITY_GROUP_RULE, &input, rules)
    })
}
