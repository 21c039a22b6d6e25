//! Decodes CBOR into JSON values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::{ARRAY, BYTES, MAP, NEGATIVE, TAG, TEXT};

/// The maximum nesting of values; that of any served operation is under ten.
const MAX_DEPTH: usize = 64;
/// The end of an item of indefinite length.
const BREAK: u8 = 0xff;

/// Decodes CBOR.
pub(super) struct CborReader<'a> {
    rest: &'a [u8],
}

/// The beginning of an item: its major type, its additional information, and the argument unless it is indefinite.
struct Head {
    major: u8,
    info: u8,
    argument: Option<u64>,
}

impl<'a> CborReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

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

    /// The next item; `None` if it is not well-formed.
    pub(super) fn item(&mut self, depth: usize) -> Option<Value> {
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
                while self.has_more(&head, items.len())? {
                    items.push(self.item(depth + 1)?);
                }
                Some(Value::Array(items))
            }
            MAP => {
                let (mut members, mut count) = (Map::new(), 0);
                while self.has_more(&head, count)? {
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

    /// Whether an array or a map has more items. Consumes the end of one of indefinite length.
    fn has_more(&mut self, head: &Head, count: usize) -> Option<bool> {
        match head.argument {
            Some(length) => Some((count as u64) < length),
            None if self.rest.first() == Some(&BREAK) => self.take(1).map(|_| false),
            None => Some(true),
        }
    }

    /// The bytes of a string, which may be in chunks.
    fn string(&mut self, head: &Head) -> Option<Vec<u8>> {
        if let Some(length) = head.argument {
            return self.take(usize::try_from(length).ok()?).map(<[u8]>::to_vec);
        }
        let mut bytes = Vec::new();
        while self.has_more(head, 0)? {
            let chunk = self.head().filter(|chunk| chunk.major == head.major)?;
            bytes.extend_from_slice(self.take(usize::try_from(chunk.argument?).ok()?)?);
        }
        Some(bytes)
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

/// Numbers that JSON does not have are text, as in smithy's JSON protocols.
fn float(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => "NaN".into(),
        None => if number > 0.0 { "Infinity" } else { "-Infinity" }.into(),
    }
}

/// A half-precision number. Source: RFC 8949, appendix D.
pub(super) fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from((bits >> 10) & 0x1f), f64::from(bits & 0x3ff));
    let value = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { value } else { -value }
}
