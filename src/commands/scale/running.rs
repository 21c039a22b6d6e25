//! The running service: sets its count in ECS, and checks that autoscaling has the numbers of the stack.

use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::time::sleep;

use crate::aws::Aws;
use crate::commands::deploy::FollowOptions;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::model::ScalableTarget;
use crate::model::ServiceName;
use crate::ops::{STEADY_WITHIN, ServiceCount};
use crate::render::{self, DeployView};
use crate::stack::Scaling;

/// Application Auto Scaling is eventually consistent: numbers that differ are read again this often, at this interval.
const READS: usize = 5;
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// Sets the desired count in ECS if the deployment did not. CloudFormation sends a count only when the template's changes, so a count that
/// was changed in ECS would stay.
pub async fn ensure_count(
    aws: &Aws,
    name: &ServiceName,
    count: u32,
    was_updated: bool,
    follow: &FollowOptions,
    ctx: &mut Context,
) -> Result<(), CliError> {
    let service = ServiceCount::read(aws, name).await?;
    if was_updated && service.desired() == count {
        return warn_of_autoscaling(aws, name, count, ctx).await;
    }
    // Set it even if the count that was read is equal: that read may be stale.
    let message = |old| format!("desired count {old} → {count}, set in ECS: the stack had {count} already");
    set(aws, name, &service, count, message, follow, ctx).await
}

/// Sets the desired count in ECS and waits until it runs. `message` describes the change, given the old count.
pub async fn set_count(
    aws: &Aws,
    name: &ServiceName,
    count: u32,
    message: impl Fn(u32) -> String,
    follow: &FollowOptions,
    ctx: &mut Context,
) -> Result<(), CliError> {
    let service = ServiceCount::read(aws, name).await?;
    set(aws, name, &service, count, message, follow, ctx).await
}

async fn set(
    aws: &Aws,
    name: &ServiceName,
    service: &ServiceCount,
    count: u32,
    message: impl Fn(u32) -> String,
    follow: &FollowOptions,
    ctx: &mut Context,
) -> Result<(), CliError> {
    service.set(aws, count).await?;
    let old = service.desired();
    let message = if old == count { format!("desired count is {count}, as it was") } else { message(old) };
    render::note_event(&mut ctx.ui, format!("{}: {message}", name.service));
    warn_of_autoscaling(aws, name, count, ctx).await?;
    if follow.no_wait_services {
        return Ok(());
    }
    let mut view = DeployView::new(&ctx.ui, follow.progress, TimeZone::system());
    view.busy(&format!("{}: waiting for {count} tasks …", name.service));
    let interrupts = ctx.interrupts.clone();
    let mut show = |event| view.show(&mut ctx.ui, &event);
    let limit = follow.timeout.unwrap_or(STEADY_WITHIN);
    let waited = interrupts.during(Box::pin(service.until_steady(aws, count, limit, &mut show))).await;
    let stopped = || {
        let message =
            format!("interrupted; the desired count of {} is {count}, and ECS keeps working on it", name.service);
        CliError::new(Exit::Interrupted, message)
    };
    Ok(waited.ok_or_else(stopped)??)
}

/// Warns of autoscaling as it is registered now, whatever the stack says. A failure to read it is ignored.
async fn warn_of_autoscaling(aws: &Aws, name: &ServiceName, count: u32, ctx: &mut Context) -> Result<(), CliError> {
    let Ok(Some(ScalableTarget { min, max, .. })) = aws.scalable_target(name).await else { return Ok(()) };
    let does = if (min..=max).contains(&count) { "may change the count" } else { "will change the count" };
    ctx.ui.warn(&format!("autoscaling keeps {} between {min} and {max} tasks and {does} from {count}", name.service));
    Ok(())
}

/// Checks that autoscaling has these numbers: CloudFormation leaves alone what was changed outside of the stack.
///
/// # Errors
/// When it has others.
pub async fn check_autoscaling(
    aws: &Aws,
    name: &ServiceName,
    key: &str,
    scaling: &Scaling,
    ctx: &mut Context,
) -> Result<(), CliError> {
    let mut differences = Vec::new();
    for read in 0..READS {
        if read > 0 {
            sleep(READ_INTERVAL).await;
        }
        differences = match aws.scalable_target(name).await {
            Ok(target) => autoscaling_differences(target.as_ref(), scaling),
            Err(error) => {
                ctx.ui.warn(&format!("the running autoscaling is not compared: {error}"));
                return Ok(());
            }
        };
        if differences.is_empty() {
            return Ok(());
        }
    }
    let message = format!("autoscaling of {} differs from its stack: {}", name.service, differences.join(", "));
    Err(CliError::failed(message).hint(format!(
        "it was changed outside of the stack, which already had the requested numbers: change it back there, or remove [services.{key}.autoscaling], deploy, and scale again"
    )))
}

fn autoscaling_differences(target: Option<&ScalableTarget>, scaling: &Scaling) -> Vec<String> {
    let Some(target) = target else { return vec!["it is not registered".to_owned()] };
    let Scaling { count: _, min, max, cpu, memory } = *scaling;
    let limits =
        [("min", min, target.min), ("max", max, target.max)].into_iter().filter_map(|(name, requested, is)| {
            let requested = requested.filter(|requested| *requested != is)?;
            Some(format!("{name} is {is}, not {requested}"))
        });
    let metrics =
        [("cpu", cpu, "ECSServiceAverageCPUUtilization"), ("memory", memory, "ECSServiceAverageMemoryUtilization")];
    let targets = metrics.into_iter().filter_map(|(name, requested, metric)| {
        let requested = f64::from(requested?);
        let policies: Vec<f64> =
            target.policies.iter().filter(|policy| policy.metric == metric).map(|policy| policy.target).collect();
        let differs = !policies.iter().any(|is| (is - requested).abs() < f64::EPSILON);
        let is = policies.first().map_or("not set".to_owned(), ToString::to_string);
        differs.then(|| format!("{name} is {is}, not {requested}"))
    });
    limits.chain(targets).collect()
}
