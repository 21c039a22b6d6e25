//! Finds the service of a stack, and its cluster.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{OpsError, Result};
use crate::aws::Aws;
use crate::model::{ServiceArn, ServiceName, StackResource, stack_name};
use crate::stack::{KnownValues, parse_template};

/// The service of a stack, whose physical id is its ARN.
pub async fn locate_service(aws: &Aws, stack: &str) -> Result<ServiceName> {
    find_service(aws, stack, &aws.stack_resources(stack).await?).await
}

/// The service among the resources of a stack.
pub(crate) async fn find_service(aws: &Aws, stack: &str, resources: &[StackResource]) -> Result<ServiceName> {
    if resources.is_empty() {
        return Err(OpsError::missing(stack, format!("stack `{stack}` is not deployed")));
    }
    let resource = resources
        .iter()
        .find(|resource| is_existing_service(resource))
        .ok_or_else(|| OpsError::missing(stack, format!("stack `{stack}` has no ECS service yet")))?;
    let not_an_arn =
        || OpsError::missing(stack, format!("`{}` is not the ARN of an ECS service", resource.physical_id));
    service_name(aws, stack, resource).await?.ok_or_else(not_an_arn)
}

/// Whether a resource of a stack is an ECS service that exists.
pub(super) fn is_existing_service(resource: &StackResource) -> bool {
    resource.resource_type == "AWS::ECS::Service" && resource.exists()
}

/// The name and cluster of a service that is a resource of a stack; `None` if its physical id is not a service's ARN.
pub(super) async fn service_name(aws: &Aws, stack: &str, service: &StackResource) -> Result<Option<ServiceName>> {
    match ServiceArn::parse(&service.physical_id) {
        Some(arn) => name_of(aws, stack, &service.logical_id, arn).await.map(Some),
        None => Ok(None),
    }
}

/// The service's name and cluster. The cluster that an ARN of the old format lacks is the one that the stack's template gives
/// the service, or the default one.
pub(super) async fn name_of(aws: &Aws, stack: &str, logical_id: &str, arn: ServiceArn) -> Result<ServiceName> {
    let ServiceArn { cluster, service } = arn;
    let cluster = match cluster {
        Some(cluster) => cluster,
        None => deployed_cluster(aws, stack, logical_id).await?,
    };
    Ok(ServiceName { cluster, service })
}

/// The name of the cluster in the deployed template's `Cluster` of a service; ECS's default one where it has none.
async fn deployed_cluster(aws: &Aws, stack: &str, logical_id: &str) -> Result<String> {
    let template = aws.template(stack).await?.and_then(|text| parse_template(&text).ok()).unwrap_or_default();
    let cluster = &template.resource(logical_id)["Properties"]["Cluster"];
    if cluster.is_null() {
        return Ok("default".to_owned());
    }
    let unknown = || {
        let message = format!(
            "the ARN of the service `{logical_id}` has the format without a cluster, and the template of {stack} does not name one"
        );
        OpsError::missing(stack, message)
    };
    let name = known_values(aws, stack, cluster).await?.resolve(cluster).ok_or_else(unknown)?;
    // It may be the cluster's ARN.
    Ok(name.rsplit('/').next().unwrap_or_default().to_owned())
}

/// What the references of a stack's template stand for; exports only where `value` imports one.
async fn known_values(aws: &Aws, stack: &str, value: &Value) -> Result<KnownValues> {
    let mut references: BTreeMap<String, String> =
        aws.stack(stack).await?.map(|stack| stack.parameters).unwrap_or_default().into_iter().collect();
    for StackResource { logical_id, physical_id, resource_type, .. } in aws.stack_resources(stack).await? {
        if resource_type == "AWS::ECS::Cluster" {
            references.insert(format!("{logical_id}.Arn"), physical_id.clone());
        }
        references.insert(logical_id, physical_id);
    }
    references.insert("AWS::StackName".to_owned(), stack_name(stack).to_owned());
    references.insert("AWS::Region".to_owned(), aws.region().to_owned());
    let exports = if value.to_string().contains("Fn::ImportValue") {
        aws.exports().await?.into_iter().map(|export| (export.name, export.value)).collect()
    } else {
        BTreeMap::new()
    };
    Ok(KnownValues { references, exports })
}
