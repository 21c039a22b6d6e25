//! AWS Cloud Map: namespaces, services and the instances that are registered with them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Fault;
use crate::base::paging::InvalidToken;
use crate::base::tags::Tag;
use crate::core::{Service as ServiceRow, operation};
use crate::protocol::Protocol;
use crate::store::table::state;

mod instances;
mod namespaces;
mod operations;
mod services;
mod tags;

/// A namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Namespace {
    /// `ns-…`.
    pub id: String,
    /// Its domain.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// How it is found.
    #[serde(default)]
    pub kind: Kind,
    /// The network that resolves a private one.
    pub vpc: String,
    /// The hosted zone behind one with DNS.
    pub hosted_zone_id: String,
    /// How long resolvers keep the zone's start of authority, in seconds.
    #[serde(default = "soa_ttl")]
    pub soa_ttl: i64,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// What it is for.
    pub description: Option<String>,
    /// What made its creation unique.
    pub creator_request_id: String,
    /// When it was made.
    pub created: Timestamp,
}

/// How a namespace is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// By API calls only.
    #[serde(rename = "HTTP")]
    Http,
    /// By DNS within a network too.
    #[default]
    #[serde(rename = "DNS_PRIVATE")]
    PrivateDns,
    /// By DNS anywhere too.
    #[serde(rename = "DNS_PUBLIC")]
    PublicDns,
}

impl Kind {
    /// As answers and filters have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::PrivateDns => "DNS_PRIVATE",
            Self::PublicDns => "DNS_PUBLIC",
        }
    }
}

fn soa_ttl() -> i64 {
    15
}

fn dns_http() -> String {
    "DNS_HTTP".to_owned()
}

fn first_revision() -> i64 {
    1
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
    /// `HTTP` where instances are only discovered by API calls.
    #[serde(default = "dns_http")]
    pub kind: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Counts up with each change of its instances.
    #[serde(default = "first_revision")]
    pub revision: i64,
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
    /// What its registrar called the request.
    #[serde(default)]
    pub creator_request_id: Option<String>,
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
    is_for_owner: false,
    prepare: None,
    operations: &[
        operation!("CreateHttpNamespace" => namespaces::create_http),
        operation!(async "CreatePrivateDnsNamespace" => namespaces::create_private),
        operation!("CreatePublicDnsNamespace" => namespaces::create_public),
        operation!("UpdateHttpNamespace" => |sandbox, input| namespaces::update(sandbox, Kind::Http, input)),
        operation!("UpdatePrivateDnsNamespace" => |sandbox, input| namespaces::update(sandbox, Kind::PrivateDns, input)),
        operation!("UpdatePublicDnsNamespace" => |sandbox, input| namespaces::update(sandbox, Kind::PublicDns, input)),
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
        operation!("DiscoverInstancesRevision" => instances::discover_revision),
        operation!("GetInstancesHealthStatus" => instances::health),
        operation!("GetOperation" => operations::get),
        operation!("ListOperations" => operations::list),
        operation!("ListTagsForResource" => tags::list),
        operation!("TagResource" => tags::add),
        operation!("UntagResource" => tags::remove),
    ],
};

fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidInput", message)
}

fn invalid_token(_: InvalidToken) -> Fault {
    invalid("The specified NextToken is invalid.")
}

/// How many results a page has when it is not said.
const PAGE: usize = 100;
