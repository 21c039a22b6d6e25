//! The stack of a service: roles, task definition, log group, service, discovery, autoscaling.

use serde_json::{Value, json};

use super::SynthError;
use super::policy::{self, Policies};
use super::stack::{Attributes, Stack};
use crate::stack::construct::ConstructPath;
use crate::stack::lookups::{Environment, Lookups};
use crate::stack::resources::{
    autoscaling_policy, autoscaling_target, ecs_service, ecs_task_definition, iam_managed_policy, iam_policy, iam_role,
    imported, logs_log_group, servicediscovery_service,
};
use crate::stack::spec::{Autoscaling, Generation, LogGroup, Platform, Removal, Service, Spec};
use crate::stack::template::Template;

const TASKS_PRINCIPAL: &str = "ecs-tasks.amazonaws.com";

/// What several steps of one synth need.
struct Job<'a> {
    spec: &'a Spec,
    service: &'a Service,
    environment: &'a Environment,
    stack: Stack,
    /// The task role's resources, which everything of the service waits for; the first generation waits for none.
    prerequisites: Vec<String>,
}

pub(super) fn synth(
    spec: &Spec,
    service: &Service,
    environment: &Environment,
    lookups: &Lookups,
) -> Result<Template, SynthError> {
    let subnets = subnets(&spec.platform, lookups, service.public_ip)?;
    let stack = Stack::new(&service.stack, spec.cdk);
    let mut job = Job { spec, service, environment, stack, prerequisites: Vec::new() };
    let task_definition = job.task();
    job.service(&task_definition, subnets);
    Ok(job.stack.finish())
}

fn subnets<'a>(platform: &'a Platform, lookups: &'a Lookups, public: bool) -> Result<&'a [String], SynthError> {
    if let Some(subnets) = &platform.subnets {
        return Ok(subnets);
    }
    let none = || SynthError::NoSubnets { vpc: platform.vpc.clone(), public };
    let subnets = lookups.subnets(&platform.vpc).ok_or_else(none)?;
    // As the CDK chooses: private ones where there are some.
    let chosen = if public || subnets.private.is_empty() { &subnets.public } else { &subnets.private };
    if chosen.is_empty() { Err(none()) } else { Ok(chosen) }
}

