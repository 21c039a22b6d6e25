//! Parameters: the account's own, and AWS's public ones for machine images.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::State;
use crate::Fault;
use crate::base::tags::Tag;

pub(super) mod describe_parameters;
mod filters;
pub(super) mod get_parameter;
mod public_parameters;
pub(super) mod put_parameter;
mod secret_references;
pub(super) mod tags;

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

fn not_found() -> Fault {
    Fault::not_found("ParameterNotFound", "")
}

fn no_such_version(name: &str, version: &str) -> Fault {
    let message =
        format!("Systems Manager could not find version {version} of {name}. Verify the version and try again.");
    Fault::not_found("ParameterVersionNotFound", message)
}
