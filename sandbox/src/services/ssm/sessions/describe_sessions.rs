//! DescribeSessions.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::owner;
use crate::base::clock::epoch_seconds;
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::ssm::invalid_token;
use crate::session_channel::{Session, Sessions};
use crate::{Fault, Sandbox};

const PAGE_SIZE: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeSessionsInput {
    state: String,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<SessionFilter>,
}

#[derive(Debug, Deserialize)]
struct SessionFilter {
    key: String,
    value: String,
}

fn status(session: &Session) -> &'static str {
    if session.ended.is_some() { "Terminated" } else { "Connected" }
}

fn to_output(sandbox: &Sandbox, session: &Session) -> Value {
    json!({
        "SessionId": session.id,
        "Target": session.target,
        "Status": status(session),
        "StartDate": epoch_seconds(session.started),
        "EndDate": session.ended.map(epoch_seconds),
        "DocumentName": session.document,
        "Owner": owner(sandbox),
        "Reason": session.reason,
        "OutputUrl": {},
    })
}

impl SessionFilter {
    fn passes(&self, sandbox: &Sandbox, session: &Session) -> Result<bool, Fault> {
        let time = || {
            let message = format!("{} is not a time such as 2024-08-29T00:00:00Z", self.value);
            self.value.parse::<Timestamp>().map_err(|_| Fault::client("ValidationException", message))
        };
        Ok(match self.key.as_str() {
            "Target" => self.value == session.target,
            "Owner" => self.value == owner(sandbox),
            "Status" => self.value == status(session),
            "SessionId" => self.value == session.id,
            "InvokedAfter" => session.started > time()?,
            "InvokedBefore" => session.started < time()?,
            other => return Err(Fault::not_implemented(&format!("ssm:DescribeSessions with the filter {other}"))),
        })
    }
}

/// Describes the newest first.
pub(crate) fn describe(sandbox: &Arc<Sandbox>, input: DescribeSessionsInput) -> OperationResult {
    let active = input.state == "Active";
    let mut sessions = Vec::new();
    for session in sandbox.in_memory::<Sessions>().list() {
        let mut passes = session.ended.is_none() == active;
        for filter in &input.filters {
            passes &= filter.passes(sandbox, &session)?;
        }
        if passes {
            sessions.push((session.id.clone(), to_output(sandbox, &session)));
        }
    }
    let query = format!("DescribeSessions {active} {:?}", input.filters);
    let page = paging::page(sessions, &query, input.next_token.as_deref(), input.max_results.unwrap_or(PAGE_SIZE));
    let page = page.map_err(invalid_token)?;
    Ok(json!({ "Sessions": page.items, "NextToken": page.next_token }))
}
