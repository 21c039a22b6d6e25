//! Phases that are run again after a process or a disk failed in their middle.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::graph;
use super::phase::StackPhase;
use crate::cloudformation::model::{Resource, ResourceStatus, StackStatus, State};
use crate::{Config, Fault, Sandbox};

fn open(folder: &tempfile::TempDir) -> Arc<Sandbox> {
    crate::open(Config::for_test(folder.path(), 20.0), CancellationToken::new()).expect("a sandbox")
}

fn template(value: &str) -> Value {
    let parameter = json!({ "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": value } });
    json!({ "Resources": { "One": parameter } }).to_string().into()
}

async fn call(sandbox: &Arc<Sandbox>, operation: &str, value: &str) {
    let input = json!({ "StackName": "s", "TemplateBody": template(value) });
    sandbox.call("cloudformation", operation, input).await.expect("it is accepted");
}

/// Waits for the end of the operation; returns the statuses of the stack and of its resource.
async fn finished(sandbox: &Arc<Sandbox>) -> (StackStatus, Option<ResourceStatus>) {
    let statuses = || {
        sandbox.store.read(|states| {
            let stack = states.of::<State>().find("s").expect("the stack");
            let resource = states.of::<State>().resources_of(&stack.id).remove("One");
            (stack.status, resource.map(|resource| resource.status))
        })
    };
    let finished = async {
        while statuses().0.is_in_progress() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), finished).await.expect("the operation ends");
    statuses()
}

/// Changes the stored stack into what a failure left, and resumes its operation.
fn resume_from(sandbox: &Arc<Sandbox>, status: StackStatus, damage: impl FnOnce(&mut Resource)) {
    let changed = sandbox.store.write(|states| {
        let state: &mut State = states.of_mut::<State>();
        let id = state.find("s").expect("the stack").id.clone();
        let mut resource = state.resources_of(&id).remove("One").expect("the resource");
        damage(&mut resource);
        state.store_resource(&id, resource);
        state.stacks.get_mut(&id).expect("the stack").status = status;
        Ok(())
    });
    changed.expect("it is stored");
    super::resume(sandbox);
}

#[tokio::test]
async fn a_resource_is_retried_whose_failure_was_stored_without_the_stack_s() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = open(&folder);
    call(&sandbox, "CreateStack", "1").await;
    finished(&sandbox).await;
    resume_from(&sandbox, StackStatus::CreateInProgress, |resource| resource.status = ResourceStatus::CreateFailed);
    assert_eq!(finished(&sandbox).await, (StackStatus::CreateComplete, Some(ResourceStatus::CreateComplete)));
    resume_from(&sandbox, StackStatus::UpdateInProgress, |resource| {
        resource.previous.clone_from(&resource.current);
        resource.status = ResourceStatus::UpdateFailed;
    });
    assert_eq!(finished(&sandbox).await, (StackStatus::UpdateComplete, Some(ResourceStatus::UpdateComplete)));
}

#[tokio::test]
async fn a_resumed_rollback_completes_the_resources_that_it_had_begun_to_restore() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = open(&folder);
    call(&sandbox, "CreateStack", "1").await;
    finished(&sandbox).await;
    resume_from(&sandbox, StackStatus::UpdateRollbackInProgress, |resource| {
        resource.status = ResourceStatus::UpdateInProgress;
    });
    assert_eq!(finished(&sandbox).await, (StackStatus::UpdateRollbackComplete, Some(ResourceStatus::UpdateComplete)));
}

#[tokio::test]
async fn a_stored_template_that_is_no_longer_valid_ends_its_operation() {
    for (from, to) in [
        (StackStatus::CreateInProgress, StackStatus::CreateFailed),
        (StackStatus::UpdateInProgress, StackStatus::UpdateFailed),
        (StackStatus::UpdateCompleteCleanupInProgress, StackStatus::UpdateComplete),
        (StackStatus::UpdateRollbackInProgress, StackStatus::UpdateRollbackComplete),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let sandbox = open(&folder);
        call(&sandbox, "CreateStack", "1").await;
        finished(&sandbox).await;
        let damaged = sandbox.store.write(|states| {
            let id = states.of::<State>().find("s").expect("the stack").id.clone();
            let stack = states.of_mut::<State>().stacks.get_mut(&id).expect("the stack");
            "{".clone_into(&mut stack.definition.template_body);
            Ok(())
        });
        damaged.expect("it is stored");
        resume_from(&sandbox, from, |_| {});
        assert_eq!(finished(&sandbox).await.0, to);
        if to == StackStatus::UpdateComplete {
            call(&sandbox, "UpdateStack", "2").await;
            assert_eq!(finished(&sandbox).await.0, StackStatus::UpdateComplete);
        }
        sandbox.call("cloudformation", "DeleteStack", json!({ "StackName": "s" })).await.expect("it is accepted");
        let is_gone = || sandbox.store.read(|states| states.of::<State>().find("s").is_none());
        let gone = async {
            while !is_gone() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone).await.expect("it is deleted");
    }
}

#[tokio::test]
async fn a_full_disk_is_retried_and_a_resource_s_failure_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let operation = StackPhase {
        sandbox: open(&folder),
        stack_id: "id".to_owned(),
        stack_name: "s".to_owned(),
        status: StackStatus::DeleteInProgress,
        is_finished: Arc::default(),
    };
    let all = || [("One".to_owned(), Vec::new())].into();
    let refused =
        |_, _| -> graph::ResourceFuture { Box::pin(async { Err(Fault::client("DependencyViolation", "in use")) }) };
    let outcome = graph::run_all(&operation, all(), refused).await.expect("it has run");
    assert_eq!(outcome.failed, ["One"]);
    let full = |_, _| -> graph::ResourceFuture { Box::pin(async { Err(Fault::internal("no space left")) }) };
    let fault = graph::run_all(&operation, all(), full).await.expect_err("it is to be retried");
    assert_eq!(fault.message, "no space left");
}
