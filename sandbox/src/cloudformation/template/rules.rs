//! Rules: assertions about parameters that hold before anything is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::parameters::existence::named;
use super::resolve::{Known, Scope};
use super::{Template, format_error, invalid};
use crate::cloudformation::model::Parameter;
use crate::{Fault, Sandbox};

/// Checks that rules are made as rules are.
pub fn check_shapes(template: &Template) -> Result<(), Fault> {
    for (name, rule) in template.section("Rules") {
        let unknown = rule.as_object().into_iter().flatten();
        if let Some((key, _)) =
            unknown.clone().find(|(key, _)| !["RuleCondition", "Assertions"].contains(&key.as_str()))
        {
            return Err(invalid(format!("Invalid template rule property '{key}'")));
        }
        let assertions = rule["Assertions"].as_array();
        if !assertions.is_some_and(|all| !all.is_empty() && all.iter().all(|one| one.get("Assert").is_some())) {
            return Err(format_error(&format!("Rule {name} must contain Assertions, each with an Assert member.")));
        }
    }
    Ok(())
}

/// Refuses parameters that a rule does not allow. The scope's resources are set to what the parameters name.
pub async fn check(
    sandbox: &Arc<Sandbox>,
    template: &Template,
    scope: &mut Scope<'_>,
    parameters: &[Parameter],
) -> Result<(), Fault> {
    if template.section("Rules").is_empty() {
        return Ok(());
    }
    scope.resources = facts(sandbox, template, parameters).await?;
    for (name, rule) in template.section("Rules") {
        let applies =
            rule.get("RuleCondition").map_or(Ok(true), |condition| scope.holds(condition)).map_err(invalid)?;
        if !applies {
            continue;
        }
        for assertion in rule["Assertions"].as_array().into_iter().flatten() {
            if !scope.holds(&assertion["Assert"]).map_err(invalid)? {
                let said = assertion["AssertDescription"].as_str().unwrap_or("an assertion does not hold");
                return Err(invalid(format!("Template error: Rule {name} failed: {said}")));
            }
        }
    }
    Ok(())
}

/// The attributes that rules may ask for, of everything that parameters of AWS's own types name.
async fn facts(
    sandbox: &Arc<Sandbox>,
    template: &Template,
    parameters: &[Parameter],
) -> Result<BTreeMap<String, Known>, Fault> {
    let mut facts = BTreeMap::new();
    for parameter in parameters {
        let Some((existing, ids)) = named(template, parameter) else { continue };
        for id in ids {
            if let Some(record) = existing.find(sandbox, id).await? {
                let mut attributes = attributes(&record);
                if existing.name == "AWS::EC2::VPC::Id" {
                    attributes.insert("DefaultSecurityGroup".to_owned(), default_group(sandbox, id).await?);
                }
                facts.insert(id.to_owned(), Known::Resource(id.to_owned(), attributes));
            }
        }
    }
    Ok(facts)
}

fn attributes(record: &Value) -> Map<String, Value> {
    let tags = record["tagSet"].as_array().into_iter().flatten();
    let mut attributes: Map<String, Value> =
        tags.filter_map(|tag| Some((format!("Tags.{}", tag["key"].as_str()?), tag["value"].clone()))).collect();
    for (name, member) in [("VpcId", "vpcId"), ("AvailabilityZone", "availabilityZone")] {
        if let Some(value) = record.get(member) {
            attributes.insert(name.to_owned(), value.clone());
        }
    }
    attributes
}

async fn default_group(sandbox: &Arc<Sandbox>, vpc: &str) -> Result<Value, Fault> {
    let filters = json!([{ "Name": "vpc-id", "Value": [vpc] }, { "Name": "group-name", "Value": ["default"] }]);
    let answer = sandbox.call("ec2", "DescribeSecurityGroups", json!({ "Filter": filters })).await?;
    Ok(answer.pointer("/securityGroupInfo/0/groupId").cloned().unwrap_or_default())
}
