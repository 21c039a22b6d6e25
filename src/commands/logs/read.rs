//! Reads and prints log events.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::args::{OutputArgs, ReadArgs};
use super::selection::Selection;
use super::sources::{self, ReadGroup};
use super::time_range::time_range;
use super::watch::Watch;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::model::{LogEvent, LogQuery};
use crate::ops::{
    AwsPages, Follow, GroupEvent, History, LogPages as _, MergedHistory, PageReader, RequestBudget, RetryTime,
    last_events,
};
use crate::render::{self, LineOptions, LogPrinter, ReadProgress, ShownEvent};

pub(super) const DEFAULT_RPS: f64 = 5.0;
/// A watch leaves more of the quota to others, because it goes on for long.
const DEFAULT_WATCH_RPS: f64 = 3.0;
pub(super) const RETRY_TIME: Duration = Duration::from_mins(2);
/// The server's clock is known up to a second early, in milliseconds.
const CLOCK_ERROR: i64 = 2_000;
/// The difference of the clocks that is worth a warning, in milliseconds.
const MAX_CLOCK_DIFFERENCE: i64 = 30_000;
/// The most events of a page.
const PAGE_LENGTH: usize = 10_000;
const MIN_PAGE_LENGTH: usize = 500;

/// What is read, and how it is printed.
pub(super) struct Reading {
    pub groups: Vec<ReadGroup>,
    pub selection: Selection,
    pub printer: LogPrinter,
    pub reader: PageReader<AwsPages>,
    printed: usize,
}

pub(super) async fn run(args: ReadArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let watch = args.watching.is_watching();
    if watch && (args.end.is_some() || args.previous) {
        return Err(CliError::usage("--end and --previous cannot be used with --watch"));
    }
    let zone = if args.output.utc { TimeZone::UTC } else { TimeZone::system() };
    // Before anything is called, for the error.
    time_range(&args, Context::now(), &zone).map_err(CliError::usage)?;
    let project = args.targets.project(ctx)?;
    let aws = ctx.aws(project.as_ref()).await?;
    let pages = Arc::new(AwsPages { aws, local_clock: Context::now });
    let groups = sources::find(&args.targets, project.as_ref(), &pages, watch).await?;
    let budget = RequestBudget::new(args.max_rps.unwrap_or(if watch { DEFAULT_WATCH_RPS } else { DEFAULT_RPS }));
    let retry_time = if watch { RetryTime::Endless } else { RetryTime::For(RETRY_TIME) };
    let reader = PageReader::new(Arc::clone(&pages), budget, ctx.waits.clone(), retry_time);
    if watch && !pages.has_server_time() {
        // What is new depends on the server's clock. An error is reported by the next read.
        let query =
            LogQuery { group: groups[0].name.clone(), start: reader.now(), limit: Some(1), ..LogQuery::default() };
        drop(reader.read(&query, None).await);
    }
    let is_time_known = pages.has_server_time();
    let now = Timestamp::from_millisecond(reader.now()).unwrap_or_else(|_| Context::now());
    let (from, until) = time_range(&args, now, &zone).map_err(CliError::usage)?;
    let printer = LogPrinter::new(&ctx.ui, line_options(&args.output), zone.clone());
    let mut reading = Reading { groups, selection: Selection::new(&args), printer, reader, printed: 0 };
    let end = until.as_millisecond() + if args.end.is_none() { CLOCK_ERROR } else { 0 };
    let query =
        LogQuery { start: from.as_millisecond(), end: Some(end), pattern: args.filter.clone(), ..LogQuery::default() };
    let work = async {
        let follow = reading.print(&query, &args, ctx).await?;
        let difference = reading.reader.now() - Context::now().as_millisecond();
        if !is_time_known && !watch && args.end.is_none() && difference > CLOCK_ERROR {
            // This machine's clock is behind the server's.
            let rest = LogQuery { start: end + 1, end: Some(end + difference), ..query.clone() };
            reading.print(&rest, &args, ctx).await?;
        }
        warn_of_clock(&pages, ctx);
        if let Some(follow) = follow {
            let watch = Watch { args: &args, project: project.as_ref(), pages: &pages, query: &query };
            watch.run(&mut reading, follow, ctx).await?;
        }
        Ok::<_, CliError>(())
    };
    tokio::select! {
        worked = work => worked?,
        () = render::stdout_closed() => return Ok(Exit::Done),
    }
    if !watch {
        let since = from.to_zoned(zone).strftime("%F %T");
        match reading.printed {
            0 if args.has_conditions() => ctx.ui.note(&format!("no matching events since {since}")),
            0 => ctx.ui.note(&format!("no events since {since}; use an earlier --start to see older events")),
            count if args.start.is_none() && args.tail.is_none() && ctx.ui.stdout_is_terminal() => {
                let events = if count == 1 { "event" } else { "events" };
                ctx.ui.note(&format!("{count} {events} since {since}; -n N shows only the last N"));
            }
            _ => {}
        }
    }
    Ok(Exit::Done)
}

