//! Everything that the sandbox serves and runs. A service is a folder in [`crate::services`] and a row in each of these tables that
//! applies to it.

use std::io;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::core::hooks::AlarmAction;
use crate::core::in_memory::InMemoryState;
use crate::core::{Config, Registry, Sandbox};
use crate::services::{autoscaling, cloudmap, cloudwatch, ec2, ecs, iam, logs, secretsmanager, ssm, sts};
use crate::session_channel::Sessions;
use crate::store::Schema;
use crate::{cloudformation, control};

/// Everything that the sandbox serves and runs.
pub static REGISTRY: Registry = Registry {
    services: &[
        &control::SERVICE,
        &sts::SERVICE,
        &cloudformation::SERVICE,
        &iam::SERVICE,
        &ssm::SERVICE,
        &ec2::SERVICE,
        &cloudmap::SERVICE,
        &ecs::SERVICE,
        &logs::SERVICE,
        &autoscaling::SERVICE,
        &secretsmanager::SERVICE,
        &cloudwatch::SERVICE,
    ],
    rate_limits: logs::RATE_LIMITS,
    loops: &[
        cloudformation::resume_operations,
        ssm::resume_commands,
        ecs::run_scheduler,
        ecs::enforce_limits,
        ecs::publish_utilization,
        logs::delete_expired_events,
        cloudwatch::evaluate_alarms,
        autoscaling::follow_activities,
    ],
    migrations: &[ec2::assign_missing_rule_ids, autoscaling::create_missing_alarms],
    schema: Schema {
        states: || {
            vec![
                Box::<cloudformation::State>::default(),
                Box::<iam::State>::default(),
                Box::<ssm::State>::default(),
                Box::<ec2::State>::default(),
                Box::<cloudmap::State>::default(),
                Box::<ecs::State>::default(),
                Box::<logs::State>::default(),
                Box::<autoscaling::State>::default(),
                Box::<secretsmanager::State>::default(),
                Box::<cloudwatch::State>::default(),
            ]
        },
        record_insertions: |states, resource, rows| {
            states.of_mut::<cloudformation::State>().add_uncommitted(resource, rows);
        },
    },
    in_memory: |config| {
        InMemoryState::default()
            .with(ecs::TaskProcesses::new(config))
            .with(ssm::managed_instances::Roles::default())
            .with(logs::LiveTails::default())
            .with(Sessions::default())
    },
    alarm_actions: &[AlarmAction { is_for: autoscaling::is_policy, perform: autoscaling::execute }],
    instance_terminated: &[ssm::managed_instances::remove],
};

/// Opens a sandbox with all services: see [`Sandbox::open`].
///
/// # Errors
/// Its state cannot be opened.
pub(crate) fn open(config: Config, shutdown: CancellationToken) -> io::Result<Arc<Sandbox>> {
    Sandbox::open(config, &REGISTRY, shutdown)
}
