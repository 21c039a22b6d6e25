//! The codecs of AWS's wire protocols: they decode requests into an operation's name and an input, and encode outputs and faults.
//!
//! Codecs do not depend on services: they leave names and values unchanged, and the service's model gives them their types.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Fault;
use super::auth::ErrorFormat;
use service_model::{InputEncoding, Model, TypedOutput};

mod cbor;
pub(crate) mod coerce;
pub(crate) mod event_stream;
mod input_error;
mod json;
mod query;
pub mod service_model;
mod xml;

const JSON: &str = "application/json";
const JSON_10: &str = "application/x-amz-json-1.0";
const JSON_11: &str = "application/x-amz-json-1.1";

/// A wire protocol.
#[derive(Debug, Clone, Copy)]
pub enum Protocol {
    /// awsJson 1.0: the operation is in `X-Amz-Target`, after the prefix.
    Json10 {
        /// The part of `X-Amz-Target` before the dot.
        target_prefix: &'static str,
    },
    /// awsJson 1.1, which has another content type.
    Json11 {
        /// The part of `X-Amz-Target` before the dot.
        target_prefix: &'static str,
    },
    /// AWS Query: form-encoded parameters in, XML out.
    Query {
        /// The API version that `Version` has to name.
        version: &'static str,
        /// The XML namespace of responses.
        xmlns: &'static str,
    },
    /// EC2's form of Query.
    Ec2Query {
        /// The API version that `Version` has to name.
        version: &'static str,
        /// The XML namespace of responses.
        xmlns: &'static str,
    },
    /// smithy's RPC v2 over CBOR.
    Cbor {
        /// The service's name in the path.
        service: &'static str,
    },
    /// restJson. No service here uses it, but its clients understand the faults.
    RestJson,
}

/// The parts of a request that a codec reads.
#[derive(Debug)]
pub struct EncodedRequest<'a> {
    /// The headers, with names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    /// The path of the URL.
    pub path: &'a str,
    /// The query string of the URL.
    pub query: &'a str,
    /// The body, decompressed.
    pub body: &'a [u8],
}

/// An operation's name and its input.
#[derive(Debug, PartialEq)]
pub struct DecodedRequest {
    /// Such as `DescribeStacks`.
    pub operation: String,
    /// The members, by their wire names.
    pub input: Value,
}

/// The body of a response, with its headers.
#[derive(Debug)]
pub struct Body {
    pub content_type: &'static str,
    /// The encoded output or fault.
    pub bytes: Vec<u8>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

impl Body {
    fn new(content_type: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { content_type, bytes: bytes.into(), headers: Vec::new() }
    }
}

/// The signature scopes of services with restXml, whose clients understand the faults of Query.
const REST_XML: &[&str] = &["/s3/aws4_request", "/route53/aws4_request", "/cloudfront/aws4_request"];

/// Guesses the protocol of a request before its signature is verified and its service is known. It only determines the form of
/// faults.
pub(crate) fn guess_protocol(headers: &BTreeMap<String, String>, path: &str) -> Protocol {
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

/// Chooses the protocol of a service that matches the guessed one, or else the first.
pub(crate) fn choose_protocol(supported: &[Protocol], guessed: Protocol) -> Protocol {
    let same = |protocol: &&Protocol| protocol.family() == guessed.family();
    supported.iter().find(same).or(supported.first()).copied().unwrap_or(guessed)
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

    /// Whether requests of this protocol can have this path.
    pub fn has_path(self, path: &str) -> bool {
        match self {
            Self::Cbor { .. } => cbor::target(path).is_some(),
            _ => path == "/",
        }
    }

    /// Whether requests of this protocol can have this method.
    pub fn has_method(self, method: &str) -> bool {
        self.family() == Family::Query || method == "POST"
    }

    /// Decodes a request; the model gives its values their types.
    pub fn decode(self, incoming: &EncodedRequest<'_>) -> Result<DecodedRequest, Fault> {
        match self {
            Self::Json10 { target_prefix } | Self::Json11 { target_prefix } => json::decode(incoming, target_prefix),
            Self::Query { version, .. } | Self::Ec2Query { version, .. } => query::decode(incoming, version),
            Self::Cbor { service } => cbor::decode(incoming, service),
            Self::RestJson => Err(Fault::not_implemented("REST")),
        }
    }

    /// The form of the values of a decoded request.
    pub fn input_encoding(self) -> InputEncoding {
        if self.family() == Family::Query { InputEncoding::Text } else { InputEncoding::Typed }
    }

    /// Encodes the output of an operation.
    pub fn encode(self, model: Option<&Model>, operation: &str, request_id: &str, output: Value) -> Body {
        let typed = |output| TypedOutput::from_model(model, operation, output);
        match self {
            Self::Json10 { .. } => json::encode(JSON_10, output),
            Self::Json11 { .. } => json::encode(JSON_11, output),
            Self::RestJson => json::encode(JSON, output),
            Self::Query { xmlns, .. } => query::encode(operation, xmlns, request_id, &typed(output)),
            Self::Ec2Query { xmlns, .. } => query::encode_ec2(operation, xmlns, request_id, &typed(output)),
            Self::Cbor { .. } => cbor::encode(&typed(output)),
        }
    }

    /// Encodes a fault, and returns its HTTP status. Some requests are refused before their service and its model are known.
    ///
    /// Faults have the codes of the Query protocol, if the service has one. In its other protocols, the error's type has another name,
    /// and a header has the code.
    pub fn encode_fault(self, model: Option<&Model>, request_id: &str, fault: &Fault) -> (u16, Body) {
        let known = model.and_then(|model| model.error(&fault.code));
        let status = known.filter(|_| fault.status == 400).map_or(fault.status, |(_, status)| status);
        let fault = &Fault { status, ..fault.clone() };
        let type_name = known.map_or(fault.code.as_str(), |(shape, _)| shape);
        let member = model.map_or("message", |model| model.message_member(type_name));
        let mut body = match self {
            Self::Json10 { .. } => json::encode_fault(JSON_10, type_name, member, &fault.message),
            Self::Json11 { .. } => json::encode_fault(JSON_11, type_name, member, &fault.message),
            Self::RestJson => json::encode_fault(JSON, type_name, member, &fault.message),
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

    /// The form of this protocol's authentication errors.
    pub fn error_format(self) -> ErrorFormat {
        match self {
            Self::Json10 { .. } | Self::Json11 { .. } | Self::Cbor { .. } | Self::RestJson => ErrorFormat::Json,
            Self::Query { .. } => ErrorFormat::Query,
            Self::Ec2Query { .. } => ErrorFormat::Ec2,
        }
    }
}
