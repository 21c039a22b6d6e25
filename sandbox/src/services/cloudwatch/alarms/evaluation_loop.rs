//! The loop that evaluates each alarm once per period. `--speed` makes periods shorter: data is then aggregated over
//! these shorter periods of wall-clock time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::evaluation::{Datapoint, evaluate, periods};
use super::{Alarm, Settings, actions, transition};
use crate::base::clock::Clock;
use crate::base::supervisor;
use crate::services::cloudwatch::data_points::{self, Point};
use crate::services::cloudwatch::statistics::{Statistic, buckets};
use crate::services::cloudwatch::{Metric, State};
use crate::{Fault, Sandbox};

/// How often the loop checks which alarms are due: the shortest period.
const TICK: Duration = Duration::from_secs(10);
const EXPIRY_INTERVAL: Duration = Duration::from_hours(1);
/// How often an alarm repeats its scaling actions while it stays in its state.
const REPEAT_INTERVAL: Duration = Duration::from_mins(1);
/// The shortest period that is evaluated, regardless of the speed.
const MIN_PERIOD: Duration = Duration::from_millis(200);

/// Starts two loops: one evaluates alarms, one deletes expired data points.
pub(crate) fn evaluate_alarms(sandbox: &Arc<Sandbox>) {
    sandbox.spawn_loop("alarm evaluation", |shared| async move { watch(&shared).await });
    sandbox.spawn_loop("data point expiry", |shared| async move {
        loop {
            let sandbox = Arc::clone(&shared);
            // A failed deletion is retried in the next hourly pass.
            let _ = supervisor::blocking(move || data_points::delete_expired(&sandbox)).await;
            tokio::time::sleep(EXPIRY_INTERVAL).await;
        }
    });
}

/// The progress of the loop for an alarm. It need not survive a restart.
#[derive(Debug, Clone, Copy, Default)]
struct EvaluationTimes {
    /// The end of the last period for which the alarm was evaluated.
    evaluated: i64,
    /// The end of the last period for which its actions were repeated.
    repeated: i64,
}

async fn watch(sandbox: &Arc<Sandbox>) {
    let mut changes = sandbox.store.changes();
    let mut progress = HashMap::<String, EvaluationTimes>::new();
    let tick = sandbox.clock.shortened(TICK).max(MIN_PERIOD);
    loop {
        let alarms: Vec<Alarm> = sandbox.store.read(|states| states.of::<State>().alarms.values().cloned().collect());
        if alarms.is_empty() {
            progress.clear();
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        }
        for alarm in &alarms {
            let length = period(sandbox, &alarm.settings);
            let end = sandbox.clock.now().as_millisecond().div_euclid(length) * length;
            let known = progress.entry(alarm.settings.alarm_name.clone()).or_default();
            if known.evaluated != end {
                known.evaluated = end;
                let (shared, alarm, mut state) = (Arc::clone(sandbox), alarm.clone(), *known);
                // Evaluating an alarm with many periods takes long. If reading or writing fails, it is evaluated again
                // one period later.
                let evaluation = move || {
                    let _ = check(&shared, &alarm, length, &mut state);
                    state
                };
                *known = supervisor::blocking(evaluation).await;
                if sandbox.shutdown.is_cancelled() {
                    return;
                }
            }
        }
        progress.retain(|name, _| alarms.iter().any(|alarm| alarm.settings.alarm_name == *name));
        tokio::time::sleep(tick).await;
    }
}

/// Converts a period of the sandbox to wall-clock time, in milliseconds.
pub(crate) fn wall_clock_millis(clock: Clock, period: Duration) -> i64 {
    i64::try_from(clock.shortened(period).max(MIN_PERIOD).as_millis()).unwrap_or(i64::MAX)
}

/// An alarm's period in wall-clock time, in milliseconds.
fn period(sandbox: &Sandbox, settings: &Settings) -> i64 {
    wall_clock_millis(sandbox.clock, Duration::from_secs(settings.period.unsigned_abs()))
}

/// Evaluates an alarm on the periods that are complete, and performs its actions.
fn check(sandbox: &Arc<Sandbox>, alarm: &Alarm, length: i64, progress: &mut EvaluationTimes) -> Result<(), Fault> {
    let end = progress.evaluated;
    let range = range(sandbox, &alarm.settings, length, end)?;
    let evaluation = evaluate(&alarm.settings, &range, sandbox.clock.now().as_millisecond());
    match evaluation {
        Some(evaluation) if evaluation.state != alarm.state => {
            transition(sandbox, &alarm.settings.alarm_name, evaluation.state, &evaluation.reason, Some(evaluation.data))
        }
        evaluation => {
            let began = alarm.transitioned_at_millis.div_euclid(length) * length;
            let due = progress.repeated.max(began) + wall_clock_millis(sandbox.clock, REPEAT_INTERVAL);
            if end >= due && actions::repeats(sandbox, alarm) {
                progress.repeated = end;
                actions::repeat(sandbox, alarm, evaluation.map(|evaluation| evaluation.data).as_deref());
            }
            Ok(())
        }
    }
}

/// The values that an alarm would be evaluated on now, the newest last.
///
/// # Errors
/// When the database fails.
pub(crate) fn alarm_values(sandbox: &Sandbox, settings: &Settings) -> Result<Vec<f64>, Fault> {
    let length = period(sandbox, settings);
    let end = sandbox.clock.now().as_millisecond().div_euclid(length) * length;
    let values: Vec<f64> =
        range(sandbox, settings, length, end)?.into_iter().flatten().map(|point| point.value).collect();
    Ok(values[values.len().saturating_sub(settings.evaluation_periods)..].to_vec())
}

/// The data points of the periods of `length` before `end` that an alarm examines, the oldest first.
fn range(sandbox: &Sandbox, settings: &Settings, length: i64, end: i64) -> Result<Vec<Option<Datapoint>>, Fault> {
    let count = i64::try_from(periods(settings)).map_err(Fault::internal)?;
    let start = end - count * length;
    let key = Metric::key(&settings.namespace, &settings.metric_name, &settings.dimensions);
    let metric = sandbox.store.read(|states| states.of::<State>().metrics.get(&key).map(|metric| metric.id));
    let points = metric.map_or(Ok(Vec::new()), |metric| data_points::between(sandbox, metric, start, end))?;
    let statistic = Statistic::parse(settings.statistic(), "Statistic")?;
    let by_period = buckets(&points, start, length);
    let datapoint_at = |at: i64| {
        let time = start + at * length;
        let (_, bucket) = by_period.iter().find(|(begins, _)| *begins == time)?;
        let with_unit = bucket.iter().filter(|point| settings.unit.as_ref().is_none_or(|unit| *unit == point.unit));
        let with_unit: Vec<&Point> = with_unit.collect();
        let value = statistic.of(with_unit.iter().copied())?;
        let samples = Statistic::SampleCount.of(with_unit.iter().copied())?;
        Some(Datapoint { time, value, samples })
    };
    Ok((0..count).map(datapoint_at).collect())
}
