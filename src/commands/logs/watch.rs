//! `logs --watch`: prints new events.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::{pending, try_join_all};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::args::ReadArgs;
use super::read::{Reading, shown};
use super::sources;
use crate::context::Context;
use crate::error::CliError;
use crate::model::{LogEvent, LogQuery, Task};
use crate::ops::{AwsPages, Follow, deployment_end, tasks_end};
use crate::project::Project;
use crate::render;

/// How often a watch looks for log groups that a new deployment writes to.
const SOURCE_INTERVAL: Duration = Duration::from_secs(30);
/// The `awslogs` driver sends lines every five seconds: the last lines are there this long after the end.
const LAST_EVENTS_MILLIS: i64 = 8_000;
/// How often it is looked whether they have been read.
const END_INTERVAL: Duration = Duration::from_millis(500);
/// How long they are awaited while they cannot be read.
const MAX_LAST_EVENTS_TIME: Duration = Duration::from_mins(2);

/// What is watched.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub args: &'a ReadArgs,
    pub project: Option<&'a Project>,
    pub pages: &'a AwsPages,
    pub query: &'a LogQuery,
}

/// What ended a watch: the services with the tasks that stopped, or an error.
type End = Result<Vec<(String, Vec<Task>)>, CliError>;

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
        let mut ended: Option<(Instant, i64, End)> = None;
        let mut end_checks = interval(END_INTERVAL);
        end_checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (groups, selection) = (&reading.groups, &reading.selection);
            let accepts = |group: usize, event: &LogEvent<'_>| {
                groups[group].source_of(event.stream).is_some() && selection.select(event).is_some()
            };
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
                    ended = Some((Instant::now(), reading.reader.now(), result));
                    continue;
                }
                _ = end_checks.tick(), if ended.is_some() => {
                    let Some((since, time, result)) = ended.take() else { continue };
                    let last_events_time = time + LAST_EVENTS_MILLIS;
                    let is_complete = follow.complete_until() >= last_events_time;
                    if !is_complete && since.elapsed() < MAX_LAST_EVENTS_TIME {
                        ended = Some((since, time, result));
                        continue;
                    }
                    if !is_complete {
                        ctx.ui.warn("the last events could not be read");
                    }
                    self.print_end(&result?, ctx);
                    return Ok(());
                }
            };
            if let Some(notice) = &new.live {
                render::live_notice(&mut ctx.ui, notice);
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
            let stopped = if watching.until_stable {
                deployment_end(aws, stack).await?;
                Vec::new()
            } else {
                tasks_end(aws, stack, task.as_deref()).await?
            };
            Ok(vec![(key.clone(), stopped)])
        };
        Ok(try_join_all(keys.iter().map(of_service)).await?.concat())
    }

    fn print_end(&self, services: &[(String, Vec<Task>)], ctx: &mut Context) {
        for (key, stopped) in services {
            if self.args.watching.until_stable {
                ctx.ui.note(&format!("the deployment of service `{key}` is complete"));
            } else if stopped.is_empty() {
                ctx.ui.note(&format!("no task of service `{key}` runs"));
            }
            for task in stopped {
                render::stopped_task_note(&mut ctx.ui, key, task);
            }
        }
    }
}
