//! Configurations of scaling policies: parsing, validation, and the form of responses.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::validation_exception;
use crate::Fault;
use crate::protocol::coerce::{self, InputError};
use crate::services::cloudwatch::Dimension;

mod steps;

pub(super) use steps::{AdjustmentType, StepAdjustment, StepScaling};

/// The default cooldown for ECS services in seconds (API reference).
const DEFAULT_COOLDOWN: u64 = 300;

/// The configuration of a policy.
#[derive(Debug)]
pub(super) enum Configuration {
    TargetTracking(TargetTracking),
    StepScaling(StepScaling),
}

/// `TargetTrackingScalingPolicyConfiguration`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TargetTracking {
    /// The value that the metric is kept at.
    pub target_value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    predefined_metric_specification: Option<Predefined>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customized_metric_specification: Option<Customized>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale_out_cooldown: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale_in_cooldown: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_scale_in: Option<bool>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Predefined {
    predefined_metric_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_label: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Customized {
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dimensions: Vec<Dimension>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Value>,
}

/// The metric that a policy tracks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MetricSpecification {
    /// Such as `AWS/ECS`.
    pub namespace: String,
    pub name: String,
    /// The dimensions that identify the metric.
    pub dimensions: Vec<Dimension>,
    /// Such as `Average`.
    pub statistic: String,
    /// Such as `Percent`.
    pub unit: Option<String>,
}

impl Configuration {
    /// Parses and validates the configuration of a policy type.
    pub(super) fn read(policy_type: PolicyType, given: Option<Value>) -> Result<Self, Fault> {
        let given = || given.ok_or_else(|| validation_exception(format!("{} is required", policy_type.member())));
        match policy_type {
            PolicyType::TargetTrackingScaling => {
                Ok(Self::TargetTracking(parse::<TargetTracking>(given()?)?.validated()?))
            }
            PolicyType::StepScaling => Ok(Self::StepScaling(parse::<StepScaling>(given()?)?.validated()?)),
        }
    }

    /// The configuration as it is stored and shown.
    pub(super) fn to_output(&self) -> Result<Value, Fault> {
        match self {
            Self::TargetTracking(tracking) => serde_json::to_value(tracking),
            Self::StepScaling(step) => serde_json::to_value(step),
        }
        .map_err(Fault::internal)
    }
}

/// The types of scaling policies that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PolicyType {
    TargetTrackingScaling,
    StepScaling,
}

impl PolicyType {
    /// Parses the API's name of a policy type.
    pub(super) fn parse(name: &str) -> Result<Self, Fault> {
        match name {
            "TargetTrackingScaling" => Ok(Self::TargetTrackingScaling),
            "StepScaling" => Ok(Self::StepScaling),
            other => Err(Fault::not_implemented(&format!("scaling policies of the type {other}"))),
        }
    }

    /// The member of requests and responses with the configuration.
    pub(super) fn member(self) -> &'static str {
        match self {
            Self::TargetTrackingScaling => "TargetTrackingScalingPolicyConfiguration",
            Self::StepScaling => "StepScalingPolicyConfiguration",
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(given: Value) -> Result<T, Fault> {
    coerce::from_value(given).map_err(|error| match error {
        InputError::Unknown(member) => Fault::not_implemented(&format!("scaling policies with the member {member}")),
        other => validation_exception(other.to_string()),
    })
}

impl TargetTracking {
    fn validated(self) -> Result<Self, Fault> {
        if self.target_value <= 0.0 || !self.target_value.is_finite() {
            return Err(validation_exception("TargetValue must be a positive number"));
        }
        match (&self.predefined_metric_specification, &self.customized_metric_specification) {
            (Some(predefined), None) => predefined.check()?,
            (None, Some(custom)) => custom.check()?,
            _ => {
                return Err(validation_exception(
                    "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified",
                ));
            }
        }
        Ok(self)
    }

    pub(super) fn metric(&self, cluster: &str, service: &str) -> MetricSpecification {
        if let Some(custom) = &self.customized_metric_specification {
            return MetricSpecification {
                namespace: custom.namespace.clone().unwrap_or_default(),
                name: custom.metric_name.clone().unwrap_or_default(),
                dimensions: custom.dimensions.clone(),
                statistic: custom.statistic.clone().unwrap_or_default(),
                unit: custom.unit.clone(),
            };
        }
        let kind = self.predefined_metric_specification.as_ref().and_then(Predefined::metric);
        let dimension = |name: &str, value: &str| Dimension { name: name.to_owned(), value: value.to_owned() };
        MetricSpecification {
            namespace: "AWS/ECS".to_owned(),
            name: kind.unwrap_or_default().to_owned(),
            dimensions: vec![dimension("ClusterName", cluster), dimension("ServiceName", service)],
            statistic: "Average".to_owned(),
            unit: Some("Percent".to_owned()),
        }
    }

    /// Whether the policy may scale in.
    pub(super) fn scales_in(&self) -> bool {
        self.disable_scale_in != Some(true)
    }

    /// The cooldown in seconds after scaling out or in.
    pub(super) fn cooldown(&self, out: bool) -> u64 {
        if out { self.scale_out_cooldown } else { self.scale_in_cooldown }.unwrap_or(DEFAULT_COOLDOWN)
    }
}

impl Predefined {
    fn metric(&self) -> Option<&'static str> {
        match self.predefined_metric_type.as_str() {
            "ECSServiceAverageCPUUtilization" => Some("CPUUtilization"),
            "ECSServiceAverageMemoryUtilization" => Some("MemoryUtilization"),
            _ => None,
        }
    }

    fn check(&self) -> Result<(), Fault> {
        let name = &self.predefined_metric_type;
        if self.metric().is_some() {
            return Ok(());
        }
        let of_ecs = name.starts_with("ECSService") || name == "ALBRequestCountPerTarget";
        if of_ecs {
            let why = "there are neither load balancers nor metrics of less than a minute";
            return Err(Fault::not_implemented(&format!("the metric type {name}, because {why}")));
        }
        Err(validation_exception(format!("Invalid predefined metric type: {name}")))
    }
}

impl Customized {
    fn check(&self) -> Result<(), Fault> {
        if self.metrics.as_ref().is_some_and(|metrics| !metrics.is_null()) {
            return Err(Fault::not_implemented("Metrics in CustomizedMetricSpecification"));
        }
        let members =
            [("MetricName", &self.metric_name), ("Namespace", &self.namespace), ("Statistic", &self.statistic)];
        match members.iter().find(|(_, given)| given.is_none()) {
            Some((member, _)) => Err(validation_exception(format!("CustomizedMetricSpecification must have {member}"))),
            None => Ok(()),
        }
    }
}
