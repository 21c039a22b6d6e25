//! Custom names that are in use already, within the stack or elsewhere in the account.

use super::{Finding, PreflightContext, Result, StackUpdate, descriptions, unless_denied};
use crate::aws::{Aws, AwsError};
use crate::hint::{Hint, SuggestedCommand};
use crate::model::{ServiceName, stack_name};
use crate::ops::ReadCache;
use crate::stack::{ConflictCause, CustomName, NameChanges, Replacement};

/// The names that an update cannot take.
pub(super) async fn rejections(
    reads: &ReadCache,
    update: &StackUpdate<'_>,
    context: &PreflightContext,
    replacements: &[Replacement],
) -> Result<Vec<Finding>> {
    let changes = NameChanges::between(update.deployed, update.desired, replacements, &context.known);
    let mut findings = Vec::new();
    for conflict in &changes.conflicts {
        let (message, hint) = descriptions::describe_conflict(update, conflict);
        findings.push(match &conflict.cause {
            ConflictCause::Replaced(replacement) if !replacement.is_certain => Finding::Note(format!(
                "{}: {} may be replaced, which fails as long as its name stays the same; {hint}",
                update.stack,
                descriptions::describe_resource(&conflict.name),
            )),
            _ => Finding::rejection(message, hint),
        });
    }
    for (_, name) in &changes.new_names {
        findings.extend(existing(reads, update, context, name).await?);
    }
    Ok(findings)
}

/// Looks for a resource that has the name already and does not belong to the stack.
async fn existing(
    reads: &ReadCache,
    update: &StackUpdate<'_>,
    context: &PreflightContext,
    name: &CustomName,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let ids = reads.named_resources.get(format!("{name:?}"), Box::pin(physical_ids(reads.aws(), name)));
    let ids = unless_denied(ids.await, &mut findings)?.unwrap_or_default();
    let Some(physical_id) = ids.into_iter().find(|id| !context.has(id)) else { return Ok(findings) };
    let owner = unless_denied(reads.owner_of(&physical_id).await, &mut findings)?.flatten();
    // By name: another deploy may be creating this very stack.
    if owner.as_deref().map(stack_name) == Some(update.stack) {
        return Ok(findings);
    }
    let (stack, what, rename) =
        (update.stack, descriptions::describe_resource(name), descriptions::rename_advice(name, update.service_key));
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
            let delete = SuggestedCommand::aws([
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

/// The physical ids of the resources with this name; none if it cannot be known. Types that the tool does not create are left to
/// CloudFormation.
async fn physical_ids(aws: &Aws, name: &CustomName) -> std::result::Result<Vec<String>, AwsError> {
    let text = name.display_name();
    match name.resource_type.as_str() {
        "AWS::Logs::LogGroup" if name.get("LogGroupName").is_some() => {
            Ok(if aws.has_log_group(&text).await? { vec![text] } else { Vec::new() })
        }
        "AWS::ECS::Cluster" if name.get("ClusterName").is_some() => {
            let status = aws.cluster_status(&text).await?;
            Ok(if status.is_some_and(|status| status != "INACTIVE") { vec![text] } else { Vec::new() })
        }
        "AWS::ECS::Service" => match (name.get("Cluster"), name.get("ServiceName")) {
            (Some(cluster), Some(service)) => {
                let name = ServiceName { cluster: cluster.to_owned(), service: service.to_owned() };
                Ok(aws.service_arn(&name).await?.into_iter().collect())
            }
            _ => Ok(Vec::new()),
        },
        "AWS::ServiceDiscovery::PrivateDnsNamespace" if name.get("Vpc").is_some() => {
            aws.private_namespace_ids(&text).await
        }
        "AWS::ServiceDiscovery::Service" => match (name.get("NamespaceId"), name.get("Name")) {
            (Some(namespace), Some(service)) => {
                Ok(aws.discovery_service_id(namespace, service).await?.into_iter().collect())
            }
            _ => Ok(Vec::new()),
        },
        _ => Ok(Vec::new()),
    }
}
