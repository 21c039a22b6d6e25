//! The running service: sets its count in ECS, and checks that autoscaling has the numbers of the stack.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::commands::deploy::ExecutionOptions;
use crate::commands::show_progress::show_progress;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::hint::Hint;
use crate::ops::{self, DirectChange, SteadyLimit};
use crate::render::{self, DeployView};

/// Sets the desired count in ECS if the deployment did not. CloudFormation sends a count only when the template's changes, so a count that
/// was changed in ECS would stay.
pub(super) async fn ensure_count(
    service: &DirectChange<'_>,
    count: u32,
    was_updated: bool,
    options: &ExecutionOptions,
    ctx: &mut Context,
) -> Result<(), CliError> {
    if was_updated && service.initial_count() == count {
        warn_of_autoscaling(service, count, ctx).await;
        return Ok(());
    }
    // Set it even if the count that was read is equal: that read may be stale.
    let message = |old| format!("desired count {old} → {count}, set in ECS: the stack already had {count}");
    set_count(service, count, message, options, ctx).await
}

/// Sets the desired count in ECS and waits until it runs. `message` describes the change, given the old count.
pub(super) async fn set_count(
    service: &DirectChange<'_>,
    count: u32,
    message: impl Fn(u32) -> String,
    options: &ExecutionOptions,
    ctx: &mut Context,
) -> Result<(), CliError> {
    let mut interrupts = ctx.interrupts.listen();
    tokio::select! {
        set = service.set(count) => set?,
        _ = interrupts.next() => {
            let message = format!("interrupted; the desired count of {} may have been set to {count}", service.service());
            let hint = Hint::command(["status"]).text(" shows it");
            return Err(CliError::new(Exit::Interrupted, message).hint(hint));
        }
    }
    drop(interrupts);
    let (name, old) = (service.service(), service.initial_count());
    let message = if old == count { format!("desired count is {count}, as it was") } else { message(old) };
    render::note_event(&mut ctx.ui, format!("{name}: {message}"));
    warn_of_autoscaling(service, count, ctx).await;
    if options.no_wait_services {
        return Ok(());
    }
    let mut view = DeployView::new(&ctx.ui, options.shows_rows(), TimeZone::system());
    let (reporter, messages) = ops::message_channel();
    let work = service.until_steady(count, SteadyLimit::new(options.timeout, Duration::ZERO), &reporter);
    let waited = Box::pin(show_progress(work, messages, &mut view, ctx)).await;
    let interrupted = || {
        let message = format!("interrupted; the desired count of {name} is {count}, and ECS continues");
        CliError::new(Exit::Interrupted, message)
    };
    Ok(waited.ok_or_else(interrupted)??)
}

async fn warn_of_autoscaling(service: &DirectChange<'_>, count: u32, ctx: &mut Context) {
    if let Some(warning) = service.autoscaling_warning(count).await {
        ctx.ui.warn(&warning);
    }
}
