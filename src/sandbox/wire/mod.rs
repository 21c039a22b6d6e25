//! One codec per wire protocol: a request becomes an operation's name and an input, an answer or a fault becomes bytes.
//!
//! A codec knows nothing of services: names and values go through it as they are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Fault;
use super::auth::Dialect;

pub mod json11;
pub mod lenient;
pub mod query;
mod xml;

/// How a service speaks.
#[derive(Debug, Clone, Copy)]
pub enum Protocol {
    /// awsJson 1.1: the operation is in `X-Amz-Target`, after the prefix.
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
}

/// What a codec reads of a request.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// The headers, names in lower case.
    pub headers: &'a BTreeMap<String, String>,
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
    /// The text.
    pub text: String,
}

impl Protocol {
    /// Reads a request.
    pub fn decode(self, incoming: &Incoming<'_>) -> Result<Request, Fault> {
        match self {
            Self::Json11 { target_prefix } => json11::decode(incoming, target_prefix),
            Self::Query { version, .. } | Self::Ec2Query { version, .. } => query::decode(incoming, version),
        }
    }

    /// Writes an answer.
    pub fn encode(self, operation: &str, request_id: &str, output: &Value) -> Body {
        match self {
            Self::Json11 { .. } => json11::encode(output),
            Self::Query { xmlns, .. } => query::encode(operation, xmlns, request_id, output),
            Self::Ec2Query { xmlns, .. } => query::encode_ec2(operation, xmlns, request_id, output),
        }
    }

    /// Whose error codes this protocol's refusals use.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Json11 { .. } => Dialect::Json,
            Self::Query { .. } => Dialect::Query,
            Self::Ec2Query { .. } => Dialect::Ec2,
        }
    }
}

/// Writes a fault; it takes no service, because some requests are refused before theirs is known.
pub fn encode_fault(dialect: Dialect, request_id: &str, fault: &Fault) -> Body {
    match dialect {
        Dialect::Json => json11::encode_fault(fault),
        Dialect::Query => query::encode_fault(request_id, fault),
        Dialect::Ec2 => query::encode_ec2_fault(request_id, fault),
    }
}
