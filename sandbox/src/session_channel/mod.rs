//! Session Manager's data channel, from the side that its clients talk to: gateway and agent in one.
//!
//! A session is started by an operation (`ssm:StartSession`, `ecs:ExecuteCommand`), which gives the address of a websocket and
//! a token for it. The server connects the client, [`agent`] runs the session's command in a terminal and speaks with it in
//! [`frame`]s, of which [`outgoing`] and [`incoming`] lose none, across connections. [`Sessions`] is the list of them. It
//! knows nothing of what the targets are.

mod agent;
mod frame;
mod handshake;
mod incoming;
mod outgoing;
mod sessions;
mod terminal;

pub use agent::Link;
pub use handshake::AGENT_VERSION;
pub use sessions::{Plan, Session, Sessions, channel_url};

/// Every session has an address below this.
pub const PATH: &str = "/v1/data-channel/";
