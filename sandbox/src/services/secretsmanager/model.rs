//! A secret and its versions, and how the labels move between them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{marked_for_deletion, not_found};
use crate::base::clock::epoch_seconds;
use crate::base::tags::Tag;
use crate::services::secretsmanager::State;
use crate::store::World;
use crate::{Config, Fault};

/// The label of the version that a caller gets who asks for none.
pub const CURRENT: &str = "AWSCURRENT";
/// The label of the version that was current before.
pub const PREVIOUS: &str = "AWSPREVIOUS";

/// How many characters Secrets Manager appends to a name in an ARN.
const SUFFIX: usize = 6;
/// Versions without a label are kept up to this number in all (quotas of the user guide).
const MOST_VERSIONS: usize = 100;

/// A secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Its ARN, which ends in random characters.
    pub arn: String,
    /// What it is for.
    pub description: Option<String>,
    /// The key that would encrypt it; the account's default when left out.
    pub kms_key_id: Option<String>,
    /// Its tags, once it has had any.
    pub tags: Option<Vec<Tag>>,
    /// Its versions, the oldest first.
    pub versions: Vec<Version>,
    /// When it was made.
    pub created: Timestamp,
    /// When it, its labels or its tags were last changed.
    pub changed: Timestamp,
    /// The day on which a value was last read.
    pub accessed: Option<Timestamp>,
    /// When it was asked to be deleted, and when it will be gone.
    pub deletion: Option<(Timestamp, Timestamp)>,
}

/// What a version holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Text.
    String(String),
    /// Bytes, in base64.
    Binary(String),
}

/// One version of a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// The client's token.
    pub id: String,
    /// What it holds.
    pub content: Content,
    /// Its labels.
    pub stages: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// The day on which it was last read.
    pub accessed: Option<Timestamp>,
}

impl Version {
    /// Whether the version has a label.
    pub fn has(&self, stage: &str) -> bool {
        self.stages.iter().any(|one| one == stage)
    }
}

impl Secret {
    /// Whether it is there for operations but a few.
    pub fn usable(&self) -> Result<(), Fault> {
        if self.deletion.is_some() { Err(marked_for_deletion()) } else { Ok(()) }
    }

    /// The version of a label.
    pub fn labelled(&self, stage: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.has(stage))
    }

    /// The version of an id.
    pub fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// Makes a version, or finds the one that an earlier call with the same token and content made.
    pub fn put(&mut self, id: &str, content: Content, stages: &[String], now: Timestamp) -> Result<(), Fault> {
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
        self.versions.push(Version { id: id.to_owned(), content, stages: Vec::new(), created: now, accessed: None });
        for stage in stages {
            self.attach(stage, id);
        }
        if first {
            self.attach(CURRENT, id);
        }
        self.changed = now;
        self.forget_oldest();
        Ok(())
    }

    /// Moves a label to a version. The version that was current becomes the previous one.
    pub fn attach(&mut self, stage: &str, id: &str) {
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

    /// Takes a label from whichever version has it.
    pub fn detach(&mut self, stage: &str) {
        self.versions.iter_mut().for_each(|version| version.stages.retain(|one| one != stage));
    }

    fn forget_oldest(&mut self) {
        while self.versions.len() > MOST_VERSIONS {
            let Some(oldest) = self.versions.iter().position(|version| version.stages.is_empty()) else { return };
            self.versions.remove(oldest);
        }
    }

    /// The labels by the ids of the versions that have any.
    pub fn stages(&self) -> Option<Value> {
        let labelled = self.versions.iter().filter(|version| !version.stages.is_empty());
        let stages: Map<String, Value> = labelled.map(|version| (version.id.clone(), json!(version.stages))).collect();
        (!stages.is_empty()).then_some(Value::Object(stages))
    }

    /// What `DescribeSecret` says of it, but for its labels.
    pub fn describe(&self) -> Map<String, Value> {
        let described = json!({
            "ARN": self.arn,
            "Name": self.name,
            "Description": self.description,
            "KmsKeyId": self.kms_key_id,
            "LastChangedDate": epoch_seconds(self.changed),
            "LastAccessedDate": self.accessed.map(epoch_seconds),
            "DeletedDate": self.deletion.map(|(asked, _)| epoch_seconds(asked)),
            "Tags": self.tags,
            "CreatedDate": epoch_seconds(self.created),
        });
        match described {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// The secret that a name, an ARN or an ARN without its last characters names.
pub fn find<'a>(world: &'a World, config: &Config, id: &str, now: Timestamp) -> Result<&'a Secret, Fault> {
    let secrets = &world.of::<State>().secrets;
    let found = secrets.get(name(config, id)).or_else(|| secrets.values().find(|secret| secret.arn == id));
    found.filter(|secret| secret.deletion.is_none_or(|(_, gone)| gone > now)).ok_or_else(|| not_found("secret"))
}

/// The same, to be changed by `change`; gives what it gives.
pub fn change<T>(
    world: &mut World,
    config: &Config,
    id: &str,
    now: Timestamp,
    change: impl FnOnce(&mut Secret) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let name = find(world, config, id, now)?.name.clone();
    change(world.of_mut::<State>().secrets.get_mut(&name).ok_or_else(|| not_found("secret"))?)
}

fn prefix(config: &Config) -> String {
    config.arn("secretsmanager", "secret:")
}

/// The name in an id: all of it, or what follows `secret:`.
pub fn name<'a>(config: &Config, id: &'a str) -> &'a str {
    id.strip_prefix(&prefix(config)).unwrap_or(id)
}

/// A new ARN for a name.
pub fn arn(config: &Config, name: &str) -> String {
    format!("{}{name}-{}", prefix(config), crate::base::ids::mixed(SUFFIX))
}

/// The day of a time: Secrets Manager remembers no more of when a value was read.
pub fn day(time: Timestamp) -> Timestamp {
    let second = time.as_second();
    Timestamp::from_second(second - second.rem_euclid(24 * 60 * 60)).unwrap_or(time)
}
