//! Custom names that are in use already, within the stack or elsewhere in the account.

use super::{Finding, PreflightContext, Result, StackUpdate, descriptions, unless_denied};
use crate::aws::{Aws, AwsError};
use crate::hint::{Command, Hint};
use crate::model::{ServiceName, stack_name};
use crate::stack::{ConflictCause, CustomName, NameChanges, Replacement};

/// The names that an update cannot take.
pub(super) async fn rejections(
    aws: &Aws,
    update: &StackUpdate<'_>,
    context: &PreflightContext,
    replacements: &[Replacement],
) -> Result<Vec<Finding>> {
    let changes = NameChanges::between(update.deployed, update.desired, replacements, &context.known);
    let mut findings = Vec::new();
    for conflict in &changes.conflicts {
        let (message, hint) = descriptions::conflict(update, conflict);
        findings.push(match &conflict.cause {
            ConflictCause::Replaced(replacement) if !replacement.is_certain => Finding::Note(format!(
                "{}: {} may be replaced, which fails as long as its name stays the same; {hint}",
                update.stack,
                descriptions::resource(&conflict.name),
            )),
            _ => Finding::rejection(message, hint),
        });
    }
    for (_, name) in &changes.new_names {
        findings.extend(existing(aws, update, context, name).await?);
    }
    Ok(findings)
}

/// Looks for a resource that has the name already and does not belong to the stack.
async fn existing(
    aws: &Aws,
    update: &StackUpdate<'_>,
    context: &PreflightContext,
    name: &CustomName,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let Some(Some(physical_id)) = unless_denied(physical_id(aws, context, name).await, &mut findings)? else {
        return Ok(findings);
    };
    if context.has(&physical_id) {
        return Ok(findings);
    }
    let owner = unless_denied(aws.owner_of(&physical_id).await, &mut findings)?.flatten();
    // By name: another deploy may be creating this very stack.
    if owner.as_deref().map(stack_name) == Some(update.stack) {
        return Ok(findings);
    }
    let (stack, what, rename) =
        (update.stack, descriptions::resource(name), descriptions::rename(name, update.service_key));
    let owner_name = owner.as_deref().map(stack_name);
    findings.push(match (name.resource_type.as_str(), owner_name) {
        // Cloud Map does not report the VPC of a namespace; each VPC may have one with this name.
        ("AWS::ServiceDiscovery::PrivateDnsNamespace", _) => Finding::Note(format!(
            "{stack}: {what} already exists ({physical_id}); if it is for the same VPC, it cannot be created: {rename}"
        )),
        (_, Some(owner)) => Finding::rejection(
            format!("{stack}: {what} cannot be created, because it already exists in stack {owner}"),
            rename,
        ),
        // ECS answers CreateCluster for an active cluster as if it were new, so CloudFormation may also take it over.
        ("AWS::ECS::Cluster", None) => Finding::Note(format!(
            "{stack}: {what} already exists, outside of any stack; {rename} to have one of its own"
        )),
        ("AWS::Logs::LogGroup", None) => {
            let delete = Command::aws([
                "logs".to_owned(),
                "delete-log-group".to_owned(),
                "--log-group-name".to_owned(),
                name.display_name(),
            ]);
            Finding::rejection(
                format!(
                    "{stack}: {what} cannot be created, because it already exists (stacks leave log groups behind)"
                ),
                Hint::from("delete it with its events (").then(delete).text(format!("), {rename}")),
            )
        }
        _ => Finding::rejection(format!("{stack}: {what} cannot be created, because it already exists"), rename),
    });
    Ok(findings)
}

/// The physical id of the resource with this name; `None` when there is none, or when it cannot be known. Types that the tool does not create
/// are left to CloudFormation.
async fn physical_id(
    aws: &Aws,
    context: &PreflightContext,
    name: &CustomName,
) -> std::result::Result<Option<String>, AwsError> {
    let text = name.display_name();
    match name.resource_type.as_str() {
        "AWS::Logs::LogGroup" if name.get("LogGroupName").is_some() => {
            Ok(aws.has_log_group(&text).await?.then_some(text))
        }
        "AWS::ECS::Cluster" if name.get("ClusterName").is_some() => {
            let status = aws.cluster_status(&text).await?;
            Ok(status.is_some_and(|status| status != "INACTIVE").then_some(text))
        }
        "AWS::ECS::Service" => match (name.get("Cluster"), name.get("ServiceName")) {
            (Some(cluster), Some(service)) => {
                aws.service_arn(&ServiceName { cluster: cluster.to_owned(), service: service.to_owned() }).await
            }
            _ => Ok(None),
        },
        "AWS::ServiceDiscovery::PrivateDnsNamespace" if name.get("Vpc").is_some() => {
            let ids = aws.private_namespace_ids(&text).await?;
            Ok(ids.into_iter().find(|id| !context.has(id)))
        }
        "AWS::ServiceDiscovery::Service" => match (name.get("NamespaceId"), name.get("Name")) {
            (Some(namespace), Some(service)) => aws.discovery_service_id(namespace, service).await,
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}
