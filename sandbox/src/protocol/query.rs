//! The AWS Query codec and EC2's form of it: form-encoded parameters with dotted names in, XML out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Body, DecodedRequest, EncodedRequest, xml};
use crate::Fault;
use crate::protocol::service_model::TypedOutput;

const CONTENT_TYPE: &str = "text/xml";
/// The maximum nesting of a parameter's name; that of any served operation is under ten.
const MAX_DEPTH: usize = 24;

/// Decodes a request. Parameters are in the body, or in the query string of a GET. All values are text, and lists are structures with
/// numbers for names, until the model gives them their types.
pub(super) fn decode(incoming: &EncodedRequest<'_>, version: &str) -> Result<DecodedRequest, Fault> {
    let mut root = Node::default();
    for (name, value) in form_urlencoded::parse(incoming.query.as_bytes()).chain(form_urlencoded::parse(incoming.body))
    {
        if name.split('.').count() > MAX_DEPTH {
            return Err(Fault::client("MalformedQueryString", "A parameter's name is nested too deeply"));
        }
        root.put(name.split('.'), &value);
    }
    let operation = root
        .take("Action")
        .ok_or_else(|| Fault::client("MissingAction", "The request must contain the parameter Action"))?;
    match root.take("Version") {
        Some(given) if given == version => Ok(DecodedRequest { operation, input: root.into_value() }),
        given => {
            let given = given.unwrap_or_default();
            let message = format!("Could not find operation {operation} for version {given}");
            Err(Fault::client("InvalidAction", message))
        }
    }
}

/// A parameter's value, or the parameters with longer names.
#[derive(Debug, Default)]
struct Node {
    text: Option<String>,
    // In numeric order: "10" comes after "9".
    children: BTreeMap<(usize, String), Node>,
}

impl Node {
    fn put<'a>(&mut self, mut path: impl Iterator<Item = &'a str>, value: &str) {
        match path.next() {
            None => self.text = Some(value.to_owned()),
            Some(part) => {
                let key = (part.parse().unwrap_or(usize::MAX), part.to_owned());
                self.children.entry(key).or_default().put(path, value);
            }
        }
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.children.remove(&(usize::MAX, name.to_owned()))?.text
    }

    fn into_value(self) -> Value {
        match self.text {
            Some(text) if self.children.is_empty() => Value::String(text),
            _ => {
                Value::Object(self.children.into_iter().map(|((_, name), child)| (name, child.into_value())).collect())
            }
        }
    }
}

/// Encodes an output of AWS Query.
pub(super) fn encode(operation: &str, xmlns: &str, request_id: &str, output: &TypedOutput) -> Body {
    let mut text = format!("<{operation}Response xmlns=\"{xmlns}\">");
    xml::element(&mut text, &format!("{operation}Result"), output, "member");
    let _ =
        write!(text, "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>");
    Body::new(CONTENT_TYPE, text)
}

/// Encodes an output of EC2.
pub(super) fn encode_ec2(operation: &str, xmlns: &str, request_id: &str, output: &TypedOutput) -> Body {
    let mut text = format!("<{operation}Response xmlns=\"{xmlns}\"><requestId>{request_id}</requestId>");
    xml::content(&mut text, output, "item");
    let _ = write!(text, "</{operation}Response>");
    Body::new(CONTENT_TYPE, text)
}

/// Encodes a fault of AWS Query; without a namespace if the service is not known.
pub(super) fn encode_fault(xmlns: Option<&str>, request_id: &str, fault: &Fault) -> Body {
    let side = if fault.status < 500 { "Sender" } else { "Receiver" };
    let error = json!({ "Type": side, "Code": fault.code, "Message": fault.message });
    let mut text = match xmlns {
        Some(xmlns) => format!("<ErrorResponse xmlns=\"{xmlns}\">"),
        None => "<ErrorResponse>".to_owned(),
    };
    xml::element(&mut text, "Error", &error.into(), "member");
    let _ = write!(text, "<RequestId>{request_id}</RequestId></ErrorResponse>");
    Body::new(CONTENT_TYPE, text)
}

pub(super) fn encode_ec2_fault(request_id: &str, fault: &Fault) -> Body {
    let errors = json!({ "Error": { "Code": fault.code, "Message": fault.message } });
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>".to_owned();
    xml::element(&mut text, "Errors", &errors.into(), "item");
    let _ = write!(text, "<RequestID>{request_id}</RequestID></Response>");
    Body::new("text/xml;charset=UTF-8", text)
}
