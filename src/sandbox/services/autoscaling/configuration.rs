//! What scaling policies are configured with: read, checked, and given back as it came.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::invalid;
use crate::sandbox::Fault;
use crate::sandbox::services::cloudwatch::Dimension;
use crate::sandbox::wire::lenient::{self, Misfit};

/// Seconds between scaling activities of ECS services when a policy does not say (API reference).
const COOLDOWN: u64 = 300;

/// A configuration by the policy's type.
#[derive(Debug)]
pub enum Configuration {
    /// `TargetTrackingScaling`.
    TargetTracking(TargetTracking),
    /// `StepScaling`.
    Step(Step),
}

/// `TargetTrackingScalingPolicyConfiguration`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetTracking {
    /// Where the metric is to be.
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

/// The metric that a policy follows.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Such as `AWS/ECS`.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What tells it from others of its name.
    pub dimensions: Vec<Dimension>,
    /// Such as `Average`.
    pub statistic: String,
    /// Such as `Percent`.
    pub unit: Option<String>,
}

/// `StepScalingPolicyConfiguration`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "they are the API's members")]
pub struct Step {
    #[serde(skip_serializing_if = "Option::is_none")]
    adjustment_type: Option<String>,
    /// Which adjustment follows from how large a breach.
    #[serde(default)]
    pub step_adjustments: Vec<StepAdjustment>,
    /// The least change in percent scaling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_adjustment_magnitude: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cooldown: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_aggregation_type: Option<String>,
}

/// `StepAdjustment`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StepAdjustment {
    /// From how far beyond the threshold; none is from everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_interval_lower_bound: Option<f64>,
    /// To how far beyond it; none is to everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_interval_upper_bound: Option<f64>,
    /// By how much.
    pub scaling_adjustment: i64,
}

impl Configuration {
    /// Reads what was given for a policy of some type, and checks it.
    pub fn read(policy_type: &str, given: Option<Value>) -> Result<Self, Fault> {
        let given = given.ok_or_else(|| invalid(format!("{} is required", member(policy_type))))?;
        match policy_type {
            "TargetTrackingScaling" => Ok(Self::TargetTracking(parse::<TargetTracking>(given)?.checked()?)),
            "StepScaling" => Ok(Self::Step(parse::<Step>(given)?.checked()?)),
            other => Err(Fault::not_implemented(&format!("scaling policies of the type {other}"))),
        }
    }

    /// As it is stored and shown.
    pub fn shown(&self) -> Result<Value, Fault> {
        match self {
            Self::TargetTracking(tracking) => serde_json::to_value(tracking),
            Self::Step(step) => serde_json::to_value(step),
        }
        .map_err(Fault::internal)
    }
}

/// The member of requests and answers that holds a policy's configuration.
pub fn member(policy_type: &str) -> &'static str {
    if policy_type == "TargetTrackingScaling" {
        "TargetTrackingScalingPolicyConfiguration"
    } else {
        "StepScalingPolicyConfiguration"
    }
}

fn parse<T: serde::de::DeserializeOwned>(given: Value) -> Result<T, Fault> {
    lenient::from_value(given).map_err(|misfit| match misfit {
        Misfit::Unknown(member) => Fault::not_implemented(&format!("scaling policies with the member {member}")),
        other => invalid(other.to_string()),
    })
}

impl TargetTracking {
    fn checked(self) -> Result<Self, Fault> {
        if self.target_value <= 0.0 || !self.target_value.is_finite() {
            return Err(invalid("TargetValue must be a positive number"));
        }
        match (&self.predefined_metric_specification, &self.customized_metric_specification) {
            (Some(predefined), None) => predefined.check()?,
            (None, Some(custom)) => custom.check()?,
            _ => {
                return Err(invalid(
                    "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified",
                ));
            }
        }
        Ok(self)
    }

