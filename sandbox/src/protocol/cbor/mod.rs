//! The codec of smithy's RPC v2 over CBOR: `POST /service/NAME/operation/OPERATION`, members in a map.
//!
//! Sources: Smithy's specification of the protocol, and RFC 8949 for CBOR. Bytes are decoded as base64 and times as numbers, so that
//! inputs do not depend on the protocol.

use serde_json::{Value, json};

use super::{Body, DecodedRequest, EncodedRequest};
use crate::Fault;
use crate::protocol::service_model::TypedOutput;
use reader::CborReader;

mod reader;
mod writer;

const CONTENT_TYPE: &str = "application/cbor";
/// The header of requests and responses.
pub(super) const HEADER: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");
// Major types.
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// Service and operation of a path of this protocol.
pub(super) fn target(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("/service/")?.split_once("/operation/")
}

/// Decodes a request: service and operation are in the path, the input is the body.
pub(super) fn decode(incoming: &EncodedRequest<'_>, service: &str) -> Result<DecodedRequest, Fault> {
    let operation = target(incoming.path).filter(|(name, _)| *name == service).map(|(_, operation)| operation);
    let operation = operation.ok_or_else(|| Fault::new(404, "UnknownOperationException", ""))?.to_owned();
    if incoming.body.is_empty() {
        return Ok(DecodedRequest { operation, input: json!({}) });
    }
    let mut reader = CborReader::new(incoming.body);
    match reader.item(0) {
        Some(input @ Value::Object(_)) if reader.is_at_end() => Ok(DecodedRequest { operation, input }),
        Some(_) => Err(Fault::client("SerializationException", "The body is not one CBOR map")),
        None => Err(Fault::client("SerializationException", "The body is not well-formed CBOR")),
    }
}

/// Encodes an output.
pub(super) fn encode(output: &TypedOutput) -> Body {
    let mut bytes = Vec::new();
    writer::write(&mut bytes, output);
    body(bytes)
}

pub(super) fn encode_fault(type_name: &str, message: &str) -> Body {
    encode(&TypedOutput::from(json!({ "__type": type_name, "message": message })))
}

fn body(bytes: Vec<u8>) -> Body {
    let mut body = Body::new(CONTENT_TYPE, bytes);
    body.headers.push((HEADER.0, HEADER.1.to_owned()));
    body
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::reader::{CborReader, half};
    use super::writer::write;
    use crate::protocol::service_model::TypedOutput;

    fn read(bytes: &[u8]) -> Option<Value> {
        let mut reader = CborReader::new(bytes);
        reader.item(0).filter(|_| reader.is_at_end())
    }

    #[test]
    fn written_values_are_read_back() {
        let value =
            json!({ "a": [1, -1, 23, 24, 256, 65536, 5_000_000_000_u64, -300, 1.5, true, false, "é"], "b": {} });
        let mut bytes = Vec::new();
        write(&mut bytes, &TypedOutput::from(value.clone()));
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
    fn truncated_endless_and_deeply_nested_items_are_refused() {
        for bytes in ["", "18", "62c3", "a1", "a101", "9bffffffffffffffff", "5bffffffffffffffff", "1c", "ff", "7f01ff"]
        {
            assert_eq!(read(&hex::decode(bytes).expect("it is hexadecimal")), None, "{bytes}");
        }
        assert_eq!(read(&vec![0x81; 100_000]), None);
    }
}
