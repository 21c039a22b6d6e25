//! Session Manager's data channel, gateway and agent in one.
//!
//! An operation (`ssm:StartSession`, `ecs:ExecuteCommand`) starts a session and returns the address of a websocket and
//! a token for it. The server accepts the client's connection. [`agent`] runs the session's command in a terminal and exchanges
//! [`frame`]s with the client; [`send_window`] and [`receive_window`] deliver all of them in order, across connections. [`Sessions`] lists the
//! sessions. This module does not depend on the targets.

mod agent;
mod channel_state;
mod frame;
mod handshake;
mod receive_window;
mod send_window;
mod session_table;
mod shell;

pub(crate) use agent::ClientConnection;
pub(crate) use handshake::AGENT_VERSION;
pub(crate) use session_table::{Session, SessionSpec, Sessions, channel_url};

/// The path prefix of every session's address.
pub(crate) const PATH: &str = "/v1/data-channel/";
