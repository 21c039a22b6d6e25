//! One codec per wire protocol: a request becomes an operation's name and an input, an answer or a fault becomes bytes.
//!
//! A codec knows nothing of services: names and values go through it as they are, and the model gives them their types.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Fault;
use super::auth::Dialect;
use model::{Model, Output, Source};

mod cbor;
pub mod event_stream;
mod json;
pub mod lenient;
pub mod model;
mod query;
mod xml;

const JSON: &str = "application/json";
const JSON_10: &str = "application/x-amz-json-1.0";
const JSON_11: &str = "application/x-amz-json-1.1";

/// How a service speaks.
#[derive(Debug, Clone, Copy)]
pub enum Protocol {
    /// awsJson 1.0: the operation is in `X-Amz-Target`, after the prefix.
    Json10 {
        /// What stands before the dot in `X-Amz-Target`.
        target_prefix: &'static str,
    },
    /// awsJson 1.1: the same with another content type.
    Json11 {
        /// What stands before the dot in `X-Amz-Target`.
        target_prefix: &'static str,
    },
    /// AWS Query: form-encoded parameters in, XML out.
    Query {
        /// The API version that `Version` has to name.
        version: &'static str,
        /// The namespace of the answers.
        xmlns: &'static str,
    },
    /// EC2's form of Query.
    Ec2Query {
        /// The API version that `Version` has to name.
        version: &'static str,
        /// The namespace of the answers.
        xmlns: &'static str,
    },
    /// smithy's RPC v2 over CBOR.
    Cbor {
        /// The service's name in the path.
        service: &'static str,
    },
    /// REST with JSON. No service here speaks it, but its callers are to understand that.
    RestJson,
}

/// What a codec reads of a request.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// The headers, names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    /// The path.
    pub path: &'a str,
    /// The query string.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// An operation's name and its input.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Such as `DescribeStacks`.
    pub operation: String,
    /// The members, by their wire names.
    pub input: Value,
}

/// A response's body and what it is.
#[derive(Debug)]
pub struct Body {
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The text, or the CBOR.
    pub bytes: Vec<u8>,
    /// Headers that belong to it.
    pub headers: Vec<(&'static str, String)>,
}

impl Body {
    fn new(content_type: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { content_type, bytes: bytes.into(), headers: Vec::new() }
    }
}

/// In the scopes of signatures: services whose REST is XML. Their clients understand the refusals of Query.
const REST_XML: &[&str] = &["/s3/aws4_request", "/route53/aws4_request", "/cloudfront/aws4_request"];

/// How a caller seems to speak, before its signature is verified and its service known. It only chooses the words and the
/// shape of a refusal.
pub fn guess(headers: &BTreeMap<String, String>, path: &str) -> Protocol {
    let is = |name: &str, text: &str| headers.get(name).is_some_and(|value| value.contains(text));
    if is(cbor::HEADER.0, cbor::HEADER.1) {
        Protocol::Cbor { service: "" }
    } else if headers.contains_key("x-amz-target") {
        let target_prefix = "";
        if is("content-type", JSON_10) {
            Protocol::Json10 { target_prefix }
        } else {
            Protocol::Json11 { target_prefix }
        }
    } else if is("authorization", "/ec2/aws4_request") {
        Protocol::Ec2Query { version: "", xmlns: "" }
    } else if (path != "/" || is("content-type", "json")) && !REST_XML.iter().any(|scope| is("authorization", scope)) {
        Protocol::RestJson
    } else {
        Protocol::Query { version: "", xmlns: "" }
    }
}

/// Of the protocols of a service, the one that a caller seems to speak; a caller that speaks none of them is answered in the first.
pub fn choose(spoken: &[Protocol], guessed: Protocol) -> Protocol {
    let same = |one: &&Protocol| one.family() == guessed.family();
    spoken.iter().find(same).or(spoken.first()).copied().unwrap_or(guessed)
}

#[derive(PartialEq, Eq)]
enum Family {
    Json,
    Query,
    Cbor,
}

impl Protocol {
    fn family(self) -> Family {
        match self {
            Self::Json10 { .. } | Self::Json11 { .. } | Self::RestJson => Family::Json,
            Self::Query { .. } | Self::Ec2Query { .. } => Family::Query,
            Self::Cbor { .. } => Family::Cbor,
        }
    }

