//! `AWS::IAM::Role`, `::Policy` and `::InstanceProfile`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::iam_policies::document_text;
use super::{HandlerContext, HandlerOutput, ResourceType, ignore_missing, resource_type, text};
use crate::Fault;
use crate::base::tags::Tag;
use crate::cloudformation::model::PhysicalResource;

pub(super) const TYPES: &[ResourceType] = &[
    resource_type!(
        "AWS::IAM::Role", attributes: ["Arn", "RoleId"], create_only: [], create_role, update_role, delete_role
    ),
    resource_type!(
        "AWS::IAM::Policy", attributes: ["Id"], create_only: [], create_policy, update_policy, delete_policy
    ),
    resource_type!(
        "AWS::IAM::InstanceProfile",
        attributes: ["Arn"],
        create_only: [],
        create_profile, update_profile, delete_profile
    ),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RoleProperties {
    assume_role_policy_document: Value,
    description: Option<String>,
    #[serde(default)]
    managed_policy_arns: Vec<String>,
    max_session_duration: Option<i64>,
    path: Option<String>,
    permissions_boundary: Option<String>,
    #[serde(default)]
    policies: Vec<InlinePolicy>,
    role_name: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct InlinePolicy {
    policy_document: Value,
    policy_name: String,
}

async fn create_role(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let role: RoleProperties = context.properties(properties)?;
    let name = role.role_name.clone().unwrap_or_else(|| context.generated_name(64));
    let input = json!({
        "RoleName": name,
        "AssumeRolePolicyDocument": document_text(&role.assume_role_policy_document),
        "Path": role.path,
        "Description": role.description,
        "MaxSessionDuration": role.max_session_duration,
        "PermissionsBoundary": role.permissions_boundary,
        "Tags": context.all_tags(&role.tags),
    });
    let response = context.call("iam", "CreateRole", input).await?;
    let output = HandlerOutput::new(
        &name,
        json!({ "Arn": text(&response, "/Role/Arn"), "RoleId": text(&response, "/Role/RoleId") }),
    );
    context.store_unfinished(&output)?;
    put_policies(&context, &name, &role).await?;
    Ok(output)
}

async fn put_policies(context: &HandlerContext, name: &str, role: &RoleProperties) -> Result<(), Fault> {
    for arn in &role.managed_policy_arns {
        context.call("iam", "AttachRolePolicy", json!({ "RoleName": name, "PolicyArn": arn })).await?;
    }
    for policy in &role.policies {
        let document = document_text(&policy.policy_document);
        let input = json!({ "RoleName": name, "PolicyName": policy.policy_name, "PolicyDocument": document });
        context.call("iam", "PutRolePolicy", input).await?;
    }
    Ok(())
}

async fn update_role(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    let (before, after): (RoleProperties, RoleProperties) =
        (context.properties(old.properties.clone())?, context.properties(properties)?);
    let name = old.physical_id.as_str();
    let document = document_text(&after.assume_role_policy_document);
    context.call("iam", "UpdateAssumeRolePolicy", json!({ "RoleName": name, "PolicyDocument": document })).await?;
    let input =
        json!({ "RoleName": name, "Description": after.description, "MaxSessionDuration": after.max_session_duration });
    context.call("iam", "UpdateRole", input).await?;
    for arn in before.managed_policy_arns.iter().filter(|arn| !after.managed_policy_arns.contains(arn)) {
        context.call("iam", "DetachRolePolicy", json!({ "RoleName": name, "PolicyArn": arn })).await?;
    }
    for removed in
        before.policies.iter().filter(|old| !after.policies.iter().any(|new| new.policy_name == old.policy_name))
    {
        context.call("iam", "DeleteRolePolicy", json!({ "RoleName": name, "PolicyName": removed.policy_name })).await?;
    }
    put_policies(&context, name, &after).await?;
    match &after.permissions_boundary {
        Some(arn) => {
            let input = json!({ "RoleName": name, "PermissionsBoundary": arn });
            context.call("iam", "PutRolePermissionsBoundary", input).await?;
        }
        None => drop(context.call("iam", "DeleteRolePermissionsBoundary", json!({ "RoleName": name })).await?),
    }
    let removed: Vec<&str> = before
        .tags
        .iter()
        .filter(|tag| !after.tags.iter().any(|new| new.key == tag.key))
        .map(|tag| tag.key.as_str())
        .collect();
    context.call("iam", "UntagRole", json!({ "RoleName": name, "TagKeys": removed })).await?;
    context.call("iam", "TagRole", json!({ "RoleName": name, "Tags": context.all_tags(&after.tags) })).await?;
    Ok(HandlerOutput::from(&old))
}

async fn delete_role(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let name = old.physical_id.as_str();
    let role: RoleProperties = context.properties(old.properties)?;
    for arn in &role.managed_policy_arns {
        ignore_missing(context.call("iam", "DetachRolePolicy", json!({ "RoleName": name, "PolicyArn": arn })).await)?;
    }
    for policy in &role.policies {
        let input = json!({ "RoleName": name, "PolicyName": policy.policy_name });
        ignore_missing(context.call("iam", "DeleteRolePolicy", input).await)?;
    }
    context.call("iam", "DeleteRole", json!({ "RoleName": name })).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PolicyProperties {
    policy_document: Value,
    policy_name: String,
    #[serde(default)]
    roles: Vec<String>,
}

impl PolicyProperties {
    fn check(&self) -> Result<(), Fault> {
        if self.roles.is_empty() {
            let message = "At least one of [Groups,Roles,Users] must be non-empty.";
            return Err(Fault::client("ValidationError", message));
        }
        Ok(())
    }
}

async fn put_policy(context: &HandlerContext, policy: &PolicyProperties) -> Result<(), Fault> {
    policy.check()?;
    for role in &policy.roles {
        let document = document_text(&policy.policy_document);
        let input = json!({ "RoleName": role, "PolicyName": policy.policy_name, "PolicyDocument": document });
        context.call("iam", "PutRolePolicy", input).await?;
    }
    Ok(())
}

async fn create_policy(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let policy = context.properties(properties)?;
    let id = context.generated_name(32);
    let output = HandlerOutput::new(&id, json!({ "Id": id }));
    context.store_unfinished(&output)?;
    put_policy(&context, &policy).await?;
    Ok(output)
}

async fn update_policy(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    let (before, after): (PolicyProperties, PolicyProperties) =
        (context.properties(old.properties.clone())?, context.properties(properties)?);
    // A renamed policy is deleted first: both together may exceed the role's quota.
    for role in &before.roles {
        if before.policy_name != after.policy_name || !after.roles.contains(role) {
            let input = json!({ "RoleName": role, "PolicyName": before.policy_name });
            ignore_missing(context.call("iam", "DeleteRolePolicy", input).await)?;
        }
    }
    put_policy(&context, &after).await?;
    Ok(HandlerOutput::from(&old))
}

async fn delete_policy(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let policy: PolicyProperties = context.properties(old.properties)?;
    policy.check()?;
    for role in &policy.roles {
        let input = json!({ "RoleName": role, "PolicyName": policy.policy_name });
        ignore_missing(context.call("iam", "DeleteRolePolicy", input).await)?;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct InstanceProfileProperties {
    instance_profile_name: Option<String>,
    path: Option<String>,
    roles: Vec<String>,
}

async fn create_profile(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let InstanceProfileProperties { instance_profile_name, path, roles } = context.properties(properties)?;
    let name = instance_profile_name.unwrap_or_else(|| context.generated_name(128));
    let response =
        context.call("iam", "CreateInstanceProfile", json!({ "InstanceProfileName": name, "Path": path })).await?;
    let output = HandlerOutput::new(&name, json!({ "Arn": text(&response, "/InstanceProfile/Arn") }));
    context.store_unfinished(&output)?;
    for role in roles {
        context
            .call("iam", "AddRoleToInstanceProfile", json!({ "InstanceProfileName": name, "RoleName": role }))
            .await?;
    }
    Ok(output)
}

async fn remove_roles(context: &HandlerContext, old: &PhysicalResource) -> Result<(), Fault> {
    let before: InstanceProfileProperties = context.properties(old.properties.clone())?;
    for role in before.roles {
        let input = json!({ "InstanceProfileName": old.physical_id, "RoleName": role });
        ignore_missing(context.call("iam", "RemoveRoleFromInstanceProfile", input).await)?;
    }
    Ok(())
}

async fn update_profile(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    let after: InstanceProfileProperties = context.properties(properties)?;
    remove_roles(&context, &old).await?;
    for role in after.roles {
        let input = json!({ "InstanceProfileName": old.physical_id, "RoleName": role });
        context.call("iam", "AddRoleToInstanceProfile", input).await?;
    }
    Ok(HandlerOutput::from(&old))
}

async fn delete_profile(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    remove_roles(&context, &old).await?;
    context.call("iam", "DeleteInstanceProfile", json!({ "InstanceProfileName": old.physical_id })).await.map(drop)
}
