//! The table of data points: appended to, read in ranges, never held in memory.
//!
//! A key consists of metric, timestamp and sequence number, of eight bytes each. Points are kept for fifteen days, as
//! CloudWatch keeps those of a minute. The sandbox's own measurements are kept for fifteen days of its own time, which
//! `--speed` shortens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Measurements, Metric};
use crate::services::cloudwatch::State;
use crate::store::database::{Order, Scan};
use crate::{Fault, Sandbox};

const TABLE: &str = "monitoring.points";
const KEPT_MILLIS: i64 = 15 * 24 * 60 * 60 * 1000;
/// The shortest retention of CloudWatch.
const MIN_RETENTION: Duration = Duration::from_hours(3);
/// The unit of data without one.
pub(super) const NO_UNIT: &str = "None";

/// The data that was put for one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    /// Milliseconds since 1970.
    #[serde(skip)]
    pub timestamp: i64,
    /// Such as `Percent`.
    pub unit: String,
    pub values: Measurements,
}

fn key(metric: u64, timestamp: i64, sequence: u64) -> Vec<u8> {
    [metric, timestamp.max(0).unsigned_abs(), sequence].iter().flat_map(|part| part.to_be_bytes()).collect()
}

fn timestamp(key: &[u8]) -> Option<i64> {
    let bytes = key.get(8..16)?.try_into().ok()?;
    i64::try_from(u64::from_be_bytes(bytes)).ok()
}

/// Appends points, each with its metric's id.
pub(super) fn append(sandbox: &Sandbox, points: &[(u64, Point)]) -> Result<(), Fault> {
    static SEQUENCE: AtomicU64 = AtomicU64::new(0);
    // Sequence numbers of an earlier process are smaller, because of the time of the start.
    let base = sandbox.started_at.as_millisecond().unsigned_abs() << 20;
    let rows = points.iter().map(|(metric, point)| {
        let sequence = base.wrapping_add(SEQUENCE.fetch_add(1, Ordering::Relaxed));
        let bytes = serde_json::to_vec(point).map_err(Fault::internal)?;
        Ok((key(*metric, point.timestamp, sequence), bytes))
    });
    let rows = rows.collect::<Result<Vec<_>, Fault>>()?;
    sandbox.store.append(TABLE, |_| Ok(rows))
}

/// The points of a metric from `from` (included) to `to` (excluded), sorted by time.
pub(super) fn between(sandbox: &Sandbox, metric: u64, from: i64, to: i64) -> Result<Vec<Point>, Fault> {
    let from = from.max(sandbox.clock.now().as_millisecond() - KEPT_MILLIS);
    if to <= from {
        return Ok(Vec::new());
    }
    let (first, last) = (key(metric, from, 0), key(metric, to, 0));
    let rows = sandbox
        .store
        .database()
        .range(TABLE, (&first, &last), Order::Ascending, |_, _| Scan::Take)
        .map_err(Fault::internal)?;
    let points = rows.iter().map(|(key, bytes)| {
        let mut point: Point = serde_json::from_slice(bytes).map_err(Fault::internal)?;
        point.timestamp = timestamp(key).unwrap_or_default();
        Ok(point)
    });
    points.collect()
}

/// Deletes expired points, and metrics without any points.
pub(super) fn delete_expired(sandbox: &Sandbox) -> Result<(), Fault> {
    let now = sandbox.clock.now().as_millisecond();
    let aws_retention = sandbox.clock.shortened(Duration::from_millis(KEPT_MILLIS.unsigned_abs())).max(MIN_RETENTION);
    let aws_retention = i64::try_from(aws_retention.as_millis()).unwrap_or(KEPT_MILLIS).min(KEPT_MILLIS);
    let horizon =
        |metric: &Metric| now - if metric.namespace.starts_with("AWS/") { aws_retention } else { KEPT_MILLIS };
    let metrics: Vec<Metric> = sandbox.store.read(|states| states.of::<State>().metrics.values().cloned().collect());
    for metric in &metrics {
        let (first, last) = (key(metric.id, 0, 0), key(metric.id, horizon(metric), 0));
        let mut old = false;
        let look = |_: &[u8], _: &[u8]| {
            old = true;
            Scan::Stop
        };
        sandbox.store.database().range(TABLE, (&first, &last), Order::Ascending, look).map_err(Fault::internal)?;
        if old {
            sandbox.store.database().remove_range(TABLE, &first, &last).map_err(Fault::internal)?;
        }
    }
    sandbox.store.write(|states| {
        states.of_mut::<State>().metrics.retain(|_, metric| metric.last_data >= horizon(metric));
        Ok(())
    })
}
