//! One phase of an operation on a stack: what all phases read of the stack, and the only way in which they change it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::{apply_template, deletion, discard_creation, rollback};
use crate::base::tags::Tag;
use crate::cloudformation::State;
use crate::cloudformation::model::{Resource, ResourceStatus, Stack, StackDefinition, StackStatus};
use crate::cloudformation::resources::{HandlerContext, STACK_ID_TAG};
use crate::cloudformation::template::Template;
use crate::cloudformation::template::evaluation_scope::{EvaluationScope, ResourceValues};
use crate::cloudformation::template::template_check::{Dependencies, active_dependencies};
use crate::{Fault, Sandbox};

/// One phase of an operation on a stack.
#[derive(Debug, Clone)]
pub(super) struct StackPhase {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) stack_id: String,
    pub(super) stack_name: String,
    /// The stack's status during the phase.
    pub(super) status: StackStatus,
    /// Whether this was the operation's last phase, and it has ended.
    pub(super) is_finished: Arc<AtomicBool>,
}

/// A template with what its references resolve to.
pub(super) struct ResolvedTemplate<'a> {
    pub(super) template: &'a Template,
    pub(super) scope: EvaluationScope<'a>,
    /// The resources whose conditions hold, with their dependencies.
    pub(super) active: Dependencies,
}

impl StackPhase {
    /// The phase of the operation in progress on a stack; `None` when there is none.
    pub(super) fn find(sandbox: &Arc<Sandbox>, stack_id: &str) -> Option<Self> {
        let (stack_name, status) = sandbox.store.read(|states| {
            let stack = states.of::<State>().stacks.get(stack_id)?;
            Some((stack.name.clone(), stack.status))
        })?;
        let (sandbox, stack_id) = (Arc::clone(sandbox), stack_id.to_owned());
        let phase = Self { sandbox, stack_id, stack_name, status, is_finished: Arc::default() };
        status.is_in_progress().then_some(phase)
    }

    pub(super) async fn run_phase(&self) -> Result<(), Fault> {
        match self.status {
            StackStatus::CreateInProgress | StackStatus::UpdateInProgress => apply_template::run(self).await,
            StackStatus::UpdateRollbackInProgress => rollback::run(self).await,
            status if status.is_cleanup() => deletion::clean_up(self).await,
            _ => deletion::delete_stack(self).await,
        }
    }

    /// Whether the stack is still in this phase: a request may have cancelled the operation.
    pub(super) fn is_current(&self) -> bool {
        self.sandbox.store.read(|states| {
            states.of::<State>().stacks.get(&self.stack_id).is_some_and(|stack| stack.status == self.status)
        })
    }

    pub(super) fn stack(&self) -> Result<Stack, Fault> {
        let stack = self.sandbox.store.read(|states| states.of::<State>().stacks.get(&self.stack_id).cloned());
        stack.ok_or_else(|| Fault::internal("the stack of an operation in progress does not exist"))
    }

    pub(super) fn resources(&self) -> BTreeMap<String, Resource> {
        self.sandbox.store.read(|states| states.of::<State>().resources_of(&self.stack_id))
    }

    pub(super) fn resource(&self, name: &str) -> Option<Resource> {
        self.sandbox.store.read(|states| states.of::<State>().resources.get(&self.key(name)).cloned())
    }

