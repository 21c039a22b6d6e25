//! `logs --watch`: prints new events.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::{pending, try_join_all};
use tokio::time::{Instant, sleep, sleep_until};

use super::args::ReadArgs;
use super::read::{Reading, shown};
use super::sources;
use crate::context::Context;
use crate::error::CliError;
use crate::model::{LogEvent, LogQuery};
use crate::ops::{AwsPages, Follow, LiveNotice, deployment_end, tasks_end};
use crate::project::Project;

/// How often a watch looks for log groups that a new deployment writes to.
const SOURCE_INTERVAL: Duration = Duration::from_secs(30);
/// How long a watch goes on after its end: the `awslogs` driver sends lines every five seconds.
const LAST_EVENTS_TIME: Duration = Duration::from_secs(10);

/// What is watched.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub args: &'a ReadArgs,
    pub project: Option<&'a Project>,
    pub pages: &'a AwsPages,
    pub query: &'a LogQuery,
}

/// What ended a watch: lines for people, or an error.
type End = Result<Vec<String>, CliError>;

impl Watch<'_> {
    /// Prints new events until stdout is closed, or until the deployments or tasks have ended.
    pub(super) async fn run(
        &self,
        reading: &mut Reading,
        mut follow: Follow<AwsPages>,
        ctx: &mut Context,
    ) -> Result<(), CliError> {
        let started_at = reading.reader.now();
        if self.args.watching.live {
            follow.start_live_tail();
        }
        let find = async || {
            sleep(SOURCE_INTERVAL).await;
            sources::find(&self.args.targets, self.project, self.pages, true).await
        };
        let mut look_up = Box::pin(find());
        let mut end: Pin<Box<dyn Future<Output = End> + '_>> = Box::pin(self.end());
        let mut ended: Option<(Instant, End)> = None;
        loop {
            let (groups, selection) = (&reading.groups, &reading.selection);
            let accepts = |group: usize, event: &LogEvent<'_>| {
                groups[group].source_of(event.stream).is_some() && selection.select(event).is_some()
            };
            let deadline = ended.as_ref().map(|(deadline, _)| *deadline);
            let new = tokio::select! {
                new = follow.next(accepts) => new?,
                groups = &mut look_up => {
                    // A failure is not worth a message: the groups that are known are followed, and the next look-up may succeed.
                    for group in groups.unwrap_or_default() {
                        if let Some(known) = reading.groups.iter_mut().find(|known| known.name == group.name) {
                            known.merge(group);
                        } else {
                            follow.add(LogQuery { group: group.name.clone(), start: started_at, ..self.query.clone() });
                            reading.groups.push(group);
                        }
                    }
                    look_up.set(find());
                    continue;
                }
                result = &mut end, if ended.is_none() => {
                    ended = Some((Instant::now() + LAST_EVENTS_TIME, result));
                    continue;
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    let Some((_, result)) = ended else { return Ok(()) };
                    result?.iter().for_each(|line| ctx.ui.note(line));
                    return Ok(());
                }
            };
            if let Some(notice) = &new.live {
                print_live_notice(notice, ctx);
            }
            let (groups, selection) = (&reading.groups, &reading.selection);
            let shown = new.events.iter().filter_map(|new| shown(groups, selection, &new.event, new.is_late));
            reading.printer.print(&mut ctx.ui, shown)?;
            if !ctx.ui.can_write() {
                return Ok(());
            }
        }
    }

    /// Waits for the end of the deployments or tasks, if that ends the watch.
    async fn end(&self) -> End {
        let ReadArgs { targets, watching, task, .. } = self.args;
        let Some(project) = self.project.filter(|_| watching.until_stable || watching.until_stopped) else {
            return pending().await;
        };
        let keys = targets.services(project);
        let of_service = async |key: &String| -> End {
            let (aws, stack) = (&self.pages.aws, &project.service(key)?.spec.stack);
            if watching.until_stable {
                deployment_end(aws, stack).await?;
                return Ok(vec![format!("the deployment of service `{key}` is complete")]);
            }
            let stopped = tasks_end(aws, stack, task.as_deref()).await?;
            let lines =
                stopped.iter().map(|task| format!("task {} of `{key}` stopped: {}", task.id, task.stop_cause()));
            Ok(lines.collect())
        };
        Ok(try_join_all(keys.iter().map(of_service)).await?.concat())
    }
}

fn print_live_notice(notice: &LiveNotice, ctx: &mut Context) {
    match notice {
        LiveNotice::Sampled => {
            ctx.ui
                .warn("Live Tail sends only a sample, because there are too many events; the others follow by polling");
        }
        LiveNotice::Complete => ctx.ui.note("Live Tail sends all events again"),
        LiveNotice::Interrupted(error) => {
            ctx.ui.warn(&format!(
                "Live Tail was interrupted and will be started again; meanwhile, events are polled: {}",
                error.reason()
            ));
        }
        LiveNotice::Ended(error) => {
            ctx.ui.warn(&format!("Live Tail is not available; events are polled: {}", error.reason()));
        }
    }
}
