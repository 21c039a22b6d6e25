//! `AWS::ECS::TaskDefinition`: the service's one container and its roles.

use serde_json::{Value, json};

use super::{ResourceType, arn, unless_empty};
use crate::stack::lookups::Environment;
use crate::stack::spec::{HealthCheck, Secret, Service};
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::ECS::TaskDefinition", required_first: &[] };

/// What the task definition refers to.
pub(in crate::stack) struct Surroundings<'a> {
    /// The task definition's family.
    pub family: String,
    /// Logical id of the task role.
    pub task_role: &'a str,
    /// Logical id of the execution role.
    pub execution_role: &'a str,
    /// Logical id of the log group.
    pub log_group: &'a str,
    /// Where the stack goes.
    pub environment: &'a Environment,
}

/// The task definition of a service.
pub(in crate::stack) fn properties(service: &Service, around: &Surroundings<'_>) -> Value {
    let compatibilities: &[&str] = if service.ec2_compatible { &["EC2", "FARGATE"] } else { &["FARGATE"] };
    json!({
        "ContainerDefinitions": [container(service, around)],
        "Cpu": service.cpu.to_string(),
        "ExecutionRoleArn": { "Fn::GetAtt": [around.execution_role, "Arn"] },
        "Family": around.family,
        "Memory": service.memory.to_string(),
        "NetworkMode": "awsvpc",
        "RequiresCompatibilities": compatibilities,
        "TaskRoleArn": { "Fn::GetAtt": [around.task_role, "Arn"] },
    })
}

fn container(service: &Service, around: &Surroundings<'_>) -> Value {
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
        .map(|(name, secret)| json!({ "Name": name, "ValueFrom": secret_arn(secret, around.environment, "") }))
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
                "awslogs-group": { "Ref": around.log_group },
                "awslogs-stream-prefix": logs.prefix,
                "awslogs-region": around.environment.region,
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

/// The ARN of a secret's store entry, with `suffix` behind a Secrets Manager name.
pub(in crate::stack) fn secret_arn(secret: &Secret, environment: &Environment, suffix: &str) -> Value {
    let Environment { account, region } = environment;
    match secret {
        Secret::Parameter(name) => arn(&format!(":ssm:{region}:{account}:parameter/{}", name.trim_start_matches('/'))),
        Secret::SecretsManager(name) => arn(&format!(":secretsmanager:{region}:{account}:secret:{name}{suffix}")),
    }
}
