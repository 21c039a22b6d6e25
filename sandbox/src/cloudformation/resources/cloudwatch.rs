//! `AWS::CloudWatch::Alarm`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{HandlerContext, HandlerOutput, ResourceType, resource_type};
use crate::Fault;
use crate::base::tags::Tag;
use crate::cloudformation::model::PhysicalResource;

const SIGNING_NAME: &str = "monitoring";

pub(super) const TYPES: &[ResourceType] = &[resource_type!(
    "AWS::CloudWatch::Alarm",
    attributes: ["Arn"],
    create_only: [],
    create, update, delete
)];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AlarmProperties {
    alarm_name: Option<String>,
    alarm_description: Option<String>,
    actions_enabled: Option<bool>,
    #[serde(rename = "OKActions")]
    ok_actions: Option<Vec<String>>,
    alarm_actions: Option<Vec<String>>,
    insufficient_data_actions: Option<Vec<String>>,
    metric_name: Option<String>,
    namespace: Option<String>,
    statistic: Option<String>,
    extended_statistic: Option<String>,
    dimensions: Option<Value>,
    period: Option<i64>,
    unit: Option<String>,
    evaluation_periods: i64,
    datapoints_to_alarm: Option<i64>,
    threshold: Option<f64>,
    comparison_operator: String,
    treat_missing_data: Option<String>,
    evaluate_low_sample_count_percentile: Option<String>,
    metrics: Option<Value>,
    threshold_metric_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

async fn create(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let properties: AlarmProperties = context.properties(properties)?;
    let name = properties.alarm_name.clone().unwrap_or_else(|| context.generated_name(255));
    put(&context, &name, properties).await
}

async fn put(context: &HandlerContext, name: &str, properties: AlarmProperties) -> Result<HandlerOutput, Fault> {
    let input = json!({
        "AlarmName": name,
        "AlarmDescription": properties.alarm_description,
        "ActionsEnabled": properties.actions_enabled,
        "OKActions": properties.ok_actions,
        "AlarmActions": properties.alarm_actions,
        "InsufficientDataActions": properties.insufficient_data_actions,
        "MetricName": properties.metric_name,
        "Namespace": properties.namespace,
        "Statistic": properties.statistic,
        "ExtendedStatistic": properties.extended_statistic,
        "Dimensions": properties.dimensions,
        "Period": properties.period,
        "Unit": properties.unit,
        "EvaluationPeriods": properties.evaluation_periods,
        "DatapointsToAlarm": properties.datapoints_to_alarm,
        "Threshold": properties.threshold,
        "ComparisonOperator": properties.comparison_operator,
        "TreatMissingData": properties.treat_missing_data,
        "EvaluateLowSampleCountPercentile": properties.evaluate_low_sample_count_percentile,
        "Metrics": properties.metrics,
        "ThresholdMetricId": properties.threshold_metric_id,
        "Tags": context.all_tags(&properties.tags),
    });
    context.call(SIGNING_NAME, "PutMetricAlarm", input).await?;
    let arn = context.sandbox.config.arn("cloudwatch", &format!("alarm:{name}"));
    Ok(HandlerOutput::new(name, json!({ "Arn": arn })))
}

/// Updates the tags with separate calls, because `PutMetricAlarm` ignores tags for an existing alarm.
async fn update(context: HandlerContext, old: PhysicalResource, properties: Value) -> Result<HandlerOutput, Fault> {
    let properties: AlarmProperties = context.properties(properties)?;
    let before: AlarmProperties = context.properties(old.properties.clone())?;
    let tags = context.all_tags(&properties.tags);
    let removed_keys = before.tags.iter().map(|tag| &tag.key).filter(|key| tags.iter().all(|tag| tag.key != **key));
    let removed_keys: Vec<_> = removed_keys.cloned().collect();
    let output = put(&context, &old.physical_id, properties).await?;
    let arn = &output.attributes["Arn"];
    context.call(SIGNING_NAME, "UntagResource", json!({ "ResourceARN": arn, "TagKeys": removed_keys })).await?;
    context.call(SIGNING_NAME, "TagResource", json!({ "ResourceARN": arn, "Tags": tags })).await?;
    Ok(output)
}

async fn delete(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call(SIGNING_NAME, "DeleteAlarms", json!({ "AlarmNames": [old.physical_id] })).await.map(drop)
}