/// Warns if this machine's clock is wrong: the times of its own lines do not match those of other logs.
fn warn_of_clock(pages: &AwsPages, ctx: &mut Context) {
    let difference = pages.now() - Context::now().as_millisecond();
    if pages.has_server_time() && difference.abs() > MAX_CLOCK_DIFFERENCE {
        let difference_text = SignedDuration::from_secs(difference.abs() / 1000);
        let direction = if difference > 0 { "behind" } else { "ahead of" };
        ctx.ui.warn(&format!("this machine's clock is {difference_text:#} {direction} AWS's, which is used"));
    }
}

impl Reading {
    /// Prints the events of the time range, or the last ones of it. With `--watch`, returns a reader of new ones.
    async fn print(
        &mut self,
        query: &LogQuery,
        args: &ReadArgs,
        ctx: &mut Context,
    ) -> Result<Option<Follow<AwsPages>>, CliError> {
        let (began, watch) = (self.reader.now(), args.watching.is_watching());
        let queries = |groups: &[ReadGroup]| -> Vec<LogQuery> {
            groups.iter().map(|group| LogQuery { group: group.name.clone(), ..query.clone() }).collect()
        };
        let mut follow = watch.then(|| Follow::new(self.reader.clone(), queries(&self.groups), began));
        if let Some(follow) = follow.as_mut().filter(|_| args.watching.live) {
            follow.expect_live_tail();
        }
        if let Some(count) = args.tail {
            if let Some(follow) = &mut follow {
                // What is visible now and not among the last events is not new.
                let start = follow.oldest_start().max(query.start);
                let visible = queries(&self.groups).into_iter().map(|query| LogQuery { start, ..query });
                let histories: Vec<_> = visible.map(|query| History::new(&self.reader, &query)).collect();
                let mut history = MergedHistory::new(histories, true);
                while let Some(events) = history.next().await? {
                    follow.record(&events);
                }
            }
            let events = self.last_events(&queries(&self.groups), count).await?;
            self.show(&events, follow.as_mut(), ctx)?;
        } else {
            let length = u16::try_from((PAGE_LENGTH / self.groups.len().max(1)).max(MIN_PAGE_LENGTH)).ok();
            let length = length.filter(|length| usize::from(*length) < PAGE_LENGTH);
            let histories = queries(&self.groups).into_iter();
            let histories = histories.map(|query| History::new(&self.reader, &LogQuery { limit: length, ..query }));
            let mut history = MergedHistory::new(histories, watch);
            let mut progress = ReadProgress::new(&ctx.ui, query.start, query.end.unwrap_or(began));
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
            let accepts = |event: &LogEvent<'_>| {
                source.source_of(event.stream).is_some() && self.selection.select(event).is_some()
            };
            let events = last_events(&self.reader, query, count, accepts).await?;
            last.extend(events.into_iter().map(|event| GroupEvent { group, event }));
        }
        last.sort_by_key(|event| (event.event.get().timestamp, event.event.get().ingestion_time));
        last.drain(..last.len().saturating_sub(count));
        Ok(last)
    }

    /// Prints events of the past.
    fn show(
        &mut self,
        events: &[GroupEvent],
        follow: Option<&mut Follow<AwsPages>>,
        ctx: &mut Context,
    ) -> Result<(), CliError> {
        if let Some(follow) = follow {
            // The streams of others may be read later.
            let is_read = |event: &&GroupEvent| self.groups[event.group].source_of(event.event.get().stream).is_some();
            follow.record(events.iter().filter(is_read));
        }
        let (groups, selection, printed) = (&self.groups, &self.selection, &mut self.printed);
        let shown = events.iter().filter_map(|event| shown(groups, selection, event, false)).inspect(|_| *printed += 1);
        Ok(self.printer.print(&mut ctx.ui, shown)?)
    }
}

/// The event with its service or group, if there are several; `None` if it is not printed.
pub(super) fn shown<'a>(
    groups: &'a [ReadGroup],
    selection: &Selection,
    GroupEvent { group, event }: &'a GroupEvent,
    is_late: bool,
) -> Option<ShownEvent<'a>> {
    let (group, event) = (&groups[*group], event.get());
    let source = group.source_of(event.stream)?;
    let result = selection.select(&event)?.result();
    let is_one_of_several = groups.len() > 1 || group.is_shared();
    Some(ShownEvent { event, result, source: is_one_of_several.then_some(source), is_late })
}

pub(super) fn line_options(output: &OutputArgs) -> LineOptions {
    LineOptions {
        timestamp: output.timestamp || !(output.no_timestamp || output.raw),
        ingestion_time: output.ingestion_time,
        source: !output.no_group && !output.raw,
        stream: !output.no_stream && !output.raw,
        raw: output.raw,
        raw_control: output.raw_control,
    }
}