    /// The metric, for a service.
    pub fn metric(&self, cluster: &str, service: &str) -> Metric {
        if let Some(custom) = &self.customized_metric_specification {
            return Metric {
                namespace: custom.namespace.clone().unwrap_or_default(),
                name: custom.metric_name.clone().unwrap_or_default(),
                dimensions: custom.dimensions.clone(),
                statistic: custom.statistic.clone().unwrap_or_default(),
                unit: custom.unit.clone(),
            };
        }
        let kind = self.predefined_metric_specification.as_ref().and_then(Predefined::metric);
        let dimension = |name: &str, value: &str| Dimension { name: name.to_owned(), value: value.to_owned() };
        Metric {
            namespace: "AWS/ECS".to_owned(),
            name: kind.unwrap_or_default().to_owned(),
            dimensions: vec![dimension("ClusterName", cluster), dimension("ServiceName", service)],
            statistic: "Average".to_owned(),
            unit: Some("Percent".to_owned()),
        }
    }

    /// Whether it may remove capacity.
    pub fn scales_in(&self) -> bool {
        self.disable_scale_in != Some(true)
    }

    /// Seconds after scaling out or in.
    pub fn cooldown(&self, out: bool) -> u64 {
        if out { self.scale_out_cooldown } else { self.scale_in_cooldown }.unwrap_or(COOLDOWN)
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
        Err(invalid(format!("Invalid predefined metric type: {name}")))
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
            Some((member, _)) => Err(invalid(format!("CustomizedMetricSpecification must have {member}"))),
            None => Ok(()),
        }
    }
}

impl Step {
    /// Rules of `StepAdjustment` in the API reference.
    fn checked(self) -> Result<Self, Fault> {
        if self.adjustment_type.is_none() {
            return Err(invalid("AdjustmentType is required"));
        }
        let steps = self.sorted();
        let Some(first) = steps.first() else {
            return Err(invalid("At least one step adjustment is required"));
        };
        let bounds = |step: &StepAdjustment| (step.metric_interval_lower_bound, step.metric_interval_upper_bound);
        for step in &steps {
            match bounds(step) {
                (None, None) => return Err(invalid("Step adjustments must have a lower or an upper bound")),
                (Some(lower), Some(upper)) if lower >= upper => {
                    return Err(invalid("The upper bound of a step adjustment must be greater than its lower bound"));
                }
                _ => {}
            }
            if self.kind() == AdjustmentType::Exact && step.scaling_adjustment < 0 {
                return Err(invalid("ScalingAdjustment must not be negative for ExactCapacity"));
            }
        }
        if steps.windows(2).any(|pair| bounds(&pair[0]).1.is_none() || bounds(&pair[0]).1 != bounds(&pair[1]).0) {
            return Err(invalid("The ranges of step adjustments must neither overlap nor have a gap"));
        }
        if bounds(first).0.is_some_and(|lower| lower < 0.0) {
            return Err(invalid("With a negative lower bound, one step adjustment must have no lower bound"));
        }
        if steps.last().and_then(|last| bounds(last).1).is_some_and(|upper| upper > 0.0) {
            return Err(invalid("With a positive upper bound, one step adjustment must have no upper bound"));
        }
        Ok(self)
    }

    fn sorted(&self) -> Vec<StepAdjustment> {
        let mut steps = self.step_adjustments.clone();
        let lower = |step: &StepAdjustment| step.metric_interval_lower_bound.unwrap_or(f64::NEG_INFINITY);
        steps.sort_by(|one, other| lower(one).total_cmp(&lower(other)));
        steps
    }

    /// How its adjustments are meant.
    pub fn kind(&self) -> AdjustmentType {
        match self.adjustment_type.as_deref() {
            Some("ExactCapacity") => AdjustmentType::Exact,
            Some("PercentChangeInCapacity") => AdjustmentType::Percent,
            _ => AdjustmentType::Change,
        }
    }

    /// What several data points come to.
    pub fn aggregate(&self, values: &[f64]) -> Option<f64> {
        let values = values.iter().copied();
        match self.metric_aggregation_type.as_deref() {
            Some("Minimum") => values.reduce(f64::min),
            Some("Maximum") => values.reduce(f64::max),
            _ => {
                let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
                (count > 0.0).then(|| sum / count)
            }
        }
    }

    /// Seconds after scaling.
    pub fn cooldown(&self) -> u64 {
        self.cooldown.unwrap_or(COOLDOWN)
    }
}

/// How a step's adjustment is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdjustmentType {
    /// So many more or fewer.
    Change,
    /// So many.
    Exact,
    /// So many percent more or fewer.
    Percent,
}
