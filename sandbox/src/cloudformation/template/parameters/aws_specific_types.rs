//! AWS-specific parameter types, whose values name existing resources. Their existence is checked at the beginning of an operation,
//! as on AWS: the request is accepted, and the stack fails before its first resource.

use std::sync::Arc;

use serde_json::{Value, json};

use super::declaration::{Element, ParameterType};
use super::{list_items, ssm_values};
use crate::cloudformation::model::TemplateParameter;
use crate::cloudformation::template::Template;
use crate::{Fault, FaultKind, Sandbox};

#[derive(Debug)]
pub(crate) struct AwsSpecificType {
    /// Such as `AWS::EC2::VPC::Id`.
    pub name: &'static str,
    /// Whether `List<…>` of it is a type, too.
    pub has_list_type: bool,
    lookup: Lookup,
}

/// How the resource of a value is found.
#[derive(Debug)]
enum Lookup {
    /// With an operation of EC2 and a filter.
    Ec2(&'static str, &'static str),
    /// With SSM's GetParameter.
    Parameter,
    /// Never: the sandbox has no such resources.
    Unserved,
}

const TYPES: &[AwsSpecificType] = &[
    aws_type("AWS::EC2::AvailabilityZone::Name", true, Lookup::Ec2("DescribeAvailabilityZones", "zone-name")),
    aws_type("AWS::EC2::Image::Id", true, Lookup::Ec2("DescribeImages", "image-id")),
    aws_type("AWS::EC2::Instance::Id", true, Lookup::Ec2("DescribeInstances", "instance-id")),
    aws_type("AWS::EC2::KeyPair::KeyName", false, Lookup::Unserved),
    aws_type("AWS::EC2::SecurityGroup::GroupName", true, Lookup::Ec2("DescribeSecurityGroups", "group-name")),
    aws_type("AWS::EC2::SecurityGroup::Id", true, Lookup::Ec2("DescribeSecurityGroups", "group-id")),
    aws_type("AWS::EC2::Subnet::Id", true, Lookup::Ec2("DescribeSubnets", "subnet-id")),
    aws_type("AWS::EC2::Volume::Id", true, Lookup::Unserved),
    aws_type("AWS::EC2::VPC::Id", true, Lookup::Ec2("DescribeVpcs", "vpc-id")),
    aws_type("AWS::Route53::HostedZone::Id", true, Lookup::Unserved),
    aws_type("AWS::SSM::Parameter::Name", false, Lookup::Parameter),
];

const fn aws_type(name: &'static str, has_list_type: bool, lookup: Lookup) -> AwsSpecificType {
    AwsSpecificType { name, has_list_type, lookup }
}

impl AwsSpecificType {
    /// Finds a type by its name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        TYPES.iter().find(|aws_type| aws_type.name == name)
    }

    /// The description of the resource that a value names; `None` when it does not exist.
    pub(crate) async fn look_up(&self, sandbox: &Arc<Sandbox>, id: &str) -> Result<Option<Value>, Fault> {
        match self.lookup {
            Lookup::Unserved => Ok(None),
            Lookup::Parameter => ssm_values::get(sandbox, id).await,
            Lookup::Ec2("DescribeAvailabilityZones", _) => {
                // An unknown zone is a fault.
                let response = sandbox.call("ec2", "DescribeAvailabilityZones", json!({ "ZoneName": [id] })).await;
                Ok(response.ok())
            }
            Lookup::Ec2(operation, filter) => {
                if id.is_empty() || id.contains(['*', '?']) {
                    return Ok(None);
                }
                let input = json!({ "Filter": [{ "Name": filter, "Value": [id] }] });
                match sandbox.call("ec2", operation, input).await {
                    Ok(response) => Ok(first(&response).cloned()),
                    // Where the sandbox does not serve the operation, only the value's form is checked.
                    Err(fault) if fault.kind == FaultKind::NotServed => Ok(id.starts_with("ami-").then(|| json!({}))),
                    Err(fault) if !fault.is_internal() => Ok(None),
                    Err(fault) => Err(fault),
                }
            }
        }
    }
}

/// The first record of a response's list.
fn first(response: &Value) -> Option<&Value> {
    response.as_object()?.values().find_map(Value::as_array)?.first()
}

/// The values of a parameter, if it has an AWS-specific type.
pub(crate) fn values<'a>(
    template: &Template,
    parameter: &'a TemplateParameter,
) -> Option<(&'static AwsSpecificType, Vec<&'a str>)> {
    let kind = template.section("Parameters").get(&parameter.key).and_then(ParameterType::of)?;
    let Element::AwsSpecific(aws_type) = kind.element else { return None };
    let text = parameter.resolved.as_ref().unwrap_or(&parameter.value);
    Some((aws_type, if kind.is_list { list_items(text).collect() } else { vec![text] }))
}

/// The reason to fail when parameters name resources that do not exist.
pub(crate) async fn missing(
    sandbox: &Arc<Sandbox>,
    template: &Template,
    parameters: &[TemplateParameter],
) -> Result<Option<String>, Fault> {
    let mut missing = Vec::new();
    for parameter in parameters {
        let Some((kind, ids)) = values(template, parameter) else { continue };
        for id in ids {
            if kind.look_up(sandbox, id).await?.is_none() {
                let key = &parameter.key;
                missing.push(format!("parameter value {id} for parameter name {key} does not exist"));
            }
        }
    }
    Ok((!missing.is_empty()).then(|| format!("Parameter validation failed: {}.", missing.join(", "))))
}
