//! `[services.NAME.autoscaling]` and `[services.NAME.deployment]`.

use serde_json::Number;

use crate::diagnostic::Diagnostic;
use crate::stack::check;
use crate::stack::reader::Table;

/// Settings of rolling deployments. The percentages are shares of the desired count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentConfiguration {
    /// Minimum share of running tasks during a deployment.
    pub min_healthy_percent: u32,
    /// Maximum share of running tasks during a deployment.
    pub max_percent: u32,
    /// Whether ECS rolls back a deployment whose tasks do not start.
    pub circuit_breaker: bool,
}

/// Target tracking of a service's count.
#[derive(Debug, Clone, PartialEq)]
pub struct Autoscaling {
    /// Minimum number of tasks.
    pub min: u32,
    /// Maximum number of tasks.
    pub max: u32,
    /// Target tracking of average CPU utilisation.
    pub cpu: Option<TargetTracking>,
    /// Target tracking of average memory utilisation.
    pub memory: Option<TargetTracking>,
}

/// One target-tracking policy; times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetTracking {
    /// The target average, in percent.
    pub target: Number,
    /// Cooldown after scaling in.
    pub scale_in_cooldown: Option<u32>,
    /// Cooldown after scaling out.
    pub scale_out_cooldown: Option<u32>,
}

/// ECS's quota "Tasks per service".
pub const MAX_TASKS_PER_SERVICE: u32 = 5000;
/// The maximum cooldown in seconds: a day.
const MAX_COOLDOWN: u32 = 86_400;

pub(super) fn autoscaling(table: Table<'_, '_>) -> Option<Autoscaling> {
    let tasks = || check::integer("a number of tasks", 0..=MAX_TASKS_PER_SERVICE);
    let min = table.optional("min", tasks());
    let max = table.required("max", "add max = 10", tasks());
    let cpu = table.table("cpu").map(tracking);
    let memory = table.table("memory").map(tracking);
    let min = min.unwrap_or(1);
    if let Some(max) = max
        && min > max
    {
        let (key, message) = if table.contains_key("min") {
            ("min", format!("is {min}, more than `max` = {max}"))
        } else {
            ("max", format!("is {max}, less than the default of `min`, {min}"))
        };
        table.report(key, Diagnostic::new(message).hint("lower min or raise max"));
    }
    table.finish();
    Some(Autoscaling { min, max: max?, cpu: cpu.flatten(), memory: memory.flatten() })
}

fn tracking(table: Table<'_, '_>) -> Option<TargetTracking> {
    let cooldown = || check::duration("a cooldown", 0..=MAX_COOLDOWN);
    let target = table.required("target", "add target = 50", check::percentage);
    let scale_in_cooldown = table.optional("scale_in_cooldown", cooldown());
    let scale_out_cooldown = table.optional("scale_out_cooldown", cooldown());
    table.finish();
    Some(TargetTracking { target: target?, scale_in_cooldown, scale_out_cooldown })
}

pub(super) fn deployment(table: Option<Table<'_, '_>>) -> DeploymentConfiguration {
    let mut deployment = DeploymentConfiguration { min_healthy_percent: 50, max_percent: 200, circuit_breaker: false };
    let Some(table) = table else { return deployment };
    let percent = |range| check::integer("a percentage here", range);
    if let Some(min) = table.optional("min_healthy_percent", percent(0..=100)) {
        deployment.min_healthy_percent = min;
    }
    if let Some(max) = table.optional("max_percent", percent(100..=200)) {
        deployment.max_percent = max;
    }
    deployment.circuit_breaker = table.optional("circuit_breaker", check::boolean).unwrap_or_default();
    if deployment.min_healthy_percent >= deployment.max_percent {
        let diagnostic = Diagnostic::new("leaves no room for a deployment: no task may stop, and none may be added");
        table.report("min_healthy_percent", diagnostic.hint("lower min_healthy_percent or raise max_percent"));
    }
    table.finish();
    deployment
}
