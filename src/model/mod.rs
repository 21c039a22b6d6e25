//! Plain values that `aws` returns, `ops` works with and `render` shows. They do not depend on the SDKs.

mod change_set;
mod discovery;
mod json_time;
mod log;
mod network;
mod scaling;
mod service;
mod stack;
mod stack_status;
mod task;

pub use change_set::PlannedChange;
pub(crate) use change_set::{ChangeSet, ChangeSetKind, ChangeSetSummary};
pub use discovery::{DiscoveryInstance, DiscoveryService};
pub(crate) use json_time::{json_time, serialize_optional_time, serialize_time};
pub(crate) use log::{LiveUpdate, LogEvent, LogGroup, LogPage, LogQuery, LogStream, log_group_name};
pub(crate) use network::{Subnet, Vpc};
pub use scaling::{ScalableTarget, ScalingActivity, ScalingPolicy};
pub use service::{Deployment, ServiceEvent};
pub(crate) use service::{ServiceArn, ServiceName, ServiceState};
pub(crate) use stack::{Export, Output, StackEvent, StackResource, stack_name};
pub use stack::{Stack, StackRequest};
pub(crate) use stack_status::StackState;
pub use stack_status::StackStatus;
pub(crate) use task::LogDestination;
pub use task::{Container, Task};
