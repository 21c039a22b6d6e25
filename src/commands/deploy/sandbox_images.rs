//! Prepares the sandbox for a deploy: checks its container runtime, and registers the commands that stand in for images.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::context::sandbox::SandboxHandle;
use crate::error::CliError;
use crate::project::Project;
use crate::render;
use crate::stack::ProjectStack;
use crate::stack::spec::Runtime;

/// Fails if the sandbox cannot run the images, before anything is deployed to it. Prints which images have to be pulled.
pub(super) async fn check_runtime(
    project: &Project,
    stacks: &[ProjectStack],
    ctx: &mut Context,
) -> Result<(), CliError> {
    let sandbox = &project.spec.sandbox;
    if !ctx.settings.sandbox || sandbox.runtime == Runtime::Process {
        return Ok(());
    }
    let services = stacks.iter().filter_map(|stack| project.spec.service_of_stack(&stack.name));
    let images = services.map(|(_, service)| &service.container.image);
    let images: Vec<_> = images.filter(|image| !sandbox.images.contains_key(*image)).collect();
    let input = json!({ "runtime": sandbox.runtime, "images": images });
    let checked = ctx.sandbox_call("CheckRuntime", &input).await?;
    if let Some(reason) = checked["unusable"].as_str() {
        return Err(CliError::failed(reason).hint(
            "without `runtime` in [sandbox] a built-in web service or a command of [sandbox.images] stands in for the image",
        ));
    }
    let texts = |member: &str| {
        let list = checked[member].as_array().cloned().unwrap_or_default();
        list.into_iter().filter_map(|text| text.as_str().map(ToOwned::to_owned)).collect::<Vec<_>>()
    };
    let engine = input["runtime"].as_str().unwrap_or_default();
    for text in texts("shortcomings") {
        ctx.ui.warn(&format!("{engine}: {}", render::clean(&text, false)));
    }
    for image in texts("missing") {
        ctx.ui.note(&format!("{engine} pulls {image}, which is not on this machine yet"));
    }
    Ok(())
}

/// Sends the sandbox the commands that stand in for the images of a stack. Their folders are relative to the project's.
pub(super) async fn put_images(
    project: &Project,
    stack: &ProjectStack,
    sandbox: &SandboxHandle,
    now: Timestamp,
) -> Result<(), CliError> {
    if project.spec.service_of_stack(&stack.name).is_none() {
        return Ok(());
    }
    let spec = &project.spec.sandbox;
    let cwd = |cwd: Option<&String>| {
        cwd.map_or_else(|| project.dir.clone(), |cwd| project.dir.join(cwd)).display().to_string()
    };
    let images = spec.images.iter();
    let images: Map<String, Value> = images
        .map(|(image, stand_in)| {
            (image.clone(), json!({ "command": stand_in.command, "cwd": cwd(stand_in.cwd.as_ref()) }))
        })
        .collect();
    let input = json!({ "stackName": stack.name, "runtime": spec.runtime, "images": images });
    sandbox.call("PutImages", &input, now).await.map(drop)
}
