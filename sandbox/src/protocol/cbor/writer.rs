//! Encodes outputs as CBOR.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

use super::{ARRAY, BYTES, MAP, NEGATIVE, TAG, TEXT};
use crate::protocol::service_model::TypedOutput;

/// The tag of a time in seconds since 1970.
const EPOCH: u64 = 1;

/// Appends a value.
pub(super) fn write(out: &mut Vec<u8>, value: &TypedOutput) {
    match value {
        TypedOutput::Scalar(Value::Bool(flag)) => out.push(if *flag { 0xf5 } else { 0xf4 }),
        TypedOutput::Scalar(Value::Number(number)) => write_number(out, number),
        TypedOutput::Scalar(Value::String(text)) => write_text(out, text),
        TypedOutput::Scalar(_) => out.push(0xf6),
        TypedOutput::Time(seconds) => {
            write_head(out, TAG, EPOCH);
            write_double(out, *seconds);
        }
        TypedOutput::Bytes(base64) => {
            let bytes = STANDARD.decode(base64).unwrap_or_default();
            write_head(out, BYTES, bytes.len() as u64);
            out.extend(bytes);
        }
        TypedOutput::List(items) => {
            write_head(out, ARRAY, items.len() as u64);
            for item in items {
                write(out, item);
            }
        }
        TypedOutput::Map(members) | TypedOutput::Structure(members) => {
            write_head(out, MAP, members.len() as u64);
            for (name, value) in members {
                write_text(out, name);
                write(out, value);
            }
        }
    }
}

fn write_number(out: &mut Vec<u8>, number: &Number) {
    match (number.as_u64(), number.as_i64()) {
        (Some(positive), _) => write_head(out, 0, positive),
        (None, Some(negative)) => write_head(out, NEGATIVE, (-1 - negative).unsigned_abs()),
        (None, None) => write_double(out, number.as_f64().unwrap_or(f64::NAN)),
    }
}

fn write_double(out: &mut Vec<u8>, number: f64) {
    out.push(0xfb);
    out.extend(number.to_be_bytes());
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_head(out, TEXT, text.len() as u64);
    out.extend(text.as_bytes());
}

/// Appends the head of an item in its shortest form.
fn write_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..=23 => out.push(major | bytes[7]),
        24..=0xff => out.extend([major | 0x18, bytes[7]]),
        0x100..=0xffff => {
            out.push(major | 0x19);
            out.extend(&bytes[6..]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 0x1a);
            out.extend(&bytes[4..]);
        }
        _ => {
            out.push(major | 0x1b);
            out.extend(bytes);
        }
    }
}
