//! Templates of the project's stacks: look-ups come from `ecsws.lock` and are pinned there.

use std::sync::Arc;

use crate::context::Context;
use crate::error::CliError;
use crate::ops::{self, LookUpEvent, Purpose, ReadCache, Synthesiser};
use crate::project::Project;
use crate::stack::{Environment, LookUps, Template};

/// A synthesiser of templates to be shown. With `refresh`, the look-ups in `ecsws.lock` are made again.
pub(super) async fn preview_synthesiser(
    project: &Project,
    refresh: bool,
    ctx: &mut Context,
) -> Result<Synthesiser, CliError> {
    let environment = if ctx.settings.sandbox {
        ctx.sandbox_environment(Some(project))
    } else {
        shown_environment(project, ctx).await?
    };
    let look_ups = if refresh { LookUps::default() } else { known_look_ups(project, &environment, ctx) };
    Ok(Synthesiser::new(environment, Purpose::Show, look_ups))
}

/// The look-ups that `ecsws.lock` has for an account and region. The sandbox's are not in it.
pub(super) fn known_look_ups(project: &Project, environment: &Environment, ctx: &Context) -> LookUps {
    if ctx.settings.sandbox { LookUps::default() } else { project.lock.look_ups(environment) }
}

/// The template of a stack. AWS clients are built only if something has to be looked up.
pub(super) async fn template(
    synthesiser: &mut Synthesiser,
    project: &mut Project,
    stack: &str,
    ctx: &mut Context,
) -> Result<Template, CliError> {
    let writes_lock = !ctx.settings.sandbox;
    if synthesiser.needs_clients(&project.spec, stack) {
        let aws = ctx.aws(Some(project)).await?;
        if writes_lock && synthesiser.needs_look_up(&project.spec, stack) {
            ops::check_environment(&aws, &project.spec.target, synthesiser.environment()).await?;
        }
        synthesiser.set_clients(Arc::new(ReadCache::new(aws)));
    }
    template_and_pin(synthesiser, project, stack, writes_lock, &mut |text| ctx.ui.detail(&text)).await
}

/// The template of a stack, by the clients of the synthesiser. With `writes_lock`, new look-ups are written to `ecsws.lock`.
pub(super) async fn template_and_pin(
    synthesiser: &mut Synthesiser,
    project: &mut Project,
    stack: &str,
    writes_lock: bool,
    detail: &mut dyn FnMut(String),
) -> Result<Template, CliError> {
    let (environment, spec, lock) = (synthesiser.environment().clone(), &project.spec, &mut project.lock);
    let mut has_new_pins = false;
    let mut on_event = |event| match event {
        LookUpEvent::Started(text) => detail(text),
        LookUpEvent::AvailabilityZones(zones) => {
            lock.pin_zones(&environment, zones);
            has_new_pins = true;
        }
        LookUpEvent::Vpc(name, vpc) => {
            lock.pin_vpc(&environment, &name, vpc);
            has_new_pins = true;
        }
    };
    let template = synthesiser.template(spec, stack, &mut on_event).await?;
    if has_new_pins && writes_lock {
        project.save_lock()?;
    }
    Ok(template)
}

/// The account and region of templates that are shown. STS is called only if [`known_environment`] has no answer.
async fn shown_environment(project: &Project, ctx: &mut Context) -> Result<Environment, CliError> {
    if let Some(environment) = known_environment(project, ctx) {
        return Ok(environment);
    }
    let aws = ctx.aws(Some(project)).await?;
    let caller = ops::caller_environment(&aws).await?;
    let account = project.spec.target.account.clone();
    Ok(Environment { account: account.unwrap_or(caller.account), region: caller.region })
}

/// The account and region from `[target]`, then from flags and the AWS environment, then from `ecsws.lock`.
fn known_environment(project: &Project, ctx: &Context) -> Option<Environment> {
    let target = &project.spec.target;
    let region = target
        .region
        .clone()
        .or_else(|| ctx.settings.region_flag.clone())
        .or_else(|| ctx.settings.region_variable.clone());
    let locked = project.lock.only_environment();
    let account = target.account.clone().or_else(|| {
        let same_region = locked.filter(|locked| region.as_ref().is_none_or(|region| *region == locked.region));
        same_region.map(|locked| locked.account.clone())
    });
    Some(Environment { account: account?, region: region.or_else(|| locked.map(|locked| locked.region.clone()))? })
}