    /// The key of a resource in the tables.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}|{name}", self.stack_id)
    }

    /// Ends the phase: gives the stack its next status, together with `change`.
    pub(super) fn finish(
        &self,
        status: StackStatus,
        reason: Option<String>,
        change: impl FnOnce(&mut Stack),
    ) -> Result<(), Fault> {
        let now = self.sandbox.clock.now();
        let ended = self.sandbox.store.write(|states| {
            let state = states.of_mut::<State>();
            let Some(stack) = state.stacks.get_mut(&self.stack_id).filter(|stack| stack.status == self.status) else {
                return Ok(false);
            };
            change(stack);
            if !status.is_in_progress() {
                stack.pending_imports.clear();
            }
            state.set_status(&self.stack_id, status, reason, now);
            Ok(true)
        })?;
        self.is_finished.store(ended && !status.is_in_progress(), Ordering::Release);
        Ok(())
    }

    /// Removes what the unfinished creation of a resource has inserted.
    pub(super) fn discard_creation(&self, name: &str) -> Result<(), Fault> {
        self.sandbox.store.write(|states| {
            discard_creation(states, &self.key(name));
            Ok(())
        })
    }

    /// Stores a resource with a status and its event.
    pub(super) fn set_status(
        &self,
        resource: &mut Resource,
        status: ResourceStatus,
        reason: Option<&str>,
    ) -> Result<(), Fault> {
        self.set_status_with(resource, status, reason, None)
    }

    /// Stores a resource with a status and its event, which shows `properties` instead of those of the physical resource.
    pub(super) fn set_status_with(
        &self,
        resource: &mut Resource,
        status: ResourceStatus,
        reason: Option<&str>,
        properties: Option<&Value>,
    ) -> Result<(), Fault> {
        resource.status = status;
        resource.reason = reason.map(str::to_owned);
        resource.changed = self.sandbox.clock.now();
        let stored = resource.clone();
        self.sandbox.store.write(|states| {
            states.of_mut::<State>().set_resource(&self.stack_id, stored, properties);
            Ok(())
        })
    }

    /// Stores a resource without an event.
    pub(super) fn store_resource(&self, resource: Resource) -> Result<(), Fault> {
        self.sandbox.store.write(|states| {
            states.of_mut::<State>().store_resource(&self.stack_id, resource);
            Ok(())
        })
    }

    /// What the handlers of a resource get.
    pub(super) fn context(&self, logical_id: &str, tags: &[Tag]) -> HandlerContext {
        let added = [
            ("aws:cloudformation:stack-name", self.stack_name.as_str()),
            ("aws:cloudformation:logical-id", logical_id),
            (STACK_ID_TAG, self.stack_id.as_str()),
        ];
        let added = added.map(|(key, value)| Tag { key: key.to_owned(), value: value.to_owned() });
        HandlerContext {
            sandbox: Arc::clone(&self.sandbox),
            stack_name: self.stack_name.clone(),
            logical_id: logical_id.to_owned(),
            resource_type: "",
            tags: tags.iter().cloned().chain(added).collect(),
            creation: None,
        }
    }

    /// Resolves a template against the stack's current resources.
    pub(super) fn resolve<'a>(
        &'a self,
        definition: &StackDefinition,
        template: &'a Template,
    ) -> Result<ResolvedTemplate<'a>, Fault> {
        let scope = self.scope(definition, template, self.resources());
        let active = active_dependencies(template, &scope)?;
        Ok(ResolvedTemplate { template, scope, active })
    }

    fn scope<'a>(
        &'a self,
        definition: &StackDefinition,
        template: &'a Template,
        resources: BTreeMap<String, Resource>,
    ) -> EvaluationScope<'a> {
        let exports = self.sandbox.store.read(|states| states.of::<State>().exports());
        let values = |resource: Resource| {
            let current = resource.current?;
            Some((resource.logical_id, ResourceValues::Known(current.physical_id, current.attributes)))
        };
        let config = &self.sandbox.config;
        EvaluationScope {
            resources: resources.into_values().filter_map(values).collect(),
            exports,
            ..EvaluationScope::of_definition(definition, template, config, &self.stack_name, &self.stack_id)
        }
    }

    /// The scope of one resource. It only has the resource's dependencies: with all resources for each resource, large stacks
    /// would keep other callers waiting.
    pub(super) fn scope_of<'a>(
        &'a self,
        definition: &StackDefinition,
        template: &'a Template,
        depends_on: &[String],
    ) -> EvaluationScope<'a> {
        let resource = |name: &String| Some((name.clone(), self.resource(name)?));
        self.scope(definition, template, depends_on.iter().filter_map(resource).collect())
    }
}
