//! AWS Systems Manager: parameters (the account's own, and AWS's public ones for machine images), sessions and Run
//! Command.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Fault;
use crate::base::paging::InvalidToken;
use crate::base::tags::Tag;
use crate::core::{ServiceDefinition, operation};
use crate::protocol::Protocol;
use crate::store::table::state;

mod commands;
mod describe;
mod filters;
pub(crate) mod instances;
mod public;
mod put;
mod read;
mod secret_parameters;
mod sessions;
mod tags;

pub(crate) use commands::resume;

/// A version of a parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Parameter {
    pub name: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    pub value: String,
    /// Counts up from 1 with each change.
    pub version: i64,
    pub modified: Timestamp,
    /// What it is for.
    pub description: Option<String>,
    /// Shown only: a `SecureString` is not encrypted.
    #[serde(default)]
    pub key_id: Option<String>,
    /// `Standard` or `Advanced`.
    #[serde(default = "standard")]
    pub tier: String,
    /// `text` or `aws:ec2:image`.
    #[serde(default = "text")]
    pub data_type: String,
    #[serde(default)]
    pub allowed_pattern: Option<String>,
}

fn standard() -> String {
    "Standard".to_owned()
}

fn text() -> String {
    "text".to_owned()
}

/// The history and the tags of a parameter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct History {
    /// Older versions, the oldest first.
    pub versions: Vec<Parameter>,
    pub tags: Vec<Tag>,
}

state! {
    pub struct State {
        /// The newest version of each parameter, by name.
        pub parameters: Table<Parameter> = "ssm.parameters",
        /// Commands by id.
        pub commands: Table<commands::Command> = "ssm.commands",
        /// Invocations by command id and instance id.
        pub invocations: Table<commands::Invocation> = "ssm.invocations",
        /// Older versions and tags, by name.
        pub history: Table<History> = "ssm.past",
    }
}

impl State {
    /// The stored name of a parameter: at the top level, a leading slash makes no difference.
    fn canonical_name(&self, name: &str) -> String {
        let other = name.strip_prefix('/').map_or_else(|| format!("/{name}"), str::to_owned);
        let is_other = !self.parameters.contains(name) && !other.trim_start_matches('/').contains('/');
        if is_other && self.parameters.contains(&other) { other } else { name.to_owned() }
    }

    /// All versions of a parameter, the oldest first.
    fn versions(&self, name: &str) -> Vec<&Parameter> {
        let before = self.history.get(name).map(|history| history.versions.as_slice()).unwrap_or_default();
        before.iter().chain(self.parameters.get(name)).collect()
    }

    /// Removes a parameter with its history.
    fn remove(&mut self, name: &str) -> Option<Parameter> {
        self.history.remove(name);
        self.parameters.remove(name)
    }
}

pub(crate) static SERVICE: ServiceDefinition = ServiceDefinition {
    signing_name: "ssm",
    protocols: &[Protocol::Json11 { target_prefix: "AmazonSSM" }],
    validation_code: "ValidationException",
    is_for_owner: false,
    prepare: None,
    operations: &[
        operation!("AddTagsToResource" => tags::add),
        operation!("CancelCommand" => commands::cancel),
        operation!("DeleteParameter" => put::delete),
        operation!("DeleteParameters" => put::delete_all),
        operation!("DescribeInstanceInformation" => instances::describe),
        operation!("DescribeParameters" => describe::describe),
        operation!("DescribeSessions" => sessions::describe),
        operation!("GetCommandInvocation" => commands::get_invocation),
        operation!("GetConnectionStatus" => instances::connection_status),
        operation!(async "GetParameter" => read::get),
        operation!(async "GetParameters" => read::get_all),
        operation!("GetParametersByPath" => read::get_by_path),
        operation!("ListCommandInvocations" => commands::list_invocations),
        operation!("ListCommands" => commands::list),
        operation!("ListTagsForResource" => tags::list),
        operation!("PutParameter" => put::put),
        operation!("RemoveTagsFromResource" => tags::remove),
        operation!("ResumeSession" => sessions::resume),
        operation!("SendCommand" => commands::send),
        operation!("StartSession" => sessions::start),
        operation!("TerminateSession" => sessions::terminate),
    ],
};

fn validation_exception(message: impl Into<String>) -> Fault {
    Fault::client("ValidationException", message)
}

fn not_found() -> Fault {
    Fault::not_found("ParameterNotFound", "")
}

fn no_such_version(name: &str, version: &str) -> Fault {
    let message =
        format!("Systems Manager could not find version {version} of {name}. Verify the version and try again.");
    Fault::not_found("ParameterVersionNotFound", message)
}

/// The fault of a document's parameters.
fn invalid_parameters(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameters", message)
}

fn invalid_token(_: InvalidToken) -> Fault {
    Fault::client("InvalidNextToken", "The specified token isn't valid.")
}
