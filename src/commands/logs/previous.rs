//! `logs --previous`: why the last tasks stopped, and what they printed.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::args::ReadArgs;
use super::read::{DEFAULT_RPS, RETRY_TIME, line_options};
use super::selection::Selection;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::model::LogEvent;
use crate::ops::{AwsPages, OpsError, PageReader, PreviousTasks, RequestBudget, RetryTime};
use crate::render::{self, LogPrinter, ShownEvent};

/// How many tasks of each service are shown. The help of `--previous` has both numbers.
const TASKS: usize = 3;
/// How many lines of each task are shown by default.
const LINES: usize = 50;

pub(super) async fn run(args: &ReadArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let project = ctx.project()?;
    let keys = args.targets.services(&project);
    // Before anything is called, for the error.
    keys.iter().try_for_each(|key| project.service(key).map(drop))?;
    let aws = ctx.aws(Some(&project)).await?;
    let pages = Arc::new(AwsPages { aws, local_clock: Context::now });
    let budget = RequestBudget::new(DEFAULT_RPS);
    let reader = PageReader::new(Arc::clone(&pages), budget, ctx.waits.clone(), RetryTime::For(RETRY_TIME));
    let zone = if args.output.utc { TimeZone::UTC } else { TimeZone::system() };
    let mut printer = LogPrinter::new(&ctx.ui, line_options(&args.output), zone.clone());
    let selection = Selection::new(args);
    let query =
        PreviousTasks { task: args.task.as_deref(), container: args.targets.container.as_deref(), count: TASKS };
    let (mut missing, mut has_service) = (None, false);
    for key in &keys {
        let tasks = match query.find(&pages.aws, &project.service(key)?.spec.stack).await {
            // The other services are read.
            Err(error @ (OpsError::Missing { .. } | OpsError::UnknownContainer { .. }))
                if args.targets.service.is_empty() =>
            {
                missing = Some(error);
                continue;
            }
            tasks => tasks?,
        };
        has_service = true;
        if tasks.is_empty() {
            ctx.ui
                .note(&format!("no task of service `{key}` has stopped within the last hour; ECS forgets older ones"));
        }
        for task in tasks {
            render::previous_task(&mut ctx.ui, key, &task.task, &zone)?;
            let is_selected = |event: &LogEvent<'_>| selection.select(event).is_some();
            let events = task.last_events(&reader, args.tail.unwrap_or(LINES), is_selected).await?;
            let shown = events.iter().filter_map(|event| {
                let event = event.get();
                let result = selection.select(&event)?.result();
                Some(ShownEvent { event, result, source: None, is_late: false })
            });
            printer.print(&mut ctx.ui, shown)?;
        }
    }
    match missing.filter(|_| !has_service) {
        Some(error) => Err(error.into()),
        None => Ok(Exit::Done),
    }
}
