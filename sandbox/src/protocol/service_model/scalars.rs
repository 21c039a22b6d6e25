//! Converts decoded scalars to the types of the model.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Number, Value};

use super::Plain;

/// Checks the type of a JSON or CBOR scalar.
///
/// # Errors
/// It has another type: the message of AWS's JSON parser.
pub(super) fn from_json(plain: Plain, value: Value) -> Result<Value, String> {
    let fits = match plain {
        Plain::String => value.is_string(),
        Plain::Blob => value.as_str().is_some_and(|text| STANDARD.decode(text).is_ok()),
        Plain::Boolean => value.is_boolean(),
        Plain::Integer | Plain::Long => value.is_i64() || value.is_u64(),
        Plain::Float | Plain::Double => value.is_number() || is_special(&value),
        Plain::Timestamp => value.is_number(),
    };
    match (plain, &value) {
        _ if fits => Ok(value),
        // 3.0 is an integer.
        (Plain::Integer | Plain::Long, Value::Number(number)) => {
            whole_number(number).ok_or_else(|| type_error(plain, &value))
        }
        (Plain::Timestamp, Value::String(text)) => parse_time(text).ok_or_else(|| type_error(plain, &value)),
        _ => Err(type_error(plain, &value)),
    }
}

/// Whether a value is one of the numbers that JSON represents as text.
fn is_special(value: &Value) -> bool {
    value.as_str().is_some_and(|text| matches!(text, "NaN" | "Infinity" | "-Infinity"))
}

fn whole_number(number: &Number) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= EXACT)?;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and within what a double holds exactly")]
    let number = number as i64;
    Some(number.into())
}

fn type_error(plain: Plain, value: &Value) -> String {
    let class = match value {
        Value::Array(_) => return "Start of list found where not expected".to_owned(),
        Value::Object(_) => return "Start of structure or map found where not expected.".to_owned(),
        Value::Bool(_) => "java.lang.Boolean",
        Value::String(_) => "java.lang.String",
        _ => "com.amazon.coral.value.json.numbers.TruncatingBigNumber",
    };
    let expected = match plain {
        Plain::String => "String",
        Plain::Integer => "Integer",
        Plain::Long => "Long",
        Plain::Float => "Float",
        Plain::Double => "Double",
        Plain::Boolean => "Boolean",
        Plain::Timestamp => "Date",
        Plain::Blob => "ByteBuffer",
    };
    format!("class {class} can not be converted to an {expected}")
}

/// Parses the text of a scalar; `None` if it is not a value of the type.
pub(super) fn parse(plain: Plain, text: &str) -> Option<Value> {
    match plain {
        Plain::String | Plain::Blob => Some(text.into()),
        Plain::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        Plain::Integer => text.parse::<i32>().ok().map(Value::from),
        Plain::Long => text.parse::<i64>().ok().map(Value::from),
        Plain::Float | Plain::Double => parse_number(text),
        Plain::Timestamp => parse_time(text),
    }
}

fn parse_number(text: &str) -> Option<Value> {
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return Some(text.into());
    }
    text.parse().ok().and_then(Number::from_f64).map(Value::Number)
}

/// A time in any form that clients use, as seconds since 1970.
fn parse_time(text: &str) -> Option<Value> {
    let utc = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let time = text.parse::<Timestamp>().ok().or_else(|| utc().map(|zoned| zoned.timestamp()));
    match time {
        Some(time) => Some(crate::base::clock::epoch_seconds(time)),
        None => parse_number(text).filter(Value::is_number),
    }
}