    /// Whether a request of this protocol may be for this path.
    pub fn has_path(self, path: &str) -> bool {
        match self {
            Self::Cbor { .. } => cbor::target(path).is_some(),
            _ => path == "/",
        }
    }

    /// Whether a request of this protocol may have this method.
    pub fn has_method(self, method: &str) -> bool {
        self.family() == Family::Query || method == "POST"
    }

    /// Reads a request; the model knows of what types its values are.
    pub fn decode(self, incoming: &Incoming<'_>) -> Result<Request, Fault> {
        match self {
            Self::Json10 { target_prefix } | Self::Json11 { target_prefix } => json::decode(incoming, target_prefix),
            Self::Query { version, .. } | Self::Ec2Query { version, .. } => query::decode(incoming, version),
            Self::Cbor { service } => cbor::decode(incoming, service),
            Self::RestJson => Err(Fault::not_implemented("REST")),
        }
    }

    /// What the values of a decoded request look like.
    pub fn source(self) -> Source {
        if self.family() == Family::Query { Source::Text } else { Source::Typed }
    }

    /// Writes an answer.
    pub fn encode(self, model: Option<&Model>, operation: &str, request_id: &str, output: Value) -> Body {
        let tagged = |output| Output::of(model, operation, output);
        match self {
            Self::Json10 { .. } => json::encode(JSON_10, output),
            Self::Json11 { .. } => json::encode(JSON_11, output),
            Self::RestJson => json::encode(JSON, output),
            Self::Query { xmlns, .. } => query::encode(operation, xmlns, request_id, &tagged(output)),
            Self::Ec2Query { xmlns, .. } => query::encode_ec2(operation, xmlns, request_id, &tagged(output)),
            Self::Cbor { .. } => cbor::encode(&tagged(output)),
        }
    }

    /// Writes a fault and says with which HTTP status; some requests are refused before their service and its model are known.
    ///
    /// Faults carry the codes of the Query protocols where a service has one. Its other protocols tell an error by the name
    /// of its type, and the code in a header.
    pub fn encode_fault(self, model: Option<&Model>, request_id: &str, fault: &Fault) -> (u16, Body) {
        let known = model.and_then(|model| model.error(&fault.code));
        let status = known.filter(|_| fault.status == 400).map_or(fault.status, |(_, status)| status);
        let fault = &Fault { status, ..fault.clone() };
        let type_name = known.map_or(fault.code.as_str(), |(shape, _)| shape);
        let mut body = match self {
            Self::Json10 { .. } => json::encode_fault(JSON_10, type_name, &fault.message),
            Self::Json11 { .. } => json::encode_fault(JSON_11, type_name, &fault.message),
            Self::RestJson => json::encode_fault(JSON, type_name, &fault.message),
            Self::Query { xmlns, .. } => {
                query::encode_fault(Some(xmlns).filter(|xmlns| !xmlns.is_empty()), request_id, fault)
            }
            Self::Ec2Query { .. } => query::encode_ec2_fault(request_id, fault),
            Self::Cbor { .. } => cbor::encode_fault(type_name, &fault.message),
        };
        if matches!(self, Self::RestJson) {
            body.headers.push(("x-amzn-errortype", type_name.to_owned()));
        }
        if known.is_some() && self.family() != Family::Query {
            let side = if status < 500 { "Sender" } else { "Receiver" };
            body.headers.push(("x-amzn-query-error", format!("{};{side}", fault.code)));
        }
        (status, body)
    }

    /// Whose error codes this protocol's refusals use.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Json10 { .. } | Self::Json11 { .. } | Self::Cbor { .. } | Self::RestJson => Dialect::Json,
            Self::Query { .. } => Dialect::Query,
            Self::Ec2Query { .. } => Dialect::Ec2,
        }
    }
}
