//! Types whose values name something that has to be there. It is looked for when a stack begins to move, as on AWS: the
//! request is taken, and the stack fails before its first resource.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{Element, Kind};
use super::{members, stored};
use crate::cloudformation::model::Parameter;
use crate::cloudformation::template::Template;
use crate::{Fault, FaultKind, Sandbox};

/// A type, and how what it names is found.
#[derive(Debug)]
pub struct Existing {
    /// Such as `AWS::EC2::VPC::Id`.
    pub name: &'static str,
    /// Whether there is a list type of it.
    pub listed: bool,
    seek: Seek,
}

/// Where something is looked for.
#[derive(Debug)]
enum Seek {
    /// By an operation of EC2 and the filter that takes the value.
    Ec2(&'static str, &'static str),
    /// Among SSM's parameters.
    Parameter,
    /// Nowhere: the sandbox cannot make any of it.
    Nowhere,
}

const TYPES: &[Existing] = &[
    row("AWS::EC2::AvailabilityZone::Name", true, Seek::Ec2("DescribeAvailabilityZones", "zone-name")),
    row("AWS::EC2::Image::Id", true, Seek::Ec2("DescribeImages", "image-id")),
    row("AWS::EC2::Instance::Id", true, Seek::Ec2("DescribeInstances", "instance-id")),
    row("AWS::EC2::KeyPair::KeyName", false, Seek::Nowhere),
    row("AWS::EC2::SecurityGroup::GroupName", true, Seek::Ec2("DescribeSecurityGroups", "group-name")),
    row("AWS::EC2::SecurityGroup::Id", true, Seek::Ec2("DescribeSecurityGroups", "group-id")),
    row("AWS::EC2::Subnet::Id", true, Seek::Ec2("DescribeSubnets", "subnet-id")),
    row("AWS::EC2::Volume::Id", true, Seek::Nowhere),
    row("AWS::EC2::VPC::Id", true, Seek::Ec2("DescribeVpcs", "vpc-id")),
    row("AWS::Route53::HostedZone::Id", true, Seek::Nowhere),
    row("AWS::SSM::Parameter::Name", false, Seek::Parameter),
];

const fn row(name: &'static str, listed: bool, seek: Seek) -> Existing {
    Existing { name, listed, seek }
}

impl Existing {
    /// The type of a name.
    pub fn of(name: &str) -> Option<&'static Self> {
        TYPES.iter().find(|existing| existing.name == name)
    }

    /// What there is of this id; `None` when there is nothing.
    pub async fn find(&self, sandbox: &Arc<Sandbox>, id: &str) -> Result<Option<Value>, Fault> {
        match self.seek {
            Seek::Nowhere => Ok(None),
            Seek::Parameter => stored::get(sandbox, id).await,
            Seek::Ec2("DescribeAvailabilityZones", _) => {
                // Zones are asked for by name; one that is not there is a fault.
                let answer = sandbox.call("ec2", "DescribeAvailabilityZones", json!({ "ZoneName": [id] })).await;
                Ok(answer.ok())
            }
            Seek::Ec2(operation, filter) => {
                if id.is_empty() || id.contains(['*', '?']) {
                    return Ok(None);
                }
                let input = json!({ "Filter": [{ "Name": filter, "Value": [id] }] });
                match sandbox.call("ec2", operation, input).await {
                    Ok(answer) => Ok(first(&answer).cloned()),
                    // What cannot be looked for cannot be refused either, beyond its form.
                    Err(fault) if fault.kind == FaultKind::NotServed => Ok(id.starts_with("ami-").then(|| json!({}))),
                    Err(fault) if !fault.is_internal() => Ok(None),
                    Err(fault) => Err(fault),
                }
            }
        }
    }
}

/// The first record of an answer's list.
fn first(answer: &Value) -> Option<&Value> {
    answer.as_object()?.values().find_map(Value::as_array)?.first()
}

/// Every value of a parameter of such a type.
pub fn named<'a>(template: &Template, parameter: &'a Parameter) -> Option<(&'static Existing, Vec<&'a str>)> {
    let kind = template.section("Parameters").get(&parameter.key).and_then(Kind::of)?;
    let Element::Existing(existing) = kind.element else { return None };
    let text = parameter.resolved.as_ref().unwrap_or(&parameter.value);
    Some((existing, if kind.list { members(text).collect() } else { vec![text] }))
}

/// The reason to fail when a parameter names what is not there.
pub async fn missing(
    sandbox: &Arc<Sandbox>,
    template: &Template,
    parameters: &[Parameter],
) -> Result<Option<String>, Fault> {
    let mut lost = Vec::new();
    for parameter in parameters {
        let Some((existing, ids)) = named(template, parameter) else { continue };
        for id in ids {
            if existing.find(sandbox, id).await?.is_none() {
                let key = &parameter.key;
                lost.push(format!("parameter value {id} for parameter name {key} does not exist"));
            }
        }
    }
    Ok((!lost.is_empty()).then(|| format!("Parameter validation failed: {}.", lost.join(", "))))
}
