//! Security groups. [`permissions`] checks the permissions in requests, [`rules`] stores the rules of groups.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use super::describe_operations::{self, DescribeInput};
use super::records::{self, invalid_parameter};
use super::resource_kinds::{INSTANCE, SECURITY_GROUP, VPC};
use super::tags::{self, TagSpecification};
use super::vpcs;
use crate::base::ids;
use crate::core::OperationResult;
use crate::{Config, Fault, Sandbox};

mod permissions;
pub(super) mod rule_ids;
mod rules;

pub(super) use rule_ids::update_ingress_descriptions;
pub(super) use rules::{Direction, authorize, describe_rules, revoke};

/// The length of a name or description.
const MAX_CHARACTERS: usize = 255;

/// A new group with the default rule, which allows all outbound traffic.
pub(super) fn record(config: &Config, vpc: &str, name: &str, description: &str, tags: Value) -> Value {
    json!({
        "groupId": ids::resource("sg"),
        "groupName": name,
        "groupDescription": description,
        "vpcId": vpc,
        "ownerId": config.account,
        "ipPermissions": [],
        "ipPermissionsEgress": [rules::allow_all()],
        "tagSet": tags,
    })
}

fn arn(config: &Config, id: &str) -> String {
    config.arn("ec2", &format!("security-group/{id}"))
}

/// The fault for an instance without a subnet: the sandbox's default VPC, if there is one, has none.
pub(super) fn no_default_vpc() -> Fault {
    Fault::client("VPCIdNotSpecified", "No default VPC for this user")
}

/// The id of a group in a request. Names are refused: they only work in a default VPC.
fn given_id<'a>(id: Option<&'a str>, name: Option<&str>) -> Result<&'a str, Fault> {
    match (id, name) {
        (Some(id), _) => Ok(id),
        (None, Some(_)) => Err(Fault::client(
            "VPCIdNotSpecified",
            "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
        )),
        (None, None) => {
            Err(Fault::client("MissingParameter", "The request must contain the parameter groupName or groupId"))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateSecurityGroupInput {
    group_name: String,
    group_description: String,
    vpc_id: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreateSecurityGroupInput) -> OperationResult {
    check_text("GroupName", &input.group_name)?;
    check_text("GroupDescription", &input.group_description)?;
    let name = input.group_name.as_str();
    if name.eq_ignore_ascii_case("default") {
        return Err(invalid_parameter(format!("Cannot use reserved security group name: {name}")));
    }
    if name.starts_with("sg-") {
        let message =
            format!("Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*.");
        return Err(invalid_parameter(message));
    }
    let tags = tags::tag_set(&SECURITY_GROUP, input.tag_specification)?;
    sandbox.store.write(|states| {
        let vpc = &input.vpc_id.unwrap_or_else(|| vpcs::default_vpc(states.of_mut::<State>(), &sandbox.config));
        records::get(states.of::<State>(), &VPC, vpc)?;
        let mut groups = states.of::<State>().records.with_prefix(SECURITY_GROUP.prefix);
        if groups.any(|(_, group)| group["vpcId"] == *vpc && group["groupName"] == name) {
            let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
            return Err(Fault::already_exists("InvalidGroup.Duplicate", message));
        }
        drop(groups);
        let group = record(&sandbox.config, vpc, name, &input.group_description, tags.clone());
        let id = group["groupId"].as_str().unwrap_or_default().to_owned();
        states.of_mut::<State>().records.insert(id.clone(), group);
        let arn = arn(&sandbox.config, &id);
        Ok(json!({ "return": true, "groupId": id, "tagSet": tags, "securityGroupArn": arn }))
    })
}

fn check_text(parameter: &str, text: &str) -> Result<(), Fault> {
    let reason = match text {
        "" => {
            let message = format!("The request must contain the parameter {parameter}");
            return Err(Fault::client("MissingParameter", message));
        }
        _ if !text.is_ascii() => "Character sets beyond ASCII are not supported.".to_owned(),
        _ if text.len() > MAX_CHARACTERS => {
            format!("{parameter} exceeds the maximum length of {MAX_CHARACTERS} characters.")
        }
        _ => return Ok(()),
    };
    Err(invalid_parameter(format!("Value ({text}) for parameter {parameter} is invalid. {reason}")))
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, mut input: DescribeInput) -> OperationResult {
    if input.take("GroupName").is_some() {
        given_id(None, Some(""))?;
    }
    sandbox.store.read(|states| {
        let mut groups = describe_operations::select(states.of::<State>(), &SECURITY_GROUP, &input)?;
        for group in &mut groups {
            for direction in [Direction::Ingress, Direction::Egress] {
                let member = direction.member();
                group[member] = rules::merged(&group[member]);
            }
            group["securityGroupArn"] = arn(&sandbox.config, group["groupId"].as_str().unwrap_or_default()).into();
        }
        describe_operations::describe_response(&SECURITY_GROUP, &input, groups)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteSecurityGroupInput {
    group_id: Option<String>,
    group_name: Option<String>,
}

/// `DeleteSecurityGroup`: refused while an instance or a rule of another group uses the group.
pub(super) fn delete(sandbox: &Arc<Sandbox>, input: DeleteSecurityGroupInput) -> OperationResult {
    let id = given_id(input.group_id.as_deref(), input.group_name.as_deref())?;
    sandbox.store.write(|states| {
        if records::get(states.of::<State>(), &SECURITY_GROUP, id)?["groupName"] == "default" {
            return Err(Fault::client(
                "CannotDelete",
                format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"),
            ));
        }
        if is_in_use(states.of::<State>(), id) {
            return Err(Fault::client("DependencyViolation", format!("resource {id} has a dependent object")));
        }
        states.of_mut::<State>().records.remove(id);
        Ok(json!({ "return": true, "groupId": id }))
    })
}

fn is_in_use(state: &State, id: &str) -> bool {
    let names_it = |value: &Value| value.as_array().is_some_and(|all| all.iter().any(|group| group["groupId"] == id));
    let has_rule = |group: &Value, member: &str| {
        group[member].as_array().is_some_and(|rules| rules.iter().any(|rule| names_it(&rule["groups"])))
    };
    let mut groups = state.records.with_prefix(SECURITY_GROUP.prefix).filter(|(other, _)| *other != id);
    let mut instances = state.records.with_prefix(INSTANCE.prefix);
    groups.any(|(_, group)| has_rule(group, "ipPermissions") || has_rule(group, "ipPermissionsEgress"))
        || instances
            .any(|(_, instance)| instance["instanceState"]["name"] != "terminated" && names_it(&instance["groupSet"]))
}
