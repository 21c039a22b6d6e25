//! `ecsws deploy`: change set, approval, execution, followed to the end, stack after stack.

use std::time::Duration;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;

use super::approve::{RequireApproval, changes, check_target, declined, first_creation};
use super::wanted::{Purpose, Synthesiser, deployed_template};
use super::{Outcome, shapes};
use crate::aws::{Aws, ServiceName, Stack};
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops::{self, DeployEvent, Prepared, Wanted, locate_service, wait_until_steady};
use crate::project::Project;
use crate::render::{self, DeployView, Summary};
use crate::stack::spec::Runtime;
use crate::stack::{ProjectStack, Template, TemplateDiff};

const EXAMPLES: &str = "Examples:
  ecsws --sandbox deploy                          on this machine
  ecsws deploy --require-approval any-change
  ecsws deploy ecsworkshop-nodejs --output json   an event a line, for pipelines";

/// Deploy stacks: what changes is shown, approved, executed and followed to the end
///
/// All stacks of the project in dependency order, or those that are named. A rollback is a failure. Ctrl-C leaves CloudFormation at work;
/// the next deploy goes on from there.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", shapes::EVENTS))]
pub struct DeployArgs {
    /// The stacks; all when left out
    #[arg(value_name = "STACK", add = complete::stacks())]
    stacks: Vec<String>,
    #[command(flatten)]
    pub options: DeployOptions,
}

/// How to deploy; `scale` takes the same.
#[derive(Debug, Clone, Copy, Args)]
pub struct DeployOptions {
    /// When to ask before changing something
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    require_approval: RequireApproval,
    /// Be done when CloudFormation is, without waiting for the services to be steady
    #[arg(long)]
    no_wait_services: bool,
}

/// How long a service may take to be steady once its stack is complete.
const STEADY_WITHIN: Duration = Duration::from_mins(15);

pub async fn run(args: DeployArgs, ctx: &mut Context) -> Result<Outcome, CliError> {
    let DeployArgs { stacks, options } = args;
    let mut project = ctx.project()?;
    let stacks = project.stacks(&stacks)?;
    let deployed = deploy(&mut project, &stacks, options, ctx).await?;
    if !ctx.ui.is_json() {
        let summary = summarise(&project, &deployed, ctx).await?;
        render::summary(&mut ctx.ui, &summary)?;
    }
    Ok(Outcome::Done)
}

/// Deploys stacks in order. Ctrl-C ends the following, not the work.
pub async fn deploy(
    project: &mut Project,
    stacks: &[ProjectStack],
    options: DeployOptions,
    ctx: &mut Context,
) -> Result<Vec<Stack>, CliError> {
    let aws = ctx.aws(Some(project)).await?;
    check_runtime(project, stacks, ctx).await?;
    check_target(project, &aws, ctx).await?;
    let mut synthesiser = Synthesiser::new(Purpose::Deploy);
    let mut deployer = Deployer { view: DeployView::new(&ctx.ui, TimeZone::system()), options, aws: &aws, ctx };
    let mut deployed = Vec::new();
    for stack in stacks {
        deployer.view.busy(&format!("{}: comparing …", stack.name));
        let template = synthesiser.template(project, &stack.name, deployer.ctx).await?;
        deployed.push(deployer.deploy(project, stack, template).await?);
        if project.spec.service_of_stack(&stack.name).is_some() {
            let service = locate_service(&aws, &stack.name).await?.service;
            wait_steady(&aws, &service, options, &mut deployer.view, deployer.ctx).await?;
        }
    }
    Ok(deployed)
}

/// What every stack of a deploy is deployed with.
struct Deployer<'a> {
    view: DeployView,
    options: DeployOptions,
    aws: &'a Aws,
    ctx: &'a mut Context,
}

impl Deployer<'_> {
    /// A change set, approval, execution. What the CDK added to a deployed stack for itself is kept.
    async fn deploy(
        &mut self,
        project: &mut Project,
        stack: &ProjectStack,
        template: Template,
    ) -> Result<Stack, CliError> {
        let Self { view, options, aws, ctx } = self;
        let name = &stack.name;
        if ctx.settings.sandbox {
            hand_over_images(project, stack, ctx).await?;
        }
        let interrupts = ctx.interrupts.clone();
        let mut show = |event| view.show(&mut ctx.ui, &event);
        let existing = interrupts.during(ops::settle(aws, name, &mut show)).await.ok_or_else(nothing_begun)??;
        let deployed = match &existing {
            Some(_) => deployed_template(aws, name).await?.unwrap_or_default(),
            None => Template::default(),
        };
        if existing.is_none() {
            view.end();
            first_creation(project, name, aws.region(), ctx).await?;
        }
        let text = template.with_cdk_housekeeping_of(&deployed).to_yaml();
        let tags: Vec<(String, String)> = stack.tags.clone().into_iter().collect();
        let wanted = Wanted { name, template: &text, tags: &tags };
        let mut show = |event| view.show(&mut ctx.ui, &event);
        let prepared =
            interrupts.during(ops::prepare(aws, &wanted, existing, &mut show)).await.ok_or_else(nothing_begun)??;
        let ready = match prepared {
            Prepared::NoChanges(stack) => {
                save_edit(project, ctx)?;
                return Ok(stack);
            }
            Prepared::Ready(ready) => ready,
        };
        view.end();
        let diff = TemplateDiff::between(&deployed, &template);
        let approved = interrupts.during(changes(&diff, name, options.require_approval, ctx)).await;
        let approved = approved.unwrap_or_else(|| Err(nothing_begun()));
        if !matches!(approved, Ok(true)) {
            ready.discard(aws).await?;
            return approved.and_then(|_| Err(declined(name)));
        }
        save_edit(project, ctx)?;
        view.busy(name);
        let mut show = |event| view.show(&mut ctx.ui, &event);
        let executed = interrupts.during(ops::execute(aws, ready, &mut show)).await;
        Ok(executed.ok_or_else(|| goes_on(name))??)
    }
}

