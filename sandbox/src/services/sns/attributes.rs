//! What the attributes of a topic are, and which of them a caller may set.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::invalid;
use crate::{Config, Fault};

/// The attributes that may be set (API reference of SetTopicAttributes), but for those that need a FIFO topic.
const SETTABLE: &[&str] = &[
    "ApplicationFailureFeedbackRoleArn",
    "ApplicationSuccessFeedbackRoleArn",
    "ApplicationSuccessFeedbackSampleRate",
    "DeliveryPolicy",
    "DisplayName",
    "FirehoseFailureFeedbackRoleArn",
    "FirehoseSuccessFeedbackRoleArn",
    "FirehoseSuccessFeedbackSampleRate",
    "HTTPFailureFeedbackRoleArn",
    "HTTPSuccessFeedbackRoleArn",
    "HTTPSuccessFeedbackSampleRate",
    "KmsMasterKeyId",
    "LambdaFailureFeedbackRoleArn",
    "LambdaSuccessFeedbackRoleArn",
    "LambdaSuccessFeedbackSampleRate",
    "Policy",
    "SQSFailureFeedbackRoleArn",
    "SQSSuccessFeedbackRoleArn",
    "SQSSuccessFeedbackSampleRate",
    "SignatureVersion",
    "TracingConfig",
];

const SETTABLE_OF_FIFO: &[&str] = &["ArchivePolicy", "ContentBasedDeduplication", "FifoThroughputScope"];

/// A value as it is kept: of booleans SNS takes any case, as its own examples write them (`str(True)` in "Code examples for FIFO
/// topics" of the developer guide).
pub(super) fn kept(name: &str, value: String) -> String {
    if matches!(name, "FifoTopic" | "ContentBasedDeduplication") { value.to_ascii_lowercase() } else { value }
}

/// Refuses an attribute that a topic of this kind does not have.
pub(super) fn check(name: &str, value: &str, fifo: bool) -> Result<(), Fault> {
    let settable = SETTABLE.contains(&name) || fifo && SETTABLE_OF_FIFO.contains(&name);
    if !settable {
        return Err(invalid("AttributeName"));
    }
    let one_of = |allowed: &[&str]| {
        if allowed.contains(&value) { Ok(()) } else { Err(invalid(&format!("{name} Reason: Invalid value"))) }
    };
    match name {
        "Policy" | "DeliveryPolicy" if !value.is_empty() => {
            let parsed = serde_json::from_str::<Value>(value);
            let reason = if name == "Policy" { "Policy Error: null" } else { "DeliveryPolicy: failed to parse JSON." };
            parsed.is_ok_and(|value| value.is_object()).then_some(()).ok_or_else(|| invalid(reason))
        }
        "DisplayName" if value.chars().count() > 100 => {
            Err(invalid("DisplayName Reason: Value must be less than or equal to 100 characters long"))
        }
        "ContentBasedDeduplication" => one_of(&["true", "false"]),
        "SignatureVersion" => one_of(&["1", "2"]),
        "TracingConfig" => one_of(&["PassThrough", "Active"]),
        "FifoThroughputScope" => one_of(&["Topic", "MessageGroup"]),
        _ => Ok(()),
    }
}

/// Everything that a topic answers of itself.
pub(super) fn all(config: &Config, arn: &str, set: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([
        ("Policy", default_policy(config, arn)),
        ("Owner", config.account.clone()),
        ("SubscriptionsPending", "0".to_owned()),
        ("SubscriptionsConfirmed", "0".to_owned()),
        ("SubscriptionsDeleted", "0".to_owned()),
        ("TopicArn", arn.to_owned()),
        ("EffectiveDeliveryPolicy", effective_delivery(set.get("DeliveryPolicy"))),
        ("DisplayName", String::new()),
    ]);
    if set.get("FifoTopic").is_some_and(|flag| flag == "true") {
        all.insert("ContentBasedDeduplication", "false".to_owned());
        all.insert("FifoThroughputScope", "Topic".to_owned());
    }
    let mut all: BTreeMap<String, String> = all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    all.extend(
        set.iter()
            .filter(|(name, value)| !value.is_empty() && (*name != "FifoTopic" || *value == "true"))
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    all
}

fn default_policy(config: &Config, arn: &str) -> String {
    const ACTIONS: &[&str] = &[
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
    ];
    let statement = json!({
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": { "AWS": "*" },
        "Action": ACTIONS,
        "Resource": arn,
        "Condition": { "StringEquals": { "AWS:SourceOwner": config.account } },
    });
    json!({ "Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement] }).to_string()
}

/// The topic's delivery policy over the default one.
fn effective_delivery(set: Option<&String>) -> String {
    let mut policy = json!({ "http": {
        "defaultHealthyRetryPolicy": {
            "minDelayTarget": 20,
            "maxDelayTarget": 20,
            "numRetries": 3,
            "numMaxDelayRetries": 0,
            "numNoDelayRetries": 0,
            "numMinDelayRetries": 0,
            "backoffFunction": "linear",
        },
        "disableSubscriptionOverrides": false,
        "defaultRequestPolicy": { "headerContentType": "text/plain; charset=UTF-8" },
    } });
    if let Some(set) = set.and_then(|text| serde_json::from_str(text).ok()) {
        overlay(&mut policy, set);
    }
    policy.to_string()
}

fn overlay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                overlay(under.entry(name).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (under, over) => *under = over,
    }
}
