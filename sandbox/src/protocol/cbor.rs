//! The codec of smithy's RPC v2 over CBOR: `POST /service/NAME/operation/OPERATION`, members in a map.
//!
//! Sources: Smithy's specification of the protocol, and RFC 8949 for CBOR. Bytes become base64 and times numbers on the
//! way in, so that an input looks the same whatever protocol it came by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value, json};

use super::{Body, Incoming, Request};
use crate::Fault;
use crate::protocol::model::Output;

const CONTENT_TYPE: &str = "application/cbor";
/// The header that both requests and answers carry.
pub const HEADER: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");
/// How deep values may be nested; the deepest of any served operation is under ten.
const MAX_DEPTH: usize = 64;

// Major types.
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
/// What ends an item of indefinite length.
const BREAK: u8 = 0xff;
/// The tag of a time in seconds since 1970.
const EPOCH: u64 = 1;

/// Service and operation of a path of this protocol.
pub fn target(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("/service/")?.split_once("/operation/")
}

/// Reads a request: service and operation are in the path, the input is the body.
pub fn decode(incoming: &Incoming<'_>, service: &str) -> Result<Request, Fault> {
    let operation = target(incoming.path).filter(|(asked, _)| *asked == service).map(|(_, operation)| operation);
    let operation = operation.ok_or_else(|| Fault::new(404, "UnknownOperationException", ""))?.to_owned();
    if incoming.body.is_empty() {
        return Ok(Request { operation, input: json!({}) });
    }
    let mut reader = Reader { rest: incoming.body };
    match reader.item(0) {
        Some(input @ Value::Object(_)) if reader.rest.is_empty() => Ok(Request { operation, input }),
        Some(_) => Err(Fault::client("SerializationException", "The body is not one CBOR map")),
        None => Err(Fault::client("SerializationException", "The body is not well-formed CBOR")),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// The beginning of an item: its major type, its additional information, and the argument unless it is indefinite.
struct Head {
    major: u8,
    info: u8,
    argument: Option<u64>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn head(&mut self) -> Option<Head> {
        let first = *self.take(1)?.first()?;
        let (major, info) = (first >> 5, first & 0x1f);
        let argument = match info {
            0..=23 => Some(u64::from(info)),
            24..=27 => {
                let bytes = self.take(1 << (info - 24))?;
                Some(bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
            }
            31 => None,
            _ => return None,
        };
        Some(Head { major, info, argument })
    }

    fn item(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let head = self.head()?;
        match head.major {
            0 => head.argument.map(Value::from),
            NEGATIVE => i64::try_from(head.argument?).ok().map(|value| Value::from(-1 - value)),
            BYTES => self.string(&head).map(|bytes| STANDARD.encode(bytes).into()),
            TEXT => String::from_utf8(self.string(&head)?).ok().map(Value::from),
            ARRAY => {
                let mut items = Vec::new();
                while self.more(&head, items.len())? {
                    items.push(self.item(depth + 1)?);
                }
                Some(Value::Array(items))
            }
            MAP => {
                let (mut members, mut count) = (Map::new(), 0);
                while self.more(&head, count)? {
                    let key = self.item(depth + 1)?.as_str()?.to_owned();
                    members.insert(key, self.item(depth + 1)?);
                    count += 1;
                }
                Some(Value::Object(members))
            }
            TAG => head.argument.and_then(|_| self.item(depth + 1)),
            _ => simple(&head),
        }
    }

    /// Whether an array or a map goes on; takes the end of one of indefinite length.
    fn more(&mut self, head: &Head, count: usize) -> Option<bool> {
        match head.argument {
            Some(length) => Some((count as u64) < length),
            None if self.rest.first() == Some(&BREAK) => self.take(1).map(|_| false),
            None => Some(true),
        }
    }

    /// Bytes or text, whole or in chunks.
    fn string(&mut self, head: &Head) -> Option<Vec<u8>> {
        if let Some(length) = head.argument {
            return self.take(usize::try_from(length).ok()?).map(<[u8]>::to_vec);
        }
        let mut whole = Vec::new();
        while self.more(head, 0)? {
            let chunk = self.head().filter(|chunk| chunk.major == head.major)?;
            whole.extend_from_slice(self.take(usize::try_from(chunk.argument?).ok()?)?);
        }
        Some(whole)
    }
}

fn simple(head: &Head) -> Option<Value> {
    let bits = head.argument?;
    match head.info {
        20 => Some(false.into()),
        21 => Some(true.into()),
        22 | 23 => Some(Value::Null),
        25 => u16::try_from(bits).ok().map(|bits| float(half(bits))),
        26 => u32::try_from(bits).ok().map(|bits| float(f64::from(f32::from_bits(bits)))),
        27 => Some(float(f64::from_bits(bits))),
        _ => None,
    }
}

/// What JSON has no number for is a text, as in smithy's JSON protocols.
fn float(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => "NaN".into(),
        None => if number > 0.0 { "Infinity" } else { "-Infinity" }.into(),
    }
}

/// RFC 8949, appendix D.
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from((bits >> 10) & 0x1f), f64::from(bits & 0x3ff));
    let value = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { value } else { -value }
}

