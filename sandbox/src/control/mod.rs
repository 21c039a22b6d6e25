//! The sandbox's own service, outside AWS's API. Control calls are signed for the service `ecsws`, with a secret of their own.

use std::sync::Arc;

use serde_json::{Value, json};

#[expect(missing_docs, reason = "most members are what their names say")]
pub mod messages;
mod sandbox_status;

use crate::Sandbox;
use crate::cloudformation::resources;
use crate::core::{AwsService, NoInput, OperationResult, operation};
use crate::fault_injection::Rules;
use crate::process::container_engine::EngineKind;
use crate::protocol::Protocol;
use crate::services::ecs::{self, images, service_addresses};
use messages::{ImageCommand, ImageRuntime, RuntimeCheck, RuntimeReport, ServiceUrl, ServiceUrls, StackImages};

/// The name that control calls are signed for.
pub(crate) const SIGNING_NAME: &str = crate::auth::CONTROL_SERVICE;
/// The prefix of the targets of control calls.
pub(crate) const TARGET_PREFIX: &str = "EcswsSandbox";

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: SIGNING_NAME,
    protocols: &[Protocol::Json11 { target_prefix: TARGET_PREFIX }],
    validation_code: "ValidationException",
    owner_only: true,
    input_hook: None,
    operations: &[
        operation!(async "CheckRuntime" => check_runtime),
        operation!("DescribeAddresses" => describe_addresses),
        operation!("DescribeFaults" => describe_faults),
        operation!("PutFaults" => put_faults),
        operation!("PutImages" => put_images),
        operation!("Shutdown" => shutdown),
        operation!("Status" => sandbox_status::run),
    ],
};

/// `PutFaults`: replaces all rules of fault injection.
fn put_faults(sandbox: &Arc<Sandbox>, rules: Rules) -> OperationResult {
    let operations: Vec<String> = sandbox.registry.operations().collect();
    let resource_types: Vec<&str> = resources::all().map(|kind| kind.name).collect();
    sandbox.fault_injector.put(rules, &operations, &resource_types)?;
    Ok(json!({}))
}

fn describe_faults(sandbox: &Arc<Sandbox>, NoInput {}: NoInput) -> Value {
    sandbox.fault_injector.to_output()
}

/// `PutImages`: replaces what runs the images of a stack.
fn put_images(sandbox: &Arc<Sandbox>, input: StackImages) -> OperationResult {
    let StackImages { stack_name, runtime, images } = input;
    let images = images
        .into_iter()
        .map(|(image, ImageCommand { command, cwd })| (image, ecs::StoredImageCommand { command, cwd }));
    images::put(sandbox, stack_name, ecs::Images { images: images.collect(), engine: engine(runtime) })?;
    Ok(json!({}))
}

/// `CheckRuntime`: whether the runtime can be used, what it cannot do, and which images it would have to pull.
async fn check_runtime(sandbox: Arc<Sandbox>, input: RuntimeCheck) -> OperationResult {
    let RuntimeCheck { runtime, images } = input;
    let report = match images::check_runtime(&sandbox, engine(runtime), images).await {
        Ok((unenforced_limits, missing)) => RuntimeReport { unusable: None, unenforced_limits, missing },
        Err(error) => RuntimeReport { unusable: Some(error.to_string()), ..RuntimeReport::default() },
    };
    Ok(json!(report))
}

fn describe_addresses(sandbox: &Arc<Sandbox>, NoInput {}: NoInput) -> Value {
    let urls = service_addresses::urls(sandbox).into_iter().filter_map(|(key, url)| {
        let (cluster, service) = key.split_once('/')?;
        Some(ServiceUrl { cluster: cluster.to_owned(), service: service.to_owned(), url })
    });
    json!(ServiceUrls { addresses: urls.collect() })
}

fn engine(runtime: ImageRuntime) -> Option<EngineKind> {
    match runtime {
        ImageRuntime::Process => None,
        ImageRuntime::Podman => Some(EngineKind::Podman),
        ImageRuntime::Docker => Some(EngineKind::Docker),
    }
}

fn shutdown(sandbox: &Arc<Sandbox>, NoInput {}: NoInput) -> Value {
    sandbox.shutdown.cancel();
    json!({})
}
