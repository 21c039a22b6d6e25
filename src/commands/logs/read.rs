//! Reads and prints log events.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::args::{OutputArgs, ReadArgs, TargetArgs};
use super::selection::Selection;
use super::sources::{self, ReadGroup};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::model::{LogEvent, LogQuery};
use crate::ops::{
    AwsPages, Follow, GroupEvent, History, MergedHistory, PageReader, Patience, RequestBudget, last_events,
};
use crate::project::Project;
use crate::render::{self, LineOptions, LogPrinter, ReadProgress, ShownEvent};
use crate::time_args::parse_time;

const DEFAULT_START: &str = "10m";
/// How far back the last events are looked for.
const DEFAULT_TAIL_START: &str = "1w";
const DEFAULT_RPS: f64 = 5.0;
/// A watch leaves more of the quota to others, because it goes on for long.
const DEFAULT_WATCH_RPS: f64 = 3.0;
const PATIENCE: Duration = Duration::from_mins(2);
/// How often a watch looks for log groups that a new deployment writes to.
const SOURCE_INTERVAL: Duration = Duration::from_secs(30);
/// The most events of a page.
const PAGE_LENGTH: usize = 10_000;
const MIN_PAGE_LENGTH: usize = 500;

/// What is read, and how it is printed.
struct Reading {
    groups: Vec<ReadGroup>,
    selection: Selection,
    printer: LogPrinter,
    reader: PageReader<AwsPages>,
    printed: usize,
}

pub(super) async fn run(args: ReadArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    if args.watch && args.end.is_some() {
        return Err(CliError::usage("--end cannot be used with --watch"));
    }
    let zone = if args.output.utc { TimeZone::UTC } else { TimeZone::system() };
    let default_start = if args.tail.is_some() { DEFAULT_TAIL_START } else { DEFAULT_START };
    let start = args.start.as_deref().unwrap_or(default_start);
    // Before anything is called, for the error.
    time_range(start, args.end.as_deref(), Context::now(), &zone).map_err(CliError::usage)?;
    let project = args.targets.project(ctx)?;
    let aws = ctx.aws(project.as_ref()).await?;
    let pages = Arc::new(AwsPages { aws, local_clock: Context::now });
    let groups = sources::find(&args.targets, project.as_ref(), &pages, args.watch).await?;
    let budget = RequestBudget::new(args.max_rps.unwrap_or(if args.watch { DEFAULT_WATCH_RPS } else { DEFAULT_RPS }));
    let patience = if args.watch { Patience::Endless } else { Patience::For(PATIENCE) };
    let reader = PageReader::new(Arc::clone(&pages), budget, ctx.waits.clone(), patience);
    let now = Timestamp::from_millisecond(reader.now()).unwrap_or_else(|_| Context::now());
    let (from, until) = time_range(start, args.end.as_deref(), now, &zone).map_err(CliError::usage)?;
    let printer = LogPrinter::new(&ctx.ui, line_options(&args.output), zone.clone());
    let mut reading = Reading { groups, selection: Selection::new(&args), printer, reader, printed: 0 };
    let query = LogQuery {
        start: from.as_millisecond(),
        end: Some(until.as_millisecond()),
        pattern: args.filter.clone(),
        ..LogQuery::default()
    };
    tokio::select! {
        printed = reading.print(&query, &args, ctx) => if let Some(follow) = printed? {
            reading.follow(follow, &query, &args.targets, (project.as_ref(), &pages), ctx).await?;
        },
        () = render::stdout_closed() => return Ok(Exit::Done),
    }
    if !args.watch {
        let since = from.to_zoned(zone).strftime("%F %T");
        match reading.printed {
            0 => ctx.ui.note(&format!("no events since {since}; use an earlier --start to see older events")),
            count if args.start.is_none() && args.tail.is_none() => {
                ctx.ui.note(&format!("{count} events since {since}; -n N shows only the last N"));
            }
            _ => {}
        }
    }
    Ok(Exit::Done)
}

impl Reading {
    /// Prints the events of the time range, or the last ones of it. With `--watch`, returns a reader of new ones.
    async fn print(
        &mut self,
        query: &LogQuery,
        args: &ReadArgs,
        ctx: &mut Context,
    ) -> Result<Option<Follow<AwsPages>>, CliError> {
        let began = self.reader.now();
        let queries = |groups: &[ReadGroup]| -> Vec<LogQuery> {
            groups.iter().map(|group| LogQuery { group: group.name.clone(), ..query.clone() }).collect()
        };
        let mut follow = args.watch.then(|| Follow::new(self.reader.clone(), queries(&self.groups), began));
        if let Some(count) = args.tail {
            let events = self.last_events(&queries(&self.groups), count).await?;
            self.show(&events, follow.as_mut(), ctx)?;
        } else {
            let length = u16::try_from((PAGE_LENGTH / self.groups.len().max(1)).max(MIN_PAGE_LENGTH)).ok();
            let length = length.filter(|length| usize::from(*length) < PAGE_LENGTH);
            let histories = queries(&self.groups).into_iter();
            let mut history = MergedHistory::new(
                histories.map(|query| History::new(self.reader.clone(), LogQuery { limit: length, ..query })),
            );
            let progress = ReadProgress::new(&ctx.ui, query.start, query.end.unwrap_or(began));
            while let Some(events) = history.next().await? {
                self.show(&events, follow.as_mut(), ctx)?;
                progress.set(history.position().map_or(0, |position| position - query.start), self.printed);
                if !ctx.ui.can_write() {
                    return Ok(None);
                }
            }
        }
        Ok(follow)
    }

