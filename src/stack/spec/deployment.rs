//! `[services.NAME.deployment]`.

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

/// `table` is `None` if the file has no such table.
pub(super) fn read(table: Option<Table<'_, '_>>) -> DeploymentConfiguration {
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
