//! The stack of a service: roles, task definition, log group, service, discovery, autoscaling.

use serde_json::json;

use super::SynthError;
use super::policy::{self, Policies};
use super::stack_builder::{Attributes, StackBuilder};
use crate::stack::construct::ConstructPath;
use crate::stack::look_ups::{Environment, LookUps};
use crate::stack::resources::ecs_service::{self, ServiceReferences};
use crate::stack::resources::ecs_task_definition::{self, TaskDefinitionReferences};
use crate::stack::resources::{Resource, autoscaling, cloud_map, iam, imported};
use crate::stack::spec::{Autoscaling, CdkVersion, LogGroupSpec, Platform, RemovalPolicy, Service, Spec};
use crate::stack::template::Template;

const TASKS_PRINCIPAL: &str = "ecs-tasks.amazonaws.com";

/// The state of synthesising one service stack.
struct ServiceSynth<'a> {
    spec: &'a Spec,
    service: &'a Service,
    environment: &'a Environment,
    stack: StackBuilder,
    /// Logical ids of the task role and its policies, on which the service's resources depend in the second generation.
    prerequisites: Vec<String>,
}

pub(super) fn synth(
    spec: &Spec,
    service: &Service,
    environment: &Environment,
    look_ups: &LookUps,
) -> Result<Template, SynthError> {
    let subnets = subnets(&spec.platform, look_ups, service.public_ip)?;
    let stack = StackBuilder::new(&service.stack, spec.cdk);
    let mut synth = ServiceSynth { spec, service, environment, stack, prerequisites: Vec::new() };
    let task_definition = synth.add_task_definition();
    synth.add_service(&task_definition, subnets);
    Ok(synth.stack.finish())
}

fn subnets<'a>(platform: &'a Platform, look_ups: &'a LookUps, public: bool) -> Result<&'a [String], SynthError> {
    if let Some(subnets) = &platform.subnets {
        return Ok(subnets);
    }
    let none = || SynthError::NoSubnets { vpc: platform.vpc.clone(), public };
    let subnets = look_ups.subnets(&platform.vpc).ok_or_else(none)?;
    // Like the CDK, prefer private subnets.
    let chosen = if public || subnets.private.is_empty() { &subnets.public } else { &subnets.private };
    if chosen.is_empty() { Err(none()) } else { Ok(chosen) }
}

