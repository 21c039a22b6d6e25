//! The websocket between a client and its session. The first message is a text with the session's token.
//!
//! The upgrade request needs no signature (the official client sent none for years), but if it has one, that must be valid and for
//! [`SIGNING_NAME`]. Nothing reaches the session before the token has been checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::connections::Connection;
use crate::session_channel::{ClientConnection, PATH, Sessions};
use crate::{Fault, Sandbox};

/// The service that a signed request for it is signed for.
pub(super) const SIGNING_NAME: &str = "ssmmessages";
/// The largest message: the official client sends 1 KiB at a time, and headers.
const MAX_MESSAGE_BYTES: usize = 32 * 1024;
/// How long the first message may take.
const FIRST_MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// How many messages are queued between a connection and its session, in each direction.
const QUEUE_LENGTH: usize = 1024;
/// The version that the first message states; some clients write it as a number.
const SCHEMA_VERSIONS: [&str; 2] = ["\"1.0\"", "1"];

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// The first message of a client. Its other members identify the client, and nothing here depends on them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OpenDataChannelInput {
    message_schema_version: Value,
    token_value: String,
}

/// Accepts the upgrade request, and serves the websocket once the connection has been upgraded.
///
/// # Errors
/// When it is not an upgrade request, or there is no such session.
pub(super) fn open(
    sandbox: &Arc<Sandbox>,
    path: &str,
    headers: &BTreeMap<String, String>,
    upgrade: Option<OnUpgrade>,
    connection: Arc<Connection>,
) -> Result<Response<Body>, Fault> {
    let id = path.strip_prefix(PATH).unwrap_or_default().to_owned();
    if sandbox.in_memory::<Sessions>().get(&id).is_none_or(|session| session.ended.is_some()) {
        return Err(Fault::new(404, "SessionNotFound", format!("There is no session {id} to connect to")));
    }
    let has = |name: &str, value: &str| headers.get(name).is_some_and(|given| given.eq_ignore_ascii_case(value));
    let is_upgrade = has("upgrade", "websocket") && has("sec-websocket-version", "13");
    let (Some(key), Some(upgrade)) = (headers.get("sec-websocket-key").filter(|_| is_upgrade), upgrade) else {
        let message =
            "The data channel of a session is a websocket (version 13), and the request is not an upgrade to one";
        return Err(Fault::new(426, "UpgradeRequired", message));
    };
    let shared = Arc::clone(sandbox);
    sandbox.spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(limits)).await;
        tokio::select! {
            () = serve(&shared, &id, socket, &connection) => {}
            () = connection.evicted() => {}
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(Fault::internal)?;
    let upgrade_headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    response.headers_mut().extend(upgrade_headers.map(|(name, value)| (Some(name), value)));
    Ok(response)
}

async fn serve(sandbox: &Sandbox, id: &str, mut socket: Socket, connection: &Connection) {
    let first = tokio::time::timeout(FIRST_MESSAGE_TIMEOUT, socket.next()).await;
    let opening = match first {
        Ok(Some(Ok(Message::Text(text)))) => serde_json::from_str::<OpenDataChannelInput>(&text).ok(),
        _ => None,
    };
    let opening =
        opening.filter(|opening| SCHEMA_VERSIONS.contains(&opening.message_schema_version.to_string().as_str()));
    let Some(connections) = opening.and_then(|opening| sandbox.in_memory::<Sessions>().admit(id, &opening.token_value))
    else {
        sandbox.log.write(&format!("session {id}: a connection without its token is refused"));
        let reason = "the first message has to be a text with the session's token".into();
        let _ = socket.close(Some(CloseFrame { code: CloseCode::Policy, reason })).await;
        return;
    };
    connection.mark_authenticated();
    let (to, outbox) = mpsc::channel(QUEUE_LENGTH);
    let (inbox, from) = mpsc::channel(QUEUE_LENGTH);
    if connections.send(ClientConnection { outgoing: to, incoming: from }).await.is_ok() {
        // The session detects the end of the connection, regardless of its cause, by its own ends of the two queues.
        let _ = relay(&mut socket, outbox, inbox).await;
        let _ = socket.close(None).await;
    }
}

/// Relays messages in both directions until the session or the client closes the connection.
async fn relay(
    socket: &mut Socket,
    mut outbox: mpsc::Receiver<Vec<u8>>,
    inbox: mpsc::Sender<Vec<u8>>,
) -> Result<(), Error> {
    loop {
        tokio::select! {
            message = outbox.recv() => match message {
                Some(message) => socket.send(Message::binary(message)).await?,
                None => return Ok(()),
            },
            message = socket.next() => match message.transpose()? {
                // A session that has ended takes no input, but its last output is still relayed.
                Some(Message::Binary(message)) => drop(inbox.send(message.to_vec()).await),
                Some(Message::Close(_)) | None => return Ok(()),
                // The websocket library responds to a ping on the next read or write.
                Some(_) => {}
            },
        }
    }
}
