//! AWS Cloud Map: namespaces, services and the instances that are registered with them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Service as ServiceRow, operation};
use crate::sandbox::wire::Protocol;
use crate::sandbox::world::table::state;

mod instances;
mod namespaces;
mod operations;
mod services;

/// A private DNS namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Namespace {
    /// `ns-…`.
    pub id: String,
    /// Its domain.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The network that resolves it.
    pub vpc: String,
    /// The hosted zone behind it.
    pub hosted_zone_id: String,
    /// What it is for.
    pub description: Option<String>,
    /// What made its creation unique.
    pub creator_request_id: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A service of a namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Service {
    /// `srv-…`.
    pub id: String,
    /// Its name in the namespace.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The namespace.
    pub namespace_id: String,
    /// What it is for.
    pub description: Option<String>,
    /// The DNS records that registering an instance makes, as they were given.
    pub dns_config: Value,
    /// The health check by a third party, as it was given.
    pub health_check_custom_config: Value,
    /// What made its creation unique.
    pub creator_request_id: String,
    /// When it was made.
    pub created: Timestamp,
}

/// An instance of a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Instance {
    /// Its id in the service.
    pub id: String,
    /// Attributes such as `AWS_INSTANCE_IPV4`.
    pub attributes: BTreeMap<String, String>,
    /// `HEALTHY` or `UNHEALTHY`.
    pub health: String,
}

/// A change that Cloud Map answers with before it is done; here it is done when it is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: String,
    /// Such as `CREATE_NAMESPACE`.
    pub kind: String,
    /// What it changed, by kind.
    pub targets: BTreeMap<String, String>,
    /// When it was asked for.
    pub created: Timestamp,
}

state! {
    /// What the service remembers.
    pub struct State {
        /// Namespaces by id.
        pub namespaces: Table<Namespace> = "cloudmap.namespaces",
        /// Services by id.
        pub services: Table<Service> = "cloudmap.services",
        /// Instances by `service id/instance id`.
        pub instances: Table<Instance> = "cloudmap.instances",
        /// Operations by id.
        pub operations: Table<Operation> = "cloudmap.operations",
    }
}

/// The service's row.
pub static SERVICE: ServiceRow = ServiceRow {
    signing_name: "servicediscovery",
    protocols: &[
        Protocol::Json11 { target_prefix: "Route53AutoNaming_v20170314" },
        Protocol::Cbor { service: "Route53AutoNaming_v20170314" },
    ],
    validation_code: "InvalidInput",
    operations: &[
        operation!("CreatePrivateDnsNamespace" => namespaces::create),
        operation!("GetNamespace" => namespaces::get),
        operation!("ListNamespaces" => namespaces::list),
        operation!("DeleteNamespace" => namespaces::delete),
        operation!("CreateService" => services::create),
        operation!("GetService" => services::get),
        operation!("ListServices" => services::list),
        operation!("UpdateService" => services::update),
        operation!("DeleteService" => services::delete),
        operation!("RegisterInstance" => instances::register),
        operation!("DeregisterInstance" => instances::deregister),
        operation!("GetInstance" => instances::get),
        operation!("ListInstances" => instances::list),
        operation!("DiscoverInstances" => instances::discover),
        operation!("UpdateInstanceCustomHealthStatus" => instances::update_health),
        operation!("GetOperation" => operations::get),
    ],
};
