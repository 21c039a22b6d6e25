//! What runs a stack's images on this machine: the mapping and the engine that the control call `PutImages` sets. Without them it is
//! the mock backend.
//!
//! This is the only source of a task's command on this machine. Of the commands in ECS's API requests only health checks run here,
//! and only if commands from requests may run at all. Inside an engine's containers the commands of requests run.

use std::sync::Arc;

use super::faults::invalid;
use super::lookups::{key, task_definition};
use super::model::{Images, StoredImageCommand, Task};
use crate::base::tags::Tag;
use crate::process::container_engine::EngineKind;
use crate::process::container_runtime::RuntimeError;
use crate::services::ecs::{self, State};
use crate::store::States;
use crate::{Fault, Sandbox};

/// The tags that name the stack: CloudFormation's own, and one that callers may set themselves.
const STACK_TAGS: [&str; 2] = ["aws:cloudformation:stack-name", "ecsws:stack-name"];

/// Replaces the mapping of a stack. Running tasks are not affected.
pub(crate) fn put(sandbox: &Arc<Sandbox>, stack_name: String, images: Images) -> Result<(), Fault> {
    for (image, StoredImageCommand { command, cwd }) in &images.images {
        if command.first().is_none_or(String::is_empty) {
            return Err(invalid(format!("the command for the image {image} is empty")));
        }
        if cwd.as_ref().is_some_and(|folder| !folder.is_absolute()) {
            return Err(invalid(format!("the folder for the image {image} is not absolute")));
        }
    }
    sandbox.store.write(|states| {
        states.of_mut::<State>().images.insert(stack_name, images);
        Ok(())
    })
}

/// What an engine (or without one, this machine) cannot do, and which of the images it would have to pull.
///
/// # Errors
/// The runtime cannot be used.
pub(crate) async fn check_runtime(
    sandbox: &Arc<Sandbox>,
    engine: Option<EngineKind>,
    images: Vec<String>,
) -> Result<(Vec<String>, Vec<String>), RuntimeError> {
    let runtime = sandbox.in_memory::<ecs::TaskProcesses>().containers.get(engine);
    let unenforced_limits = runtime.unenforced_limits().await?.into_iter().map(str::to_owned).collect();
    let mut missing = Vec::new();
    for image in images {
        if !runtime.has_image(&image).await {
            missing.push(image);
        }
    }
    Ok((unenforced_limits, missing))
}

/// The command that replaces a task's image, if its stack maps it.
pub(super) fn command(states: &States, task: &Task, image: &str) -> Option<StoredImageCommand> {
    let stack = stack(states, task)?;
    let images = &states.of::<State>().images.get(&stack)?.images;
    let untagged = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(image, |(name, _)| name);
    images.get(image).or_else(|| images.get(untagged)).cloned()
}

/// The engine that runs a task's images, if its stack has one.
pub(super) fn engine(states: &States, task: &Task) -> Option<EngineKind> {
    states.of::<State>().images.get(&stack(states, task)?)?.engine
}

/// The stack of a task's service, of the task itself or of its task definition.
fn stack(states: &States, task: &Task) -> Option<String> {
    let tag_value = |tags: &[Tag], key| tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone());
    let in_tags = |tags: &[Tag]| STACK_TAGS.iter().find_map(|key| tag_value(tags, *key));
    let service = task.service.as_ref().and_then(|name| states.of::<State>().services.get(&key(&task.cluster, name)));
    let of_service = service.and_then(|service| in_tags(&service.tags));
    let of_definition =
        || task_definition(states, &task.task_definition).and_then(|definition| in_tags(&definition.tags));
    of_service.or_else(|| in_tags(&task.tags)).or_else(of_definition)
}
