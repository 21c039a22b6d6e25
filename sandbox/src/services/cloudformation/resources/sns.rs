//! `AWS::SNS::Topic`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Made, ResourceType, resource_type, text};
use crate::Fault;
use crate::services::cloudformation::model::{Incarnation, Tag};

/// The rows.
pub const TYPES: &[ResourceType] = &[resource_type!(
    "AWS::SNS::Topic",
    // The display name is no documented attribute, and yet one (recorded: localstack's test_change_set_fn_get_attr).
    attributes: ["DisplayName", "TopicArn", "TopicName"],
    create_only: [],
    create, update, delete
)];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Properties {
    topic_name: Option<String>,
    display_name: Option<String>,
    kms_master_key_id: Option<String>,
    #[serde(default)]
    fifo_topic: bool,
    content_based_deduplication: Option<bool>,
    fifo_throughput_scope: Option<String>,
    archive_policy: Option<Value>,
    signature_version: Option<String>,
    tracing_config: Option<String>,
    #[serde(default)]
    subscription: Vec<Value>,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl Properties {
    /// The attributes that can be changed, an empty text for one that is not given.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        let flag = |flag: bool| flag.to_string();
        let given = [
            ("DisplayName", self.display_name.clone()),
            ("KmsMasterKeyId", self.kms_master_key_id.clone()),
            ("SignatureVersion", self.signature_version.clone()),
            ("TracingConfig", self.tracing_config.clone()),
            ("ContentBasedDeduplication", self.content_based_deduplication.map(flag)),
            ("FifoThroughputScope", self.fifo_throughput_scope.clone()),
            ("ArchivePolicy", self.archive_policy.as_ref().map(Value::to_string)),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    fn check(&self) -> Result<(), Fault> {
        if self.subscription.is_empty() {
            return Ok(());
        }
        Err(Fault::not_implemented("the property Subscription of AWS::SNS::Topic"))
    }
}

async fn create(context: Context, properties: Value) -> Result<Made, Fault> {
    let properties: Properties = context.properties(properties)?;
    properties.check()?;
    let name = match &properties.topic_name {
        Some(name) => name.clone(),
        None if properties.fifo_topic => format!("{}.fifo", context.generated_name(251)),
        None => context.generated_name(256),
    };
    let arn = context.sandbox.config.arn("sns", &name);
    // SNS takes a second creation for the first one; a stack must not take over what is not its own.
    if context.call("sns", "GetTopicAttributes", json!({ "TopicArn": arn })).await.is_ok() {
        return Err(Fault::client("AlreadyExists", format!("{name} already exists")));
    }
    let mut attributes = properties.attributes();
    if properties.fifo_topic {
        attributes.push(("FifoTopic", "true".to_owned()));
    }
    let input = json!({ "Name": name, "Attributes": BTreeMap::from_iter(attributes), "Tags": context.all_tags(&properties.tags) });
    let answer = context.call("sns", "CreateTopic", input).await?;
    let arn = text(&answer, "/TopicArn");
    Ok(Made::new(arn, told(arn, &name, properties.display_name.as_deref())))
}

async fn update(context: Context, old: Incarnation, properties: Value) -> Result<Made, Fault> {
    let (before, after): (Properties, Properties) =
        (context.properties(old.properties.clone())?, context.properties(properties)?);
    after.check()?;
    let arn = old.physical_id.as_str();
    let (before_set, after_set) = (before.attributes(), after.attributes());
    let gone = before_set.iter().filter(|(name, _)| !after_set.iter().any(|(other, _)| other == name));
    let gone = gone.map(|(name, _)| (*name, default(name).to_owned()));
    for (name, value) in gone.chain(after_set.iter().filter(|pair| !before_set.contains(pair)).cloned()) {
        let input = json!({ "TopicArn": arn, "AttributeName": name, "AttributeValue": value });
        context.call("sns", "SetTopicAttributes", input).await?;
    }
    let listed = context.call("sns", "ListTagsForResource", json!({ "ResourceArn": arn })).await?;
    let wanted = context.all_tags(&after.tags);
    let there = listed["Tags"].as_array().into_iter().flatten();
    let gone: Vec<&str> =
        there.map(|tag| text(tag, "/Key")).filter(|key| !wanted.iter().any(|tag| tag.key == *key)).collect();
    context.call("sns", "UntagResource", json!({ "ResourceArn": arn, "TagKeys": gone })).await?;
    context.call("sns", "TagResource", json!({ "ResourceArn": arn, "Tags": wanted })).await?;
    let name = arn.rsplit(':').next().unwrap_or_default();
    Ok(Made::new(arn, told(arn, name, after.display_name.as_deref())))
}

/// What others can refer to.
fn told(arn: &str, name: &str, display_name: Option<&str>) -> Value {
    json!({ "TopicArn": arn, "TopicName": name, "DisplayName": display_name.unwrap_or_default() })
}

/// What an attribute is again when a template no longer sets it.
fn default(name: &str) -> &'static str {
    match name {
        "SignatureVersion" => "1",
        "TracingConfig" => "PassThrough",
        "ContentBasedDeduplication" => "false",
        "FifoThroughputScope" => "Topic",
        _ => "",
    }
}

async fn delete(context: Context, old: Incarnation) -> Result<(), Fault> {
    context.call("sns", "DeleteTopic", json!({ "TopicArn": old.physical_id })).await.map(drop)
}
