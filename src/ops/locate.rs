//! Finds what a service's stack made: the service, its cluster, and where its logs are.

use serde_json::Value;

use super::{OpsError, Result};
use crate::aws::{Aws, ServiceArn, ServiceName, StackResource};
use crate::stack::read_template;

/// A service's stack as it is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStack {
    /// The service and its cluster.
    pub service: ServiceName,
}

/// Where a service's log lines are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSource {
    /// The log group's name.
    pub group: String,
    /// What the names of its streams begin with.
    pub stream_prefix: String,
}

/// The log group of a stack, also when only that is left of it.
pub async fn locate_log_group(aws: &Aws, stack: &str) -> Result<Option<String>> {
    let resources = aws.stack_resources(stack).await?;
    let found =
        resources.into_iter().find(|resource| resource.resource_type == "AWS::Logs::LogGroup" && resource.exists());
    Ok(found.map(|group| group.physical_id))
}

/// Reads the stack's resources: the physical ids of the service (its ARN) and the log group (its name).
pub async fn locate_service(aws: &Aws, stack: &str) -> Result<ServiceStack> {
    let resources = aws.stack_resources(stack).await?;
    if resources.is_empty() {
        return Err(OpsError::Missing(format!("stack `{stack}` is not deployed")));
    }
    let resource = resources
        .iter()
        .find(|resource| resource.resource_type == "AWS::ECS::Service" && resource.exists())
        .ok_or_else(|| OpsError::Missing(format!("stack `{stack}` has no ECS service yet")))?;
    let not_an_arn = || OpsError::Missing(format!("`{}` is not the ARN of an ECS service", resource.physical_id));
    Ok(ServiceStack { service: service_name(aws, stack, resource).await?.ok_or_else(not_an_arn)? })
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

/// The name of the cluster in the deployed template's `Cluster` of a service.
async fn deployed_cluster(aws: &Aws, stack: &str, logical_id: &str) -> Result<String> {
    let template = aws.template(stack).await?.and_then(|text| read_template(&text).ok()).unwrap_or_default();
    let cluster = match cluster_reference(&template.resource(logical_id)["Properties"]["Cluster"]) {
        Some(Cluster::Named(name)) => Some(name.to_owned()),
        Some(Cluster::Resource(id)) => {
            let resources = aws.stack_resources(stack).await?;
            let resource = resources.into_iter().find(|resource| resource.logical_id == id);
            let parameters = aws.stack(stack).await?.map(|stack| stack.parameters).unwrap_or_default();
            let parameter = || parameters.into_iter().find(|(key, _)| key == id).map(|(_, value)| value);
            resource.map(|resource| resource.physical_id).or_else(parameter)
        }
        Some(Cluster::Export(name)) => {
            aws.exports().await?.into_iter().find(|export| export.name == name).map(|export| export.value)
        }
        None => None,
    };
    let unknown = || {
        OpsError::Missing(format!(
            "the ARN of the service `{logical_id}` has the format without a cluster, and the template of {stack} does not name one"
        ))
    };
    let cluster = cluster.ok_or_else(unknown)?;
    // Its ARN names it as well.
    Ok(cluster.rsplit('/').next().unwrap_or_default().to_owned())
}

/// What a service's `Cluster` refers to.
#[derive(Debug, PartialEq, Eq)]
enum Cluster<'a> {
    /// A name or ARN.
    Named(&'a str),
    /// A resource or parameter of the stack.
    Resource(&'a str),
    /// An export of another stack.
    Export(&'a str),
}

/// `None` for an expression that only CloudFormation can evaluate.
fn cluster_reference(cluster: &Value) -> Option<Cluster<'_>> {
    let text = match cluster {
        Value::Null => return Some(Cluster::Named("default")),
        Value::String(name) => return Some(Cluster::Named(name)),
        other => other.as_object().filter(|map| map.len() == 1)?,
    };
    let (function, argument) = text.iter().next()?;
    match (function.as_str(), argument) {
        ("Ref", Value::String(id)) => Some(Cluster::Resource(id)),
        ("Fn::GetAtt", Value::Array(path)) => path.first()?.as_str().map(Cluster::Resource),
        ("Fn::GetAtt", Value::String(path)) => path.split('.').next().map(Cluster::Resource),
        ("Fn::ImportValue", name) => match cluster_reference(name)? {
            Cluster::Named(name) => Some(Cluster::Export(name)),
            _ => None,
        },
        ("Fn::Sub", Value::String(text)) if !text.contains("${") => Some(Cluster::Named(text)),
        ("Fn::Sub", Value::String(text)) => {
            let id = text.strip_prefix("${")?.strip_suffix('}').filter(|id| !id.contains(['$', '{', '!', ':']))?;
            id.split('.').next().map(Cluster::Resource)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_cluster_of_a_service_is_found_in_each_form_of_a_reference() {
        for (cluster, expected) in [
            (Value::Null, Some(Cluster::Named("default"))),
            (json!("demo"), Some(Cluster::Named("demo"))),
            (json!({ "Ref": "Cluster" }), Some(Cluster::Resource("Cluster"))),
            (json!({ "Fn::GetAtt": ["Cluster", "Arn"] }), Some(Cluster::Resource("Cluster"))),
            (json!({ "Fn::GetAtt": "Cluster.Arn" }), Some(Cluster::Resource("Cluster"))),
            (json!({ "Fn::ImportValue": "ECSClusterName" }), Some(Cluster::Export("ECSClusterName"))),
            (json!({ "Fn::ImportValue": { "Fn::Sub": "name" } }), Some(Cluster::Export("name"))),
            (json!({ "Fn::Sub": "demo" }), Some(Cluster::Named("demo"))),
            (json!({ "Fn::Sub": "${Cluster}" }), Some(Cluster::Resource("Cluster"))),
            (json!({ "Fn::Sub": "${Cluster.Arn}" }), Some(Cluster::Resource("Cluster"))),
            (json!({ "Fn::Sub": "${A}-${B}" }), None),
            (json!({ "Fn::ImportValue": { "Fn::Sub": "${AWS::StackName}-cluster" } }), None),
            (json!({ "Fn::If": ["A", "b", "c"] }), None),
        ] {
            assert_eq!(cluster_reference(&cluster), expected, "{cluster}");
        }
    }
}