impl ServiceSynth<'_> {
    /// Adds the task definition, its roles and its log group; returns the task definition's logical id.
    fn add_task_definition(&mut self) -> String {
        let Self { service, environment, .. } = *self;
        let task = self.stack.child(&service.task_id);
        let task_role = self.add_role(&task.child("TaskRole"));
        let policies = policy::task_role(&service.task_policy, service.exec, self.spec.cdk);
        let mut parts = self.add_policies(&task.child("TaskRole"), &task_role, &policies);
        parts.push((task.child("TaskRole").child("Resource"), task_role.clone()));
        parts.sort_by_key(|(path, _)| path.to_string());
        self.prerequisites = parts.into_iter().map(|(_, id)| id).collect();
        let execution_role = task.child("ExecutionRole");
        let log_group = self.log_group_path(&task);
        let references = TaskDefinitionReferences {
            family: task.unique_name(),
            task_role: &task_role,
            execution_role: &execution_role.child("Resource").logical_id(),
            log_group: &log_group.logical_id(),
            environment,
        };
        let task_definition = ecs_task_definition::task_definition(service, &references);
        let id = self.stack.add(&task.child("Resource"), task_definition);
        if service.logs.group == LogGroupSpec::Implicit {
            self.add_log_group(&log_group, None, None, RemovalPolicy::Retain);
        }
        let policies = policy::execution_role(&service.container, &log_group.logical_id(), environment, self.spec.cdk);
        let role = self.add_role(&execution_role);
        self.add_policies(&execution_role, &role, &policies);
        if let LogGroupSpec::Explicit { name, retention_days, removal, .. } = &service.logs.group {
            self.add_log_group(&log_group, name.as_deref(), *retention_days, *removal);
        }
        id
    }

    /// Adds the service, its Cloud Map service and its autoscaling.
    fn add_service(&mut self, task_definition: &str, subnets: &[String]) {
        let Self { spec, service, .. } = *self;
        let construct = self.stack.child(&service.id);
        let discovery = construct.child("CloudmapService").child("Resource");
        let discovery_id = discovery.logical_id();
        let references = ServiceReferences {
            platform: &spec.platform,
            subnets,
            task_definition,
            discovery: service.discovery.as_ref().map(|_| discovery_id.as_str()),
        };
        let resource = ecs_service::service(service, &references, spec.cdk, &self.environment.region);
        let id = self.add_after_role(&construct.child("Service"), resource);
        if let Some(name) = &service.discovery {
            self.add_after_role(&discovery, cloud_map::service(name, &imported(&spec.platform.namespace)));
        }
        if let Some(autoscaling) = &service.autoscaling {
            self.add_autoscaling(autoscaling, &construct, &id);
        }
    }

    fn add_autoscaling(&mut self, autoscaling: &Autoscaling, service: &ConstructPath, service_id: &str) {
        let target = service.child("TaskCount").child("Target");
        let (cluster, account) = (&self.spec.platform.cluster, &self.environment.account);
        let resource = autoscaling::scalable_target(autoscaling, cluster, service_id, account);
        let target_id = self.add_after_role(&target.child("Resource"), resource);
        let policies = [
            ("CPUAutoscaling", "ECSServiceAverageCPUUtilization", &autoscaling.cpu),
            ("MemoryAutoscaling", "ECSServiceAverageMemoryUtilization", &autoscaling.memory),
        ];
        for (id, metric, tracking) in policies {
            let Some(tracking) = tracking else { continue };
            let policy = target.child(id);
            let resource = autoscaling::scaling_policy(&policy.unique_name(), &target_id, metric, tracking);
            self.add_after_role(&policy.child("Resource"), resource);
        }
    }

    fn add_role(&mut self, role: &ConstructPath) -> String {
        self.stack.add(&role.child("Resource"), iam::role(&json!(TASKS_PRINCIPAL), &[]))
    }

    /// Adds the policies of a role and returns their paths and logical ids. An inline policy without statements is left out.
    fn add_policies(
        &mut self,
        role: &ConstructPath,
        role_id: &str,
        policies: &Policies,
    ) -> Vec<(ConstructPath, String)> {
        let mut added = Vec::new();
        if !policies.inline.is_empty() {
            let path = role.child("DefaultPolicy").child("Resource");
            let id = self.stack.add(&path, iam::policy(&path.policy_name(), &policies.inline, role_id));
            added.push((path, id));
        }
        for (number, statements) in (1..).zip(&policies.overflow) {
            let path = role.child(&format!("OverflowPolicy{number}")).child("Resource");
            let description = format!("Part of the policies for {role}");
            let id = self.stack.add(&path, iam::managed_policy(&description, statements, role_id));
            added.push((path, id));
        }
        added
    }

    fn log_group_path(&self, task: &ConstructPath) -> ConstructPath {
        let group = match &self.service.logs.group {
            LogGroupSpec::Implicit => task.child(&self.service.container.id).child("LogGroup"),
            LogGroupSpec::Explicit { id, .. } => self.stack.child(id),
        };
        group.child("Resource")
    }

    fn add_log_group(
        &mut self,
        path: &ConstructPath,
        name: Option<&str>,
        retention_days: Option<u32>,
        removal: RemovalPolicy,
    ) {
        let attributes = Attributes { removal: Some(removal), ..Attributes::default() };
        self.stack.add_with(path, ecs_task_definition::log_group(name, retention_days), attributes);
    }

    /// Adds a resource that, in the second generation, depends on the task role.
    fn add_after_role(&mut self, path: &ConstructPath, resource: Resource) -> String {
        let depends_on = match self.spec.cdk {
            CdkVersion::V1 => Vec::new(),
            CdkVersion::V2 => self.prerequisites.clone(),
        };
        self.stack.add_with(path, resource, Attributes { depends_on, ..Attributes::default() })
    }
}
