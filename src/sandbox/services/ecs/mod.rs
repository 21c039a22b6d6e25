//! Amazon ECS: clusters, task definitions, services, and tasks that are real processes.
//!
//! Operations change rows and answer at once; the [`scheduler`] sees every change and brings the processes in line with
//! the rows. What an operation says never starts or stops a process by itself.

use super::{Service as ServiceRow, operation};
use crate::sandbox::wire::Protocol;
use crate::sandbox::world::World;
use crate::sandbox::world::table::state;

pub mod addresses;
mod clusters;
mod containers;
mod create_service;
mod delete_service;
mod discovery;
mod driver;
pub mod engine;
pub mod images;
mod list_tasks;
mod model;
mod names;
mod network;
mod register_task_definition;
mod run_task;
mod runtime;
mod scheduler;
mod services;
mod show;
mod stop_task;
mod tags;
mod task_definitions;
mod update_service;

pub use model::{Cluster, Images, Service, Task, TaskDefinition};
pub use runtime::Runtime;
pub use scheduler::start;

/// The service's row.
pub static SERVICE: ServiceRow = ServiceRow {
    signing_name: "ecs",
    protocol: Protocol::Json11 { target_prefix: "AmazonEC2ContainerServiceV20141113" },
    validation_code: "InvalidParameterException",
    operations: &[
        operation!("CreateCluster" => clusters::create),
        operation!(async "CreateService" => create_service::run),
        operation!("DeleteCluster" => clusters::delete),
        operation!("DeleteService" => delete_service::run),
        operation!("DeregisterTaskDefinition" => task_definitions::deregister),
        operation!("DescribeClusters" => clusters::describe),
        operation!("DescribeServices" => services::describe),
        operation!("DescribeTaskDefinition" => task_definitions::describe),
        operation!("DescribeTasks" => list_tasks::describe),
        operation!("ListClusters" => clusters::list),
        operation!("ListServices" => services::list),
        operation!("ListTagsForResource" => tags::list),
        operation!("ListTaskDefinitionFamilies" => task_definitions::list_families),
        operation!("ListTaskDefinitions" => task_definitions::list),
        operation!("ListTasks" => list_tasks::list),
        operation!("RegisterTaskDefinition" => register_task_definition::run),
        operation!("RunTask" => run_task::run),
        operation!("StopTask" => stop_task::run),
        operation!("TagResource" => tags::add),
        operation!("UntagResource" => tags::remove),
        operation!("UpdateCluster" => clusters::update),
        operation!("UpdateService" => update_service::run),
    ],
};

state! {
    /// What the service remembers.
    pub struct State {
        /// By name.
        pub clusters: Table<Cluster> = "ecs_clusters",
        /// By family and revision.
        pub task_definitions: Table<TaskDefinition> = "ecs_task_definitions",
        /// By cluster and name.
        pub services: Table<Service> = "ecs_services",
        /// By cluster and id.
        pub tasks: Table<Task> = "ecs_tasks",
        /// By stack.
        pub images: Table<Images> = "ecs_images",
    }
}

/// The tasks of a service, of all its deployments.
fn tasks_of<'a>(world: &'a World, service: &Service) -> Vec<&'a Task> {
    let prefix = names::key(&service.cluster, "");
    let tasks = world.ecs.tasks.with_prefix(&prefix).map(|(_, task)| task);
    // A service that was deleted and made again does not own the tasks of the earlier one.
    tasks.filter(|task| task.service.as_ref() == Some(&service.name) && task.created_at >= service.created_at).collect()
}
