//! Rules: assertions about parameters, checked before an operation.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::evaluation_scope::{EvaluationScope, ResourceValues};
use super::parameters::aws_specific_types::values;
use super::{Template, format_error, invalid};
use crate::cloudformation::model::TemplateParameter;
use crate::{Fault, Sandbox};

pub(crate) fn check_structure(template: &Template) -> Result<(), Fault> {
    for (name, rule) in template.section("Rules") {
        let unknown = rule.as_object().into_iter().flatten();
        if let Some((key, _)) =
            unknown.clone().find(|(key, _)| !["RuleCondition", "Assertions"].contains(&key.as_str()))
        {
            return Err(invalid(format!("Invalid template rule property '{key}'")));
        }
        let assertions = rule["Assertions"].as_array();
        if !assertions
            .is_some_and(|all| !all.is_empty() && all.iter().all(|assertion| assertion.get("Assert").is_some()))
        {
            return Err(format_error(&format!("Rule {name} must contain Assertions, each with an Assert member.")));
        }
    }
    Ok(())
}

/// Refuses parameters that a rule does not allow. Sets the scope's resources to those that the parameters name.
pub(crate) async fn check(
    sandbox: &Arc<Sandbox>,
    template: &Template,
    scope: &mut EvaluationScope<'_>,
    parameters: &[TemplateParameter],
) -> Result<(), Fault> {
    if template.section("Rules").is_empty() {
        return Ok(());
    }
    scope.resources = named_resources(sandbox, template, parameters).await?;
    for (name, rule) in template.section("Rules") {
        let applies =
            rule.get("RuleCondition").map_or(Ok(true), |condition| scope.is_true(condition)).map_err(invalid)?;
        if !applies {
            continue;
        }
        for assertion in rule["Assertions"].as_array().into_iter().flatten() {
            if !scope.is_true(&assertion["Assert"]).map_err(invalid)? {
                let description = assertion["AssertDescription"].as_str().unwrap_or("an assertion does not hold");
                return Err(invalid(format!("Template error: Rule {name} failed: {description}")));
            }
        }
    }
    Ok(())
}

/// The resources that parameters of AWS-specific types name, with the attributes that rules can use.
async fn named_resources(
    sandbox: &Arc<Sandbox>,
    template: &Template,
    parameters: &[TemplateParameter],
) -> Result<BTreeMap<String, ResourceValues>, Fault> {
    let mut resources = BTreeMap::new();
    for parameter in parameters {
        let Some((kind, ids)) = values(template, parameter) else { continue };
        for id in ids {
            if let Some(record) = kind.look_up(sandbox, id).await? {
                let mut attributes = attributes(&record);
                if kind.name == "AWS::EC2::VPC::Id" {
                    attributes.insert("DefaultSecurityGroup".to_owned(), default_group(sandbox, id).await?);
                }
                resources.insert(id.to_owned(), ResourceValues::Known(id.to_owned(), attributes));
            }
        }
    }
    Ok(resources)
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
    let response = sandbox.call("ec2", "DescribeSecurityGroups", json!({ "Filter": filters })).await?;
    Ok(response.pointer("/securityGroupInfo/0/groupId").cloned().unwrap_or_default())
}
