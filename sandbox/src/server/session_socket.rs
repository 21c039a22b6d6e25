//! How a client gets into a session: a websocket, whose first message is a text with the session's token.
//!
//! The request for it needs no signature (the official client sent none for years); one that has a signature must have a good
//! one, for [`SIGNING_NAME`]. Without the token nothing is read that a session would see.

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

use super::connections::Caller;
use crate::session_channel::{Connection, PATH, Sessions};
use crate::{Fault, Sandbox};

/// The service that a signed request for it is signed for.
pub const SIGNING_NAME: &str = "ssmmessages";
/// The largest message: the official client sends 1 KiB at a time, and headers.
const MAX_MESSAGE_BYTES: usize = 32 * 1024;
/// How long the first message may take.
const FIRST: Duration = Duration::from_secs(10);
/// Messages between a connection and its session, each way.
const QUEUED: usize = 1024;
/// What the first message calls its version; some clients write it as a number.
const SCHEMA_VERSIONS: [&str; 2] = ["\"1.0\"", "1"];

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// The first message of a client. What else is in it says who asks, which nothing here depends on.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Opening {
    message_schema_version: Value,
    token_value: String,
}

/// Answers the request for a session's websocket, and serves that once the connection has changed over.
///
/// # Errors
/// When it is no such request, or there is no such session.
pub fn open(
    sandbox: &Arc<Sandbox>,
    path: &str,
    headers: &BTreeMap<String, String>,
    upgrade: Option<OnUpgrade>,
    caller: Arc<Caller>,
) -> Result<Response<Body>, Fault> {
    let id = path.strip_prefix(PATH).unwrap_or_default().to_owned();
    if sandbox.runtime::<Sessions>().get(&id).is_none_or(|session| session.ended.is_some()) {
        return Err(Fault::new(404, "SessionNotFound", format!("There is no session {id} to connect to")));
    }
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|given| given.eq_ignore_ascii_case(value));
    let asked = says("upgrade", "websocket") && says("sec-websocket-version", "13");
    let (Some(key), Some(upgrade)) = (headers.get("sec-websocket-key").filter(|_| asked), upgrade) else {
        let message = "The data channel of a session is a websocket (version 13), and the request does not ask for one";
        return Err(Fault::new(426, "UpgradeRequired", message));
    };
    let ours = Arc::clone(sandbox);
    sandbox.spawn(async move {
        let Ok(connection) = upgrade.await else { return };
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(connection), Role::Server, Some(limits)).await;
        tokio::select! {
            () = serve(&ours, &id, socket, &caller) => {}
            () = caller.dismissed() => {}
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(Fault::internal)?;
    let said = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    response.headers_mut().extend(said.map(|(name, value)| (Some(name), value)));
    Ok(response)
}

async fn serve(sandbox: &Sandbox, id: &str, mut socket: Socket, caller: &Caller) {
    let first = tokio::time::timeout(FIRST, socket.next()).await;
    let opening = match first {
        Ok(Some(Ok(Message::Text(text)))) => serde_json::from_str::<Opening>(&text).ok(),
        _ => None,
    };
    let opening =
        opening.filter(|opening| SCHEMA_VERSIONS.contains(&opening.message_schema_version.to_string().as_str()));
    let Some(connections) = opening.and_then(|opening| sandbox.runtime::<Sessions>().admit(id, &opening.token_value))
    else {
        sandbox.journal.say(&format!("session {id}: a connection without its token is refused"));
        let reason = "the first message has to be a text with the session's token".into();
        let _ = socket.close(Some(CloseFrame { code: CloseCode::Policy, reason })).await;
        return;
    };
    caller.let_in();
    let (to, outbox) = mpsc::channel(QUEUED);
    let (inbox, from) = mpsc::channel(QUEUED);
    if connections.send(Connection { outgoing: to, incoming: from }).await.is_ok() {
        // However it ends, the session finds out by its own ends of the two queues.
        let _ = carry(&mut socket, outbox, inbox).await;
        let _ = socket.close(None).await;
    }
}

/// Carries messages both ways until the session lets go of the connection, or the client does.
async fn carry(
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
                // A session that is over wants nothing; what it said last is still carried.
                Some(Message::Binary(message)) => drop(inbox.send(message.to_vec()).await),
                Some(Message::Close(_)) | None => return Ok(()),
                // A ping is answered by reading and writing on.
                Some(_) => {}
            },
        }
    }
}
