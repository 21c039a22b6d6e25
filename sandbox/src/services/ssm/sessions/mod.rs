//! Session Manager: the operations on sessions. The sessions themselves run in [`crate::session_channel`].

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::OperationResult;
use crate::session_channel::{Session, Sessions, channel_url};
use crate::{Fault, Sandbox};

mod describe_sessions;
mod start_session;

pub(super) use describe_sessions::describe;
pub(super) use start_session::start;

/// The owner of all sessions: the sandbox's only user.
fn owner(sandbox: &Sandbox) -> String {
    sandbox.config.global_arn("iam", "user/sandbox")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SessionInput {
    session_id: String,
}

fn find(sandbox: &Sandbox, id: &str) -> Result<Session, Fault> {
    let missing = || Fault::client("DoesNotExistException", format!("Session {id} does not exist"));
    sandbox.in_memory::<Sessions>().get(id).ok_or_else(missing)
}

/// `ResumeSession`: returns a new token for the same URL; no token if the session has ended.
pub(super) fn resume(sandbox: &Arc<Sandbox>, SessionInput { session_id }: SessionInput) -> OperationResult {
    find(sandbox, &session_id)?;
    let token = sandbox.in_memory::<Sessions>().resume(&session_id);
    let url = token.as_ref().map(|_| channel_url(sandbox, &session_id)).transpose()?;
    Ok(json!({ "SessionId": session_id, "TokenValue": token, "StreamUrl": url }))
}

pub(super) fn terminate(sandbox: &Arc<Sandbox>, SessionInput { session_id }: SessionInput) -> Result<Value, Fault> {
    find(sandbox, &session_id)?;
    sandbox.in_memory::<Sessions>().terminate(&session_id);
    Ok(json!({ "SessionId": session_id }))
}