impl Job<'_> {
    /// The task definition and all that belongs to it; gives back its logical id.
    fn task(&mut self) -> String {
        let Self { service, environment, .. } = *self;
        let task = self.stack.child(&service.task_id);
        let task_role = self.role(&task.child("TaskRole"));
        let policies = policy::task_role(&service.task_policy, service.exec, self.spec.cdk);
        let mut parts = self.policies(&task.child("TaskRole"), &task_role, &policies);
        parts.push((task.child("TaskRole").child("Resource"), task_role.clone()));
        parts.sort_by_key(|(path, _)| path.to_string());
        self.prerequisites = parts.into_iter().map(|(_, id)| id).collect();
        let execution_role = task.child("ExecutionRole");
        let log_group = self.log_group_path(&task);
        let around = ecs_task_definition::Surroundings {
            family: task.unique_name(),
            task_role: &task_role,
            execution_role: &execution_role.child("Resource").logical_id(),
            log_group: &log_group.logical_id(),
            environment,
        };
        let id = self.add(
            &task.child("Resource"),
            "AWS::ECS::TaskDefinition",
            ecs_task_definition::properties(service, &around),
        );
        if service.logs.group == LogGroup::OfContainer {
            self.log_group(&log_group, None, None, Removal::Retain);
        }
        let policies = policy::execution_role(&service.container, &log_group.logical_id(), environment, self.spec.cdk);
        let role = self.role(&execution_role);
        self.policies(&execution_role, &role, &policies);
        if let LogGroup::OfStack { name, retention_days, removal, .. } = &service.logs.group {
            self.log_group(&log_group, name.as_deref(), *retention_days, *removal);
        }
        id
    }

    /// The service, its place in Cloud Map and its autoscaling.
    fn service(&mut self, task_definition: &str, subnets: &[String]) {
        let Self { spec, service, .. } = *self;
        let construct = self.stack.child(&service.id);
        let discovery = construct.child("CloudmapService").child("Resource");
        let discovery_id = discovery.logical_id();
        let around = ecs_service::Surroundings {
            platform: &spec.platform,
            subnets,
            task_definition,
            discovery: service.discovery.as_ref().map(|_| discovery_id.as_str()),
        };
        let properties = ecs_service::properties(service, &around, spec.cdk, &self.environment.region);
        let id = self.add_after_role(&construct.child("Service"), "AWS::ECS::Service", properties);
        if let Some(name) = &service.discovery {
            let properties = servicediscovery_service::properties(name, &imported(&spec.platform.namespace));
            self.add_after_role(&discovery, "AWS::ServiceDiscovery::Service", properties);
        }
        if let Some(autoscaling) = &service.autoscaling {
            self.autoscaling(autoscaling, &construct, &id);
        }
    }

    fn autoscaling(&mut self, autoscaling: &Autoscaling, service: &ConstructPath, service_id: &str) {
        let target = service.child("TaskCount").child("Target");
        let capacity = (autoscaling.min, autoscaling.max);
        let properties = autoscaling_target::properties(
            capacity,
            &self.spec.platform.cluster,
            service_id,
            &self.environment.account,
        );
        let target_id =
            self.add_after_role(&target.child("Resource"), "AWS::ApplicationAutoScaling::ScalableTarget", properties);
        let policies = [
            ("CPUAutoscaling", "ECSServiceAverageCPUUtilization", &autoscaling.cpu),
            ("MemoryAutoscaling", "ECSServiceAverageMemoryUtilization", &autoscaling.memory),
        ];
        for (id, metric, tracking) in policies {
            let Some(tracking) = tracking else { continue };
            let policy = target.child(id);
            let properties = autoscaling_policy::properties(&policy.unique_name(), &target_id, metric, tracking);
            self.add_after_role(&policy.child("Resource"), "AWS::ApplicationAutoScaling::ScalingPolicy", properties);
        }
    }

    fn role(&mut self, role: &ConstructPath) -> String {
        self.add(&role.child("Resource"), "AWS::IAM::Role", iam_role::properties(&json!(TASKS_PRINCIPAL), &[]))
    }

    /// Adds the policies of a role and gives back their paths and logical ids; an inline policy without statements is left out.
    fn policies(&mut self, role: &ConstructPath, role_id: &str, policies: &Policies) -> Vec<(ConstructPath, String)> {
        let mut added = Vec::new();
        if !policies.inline.is_empty() {
            let path = role.child("DefaultPolicy").child("Resource");
            let properties = iam_policy::properties(&path.policy_name(), &policies.inline, role_id);
            let id = self.add(&path, "AWS::IAM::Policy", properties);
            added.push((path, id));
        }
        for (number, statements) in (1..).zip(&policies.overflow) {
            let path = role.child(&format!("OverflowPolicy{number}")).child("Resource");
            let description = format!("Part of the policies for {role}");
            let properties = iam_managed_policy::properties(&description, statements, role_id);
            let id = self.add(&path, "AWS::IAM::ManagedPolicy", properties);
            added.push((path, id));
        }
        added
    }

    fn log_group_path(&self, task: &ConstructPath) -> ConstructPath {
        let group = match &self.service.logs.group {
            LogGroup::OfContainer => task.child(&self.service.container.id).child("LogGroup"),
            LogGroup::OfStack { id, .. } => self.stack.child(id),
        };
        group.child("Resource")
    }

    fn log_group(&mut self, path: &ConstructPath, name: Option<&str>, retention_days: Option<u32>, removal: Removal) {
        let attributes = Attributes { removal: Some(removal), ..Attributes::default() };
        let properties = logs_log_group::properties(name, retention_days);
        self.stack.add_with(path, "AWS::Logs::LogGroup", properties, attributes);
    }

    fn add(&mut self, path: &ConstructPath, kind: &str, properties: Value) -> String {
        self.stack.add(path, kind, properties)
    }

    /// Adds what, in the second generation, waits for the task role.
    fn add_after_role(&mut self, path: &ConstructPath, kind: &str, properties: Value) -> String {
        let depends_on = match self.spec.cdk {
            Generation::One => Vec::new(),
            Generation::Two => self.prerequisites.clone(),
        };
        self.stack.add_with(path, kind, properties, Attributes { depends_on, ..Attributes::default() })
    }
}
