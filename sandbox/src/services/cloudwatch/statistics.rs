//! The arithmetic of statistics: pure.

use serde::{Deserialize, Serialize};

use super::{data_points::Point, invalid_value};
use crate::Fault;

/// The values that were measured at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Measurements {
    /// Values, each with its count.
    Each(Vec<(f64, f64)>),
    /// A statistic set: a summary of several measurements.
    Set { count: f64, sum: f64, minimum: f64, maximum: f64 },
}

impl Measurements {
    /// The summary of some measurements, if there are any.
    #[expect(clippy::cast_precision_loss, reason = "counts of measurements are far below 2^52")]
    pub(crate) fn summarize(values: &[f64]) -> Option<Self> {
        let minimum = values.iter().copied().reduce(f64::min)?;
        let maximum = values.iter().copied().reduce(f64::max)?;
        Some(Self::Set { count: values.len() as f64, sum: values.iter().sum(), minimum, maximum })
    }

    /// Count, sum, minimum and maximum.
    fn summary(&self) -> [f64; 4] {
        match self {
            Self::Set { count, sum, minimum, maximum } => [*count, *sum, *minimum, *maximum],
            Self::Each(values) => {
                let zero = [0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY];
                values.iter().fold(zero, |[count, sum, minimum, maximum], (value, times)| {
                    [count + times, sum + value * times, minimum.min(*value), maximum.max(*value)]
                })
            }
        }
    }

    /// The single values. A statistic set has them only if they are all equal.
    fn each(&self) -> Option<Vec<(f64, f64)>> {
        match self {
            Self::Each(values) => Some(values.clone()),
            Self::Set { count, minimum, maximum, .. } if minimum.total_cmp(maximum).is_eq() => {
                Some(vec![(*minimum, *count)])
            }
            Self::Set { .. } => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Statistic {
    Average,
    Sum,
    Minimum,
    Maximum,
    SampleCount,
    /// The value below which this percentage of the measurements lies.
    Percentile(f64),
}

/// CloudWatch's families of statistics that are not served.
const NOT_SERVED: &[&str] = &["tm", "TM", "wm", "WM", "tc", "TC", "ts", "TS", "pr", "PR", "iqm", "IQM"];

impl Statistic {
    /// Parses the name of a statistic; `parameter` is the request parameter that has it.
    pub(super) fn parse(name: &str, parameter: &str) -> Result<Self, Fault> {
        Ok(match name {
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "SampleCount" => Self::SampleCount,
            _ => match name.strip_prefix('p').and_then(|percent| percent.parse::<f64>().ok()) {
                Some(percent) if (0.0..=100.0).contains(&percent) => Self::Percentile(percent),
                _ if NOT_SERVED.iter().any(|family| name.starts_with(family)) => {
                    return Err(Fault::not_implemented(&format!("the statistic {name}")));
                }
                _ => {
                    return Err(invalid_value(format!("The value {name} for parameter {parameter} is not supported.")));
                }
            },
        })
    }

    /// The statistic of some points; `None` if they do not have it.
    pub(super) fn of<'a>(self, points: impl IntoIterator<Item = &'a Point> + Clone) -> Option<f64> {
        if let Self::Percentile(percent) = self {
            return percentile(points, percent);
        }
        let zero = [0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY];
        let summaries = points.into_iter().map(|point| point.values.summary());
        let [count, sum, minimum, maximum] = summaries.fold(zero, |all, summary| {
            [all[0] + summary[0], all[1] + summary[1], all[2].min(summary[2]), all[3].max(summary[3])]
        });
        if count <= 0.0 {
            return None;
        }
        Some(match self {
            Self::Average => sum / count,
            Self::Sum => sum,
            Self::Minimum => minimum,
            Self::Maximum => maximum,
            Self::SampleCount | Self::Percentile(_) => count,
        })
    }
}

/// Interpolates between the two nearest ranks. CloudWatch estimates percentiles with a sketch, so its last digits
/// differ.
fn percentile<'a>(points: impl IntoIterator<Item = &'a Point>, percent: f64) -> Option<f64> {
    let mut values = Vec::new();
    for point in points {
        values.extend(point.values.each()?);
    }
    values.retain(|(_, times)| *times > 0.0);
    values.sort_by(|first, second| first.0.total_cmp(&second.0));
    let count: f64 = values.iter().map(|(_, times)| times).sum();
    let rank = percent / 100.0 * (count - 1.0);
    let at = |rank: f64| {
        let mut seen = 0.0;
        let value = values.iter().find(|(_, times)| {
            seen += times;
            rank < seen
        });
        value.or(values.last()).map(|(value, _)| *value)
    };
    let (below, above) = (at(rank.floor())?, at(rank.ceil())?);
    Some(below + (above - below) * rank.fract())
}

/// Groups points into periods of `period` milliseconds from `start` on: the start and the points of each period that
/// has any.
pub(super) fn buckets(points: &[Point], start: i64, period: i64) -> Vec<(i64, &[Point])> {
    let bucket = |point: &Point| start + (point.timestamp - start).div_euclid(period) * period;
    points
        .chunk_by(|point, next| bucket(point) == bucket(next))
        .filter_map(|chunk| Some((bucket(chunk.first()?), chunk)))
        .collect()
}

/// The start of a request's first period: rounded down to the minute, or to the period if that is shorter.
pub(super) fn aligned(start: i64, period_seconds: i64) -> i64 {
    let step = 1000 * period_seconds.clamp(1, 60);
    start.div_euclid(step) * step
}

/// Whether a period is valid. In the API it is an integer of 32 bits.
pub(super) fn is_period(seconds: i64) -> bool {
    matches!(seconds, 1 | 5 | 10 | 20 | 30) || ((60..=i64::from(i32::MAX)).contains(&seconds) && seconds % 60 == 0)
}

#[cfg(test)]
mod tests {
    use super::{Measurements, Point, Statistic, buckets};

