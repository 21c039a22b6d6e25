//! Checks before a deploy whether the sandbox's container runtime can run the images.

use crate::context::Context;
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
    let spec = &project.spec.sandbox;
    let Some(sandbox) = ctx.sandbox().filter(|_| spec.runtime != Runtime::Process) else { return Ok(()) };
    let services = stacks.iter().filter_map(|stack| project.spec.service_of_stack(&stack.name));
    let images = services.map(|(_, service)| service.container.image.clone());
    let images = images.filter(|image| !spec.images.contains_key(image)).collect();
    let report = sandbox.check_runtime(spec.runtime, images, Context::now()).await?;
    let runtime = spec.runtime.name();
    for limit in report.unenforced_limits {
        ctx.ui.warn(&format!("{runtime}: {}", render::clean(&limit, false)));
    }
    for image in report.missing {
        ctx.ui.note(&format!("{runtime} pulls {image}, which is not on this machine yet"));
    }
    Ok(())
}
