//! The awsJson 1.0 and 1.1 codecs, which differ in their content type.

use serde_json::{Value, json};

use super::{Body, DecodedRequest, EncodedRequest};
use crate::Fault;

/// Decodes a request: the operation is in `X-Amz-Target`, the input is the body.
pub(super) fn decode(incoming: &EncodedRequest<'_>, target_prefix: &str) -> Result<DecodedRequest, Fault> {
    let target = incoming.headers.get("x-amz-target").map_or("", String::as_str);
    let operation = target.strip_prefix(target_prefix).and_then(|rest| rest.strip_prefix('.'));
    let operation = operation.ok_or_else(|| Fault::client("UnknownOperationException", ""))?.to_owned();
    let input = if incoming.body.is_empty() { json!({}) } else { parse(incoming.body)? };
    Ok(DecodedRequest { operation, input })
}

fn parse(body: &[u8]) -> Result<Value, Fault> {
    match serde_json::from_slice(body) {
        Ok(input @ Value::Object(_)) => Ok(input),
        Ok(_) => Err(Fault::client("SerializationException", "Start of structure or map found where not expected.")),
        Err(error) => Err(Fault::client("SerializationException", error.to_string())),
    }
}

/// Encodes an output; members without a value are left out.
pub(super) fn encode(content_type: &'static str, mut output: Value) -> Body {
    remove_nulls(&mut output);
    let text = if output.is_null() { "{}".to_owned() } else { output.to_string() };
    Body::new(content_type, text)
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

/// Encodes a fault. AWS leaves out an empty message (recorded: localstack's test_parameter_defaults).
pub(super) fn encode_fault(content_type: &'static str, type_name: &str, message_member: &str, message: &str) -> Body {
    let mut fault = json!({ "__type": type_name });
    if !message.is_empty() {
        fault[message_member] = message.into();
    }
    Body::new(content_type, fault.to_string())
}
