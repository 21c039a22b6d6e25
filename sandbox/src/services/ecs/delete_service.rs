//! DeleteService: the service drains, and is inactive when its last task has stopped.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::model::ServiceStatus;
use super::names::{self, invalid, key};
use super::show;
use crate::Sandbox;
use crate::core::Reply;
use crate::services::ecs::State;

#[derive(Deserialize)]
pub(super) struct Input {
    cluster: Option<String>,
    service: String,
    #[serde(default)]
    force: bool,
}

pub(super) fn run(sandbox: &Arc<Sandbox>, Input { cluster, service, force }: Input) -> Reply {
    sandbox.world.write(|world| {
        let mut service = names::service(world, cluster.as_deref(), &service)?.clone();
        if service.status == ServiceStatus::Inactive {
            return Err(names::no_such_service());
        }
        if service.status == ServiceStatus::Draining {
            return Ok(json!({ "service": show::service(&sandbox.config, world, &service, true) }));
        }
        if service.desired_count > 0 && !force {
            return Err(invalid("The service cannot be stopped while it is scaled above 0."));
        }
        service.status = ServiceStatus::Draining;
        service.desired_count = 0;
        for deployment in &mut service.deployments {
            deployment.desired_count = 0;
        }
        let shown = show::service(&sandbox.config, world, &service, true);
        world.of_mut::<State>().services.insert(key(&service.cluster, &service.name), service);
        Ok(json!({ "service": shown }))
    })
}
