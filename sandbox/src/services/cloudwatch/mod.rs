//! Amazon CloudWatch: metrics, their statistics, and alarms on them.
//!
//! Alarms perform the actions that name scaling policies; others are only stored and shown. There is no alarm history.
//! The sandbox's own measurements are put with [`put`].

use crate::Fault;
use crate::core::{AwsService, operation};
use crate::protocol::Protocol;
use crate::store::table::state;

mod alarms;
mod data_points;
mod get_metric_data;
mod get_metric_statistics;
mod metrics;
mod put_metric_data;
mod statistics;
mod tags;

pub(crate) use alarms::{
    Alarm, Settings as AlarmSettings, alarm_values, evaluate_alarms, put_alarm, wall_clock_millis,
};
pub(crate) use metrics::{Dimension, Metric};
pub(crate) use put_metric_data::{Datum, put};
pub(crate) use statistics::Measurements;

/// The service's name in the targets of JSON requests and the paths of CBOR requests.
const NAME: &str = "GraniteServiceVersion20100801";

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: "monitoring",
    protocols: &[
        Protocol::Query { version: "2010-08-01", xmlns: "http://monitoring.amazonaws.com/doc/2010-08-01/" },
        Protocol::Json10 { target_prefix: NAME },
        Protocol::Cbor { service: NAME },
    ],
    validation_code: "ValidationError",
    owner_only: false,
    input_hook: None,
    operations: &[
        operation!("DeleteAlarms" => alarms::changes::delete),
        operation!("DescribeAlarms" => alarms::describe_alarms::describe),
        operation!("DescribeAlarmsForMetric" => alarms::describe_alarms::for_metric),
        operation!("DisableAlarmActions" => alarms::changes::disable_actions),
        operation!("EnableAlarmActions" => alarms::changes::enable_actions),
        operation!("GetMetricData" => get_metric_data::run),
        operation!("GetMetricStatistics" => get_metric_statistics::run),
        operation!("ListMetrics" => metrics::list),
        operation!("ListTagsForResource" => tags::list),
        operation!("PutMetricAlarm" => alarms::put_metric_alarm::run),
        operation!("PutMetricData" => put_metric_data::run),
        operation!("SetAlarmState" => alarms::changes::set_state),
        operation!("TagResource" => tags::add),
        operation!("UntagResource" => tags::remove),
    ],
};

state! {
    /// The service's state, without data points: these are in a table of their own, see [`data_points`].
    pub struct State {
        /// By [`Metric::key`].
        pub metrics: Table<Metric> = "monitoring.metrics",
        pub alarms: Table<alarms::Alarm> = "monitoring.alarms",
    }
}

fn invalid_value(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterValue", message)
}

fn invalid_combination(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterCombination", message)
}

fn validation_error(message: impl Into<String>) -> Fault {
    Fault::client("ValidationError", message)
}
