//! The loop that evaluates alarms, each once a period. `--speed` makes periods shorter: a metric's data of the wall clock
//! is then looked at in those.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::evaluate::{Datapoint, evaluate, periods};
use super::{Alarm, transition};
use crate::sandbox::services::cloudwatch::Metric;
use crate::sandbox::services::cloudwatch::points::{self, Point};
use crate::sandbox::services::cloudwatch::statistics::{Statistic, buckets};
use crate::sandbox::{Fault, Sandbox};

/// How often the loop looks which alarms are due: the shortest period.
const TICK: Duration = Duration::from_secs(10);
const TIDY_EVERY: Duration = Duration::from_hours(1);
/// The shortest period that is evaluated, however fast the sandbox is.
const SHORTEST: Duration = Duration::from_millis(200);

/// Starts the loops: one for alarms, one that tidies the data points.
pub fn start(sandbox: &Arc<Sandbox>) {
    let shared = Arc::clone(sandbox);
    sandbox.spawn(async move { watch(&shared).await });
    let shared = Arc::clone(sandbox);
    sandbox.spawn(async move {
        loop {
            // A disk that refuses now is asked again in an hour.
            let _ = points::tidy(&shared);
            tokio::time::sleep(TIDY_EVERY).await;
        }
    });
}

async fn watch(sandbox: &Arc<Sandbox>) {
    let mut changes = sandbox.world.changes();
    let mut seen = HashMap::<String, i64>::new();
    let tick = sandbox.clock.shortened(TICK).max(SHORTEST);
    loop {
        let alarms: Vec<Alarm> = sandbox.world.read(|world| world.monitoring.alarms.values().cloned().collect());
        if alarms.is_empty() {
            seen.clear();
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        }
        for alarm in &alarms {
            let length = period(sandbox, alarm);
            let end = sandbox.clock.now().as_millisecond().div_euclid(length) * length;
            if seen.insert(alarm.settings.alarm_name.clone(), end) != Some(end) {
                // What cannot be read or written now is evaluated again a period later.
                let _ = check(sandbox, alarm, length, end);
            }
        }
        seen.retain(|name, _| alarms.iter().any(|alarm| alarm.settings.alarm_name == *name));
        tokio::time::sleep(tick).await;
    }
}

/// How long an alarm's period is on the wall, in milliseconds.
fn period(sandbox: &Sandbox, alarm: &Alarm) -> i64 {
    let asked = Duration::from_secs(alarm.settings.period.unsigned_abs());
    let wall = sandbox.clock.shortened(asked).max(SHORTEST);
    i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)
}

/// Evaluates an alarm on the whole periods before `end`.
fn check(sandbox: &Arc<Sandbox>, alarm: &Alarm, length: i64, end: i64) -> Result<(), Fault> {
    let settings = &alarm.settings;
    let count = i64::try_from(periods(settings)).map_err(Fault::internal)?;
    let start = end - count * length;
    let key = Metric::key(&settings.namespace, &settings.metric_name, &settings.dimensions);
    let metric = sandbox.world.read(|world| world.monitoring.metrics.get(&key).map(|metric| metric.id));
    let points = metric.map_or(Ok(Vec::new()), |metric| points::between(sandbox, metric, start, end))?;
    let statistic = Statistic::parse(settings.statistic(), "Statistic")?;
    let found = buckets(&points, start, length);
    let range: Vec<Option<Datapoint>> = (0..count)
        .map(|at| {
            let time = start + at * length;
            let (_, bucket) = found.iter().find(|(begins, _)| *begins == time)?;
            let wanted = bucket.iter().filter(|point| settings.unit.as_ref().is_none_or(|unit| *unit == point.unit));
            let wanted: Vec<&Point> = wanted.collect();
            let value = statistic.of(wanted.iter().copied())?;
            let samples = Statistic::SampleCount.of(wanted.iter().copied())?;
            Some(Datapoint { time, value, samples })
        })
        .collect();
    match evaluate(settings, &range, sandbox.clock.now().as_millisecond()) {
        Some(verdict) if verdict.state != alarm.state => {
            transition(sandbox, &settings.alarm_name, verdict.state, &verdict.reason, Some(verdict.data))
        }
        _ => Ok(()),
    }
}
