//! AWS's event streams (`application/vnd.amazon.eventstream`).
//!
//! Source: the event stream encoding of smithy's specification. Only string headers are needed.

use serde_json::Value;
use tokio::sync::mpsc;

/// The content type of event streams.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";
/// The number of messages that are queued for a slow client.
const QUEUE_LENGTH: usize = 16;
/// The type of string headers.
const STRING: u8 = 7;

#[derive(Debug)]
pub struct StreamMessage {
    /// Whether it is an `event` or an `exception`, which ends the stream.
    kind: &'static str,
    /// The name in the model.
    name: &'static str,
    content: Value,
}

impl StreamMessage {
    /// An event of the model.
    pub fn new(name: &'static str, content: Value) -> Self {
        Self { kind: "event", name, content }
    }

    /// An exception of the model.
    pub fn exception(name: &'static str, message: &str) -> Self {
        Self { kind: "exception", name, content: serde_json::json!({ "message": message }) }
    }

    /// Encodes the message.
    pub fn encode(&self) -> Vec<u8> {
        let headers = [
            (format!(":{}-type", self.kind), self.name),
            (":content-type".to_owned(), "application/json"),
            (":message-type".to_owned(), self.kind),
        ];
        let headers: Vec<u8> = headers.iter().flat_map(|(name, value)| header(name, value)).collect();
        let payload = self.content.to_string().into_bytes();
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
        let mut message = Vec::with_capacity(16 + headers.len() + payload.len());
        message.extend(length(16 + headers.len() + payload.len()));
        message.extend(length(headers.len()));
        message.extend(crc32fast::hash(&message).to_be_bytes());
        message.extend(headers);
        message.extend(payload);
        message.extend(crc32fast::hash(&message).to_be_bytes());
        message
    }
}

fn header(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(name.len()).unwrap_or(u8::MAX)];
    bytes.extend(name.as_bytes());
    bytes.push(STRING);
    bytes.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend(value.as_bytes());
    bytes
}

/// The sender of an operation's messages. It is closed when the client disconnects; dropping it ends the stream.
pub(crate) type Sender = mpsc::Sender<StreamMessage>;

/// The messages of a streamed output.
#[derive(Debug)]
pub struct EventStream(mpsc::Receiver<StreamMessage>);

impl EventStream {
    /// A stream that begins with an empty initial response, as streams of RPC protocols do.
    pub fn new() -> (Sender, Self) {
        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        let first = StreamMessage::new("initial-response", Value::Object(serde_json::Map::new()));
        // The queue is empty.
        let _ = sender.try_send(first);
        (sender, Self(receiver))
    }

    /// The next encoded message; `None` at the end.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.0.recv().await.map(|event| event.encode())
    }
}
