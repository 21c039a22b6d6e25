//! The long-running work over AWS and the stack model. It emits typed events and never writes to the terminal.

mod compare;
mod deploy;
mod destroy;
mod error;
mod locate;
mod logs;
mod look_ups;
mod retry;
mod scale;
mod status;
mod synthesiser;
mod target;

use futures_util::future::try_join_all;

use crate::aws::Aws;
use crate::model::Stack;

pub use compare::{
    Desired, StackDiff, compare, compare_stacks, delete_change_sets, deployed_template, drift_notes,
    to_planned_resources,
};
pub use deploy::change_set::{Prepared, Ready, delete_change_set, prepare};
pub use deploy::events::{DeployEvent, Operation, ResourceEvent, StoppedTasks};
pub use deploy::execution::{Execution, Limits, STEADY_WITHIN};
pub use deploy::preflight::{Finding, StackUpdate, rejections, rejections_before_change_set, requirements};
pub use deploy::rollout::{self, RolloutState};
pub use deploy::state::is_created;
pub use deploy::{
    DeployMethod, DeployRequest, Deployed, Message, Phase, ProposedChanges, Question, Reporter, StackChange,
    StackInputs, StackOutcome, StackPhases, TemplateSource, channel, deploy,
};
pub use destroy::{DeletionPlan, destroy, plan_deletions};
pub use error::OpsError;
pub use locate::locate_service;
pub use logs::{LogSource, Tail, TailOptions, log_groups};
pub use look_ups::LookUpError;
pub use scale::{ServiceCount, autoscaling_differences, desired_counts};
pub use status::{StatusReader, StatusReport};
pub use synthesiser::{LookUpEvent, Purpose, Synthesiser};
pub use target::{caller_environment, check_environment, check_region, target_environment};

type Result<T> = std::result::Result<T, OpsError>;

/// The stacks with these names, or `None` for those that do not exist.
pub async fn describe_stacks(aws: &Aws, names: impl IntoIterator<Item = &str>) -> Result<Vec<Option<Stack>>> {
    Ok(try_join_all(names.into_iter().map(|name| aws.stack(name))).await?)
}
