//! `[services.NAME.autoscaling]`.

use serde_json::Number;

use crate::diagnostic::Diagnostic;
use crate::stack::check;
use crate::stack::reader::Table;

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

pub(super) fn read(table: Table<'_, '_>) -> Option<Autoscaling> {
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