/// What `scale` has edited is written once nothing stands in the way of deploying it.
fn save_edit(project: &mut Project, ctx: &mut Context) -> Result<(), CliError> {
    if project.save_text()? {
        ctx.ui.note("wrote the new numbers to ecsws.toml");
    }
    Ok(())
}

fn nothing_begun() -> CliError {
    CliError::new(Exit::Interrupted, "interrupted; this stack is as it was")
}

fn goes_on(stack: &str) -> CliError {
    CliError::new(Exit::Interrupted, format!("interrupted; CloudFormation goes on with {stack}"))
        .hint("`ecsws deploy` follows it and goes on")
}

/// Waits for a service, unless the options say not to.
pub async fn wait_steady(
    aws: &Aws,
    service: &ServiceName,
    options: DeployOptions,
    view: &mut DeployView,
    ctx: &mut Context,
) -> Result<(), CliError> {
    if options.no_wait_services {
        return Ok(());
    }
    view.busy(&format!("{}: waiting until it is steady …", service.service));
    let interrupts = ctx.interrupts.clone();
    let mut show = |event: DeployEvent| view.show(&mut ctx.ui, &event);
    let waited = interrupts.during(wait_until_steady(aws, service, STEADY_WITHIN, &mut show)).await;
    let stopped = || CliError::new(Exit::Interrupted, format!("interrupted; ECS goes on with {}", service.service));
    Ok(waited.ok_or_else(stopped)??)
}

/// What the sandbox cannot run is refused before anything is deployed to it; what it has to pull first is said.
async fn check_runtime(project: &Project, stacks: &[ProjectStack], ctx: &mut Context) -> Result<(), CliError> {
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
        ctx.ui.warn(&format!("{engine}: {text}"));
    }
    for image in texts("missing") {
        ctx.ui.note(&format!("{engine} pulls {image}, which is not on this machine yet"));
    }
    Ok(())
}

/// Tells the sandbox which programs stand in for the images of a service's stack; folders are taken from the project's.
async fn hand_over_images(project: &Project, stack: &ProjectStack, ctx: &Context) -> Result<(), CliError> {
    if project.spec.service_of_stack(&stack.name).is_none() {
        return Ok(());
    }
    let sandbox = &project.spec.sandbox;
    let cwd = |cwd: Option<&String>| {
        cwd.map_or_else(|| project.dir.clone(), |cwd| project.dir.join(cwd)).display().to_string()
    };
    let images = sandbox.images.iter();
    let images: serde_json::Map<String, serde_json::Value> = images
        .map(|(image, stand_in)| {
            (image.clone(), json!({ "command": stand_in.command, "cwd": cwd(stand_in.cwd.as_ref()) }))
        })
        .collect();
    let input = json!({ "stackName": stack.name, "runtime": sandbox.runtime, "images": images });
    ctx.sandbox_call("PutImages", &input).await.map(drop)
}

async fn summarise(project: &Project, deployed: &[Stack], ctx: &mut Context) -> Result<Summary, CliError> {
    let aws = ctx.aws(Some(project)).await?;
    let mut summary = Summary::default();
    for stack in deployed {
        let outputs = stack.outputs.iter();
        summary.outputs.extend(outputs.map(|output| (stack.name.clone(), output.key.clone(), output.value.clone())));
    }
    let services: Vec<_> =
        deployed.iter().filter_map(|stack| Some((project.spec.service_of_stack(&stack.name)?, stack))).collect();
    for ((key, service), stack) in &services {
        let located = locate_service(&aws, &stack.name).await?.service;
        let local = ctx.local_url(&located).await?;
        let inside =
            service.discovery.as_ref().and_then(|name| inside(project, name, service.container.ports.first().copied()));
        summary.services.push(((*key).to_owned(), local.into_iter().chain(inside).collect()));
    }
    if let Some(((key, _), _)) = services.first() {
        let key = if project.spec.services.len() > 1 { format!(" {key}") } else { String::new() };
        let ecsws = ctx.settings.command_line();
        let tries = [format!("logs{key} --watch"), format!("scale{key} --count 3"), format!("status{key} --watch")];
        summary.next = tries.map(|command| format!("{ecsws} {command}")).into();
    }
    Ok(summary)
}

/// `NAME.NAMESPACE:PORT`, when the namespace is the project's own and so its name is known.
fn inside(project: &Project, name: &str, port: Option<u16>) -> Option<String> {
    let namespace = &project.spec.platform.stack.as_ref()?.namespace;
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{name}.{namespace}{port}"))
}
