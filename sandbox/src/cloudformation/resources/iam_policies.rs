//! `AWS::IAM::ManagedPolicy` and `::RolePolicy`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{HandlerContext, HandlerOutput, ResourceType, ignore_missing, resource_type, text};
use crate::Fault;
use crate::base::clock::{from_epoch_seconds, iso8601};
use crate::cloudformation::model::PhysicalResource;

pub(super) const TYPES: &[ResourceType] = &[
    resource_type!(
        "AWS::IAM::ManagedPolicy",
        attributes: [
            "AttachmentCount", "CreateDate", "DefaultVersionId", "IsAttachable", "PermissionsBoundaryUsageCount", "PolicyArn",
            "PolicyId", "UpdateDate"
        ],
        create_only: [],
        create_managed, update_managed, delete_managed
    ),
    resource_type!(
        "AWS::IAM::RolePolicy", attributes: [], create_only: [], create, update, delete
    ),
];

/// The text of a policy document, which may be JSON text in the template (recorded: localstack's
/// test_managedpolicy_with_fn_sub_json_string).
pub(super) fn document_text(document: &Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ManagedPolicyProperties {
    managed_policy_name: Option<String>,
    description: Option<String>,
    path: Option<String>,
    policy_document: Value,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    users: Vec<String>,
}

impl ManagedPolicyProperties {
    fn check(&self) -> Result<(), Fault> {
        if self.groups.is_empty() && self.users.is_empty() {
            return Ok(());
        }
        Err(Fault::not_implemented("the properties Groups and Users of AWS::IAM::ManagedPolicy"))
    }
}

/// The policy with its attributes.
async fn describe(context: &HandlerContext, arn: &str) -> Result<HandlerOutput, Fault> {
    let response = context.call("iam", "GetPolicy", json!({ "PolicyArn": arn })).await?;
    let mut attributes = response["Policy"].clone();
    attributes["PolicyArn"] = arn.into();
    for date in ["CreateDate", "UpdateDate"] {
        attributes[date] = iso8601(from_epoch_seconds(attributes[date].as_f64().unwrap_or_default())).into();
    }
    Ok(HandlerOutput::new(arn, attributes))
}

async fn create_managed(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let policy: ManagedPolicyProperties = context.properties(properties)?;
    policy.check()?;
    let input = json!({
        "PolicyName": policy.managed_policy_name.clone().unwrap_or_else(|| context.generated_name(128)),
        "Description": policy.description,
        "Path": policy.path,
        "PolicyDocument": document_text(&policy.policy_document),
    });
    let response = context.call("iam", "CreatePolicy", input).await?;
    let arn = text(&response, "/Policy/Arn");
    context.store_unfinished(&HandlerOutput::new(arn, json!({ "PolicyArn": arn })))?;
    attach(&context, arn, &policy.roles).await?;
    describe(&context, arn).await
}

async fn attach(context: &HandlerContext, arn: &str, roles: &[String]) -> Result<(), Fault> {
    for role in roles {
        context.call("iam", "AttachRolePolicy", json!({ "RoleName": role, "PolicyArn": arn })).await?;
    }
    Ok(())
}

/// Detaches the policy from the roles that exist and have it.
async fn detach(context: &HandlerContext, arn: &str, roles: &[String]) -> Result<(), Fault> {
    for role in roles {
        ignore_missing(context.call("iam", "DetachRolePolicy", json!({ "RoleName": role, "PolicyArn": arn })).await)?;
    }
    Ok(())
}

async fn update_managed(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    let (before, after): (ManagedPolicyProperties, ManagedPolicyProperties) =
        (context.properties(old.properties.clone())?, context.properties(properties)?);
    after.check()?;
    let arn = old.physical_id.as_str();
    if before.policy_document != after.policy_document {
        delete_oldest_version(&context, arn).await?;
        let document = document_text(&after.policy_document);
        let input = json!({ "PolicyArn": arn, "PolicyDocument": document, "SetAsDefault": true });
        context.call("iam", "CreatePolicyVersion", input).await?;
    }
    let removed: Vec<String> = before.roles.iter().filter(|role| !after.roles.contains(role)).cloned().collect();
    detach(&context, arn, &removed).await?;
    attach(&context, arn, &after.roles).await?;
    describe(&context, arn).await
}

/// Deletes the oldest version if the policy has as many as it can have.
async fn delete_oldest_version(context: &HandlerContext, arn: &str) -> Result<(), Fault> {
    let listed = context.call("iam", "ListPolicyVersions", json!({ "PolicyArn": arn })).await?;
    let versions = listed["Versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let [.., oldest] = versions
        && versions.len() >= 5
    {
        let input = json!({ "PolicyArn": arn, "VersionId": oldest["VersionId"] });
        context.call("iam", "DeletePolicyVersion", input).await?;
    }
    Ok(())
}

async fn delete_managed(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let policy: ManagedPolicyProperties = context.properties(old.properties.clone())?;
    let arn = old.physical_id.as_str();
    detach(&context, arn, &policy.roles).await?;
    let listed = context.call("iam", "ListPolicyVersions", json!({ "PolicyArn": arn })).await?;
    for version in listed["Versions"].as_array().into_iter().flatten() {
        if version["IsDefaultVersion"] == false {
            let input = json!({ "PolicyArn": arn, "VersionId": version["VersionId"] });
            context.call("iam", "DeletePolicyVersion", input).await?;
        }
    }
    context.call("iam", "DeletePolicy", json!({ "PolicyArn": arn })).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RolePolicyProperties {
    policy_document: Value,
    policy_name: String,
    role_name: String,
}

async fn put(context: &HandlerContext, policy: &RolePolicyProperties) -> Result<(), Fault> {
    let RolePolicyProperties { policy_document, policy_name, role_name } = policy;
    let document = document_text(policy_document);
    let input = json!({ "RoleName": role_name, "PolicyName": policy_name, "PolicyDocument": document });
    context.call("iam", "PutRolePolicy", input).await.map(drop)
}

async fn create(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let policy: RolePolicyProperties = context.properties(properties)?;
    put(&context, &policy).await?;
    Ok(HandlerOutput::new(&format!("{}|{}", policy.policy_name, policy.role_name), json!({})))
}

async fn update(context: HandlerContext, old: PhysicalResource, properties: Value) -> Result<HandlerOutput, Fault> {
    put(&context, &context.properties(properties)?).await?;
    Ok(HandlerOutput::from(&old))
}

async fn delete(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let RolePolicyProperties { policy_name, role_name, .. } = context.properties(old.properties)?;
    let input = json!({ "RoleName": role_name, "PolicyName": policy_name });
    context.call("iam", "DeleteRolePolicy", input).await.map(drop)
}