    fn point(timestamp: i64, values: &[f64]) -> Point {
        let values = Measurements::Each(values.iter().map(|value| (*value, 1.0)).collect());
        Point { timestamp, unit: "None".to_owned(), values }
    }

    fn of(name: &str, points: &[Point]) -> Option<f64> {
        Statistic::parse(name, "Stat").expect("it is known").of(points)
    }

    #[test]
    fn statistics_are_computed_over_all_values() {
        let set = Measurements::Set { count: 2.0, sum: 10.0, minimum: 4.0, maximum: 6.0 };
        let points = [point(0, &[1.0, 3.0]), Point { timestamp: 1, unit: "None".to_owned(), values: set }];
        let all = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"].map(|name| of(name, &points));
        assert_eq!(all, [3.5, 14.0, 1.0, 6.0, 4.0].map(Some));
        assert_eq!(of("p50", &points), None, "a set does not say its values");
        assert_eq!(of("p50", &[point(0, &[1.0, 2.0, 3.0, 4.0])]), Some(2.5));
        assert_eq!(of("p100", &[point(0, &[1.0, 2.0])]), Some(2.0));
        assert_eq!(of("Sum", &[]), None);
    }

    #[test]
    fn unknown_statistics_are_distinguished_from_unserved_ones() {
        let code = |name| Statistic::parse(name, "Stat").expect_err("it is refused").code;
        assert_eq!(code("tm90"), "NotImplemented");
        assert_eq!(code("p101"), "InvalidParameterValue");
        assert_eq!(code("median"), "InvalidParameterValue");
    }

    #[test]
    fn points_are_grouped_into_periods() {
        let points = [point(1000, &[1.0]), point(1999, &[1.0]), point(3000, &[1.0])];
        let starts: Vec<_> = buckets(&points, 0, 1000).iter().map(|(start, points)| (*start, points.len())).collect();
        assert_eq!(starts, [(1000, 2), (3000, 1)]);
    }
}
