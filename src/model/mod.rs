//! Plain values that `aws` returns, `ops` works with and `render` shows. They do not depend on the SDKs.

mod change_set;
mod discovery;
mod log;
mod network;
mod scaling;
mod service;
mod stack;
mod task;

pub use change_set::{ChangeSet, ChangeSetKind, PlannedChange};
pub use discovery::{DiscoveryInstance, DiscoveryService};
pub use log::{LogEvent, LogGroup, LogPage, LogQuery, LogStream};
pub use network::{Subnet, Vpc};
pub use scaling::{ScalableTarget, ScalingPolicy};
pub use service::{Deployment, ServiceArn, ServiceEvent, ServiceName, ServiceState};
pub use stack::{Export, Output, Stack, StackEvent, StackRequest, StackResource, stack_name};
pub use task::{Container, LogDestination, Task};
