//! The AWS Query codec and EC2's form of it: `Tags.member.1.Key=a` and `Filter.1.Name=a` in, XML out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{Body, Incoming, Request, xml};
use crate::sandbox::Fault;

const CONTENT_TYPE: &str = "text/xml";
/// How deep a parameter's name may go; the deepest of any served operation is under ten.
const MAX_DEPTH: usize = 24;

/// Reads a request: parameters come in the body, or in the query string of a GET.
pub fn decode(incoming: &Incoming<'_>, version: &str) -> Result<Request, Fault> {
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
        Some(asked) if asked == version => Ok(Request { operation, input: root.into_value() }),
        asked => {
            let asked = asked.unwrap_or_default();
            let message = format!("Could not find operation {operation} for version {asked}");
            Err(Fault::client("InvalidAction", message))
        }
    }
}

/// A parameter's value, or the parameters whose names go on after a dot.
#[derive(Debug, Default)]
struct Node {
    text: Option<String>,
    // Keeps numbers in their order: "10" comes after "9".
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

    /// Numbered children are a list, `member` is the list that it holds, everything else is a structure.
    fn into_value(mut self) -> Value {
        if self.children.is_empty() {
            return self.text.map_or_else(|| Value::Object(Map::new()), Value::String);
        }
        if self.children.keys().all(|(number, _)| *number != usize::MAX) {
            return Value::Array(self.children.into_values().map(Self::into_value).collect());
        }
        if let (1, Some(list)) = (self.children.len(), self.children.remove(&(usize::MAX, "member".to_owned()))) {
            return list.into_value();
        }
        Value::Object(self.children.into_iter().map(|((_, name), child)| (name, child.into_value())).collect())
    }
}

/// Writes an answer of AWS Query.
pub fn encode(operation: &str, xmlns: &str, request_id: &str, output: &Value) -> Body {
    let mut text = format!("<{operation}Response xmlns=\"{xmlns}\">");
    xml::element(&mut text, &format!("{operation}Result"), output, "member");
    let _ =
        write!(text, "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>");
    Body { content_type: CONTENT_TYPE, text }
}

/// Writes an answer of EC2.
pub fn encode_ec2(operation: &str, xmlns: &str, request_id: &str, output: &Value) -> Body {
    let mut text = format!("<{operation}Response xmlns=\"{xmlns}\"><requestId>{request_id}</requestId>");
    xml::content(&mut text, output, "item");
    let _ = write!(text, "</{operation}Response>");
    Body { content_type: CONTENT_TYPE, text }
}

/// Writes a fault of AWS Query.
pub fn encode_fault(request_id: &str, fault: &Fault) -> Body {
    let side = if fault.status < 500 { "Sender" } else { "Receiver" };
    let error = serde_json::json!({ "Type": side, "Code": fault.code, "Message": fault.message });
    let mut text = "<ErrorResponse>".to_owned();
    xml::element(&mut text, "Error", &error, "member");
    let _ = write!(text, "<RequestId>{request_id}</RequestId></ErrorResponse>");
    Body { content_type: CONTENT_TYPE, text }
}

/// Writes a fault of EC2.
pub fn encode_ec2_fault(request_id: &str, fault: &Fault) -> Body {
    let errors = serde_json::json!({ "Error": { "Code": fault.code, "Message": fault.message } });
    let mut text = "<Response>".to_owned();
    xml::element(&mut text, "Errors", &errors, "item");
    let _ = write!(text, "<RequestID>{request_id}</RequestID></Response>");
    Body { content_type: CONTENT_TYPE, text }
}
