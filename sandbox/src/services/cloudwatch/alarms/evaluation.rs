//! Evaluates an alarm on its metric's data points: pure.
//!
//! Source: "Configuring how CloudWatch alarms treat missing data" in CloudWatch's user guide, whose tables are the
//! tests.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Settings, StateValue};
use crate::base::clock;

/// How many additional earlier periods CloudWatch examines for data.
const EXTRA_PERIODS: usize = 2;

/// How missing data points count: `TreatMissingData`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MissingDataTreatment {
    Breaching,
    NotBreaching,
    Ignore,
    Missing,
}

impl MissingDataTreatment {
    /// The treatment of an alarm, whose option PutMetricAlarm has checked.
    fn of(settings: &Settings) -> Self {
        match settings.treat_missing_data.as_deref() {
            Some("breaching") => Self::Breaching,
            Some("notBreaching") => Self::NotBreaching,
            Some("ignore") => Self::Ignore,
            _ => Self::Missing,
        }
    }

    /// Whether missing data points count as data points.
    fn fills(self) -> bool {
        matches!(self, Self::Breaching | Self::NotBreaching)
    }
}

/// A data point of one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Datapoint {
    /// The start of the period, in milliseconds since 1970.
    pub time: i64,
    pub value: f64,
    /// The number of measurements.
    pub samples: f64,
}

/// The result of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AlarmEvaluation {
    pub state: StateValue,
    /// The reason for people.
    pub reason: String,
    /// The reason for programs: JSON.
    pub data: String,
}

/// How many periods an alarm examines.
pub(crate) fn periods(settings: &Settings) -> usize {
    settings.evaluation_periods + EXTRA_PERIODS
}

/// Evaluates the last [`periods`] periods, the oldest first. Returns `None` if the alarm keeps its state.
pub(crate) fn evaluate(settings: &Settings, range: &[Option<Datapoint>], now: i64) -> Option<AlarmEvaluation> {
    let data_points: Vec<Datapoint> =
        range.iter().rev().filter_map(|point| *point).take(settings.evaluation_periods).collect();
    let missing = settings.evaluation_periods - data_points.len();
    let breaching = data_points.iter().filter(|point| breaches(settings, point.value)).count();
    let needed = settings.datapoints_to_alarm.unwrap_or(settings.evaluation_periods);
    let treatment = MissingDataTreatment::of(settings);
    let state = match treatment {
        MissingDataTreatment::Breaching if breaching + missing >= needed => StateValue::Alarm,
        _ if breaching >= needed => StateValue::Alarm,
        _ if treatment.fills() => StateValue::Ok,
        MissingDataTreatment::Ignore if data_points.is_empty() => return None,
        _ if data_points.is_empty() => StateValue::InsufficientData,
        _ if breaching < data_points.len() || missing == 0 => StateValue::Ok,
        // Only breaching data, but fewer points than required: an alarm once the oldest one is old enough.
        MissingDataTreatment::Missing => {
            let age = range.iter().rev().rposition(Option::is_some).map_or(0, |newer| newer + 1);
            if age < needed {
                return None;
            }
            StateValue::Alarm
        }
        _ => return None,
    };
    let filled = if treatment.fills() { missing } else { 0 };
    let reason = reason(settings, state, &data_points, filled, treatment);
    Some(AlarmEvaluation { state, reason, data: data(settings, &data_points, now).to_string() })
}

fn breaches(settings: &Settings, value: f64) -> bool {
    settings.comparison_operator.compare(value, settings.threshold)
}

fn reason(
    settings: &Settings,
    state: StateValue,
    real: &[Datapoint],
    filled: usize,
    treatment: MissingDataTreatment,
) -> String {
    let pluralize = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    if state == StateValue::InsufficientData {
        let count = settings.evaluation_periods;
        let were = if count == 1 { "was" } else { "were" };
        return format!("Insufficient Data: {} {were} unknown.", pluralize(count, "datapoint"));
    }
    if real.is_empty() {
        let (were, treated) = if filled == 1 { ("was", "period") } else { ("were", "periods") };
        let treatment = if treatment == MissingDataTreatment::Breaching { "Breaching" } else { "NonBreaching" };
        return format!(
            "Threshold Crossed: no datapoints were received for {filled} {treated} and {} {were} treated as [{treatment}].",
            pluralize(filled, "missing datapoint")
        );
    }
    let alarming = state == StateValue::Alarm;
    let relevant: Vec<&Datapoint> = real.iter().filter(|point| breaches(settings, point.value) == alarming).collect();
    let values: Vec<String> =
        relevant.iter().map(|point| format!("{:?} ({})", point.value, short_time(point.time))).collect();
    let verb = if relevant.len() == 1 { "was" } else { "were" };
    let not = if alarming { "" } else { "not " };
    let needed = settings.datapoints_to_alarm.unwrap_or(settings.evaluation_periods);
    let (min, change) =
        if alarming { (needed, "OK -> ALARM") } else { (settings.evaluation_periods - needed + 1, "ALARM -> OK") };
    format!(
        "Threshold Crossed: {} out of the last {} datapoints [{}] {verb} {not}{} the threshold ({:?}) (minimum {} for {change} transition).",
        relevant.len(),
        settings.evaluation_periods,
        values.join(", "),
        settings.comparison_operator.description(),
        settings.threshold,
        pluralize(min, "datapoint"),
    )
}

