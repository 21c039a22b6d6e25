//! Amazon ECS: clusters, task definitions, services, and tasks that are real processes.
//!
//! Operations only change rows; the [`scheduler`] reconciles the processes with the rows after every change. No operation
//! starts or stops a task's process by itself.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Fault;
use crate::core::{AwsService, operation};
use crate::protocol::{Protocol, coerce};
use crate::store::States;
use crate::store::table::state;

mod arns;
mod capacity_providers;
mod clusters;
mod containers;
mod create_service;
mod definitions;
mod discovery;
mod driver;
mod execute_command;
mod faults;
pub(crate) mod images;
mod launch_settings;
mod limits;
mod lookups;
mod model;
mod protection;
mod responses;
mod run_task;
pub(crate) mod scaling;
mod scheduler;
pub(crate) mod service_addresses;
mod service_deployments;
mod services;
mod tags;
pub(crate) mod task_folder;
mod task_placement;
mod task_processes;
mod tasks;
mod update_service;
mod utilization;

pub(crate) use execute_command::exec_process_spec;
pub(crate) use limits::enforce_limits;
pub(crate) use model::{
    Cluster, Images, Service, ServiceDeployment, ServiceRevision, ServiceStatus, StoredImageCommand, Task,
    TaskDefinition, TaskStatus,
};
pub(crate) use scheduler::run_scheduler;
pub(crate) use task_processes::TaskProcesses;
pub(crate) use utilization::publish_utilization;

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: "ecs",
    protocols: &[Protocol::Json11 { target_prefix: "AmazonEC2ContainerServiceV20141113" }],
    validation_code: "InvalidParameterException",
    owner_only: false,
    input_hook: None,
    operations: &[
        operation!("CreateCluster" => clusters::create),
        operation!(async "CreateService" => create_service::run),
        operation!("DeleteCluster" => clusters::delete),
        operation!("DeleteService" => services::delete),
        operation!("DeleteTaskDefinitions" => definitions::delete),
        operation!("DeregisterTaskDefinition" => definitions::deregister),
        operation!("DescribeCapacityProviders" => capacity_providers::describe),
        operation!("DescribeClusters" => clusters::describe),
        operation!("DescribeServiceDeployments" => service_deployments::describe),
        operation!("DescribeServiceRevisions" => service_deployments::describe_revisions),
        operation!("DescribeServices" => services::describe),
        operation!("DescribeTaskDefinition" => definitions::describe),
        operation!("DescribeTasks" => tasks::describe),
        operation!("ExecuteCommand" => execute_command::run),
        operation!("GetTaskProtection" => protection::get),
        operation!("ListClusters" => clusters::list),
        operation!("ListServiceDeployments" => service_deployments::list),
        operation!("ListServices" => services::list),
        operation!("ListTagsForResource" => tags::list),
        operation!("ListTaskDefinitionFamilies" => definitions::list_families),
        operation!("ListTaskDefinitions" => definitions::list),
        operation!("ListTasks" => tasks::list),
        operation!("PutClusterCapacityProviders" => clusters::put_capacity_providers),
        operation!("RegisterTaskDefinition" => definitions::register_task_definition::run),
        operation!(async "RunTask" => run_task::run),
        operation!("StopServiceDeployment" => service_deployments::stop),
        operation!("StopTask" => tasks::stop),
        operation!("TagResource" => tags::add),
        operation!("UntagResource" => tags::remove),
        operation!("UpdateCluster" => clusters::update),
        operation!("UpdateClusterSettings" => clusters::update_settings),
        operation!(async "UpdateService" => update_service::run),
        operation!("UpdateTaskProtection" => protection::update),
    ],
};

state! {
    /// The stored state of the service.
    pub struct State {
        /// By name.
        pub clusters: Table<Cluster> = "ecs_clusters",
        /// By family and revision.
        pub task_definitions: Table<TaskDefinition> = "ecs_task_definitions",
        /// By cluster and name.
        pub services: Table<Service> = "ecs_services",
        /// By cluster and id.
        pub tasks: Table<Task> = "ecs_tasks",
        /// By cluster, service and id.
        pub service_deployments: Table<ServiceDeployment> = "ecs_service_deployments",
        /// By cluster, service and number.
        pub service_revisions: Table<ServiceRevision> = "ecs_service_revisions",
        /// By stack.
        pub images: Table<Images> = "ecs_images",
    }
}

/// The tasks of a service, of all its deployments.
fn tasks_of<'a>(states: &'a States, service: &Service) -> Vec<&'a Task> {
    let prefix = lookups::key(&service.cluster, "");
    let tasks = states.of::<State>().tasks.with_prefix(&prefix).map(|(_, task)| task);
    // A service that was deleted and created again does not own the tasks of the earlier one.
    tasks.filter(|task| task.service.as_ref() == Some(&service.name) && task.created_at >= service.created_at).collect()
}

/// An object without the members that are null.
fn without_nulls(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    value
}

/// Deserializes members, with ECS's fault if they do not fit.
fn read_members<T: DeserializeOwned>(members: Value) -> Result<T, Fault> {
    coerce::from_value(members).map_err(|error| SERVICE.input_fault("ecs", &error))
}
