//! A task's IAM role and the credentials for it.

use crate::Sandbox;
use crate::auth::RoleLease;
use crate::base::ids;
use crate::services::ecs::lookups::last_part;
use crate::services::ecs::model::{Task, TaskDefinition};
use crate::services::iam;

/// The name or the ARN of a task's role: RunTask's override, or the definition's own.
pub(in crate::services::ecs) fn task_role_name<'a>(
    task: &'a Task,
    definition: Option<&'a TaskDefinition>,
) -> Option<&'a str> {
    let overridden = task.overrides.as_ref().and_then(|given| given.get("taskRoleArn")?.as_str());
    overridden.or_else(|| definition?.text("taskRoleArn")).filter(|role| !role.is_empty())
}

/// Credentials of the task's role, valid until the lease is dropped; none without a role. The session is named after the
/// task's id, as on ECS. A role that this IAM does not have, such as one of another account, gets a random id.
pub(super) fn lease(sandbox: &Sandbox, task: &Task, definition: &TaskDefinition) -> Option<RoleLease> {
    let role_name = task_role_name(task, Some(definition))?;
    let stored_role = sandbox.store.read(|states| {
        let role = states.of::<iam::State>().roles.get(last_part(role_name))?;
        Some((role.arn.clone(), role.id.clone()))
    });
    let foreign = || {
        let is_arn = role_name.starts_with("arn:");
        let arn =
            if is_arn { role_name.to_owned() } else { sandbox.config.global_arn("iam", &format!("role/{role_name}")) };
        (arn, format!("AROA{}", ids::random_upper(17)))
    };
    let (arn, id) = stored_role.unwrap_or_else(foreign);
    Some(sandbox.roles.issue(arn, id, task.id.clone()))
}
