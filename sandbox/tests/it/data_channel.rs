//! A client of Session Manager's data channel, controlled by the test, so that it can also violate the protocol.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

/// The timeout of every wait.
const LIMIT: Duration = Duration::from_secs(20);

/// A message of the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub kind: String,
    pub sequence: i64,
    pub payload_type: u32,
    pub payload: Vec<u8>,
}

impl Received {
    fn parse(bytes: &[u8]) -> Self {
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let header = usize::try_from(number(0)).expect("it fits");
        let payload = bytes[header + 4..].to_vec();
        assert_eq!(payload.len(), usize::try_from(number(header)).expect("it fits"));
        assert_eq!(bytes[80..112], Sha256::digest(&payload)[..]);
        Self {
            kind: String::from_utf8_lossy(&bytes[4..36]).trim().to_owned(),
            sequence: i64::from_be_bytes(bytes[48..56].try_into().expect("eight bytes")),
            payload_type: number(header - 4),
            payload,
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).expect("it is JSON")
    }
}

fn message(kind: &str, sequence: i64, payload_type: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = 116_u32.to_be_bytes().to_vec();
    bytes.extend(format!("{kind:<32}").as_bytes());
    bytes.extend(1_u32.to_be_bytes());
    bytes.extend(1_700_000_000_000_u64.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(0_u64.to_be_bytes());
    bytes.extend([7; 16]);
    bytes.extend(Sha256::digest(payload));
    bytes.extend(payload_type.to_be_bytes());
    bytes.extend(u32::try_from(payload.len()).expect("it fits").to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Connects and sends the token, without waiting for a response.
pub async fn dial(url: &str, token: &str) -> Result<WebSocketStream<TcpStream>, Error> {
    let address = url.trim_start_matches("ws://").split('/').next().expect("an address");
    let stream = TcpStream::connect(address).await.expect("it listens");
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await?;
    let opening = json!({
        "MessageSchemaVersion": "1.0", "RequestId": "r", "TokenValue": token, "ClientId": "c", "ClientVersion": "1.2.764.0",
    });
    socket.send(Message::text(opening.to_string())).await?;
    Ok(socket)
}

/// A connection, and a client's state across connections.
pub struct Channel {
    socket: WebSocketStream<TcpStream>,
    pub sent: i64,
    pub expected: i64,
    pub printed: String,
    /// The numbers of its messages that were acknowledged.
    pub acknowledged: Vec<i64>,
    /// Whether it acknowledges what it gets.
    pub acknowledges: bool,
}

impl Channel {
    /// Connects and completes the handshake.
    pub async fn greet(url: &str, token: &str) -> Self {
        let mut channel = Self::connect(url, token).await;
        let request = channel.until(|received| received.payload_type == 5).await.json();
        channel.finish_handshake(&request).await;
        channel
    }

    /// Responds to the agent's handshake request, and waits for the end of the handshake.
    pub async fn finish_handshake(&mut self, request: &Value) {
        let action = &request["RequestedClientActions"][0];
        let done = json!({ "ActionType": action["ActionType"], "ActionStatus": 1, "ActionResult": null, "Error": "" });
        let response = json!({ "ClientVersion": "1.2.764.0", "ProcessedClientActions": [done], "Errors": null });
        self.send(6, response.to_string().as_bytes()).await;
        self.until(|received| received.payload_type == 7).await;
    }

    /// Repeats an acknowledged message, and waits until it is acknowledged again: then all earlier messages have been
    /// processed.
    pub async fn ping(&mut self, known: i64) {
        self.send_as(known, 1, b"").await;
        self.until(|received| {
            received.kind == "acknowledge" && received.json()["AcknowledgedMessageSequenceNumber"] == known
        })
        .await;
    }

    pub async fn connect(url: &str, token: &str) -> Self {
        let socket = dial(url, token).await.expect("it is let in");
        Self { socket, sent: 0, expected: 0, printed: String::new(), acknowledged: Vec::new(), acknowledges: true }
    }

    /// Resumes over another connection.
    pub async fn resume(self, url: &str, token: &str) -> Self {
        Self { socket: dial(url, token).await.expect("it is let in"), ..self }
    }

    pub async fn send(&mut self, payload_type: u32, payload: &[u8]) {
        self.send_as(self.sent, payload_type, payload).await;
        self.sent += 1;
    }

    pub async fn send_as(&mut self, sequence: i64, payload_type: u32, payload: &[u8]) {
        let message = message("input_stream_data", sequence, payload_type, payload);
        self.socket.send(Message::binary(message)).await.expect("it is sent");
    }

    pub async fn type_line(&mut self, line: &str) {
        self.send(1, format!("{line}\r").as_bytes()).await;
    }

    /// The next message; what is printed is noted, once, and acknowledged if the client does that.
    pub async fn next(&mut self) -> Received {
        loop {
            let next = tokio::time::timeout(LIMIT, self.socket.next()).await;
            let next = next.unwrap_or_else(|_| panic!("nothing came after {} bytes", self.printed.len()));
            let Message::Binary(bytes) = next.expect("it is open").expect("it is whole") else { continue };
            let received = Received::parse(&bytes);
            match received.kind.as_str() {
                "acknowledge" => {
                    let number = received.json()["AcknowledgedMessageSequenceNumber"].as_i64().expect("a number");
                    self.acknowledged.push(number);
                }
                "output_stream_data" if self.acknowledges => self.take(&received).await,
                _ => {}
            }
            return received;
        }
    }

    /// Early messages are dropped, so that they are retransmitted.
    async fn take(&mut self, received: &Received) {
        if received.sequence > self.expected {
            return;
        }
        let content = json!({ "AcknowledgedMessageSequenceNumber": received.sequence, "IsSequentialMessage": true });
        let message = message("acknowledge", 0, 0, content.to_string().as_bytes());
        self.socket.send(Message::binary(message)).await.expect("it is sent");
        if received.sequence == self.expected {
            self.expected += 1;
            if received.payload_type == 1 {
                self.printed.push_str(&String::from_utf8_lossy(&received.payload));
            }
        }
    }

    pub async fn until(&mut self, condition: impl Fn(&Received) -> bool) -> Received {
        loop {
            let received = self.next().await;
            if condition(&received) {
                return received;
            }
        }
    }

    pub async fn until_printed(&mut self, text: &str) {
        while !self.printed.contains(text) {
            self.next().await;
        }
    }

    /// Why the session has ended.
    pub async fn until_closed(&mut self) -> String {
        let closed = self.until(|received| received.kind == "channel_closed").await.json();
        closed["Output"].as_str().expect("a reason").to_owned()
    }
}
