//! The handshake before a session begins: the agent's request, and checking the client's response.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

/// The version that the agent claims to have: one that supports everything that is done here.
pub(crate) const AGENT_VERSION: &str = "3.3.987.0";
/// The status of an action that the client has processed.
const SUCCESS: i64 = 1;

/// The request to support a type of session.
pub(super) fn request(session_type: &str) -> Vec<u8> {
    let action = json!({ "SessionType": session_type, "Properties": null });
    let actions = [json!({ "ActionType": "SessionType", "ActionParameters": action })];
    json!({ "AgentVersion": AGENT_VERSION, "RequestedClientActions": actions }).to_string().into_bytes()
}

/// The message that the session begins, with the duration of the handshake.
pub(super) fn complete(elapsed: Duration) -> Vec<u8> {
    let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
    json!({ "HandshakeTimeToComplete": nanoseconds, "CustomerMessage": "" }).to_string().into_bytes()
}

/// Checks that the client has processed every requested action.
pub(super) fn check(response: &[u8]) -> Result<(), String> {
    let response: Response = serde_json::from_slice(response).map_err(|error| error.to_string())?;
    match response.actions.into_iter().find(|action| action.status != SUCCESS) {
        Some(ProcessedClientAction { name, error, .. }) => {
            Err(format!("the client did not take the action {name}: {error}"))
        }
        None => Ok(()),
    }
}

#[derive(Deserialize)]
struct Response {
    #[serde(rename = "ProcessedClientActions", default)]
    actions: Vec<ProcessedClientAction>,
}

#[derive(Deserialize)]
struct ProcessedClientAction {
    #[serde(rename = "ActionType", default)]
    name: String,
    #[serde(rename = "ActionStatus")]
    status: i64,
    #[serde(rename = "Error", default)]
    error: String,
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_client_that_does_not_support_the_session_type_is_refused() {
        // The response of the official client.
        let known = br#"{"ClientVersion":"1.2.0.0","ProcessedClientActions":[{"ActionType":"SessionType","ActionStatus":1,"ActionResult":null,"Error":""}],"Errors":null}"#;
        assert_eq!(check(known), Ok(()));
        let unknown = br#"{"ClientVersion":"1.2.0.0","ProcessedClientActions":[{"ActionType":"SessionType","ActionStatus":3,"Error":"Unknown"}],"Errors":["Unknown"]}"#;
        assert_eq!(check(unknown), Err("the client did not take the action SessionType: Unknown".to_owned()));
        assert!(check(b"{").is_err());
    }
}
