//! The task definition of a service, with its one container, and the log group of that.

use serde_json::{Value, json};

use super::{LOG_GROUP, Resource, TASK_DEFINITION, arn, reference, unless_empty};
use crate::stack::look_ups::Environment;
use crate::stack::spec::{HealthCheck, Secret, Service};

/// The resources and values that a task definition refers to.
pub(in crate::stack) struct TaskDefinitionReferences<'a> {
    pub family: String,
    /// Logical id of the task role.
    pub task_role: &'a str,
    /// Logical id of the execution role.
    pub execution_role: &'a str,
    /// Logical id of the log group.
    pub log_group: &'a str,
    pub environment: &'a Environment,
}

/// A log group; without `retention_days` its events never expire.
pub(in crate::stack) fn log_group(name: Option<&str>, retention_days: Option<u32>) -> Resource {
    LOG_GROUP.with(json!({ "LogGroupName": name, "RetentionInDays": retention_days }))
}

pub(in crate::stack) fn task_definition(service: &Service, references: &TaskDefinitionReferences<'_>) -> Resource {
    let compatibilities: &[&str] = if service.ec2_compatible { &["EC2", "FARGATE"] } else { &["FARGATE"] };
    TASK_DEFINITION.with(json!({
        "ContainerDefinitions": [container(service, references)],
        "Cpu": service.cpu.to_string(),
        "ExecutionRoleArn": { "Fn::GetAtt": [references.execution_role, "Arn"] },
        "Family": references.family,
        "Memory": service.memory.to_string(),
        "NetworkMode": "awsvpc",
        "RequiresCompatibilities": compatibilities,
        "TaskRoleArn": { "Fn::GetAtt": [references.task_role, "Arn"] },
    }))
}

fn container(service: &Service, references: &TaskDefinitionReferences<'_>) -> Value {
    let Service { container, logs, .. } = service;
    let environment: Vec<Value> =
        container.environment.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
    let ports: Vec<Value> = container
        .ports
        .iter()
        .map(|port| json!({ "ContainerPort": port.number, "Protocol": port.protocol.name() }))
        .collect();
    let secrets: Vec<Value> = container
        .secrets
        .iter()
        .map(|(name, secret)| json!({ "Name": name, "ValueFrom": secret_arn(secret, references.environment, "") }))
        .collect();
    json!({
        "Command": container.command,
        "Environment": unless_empty(&environment),
        "Essential": true,
        "HealthCheck": container.health_check.as_ref().map(health_check),
        "Image": container.image,
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": reference(references.log_group),
                "awslogs-stream-prefix": logs.prefix,
                "awslogs-region": references.environment.region,
            },
        },
        "Memory": container.memory,
        "MemoryReservation": container.memory_reservation,
        "Name": container.name,
        "PortMappings": unless_empty(&ports),
        "Secrets": unless_empty(&secrets),
    })
}

fn health_check(check: &HealthCheck) -> Value {
    json!({
        "Command": check.command,
        "Interval": check.interval,
        "Retries": check.retries,
        "StartPeriod": check.start_period,
        "Timeout": check.timeout,
    })
}

/// The ARN of a parameter or secret; `suffix` is appended to a Secrets Manager name.
pub(in crate::stack) fn secret_arn(secret: &Secret, environment: &Environment, suffix: &str) -> Value {
    let Environment { account, region } = environment;
    match secret {
        Secret::Parameter(name) => arn(&format!(":ssm:{region}:{account}:parameter/{}", name.trim_start_matches('/'))),
        Secret::SecretsManager(name) => arn(&format!(":secretsmanager:{region}:{account}:secret:{name}{suffix}")),
    }
}