fn short_time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map(clock::short_date_time).unwrap_or_default()
}

fn long_time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map(clock::iso8601_with_offset).unwrap_or_default()
}

fn data(settings: &Settings, real: &[Datapoint], now: i64) -> Value {
    let evaluated = real
        .iter()
        .map(|point| json!({ "timestamp": long_time(point.time), "sampleCount": point.samples, "value": point.value }));
    json!({
        "version": "1.0",
        "queryDate": long_time(now),
        "startDate": real.last().map(|oldest| long_time(oldest.time)),
        "statistic": settings.statistic(),
        "period": settings.period,
        "recentDatapoints": real.iter().rev().map(|point| point.value).collect::<Vec<_>>(),
        "threshold": settings.threshold,
        "evaluatedDatapoints": evaluated.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Datapoint, Settings, StateValue, evaluate};

    fn settings(datapoints: usize, missing: &str) -> Settings {
        serde_json::from_value(json!({
            "AlarmName": "a", "MetricName": "m", "Namespace": "n", "Period": 60, "Statistic": "Average",
            "EvaluationPeriods": 3, "DatapointsToAlarm": datapoints, "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": missing,
        }))
        .expect("they are settings")
    }

    fn range(text: &str) -> Vec<Option<Datapoint>> {
        let value = |letter| match letter {
            'X' => Some(1.0),
            '0' => Some(0.0),
            _ => None,
        };
        let points = text.split(' ').zip(0..).map(|(letter, at)| {
            let value = value(letter.chars().next()?)?;
            Some(Datapoint { time: at * 60_000, value, samples: 1.0 })
        });
        points.collect()
    }

    /// Checks a row of a table in the guide: the states for missing, ignore, breaching and notBreaching; `-` keeps the
    /// state.
    fn row(datapoints: usize, text: &str, expected: &str) {
        let states = ["missing", "ignore", "breaching", "notBreaching"].map(|missing| {
            match evaluate(&settings(datapoints, missing), &range(text), 0).map(|evaluation| evaluation.state) {
                None => "-",
                Some(StateValue::Ok) => "OK",
                Some(StateValue::Alarm) => "ALARM",
                Some(StateValue::InsufficientData) => "INSUFFICIENT",
            }
        });
        assert_eq!(states.join(" "), expected, "{datapoints} of 3 in {text}");
    }

    #[test]
    fn missing_data_is_treated_as_in_the_guides_tables() {
        row(3, "0 - X - X", "OK OK OK OK");
        row(3, "- - - - 0", "OK OK OK OK");
        row(3, "- - - - -", "INSUFFICIENT - ALARM OK");
        row(3, "0 X X - X", "ALARM ALARM ALARM ALARM");
        row(3, "- - X - -", "ALARM - ALARM OK");
        row(2, "0 - X - X", "ALARM ALARM ALARM ALARM");
        row(2, "0 0 X 0 X", "ALARM ALARM ALARM ALARM");
        row(2, "0 - X - -", "OK OK ALARM OK");
        row(2, "- - - - 0", "OK OK ALARM OK");
        row(2, "- - - X -", "ALARM - ALARM OK");
    }

    #[test]
    fn reasons_have_cloudwatchs_messages() {
        let reason = |text: &str| evaluate(&settings(2, "missing"), &range(text), 0).expect("an evaluation").reason;
        assert_eq!(
            reason("0 0 X 0 X"),
            "Threshold Crossed: 2 out of the last 3 datapoints [1.0 (01/01/70 00:04:00), 1.0 (01/01/70 00:02:00)] were greater \
             than or equal to the threshold (1.0) (minimum 2 datapoints for OK -> ALARM transition)."
        );
        assert_eq!(reason("- - - - -"), "Insufficient Data: 3 datapoints were unknown.");
        let breaching = evaluate(&settings(2, "breaching"), &range("- - - - -"), 0).expect("an evaluation").reason;
        assert_eq!(
            breaching,
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as [Breaching]."
        );
    }
}