/// Writes an answer.
pub fn encode(output: &Output) -> Body {
    let mut bytes = Vec::new();
    write(&mut bytes, output);
    body(bytes)
}

/// Writes a fault.
pub fn encode_fault(type_name: &str, message: &str) -> Body {
    encode(&Output::from(json!({ "__type": type_name, "message": message })))
}

fn body(bytes: Vec<u8>) -> Body {
    let mut body = Body::new(CONTENT_TYPE, bytes);
    body.headers.push((HEADER.0, HEADER.1.to_owned()));
    body
}

fn write(out: &mut Vec<u8>, value: &Output) {
    match value {
        Output::Scalar(Value::Bool(flag)) => out.push(if *flag { 0xf5 } else { 0xf4 }),
        Output::Scalar(Value::Number(number)) => write_number(out, number),
        Output::Scalar(Value::String(text)) => write_text(out, text),
        Output::Scalar(_) => out.push(0xf6),
        Output::Time(seconds) => {
            write_head(out, TAG, EPOCH);
            write_double(out, *seconds);
        }
        Output::Bytes(base64) => {
            let bytes = STANDARD.decode(base64).unwrap_or_default();
            write_head(out, BYTES, bytes.len() as u64);
            out.extend(bytes);
        }
        Output::List(items) => {
            write_head(out, ARRAY, items.len() as u64);
            for item in items {
                write(out, item);
            }
        }
        Output::Map(members) | Output::Structure(members) => {
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

/// The shortest form of a head.
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Output, Reader, half, write};

    fn read(bytes: &[u8]) -> Option<Value> {
        let mut reader = Reader { rest: bytes };
        reader.item(0).filter(|_| reader.rest.is_empty())
    }

    #[test]
    fn what_is_written_is_read() {
        let value =
            json!({ "a": [1, -1, 23, 24, 256, 65536, 5_000_000_000_u64, -300, 1.5, true, false, "é"], "b": {} });
        let mut bytes = Vec::new();
        write(&mut bytes, &Output::from(value.clone()));
        assert_eq!(read(&bytes), Some(value));
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let cases: &[(&str, Value)] = &[
            ("1bffffffffffffffff", json!(18_446_744_073_709_551_615_u64)),
            ("3903e7", json!(-1000)),
            ("f93e00", json!(1.5)),
            ("fa47c35000", json!(100_000.0)),
            ("f97c00", json!("Infinity")),
            ("c11a514b67b0", json!(1_363_896_240)),
            ("4401020304", json!("AQIDBA==")),
            ("9f018202039f0405ffff", json!([1, [2, 3], [4, 5]])),
            ("bf6346756ef563416d7421ff", json!({ "Fun": true, "Amt": -2 })),
            ("7f657374726561646d696e67ff", json!("streaming")),
        ];
        for (bytes, value) in cases {
            assert_eq!(read(&hex::decode(bytes).expect("it is hexadecimal")).as_ref(), Some(value), "{bytes}");
        }
        assert!((half(0x0001) - 5.960_464_477_539_063e-8).abs() < f64::EPSILON);
    }

    #[test]
    fn torn_endless_and_deep_items_are_refused() {
        for bytes in ["", "18", "62c3", "a1", "a101", "9bffffffffffffffff", "5bffffffffffffffff", "1c", "ff", "7f01ff"]
        {
            assert_eq!(read(&hex::decode(bytes).expect("it is hexadecimal")), None, "{bytes}");
        }
        assert_eq!(read(&vec![0x81; 100_000]), None);
    }
}
