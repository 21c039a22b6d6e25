//! Timestamps in JSON: RFC 3339 in UTC with exactly three decimals, so that they sort as text.

use jiff::Timestamp;
use serde::{Serialize as _, Serializer};

/// The text of a timestamp in JSON.
pub(crate) fn json_time(timestamp: Timestamp) -> String {
    format!("{timestamp:.3}")
}

/// For `#[serde(serialize_with)]`.
pub(crate) fn serialize_time<S: Serializer>(timestamp: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{timestamp:.3}"))
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
/// As [`serialize_time`], for an optional timestamp.
pub(crate) fn serialize_optional_time<S: Serializer>(
    timestamp: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    timestamp.map(json_time).serialize(serializer)
}
