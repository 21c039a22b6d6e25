//! A secret and its versions, and how staging labels move between them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{marked_for_deletion, not_found};
use crate::base::clock::epoch_seconds;
use crate::base::tags::Tag;
use crate::services::secretsmanager::State;
use crate::store::States;
use crate::{Config, Fault};

/// The staging label of the version that is returned by default.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The staging label of the version that was current before.
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// The number of random characters at the end of an ARN.
const SUFFIX: usize = 6;
/// Versions without a staging label are deleted above this number of versions (quotas in the user guide).
const MAX_VERSIONS: usize = 100;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Secret {
    pub name: String,
    /// Ends in random characters.
    pub arn: String,
    pub description: Option<String>,
    /// Shown only, since secrets are not encrypted; the account's default key when left out.
    pub kms_key_id: Option<String>,
    /// None until the first tag.
    pub tags: Option<Vec<Tag>>,
    /// The oldest first.
    pub versions: Vec<SecretVersion>,
    pub created: Timestamp,
    /// When the secret, its staging labels or its tags were last changed.
    pub changed: Timestamp,
    /// The day on which a value was last read.
    pub accessed: Option<Timestamp>,
    /// When deletion was requested, and when the secret will be deleted.
    pub deletion: Option<(Timestamp, Timestamp)>,
}

/// The value of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SecretContent {
    String(String),
    /// In base64.
    Binary(String),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecretVersion {
    /// The client's request token.
    pub id: String,
    pub content: SecretContent,
    pub stages: Vec<String>,
    pub created: Timestamp,
    /// The day on which it was last read.
    pub accessed: Option<Timestamp>,
}

impl SecretVersion {
    /// Whether the version has a staging label.
    pub(crate) fn has(&self, stage: &str) -> bool {
        self.stages.iter().any(|label| label == stage)
    }
}

impl Secret {
    /// Refuses a secret that is scheduled for deletion.
    pub(crate) fn check_not_deleted(&self) -> Result<(), Fault> {
        if self.deletion.is_some() { Err(marked_for_deletion()) } else { Ok(()) }
    }

    /// The version with a staging label.
    pub(crate) fn labelled(&self, stage: &str) -> Option<&SecretVersion> {
        self.versions.iter().find(|version| version.has(stage))
    }

    pub(crate) fn version(&self, id: &str) -> Option<&SecretVersion> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// Adds a version, unless an earlier request with the same token and content has.
    pub(crate) fn put(
        &mut self,
        id: &str,
        content: SecretContent,
        stages: &[String],
        now: Timestamp,
    ) -> Result<(), Fault> {
        if let Some(version) = self.version(id) {
            if version.content == content {
                return Ok(());
            }
            let message = format!(
                "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
                self.arn
            );
            return Err(Fault::client("ResourceExistsException", message));
        }
        let first = self.versions.is_empty();
        self.versions.push(SecretVersion {
            id: id.to_owned(),
            content,
            stages: Vec::new(),
            created: now,
            accessed: None,
        });
        for stage in stages {
            self.attach(stage, id);
        }
        if first {
            self.attach(CURRENT, id);
        }
        self.changed = now;
        self.delete_unlabelled();
        Ok(())
    }

    /// Moves a staging label to a version. Moving `AWSCURRENT` makes the version that had it `AWSPREVIOUS`.
    pub(crate) fn attach(&mut self, stage: &str, id: &str) {
        if self.version(id).is_some_and(|version| version.has(stage)) {
            return;
        }
        let before = self.labelled(stage).map(|version| version.id.clone());
        self.detach(stage);
        if let Some(version) = self.versions.iter_mut().find(|version| version.id == id) {
            version.stages.push(stage.to_owned());
        }
        if let (CURRENT, Some(before)) = (stage, before) {
            self.attach(PREVIOUS, &before);
        }
    }

    /// Removes a staging label from the version that has it.
    pub(crate) fn detach(&mut self, stage: &str) {
        self.versions.iter_mut().for_each(|version| version.stages.retain(|label| label != stage));
    }

    fn delete_unlabelled(&mut self) {
        while self.versions.len() > MAX_VERSIONS {
            let Some(oldest) = self.versions.iter().position(|version| version.stages.is_empty()) else { return };
            self.versions.remove(oldest);
        }
    }

    /// Staging labels by version id, for versions that have any.
    pub(crate) fn stages(&self) -> Option<Value> {
        let labelled = self.versions.iter().filter(|version| !version.stages.is_empty());
        let stages: Map<String, Value> = labelled.map(|version| (version.id.clone(), json!(version.stages))).collect();
        (!stages.is_empty()).then_some(Value::Object(stages))
    }

    /// The response of `DescribeSecret`, without the staging labels.
    pub(crate) fn to_output(&self) -> Map<String, Value> {
        let output = json!({
            "ARN": self.arn,
            "Name": self.name,
            "Description": self.description.as_ref().filter(|text| !text.is_empty()),
            "KmsKeyId": self.kms_key_id,
            "LastChangedDate": epoch_seconds(self.changed),
            "LastAccessedDate": self.accessed.map(epoch_seconds),
            "DeletedDate": self.deletion.map(|(requested_at, _)| epoch_seconds(requested_at)),
            "Tags": self.tags,
            "CreatedDate": epoch_seconds(self.created),
        });
        match output {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// Refuses a name, or an id that is neither a name nor an ARN (recorded: localstack's test_invalid_secret_name).
pub(super) fn check_name(id: &str) -> Result<(), Fault> {
    let is_valid = |character: char| character.is_ascii_alphanumeric() || "-/_+=.@!".contains(character);
    if id.starts_with("arn:") || id.chars().all(is_valid) {
        return Ok(());
    }
    let message =
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
    Err(Fault::client("ValidationException", message))
}

/// Finds a secret by its name, its ARN, or its ARN without the random characters.
pub(super) fn find<'a>(states: &'a States, config: &Config, id: &str, now: Timestamp) -> Result<&'a Secret, Fault> {
    check_name(id)?;
    let secrets = &states.of::<State>().secrets;
    let secret = secrets.get(name(config, id)).or_else(|| secrets.values().find(|secret| secret.arn == id));
    secret
        .filter(|secret| secret.deletion.is_none_or(|(_, deleted_at)| deleted_at > now))
        .ok_or_else(|| not_found("secret"))
}

/// Changes a secret, and returns the result of `change`.
pub(super) fn change<T>(
    states: &mut States,
    config: &Config,
    id: &str,
    now: Timestamp,
    change: impl FnOnce(&mut Secret) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let name = find(states, config, id, now)?.name.clone();
    change(states.of_mut::<State>().secrets.get_mut(&name).ok_or_else(|| not_found("secret"))?)
}

fn prefix(config: &Config) -> String {
    config.arn("secretsmanager", "secret:")
}

/// The name in an id, which is a name or an ARN.
pub(super) fn name<'a>(config: &Config, id: &'a str) -> &'a str {
    id.strip_prefix(&prefix(config)).unwrap_or(id)
}

/// Creates an ARN for a name.
pub(super) fn arn(config: &Config, name: &str) -> String {
    format!("{}{name}-{}", prefix(config), crate::base::ids::random_alphanumeric(SUFFIX))
}

/// The beginning of the day: Secrets Manager records only the date of the last access.
pub(super) fn day(time: Timestamp) -> Timestamp {
    let second = time.as_second();
    Timestamp::from_second(second - second.rem_euclid(24 * 60 * 60)).unwrap_or(time)
}
