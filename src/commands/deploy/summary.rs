//! Collects the summary of a deploy.

use crate::context::Context;
use crate::error::CliError;
use crate::hint::SuggestedCommand;
use crate::model::Stack;
use crate::ops::{ReadCache, StackOutcome, find_service};
use crate::project::Project;
use crate::render::Summary;
use crate::stack::ProjectStack;
use crate::stack::spec::Port;

/// The outcomes, outputs and addresses of a deploy, and commands to try next.
pub(super) async fn summarise<'a>(
    project: &Project,
    stacks: &'a [ProjectStack],
    outcomes: &'a [StackOutcome<CliError>],
    deployed: &[Stack],
    reads: &ReadCache,
    ctx: &Context,
) -> Result<Summary<'a, CliError>, CliError> {
    let names = stacks.iter().map(|stack| stack.name.as_str());
    let stacks = names.zip(outcomes).collect();
    let mut summary = Summary { stacks, outputs: Vec::new(), services: Vec::new(), next: Vec::new() };
    for stack in deployed {
        let outputs = stack.outputs.iter();
        summary.outputs.extend(outputs.map(|output| (stack.name.clone(), output.key.clone(), output.value.clone())));
    }
    let services: Vec<_> =
        deployed.iter().filter_map(|stack| Some((project.spec.service_of_stack(&stack.name)?, stack))).collect();
    for ((key, service), stack) in &services {
        let local = if ctx.settings.sandbox {
            let resources = reads.resources(stack).await?;
            ctx.local_url(&find_service(reads.aws(), &stack.name, &resources).await?).await?
        } else {
            None
        };
        let inside =
            service.discovery.as_ref().and_then(|name| inside(project, name, service.container.ports.first().copied()));
        summary.services.push(((*key).to_owned(), local.into_iter().chain(inside).collect()));
    }
    if let Some(((key, service), _)) = services.first() {
        let key = (project.spec.services.len() > 1).then(|| (*key).to_owned());
        let command = |name: &str, flags: &[&str]| {
            let words = std::iter::once(name.to_owned()).chain(key.clone());
            SuggestedCommand::ecsws(words.chain(flags.iter().map(|flag| (*flag).to_owned())))
        };
        // With autoscaling a count would be changed again.
        let count = service.count.filter(|_| service.autoscaling.is_none()).map(|count| (count + 1).max(3));
        let scale = count.map(|count| command("scale", &["--count", &count.to_string()]));
        let tries =
            std::iter::once(command("logs", &["--watch"])).chain(scale).chain([command("status", &["--watch"])]);
        summary.next = tries.collect();
    }
    Ok(summary)
}

/// `NAME.NAMESPACE:PORT`, if the namespace belongs to the project, so that its name is known.
fn inside(project: &Project, name: &str, port: Option<Port>) -> Option<String> {
    let namespace = &project.spec.platform.stack.as_ref()?.namespace;
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{name}.{namespace}{port}"))
}
