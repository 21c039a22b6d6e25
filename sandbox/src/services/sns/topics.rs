//! Topics: create, delete, list, and their attributes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{attributes, invalid};
use crate::services::tagging::Tag;
use crate::services::{Reply, paging};
use crate::{Config, Fault, Sandbox};

const PAGE: usize = 100;
const FIFO: &str = ".fifo";

/// One topic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Topic {
    /// The attributes that were set.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    tags: Vec<Tag>,
    data_protection_policy: Option<String>,
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: Create) -> Reply {
    if input.data_protection_policy.is_some() {
        return Err(Fault::not_implemented("sns:CreateTopic with DataProtectionPolicy"));
    }
    let kept = |(name, value): (String, String)| {
        let value = attributes::kept(&name, value);
        (name, value)
    };
    let attributes: BTreeMap<String, String> = input.attributes.into_iter().map(kept).collect();
    let fifo = attributes.get("FifoTopic").is_some_and(|flag| flag == "true");
    check_name(&input.name, fifo)?;
    for (name, value) in attributes.iter().filter(|(name, _)| *name != "FifoTopic") {
        attributes::check(name, value, fifo).map_err(|fault| match fault.message.as_str() {
            "Invalid parameter: AttributeName" => invalid(&format!("Attributes Reason: Unknown attribute {name}")),
            _ => fault,
        })?;
    }
    super::tags::check(&input.tags)?;
    let arn = sandbox.config.arn("sns", &input.name);
    sandbox.world.write(|world| {
        if let Some(topic) = world.sns.topics.get(&arn) {
            if attributes.iter().any(|(name, value)| topic.attributes.get(name) != Some(value)) {
                return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
            }
            if !input.tags.is_empty() && input.tags.iter().any(|tag| !topic.tags.contains(tag)) {
                return Err(invalid("Tags Reason: Topic already exists with different tags"));
            }
        } else {
            world.sns.topics.insert(arn.clone(), Topic { attributes, tags: input.tags });
        }
        Ok(json!({ "TopicArn": arn }))
    })
}

fn check_name(name: &str, fifo: bool) -> Result<(), Fault> {
    let plain = if fifo { name.strip_suffix(FIFO) } else { Some(name) };
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    match plain {
        Some(plain) if !plain.is_empty() && name.len() <= 256 && plain.chars().all(fits) => Ok(()),
        _ if fifo => Err(Fault::client(
            "InvalidParameter",
            "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, \
             underscores, and hyphens, and must be between 1 and 256 characters long.",
        )),
        _ => Err(invalid("Topic Name")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    topic_arn: String,
}

/// Deleting what is not there is no failure.
pub(super) fn delete(sandbox: &Arc<Sandbox>, Named { topic_arn }: Named) -> Reply {
    check_arn(&topic_arn, &sandbox.config)?;
    sandbox.world.write(|world| {
        world.sns.topics.remove(&topic_arn);
        Ok(Value::Null)
    })
}

/// Refuses what is not a topic's ARN of this account.
fn check_arn(arn: &str, config: &Config) -> Result<(), Fault> {
    let elements = arn.split(':').count();
    if elements < 6 {
        return Err(invalid(&format!("TopicArn Reason: An ARN must have at least 6 elements, not {elements}")));
    }
    if arn.starts_with(&config.arn("sns", "")) { Ok(()) } else { Err(invalid("TopicArn")) }
}

fn not_found() -> Fault {
    Fault::new(404, "NotFound", "Topic does not exist")
}

pub(super) fn get_attributes(sandbox: &Arc<Sandbox>, Named { topic_arn }: Named) -> Reply {
    check_arn(&topic_arn, &sandbox.config)?;
    sandbox.world.read(|world| {
        let topic = world.sns.topics.get(&topic_arn).ok_or_else(not_found)?;
        Ok(json!({ "Attributes": attributes::all(&sandbox.config, &topic_arn, &topic.attributes) }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Set {
    topic_arn: String,
    attribute_name: String,
    #[serde(default)]
    attribute_value: String,
}

pub(super) fn set_attributes(sandbox: &Arc<Sandbox>, input: Set) -> Reply {
    let Set { topic_arn, attribute_name: name, attribute_value } = input;
    let value = attributes::kept(&name, attribute_value);
    check_arn(&topic_arn, &sandbox.config)?;
    sandbox.world.write(|world| {
        let topic = world.sns.topics.get_mut(&topic_arn).ok_or_else(not_found)?;
        attributes::check(&name, &value, topic_arn.ends_with(FIFO))?;
        topic.attributes.insert(name, value);
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    next_token: Option<String>,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, List { next_token }: List) -> Reply {
    let page = sandbox.world.read(|world| {
        let topics = world.sns.topics.iter().map(|(arn, _)| (arn.to_owned(), json!({ "TopicArn": arn })));
        paging::page(topics, "ListTopics", next_token.as_deref(), PAGE)
    });
    let page = page.map_err(|_| invalid("NextToken"))?;
    Ok(json!({ "Topics": page.items, "NextToken": page.next_token }))
}