    async fn last_events(&self, queries: &[LogQuery], count: usize) -> Result<Vec<GroupEvent>, CliError> {
        let mut last = Vec::new();
        for (group, query) in queries.iter().enumerate() {
            let source = &self.groups[group];
            let accepts =
                |event: &LogEvent<'_>| source.source_of(event.stream).is_some() && self.selection.accepts(event);
            let events = last_events(&self.reader, query, count, accepts).await?;
            last.extend(events.into_iter().map(|event| GroupEvent { group, event }));
        }
        last.sort_by_key(|event| (event.event.get().timestamp, event.event.get().ingestion_time));
        last.drain(..last.len().saturating_sub(count));
        Ok(last)
    }

    /// Prints new events until stdout is closed.
    async fn follow(
        &mut self,
        mut follow: Follow<AwsPages>,
        query: &LogQuery,
        targets: &TargetArgs,
        (project, pages): (Option<&Project>, &AwsPages),
        ctx: &mut Context,
    ) -> Result<(), CliError> {
        let find = async || {
            tokio::time::sleep(SOURCE_INTERVAL).await;
            sources::find(targets, project, pages, true).await
        };
        let mut look_up = Box::pin(find());
        loop {
            let new = tokio::select! {
                new = follow.next() => new?,
                found = &mut look_up => {
                    // A failure is not worth a message: the groups that are known are followed, and the next look-up may succeed.
                    for group in found.unwrap_or_default() {
                        match self.groups.iter_mut().find(|known| known.name == group.name) {
                            Some(known) => *known = group,
                            None => {
                                follow.add(LogQuery { group: group.name.clone(), ..query.clone() });
                                self.groups.push(group);
                            }
                        }
                    }
                    look_up.set(find());
                    continue;
                }
            };
            let (groups, selection) = (&self.groups, &self.selection);
            let shown = new.iter().filter_map(|new| {
                let source = shown_source(groups, selection, &new.event)?;
                Some(ShownEvent { event: new.event.event.get(), source, is_late: new.is_late })
            });
            self.printer.print(&mut ctx.ui, shown)?;
            if !ctx.ui.can_write() {
                return Ok(());
            }
        }
    }

    /// Prints events of the past.
    fn show(
        &mut self,
        events: &[GroupEvent],
        follow: Option<&mut Follow<AwsPages>>,
        ctx: &mut Context,
    ) -> Result<(), CliError> {
        if let Some(follow) = follow {
            follow.record(events);
        }
        let (groups, selection, printed) = (&self.groups, &self.selection, &mut self.printed);
        let shown = events.iter().filter_map(|event| {
            let source = shown_source(groups, selection, event)?;
            *printed += 1;
            Some(ShownEvent { event: event.event.get(), source, is_late: false })
        });
        Ok(self.printer.print(&mut ctx.ui, shown)?)
    }
}

/// The service or group that is printed with an event, if there are several; `None` if the event is not printed.
fn shown_source<'a>(
    groups: &'a [ReadGroup],
    selection: &Selection,
    GroupEvent { group, event }: &GroupEvent,
) -> Option<Option<&'a str>> {
    let (group, event) = (&groups[*group], event.get());
    let source = group.source_of(event.stream).filter(|_| selection.accepts(&event))?;
    Some(Some(source).filter(|_| groups.len() > 1 || group.is_shared()))
}

fn line_options(output: &OutputArgs) -> LineOptions {
    LineOptions {
        timestamp: output.timestamp || !(output.no_timestamp || output.raw),
        ingestion_time: output.ingestion_time,
        source: !output.no_group && !output.raw,
        stream: !output.no_stream && !output.raw,
        raw: output.raw,
        raw_control: output.raw_control,
    }
}

/// Resolves the time range. The end defaults to now, so that reading a busy group ends.
fn time_range(
    start: &str,
    end: Option<&str>,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<(Timestamp, Timestamp), String> {
    let from = parse_time(start, now, zone)?;
    let Some(end) = end else { return Ok((from, now.max(from))) };
    let until = parse_time(end, now, zone)?;
    if until < from {
        return Err(format!("--end {end} is before --start {start}"));
    }
    Ok((from, until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_defaults_to_now() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let time_range = |start, end| time_range(start, end, now, &TimeZone::UTC);
        let earlier: Timestamp = "2026-01-02T02:59:05Z".parse().expect("a time");
        assert_eq!(time_range("5m", None), Ok((earlier, now)));
        assert_eq!(time_range("10m", Some("5m")).map(|(_, until)| until), Ok(earlier));
        assert_eq!(time_range("5m", Some("10m")), Err("--end 10m is before --start 5m".to_owned()));
    }
}
