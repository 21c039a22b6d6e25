//! The long-running work over AWS and the stack model. It emits typed events and never writes to the terminal.

mod aws_look_ups;
mod cancel;
mod compare;
mod deploy;
mod destroy;
mod direct_change;
mod environment;
mod error;
mod locate;
mod logs;
mod read_cache;
mod retry;
mod scale;
mod status;
mod synthesiser;

use futures_util::future::try_join_all;

use crate::aws::Aws;
use crate::model::Stack;

pub(crate) use aws_look_ups::LookUpError;
pub(crate) use cancel::{cancel, cancellation};
pub use compare::{DiffInputs, StackDiff, TemporaryChangeSets, compare};
pub(crate) use compare::{compare_stacks, running_differences};
pub(crate) use deploy::events::StoppedTasks;
pub use deploy::events::{DeployEvent, Operation, ResourceEvent};
pub use deploy::execution::{Execution, Timeout};
pub use deploy::preflight::{Finding, StackUpdate, rejections, rejections_before_change_set};
pub use deploy::prepared_change_set::{PreparedChangeSet, prepare_change_set};
pub use deploy::rollout::{self, RolloutState};
pub(crate) use deploy::service_watches::SteadyLimit;
pub use deploy::{
    DeployMethod, DeployRequest, Message, Question, StackInputs, StackOutcome, TemplateSource, deploy, message_channel,
};
pub(crate) use deploy::{DeployResult, Deployed, ProposedChanges, Reporter, StackPhases};
pub use destroy::destroy;
pub(crate) use destroy::{DeletionPlan, plan_deletions};
pub(crate) use direct_change::DirectChange;
pub(crate) use environment::{caller_environment, check_environment, check_region, target_environment};
pub use error::OpsError;
pub(crate) use locate::find_service;
pub use locate::locate_service;
pub(crate) use logs::{
    AwsPages, Follow, GroupEvent, History, LiveNotice, LogPages, LogSource, MergedHistory, PageReader, PreviousTasks,
    RequestBudget, RetryTime, deployment_end, last_events, log_groups, tasks_end,
};
pub use read_cache::ReadCache;
pub(crate) use scale::autoscaling_differences;
pub(crate) use status::{STATUS_POLL_INTERVAL, StatusReader, service_status};
pub use status::{ServicePhase, StateSummary, StatusReport, StoppedCause};
pub(crate) use synthesiser::{LookUpEvent, Purpose, Synthesiser};

type Result<T> = std::result::Result<T, OpsError>;

/// The stacks with these names, or `None` for those that do not exist.
pub(crate) async fn describe_stacks(aws: &Aws, names: impl IntoIterator<Item = &str>) -> Result<Vec<Option<Stack>>> {
    Ok(try_join_all(names.into_iter().map(|name| aws.stack(name))).await?)
}
