//! AWS Cloud Map: namespaces, services and the instances that are registered with them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Fault;
use crate::base::paging::InvalidToken;
use crate::base::tags::Tag;
use crate::core::{AwsService, operation};
use crate::protocol::Protocol;
use crate::store::table::state;

mod instances;
mod namespaces;
mod operation_records;
mod services;
mod tags;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Namespace {
    /// `ns-…`.
    pub id: String,
    /// The domain.
    pub name: String,
    pub arn: String,
    #[serde(default)]
    pub kind: NamespaceType,
    /// The VPC that a private namespace is visible in.
    pub vpc: String,
    /// The hosted zone of a namespace with DNS.
    pub hosted_zone_id: String,
    /// The time to live of the zone's SOA record, in seconds.
    #[serde(default = "soa_ttl")]
    pub soa_ttl: i64,
    #[serde(default)]
    pub tags: Vec<Tag>,
    pub description: Option<String>,
    pub creator_request_id: String,
    pub created: Timestamp,
}

/// How instances of a namespace are discovered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NamespaceType {
    /// By API calls only.
    #[serde(rename = "HTTP")]
    Http,
    /// Also by DNS within a VPC.
    #[default]
    #[serde(rename = "DNS_PRIVATE")]
    PrivateDns,
    /// Also by public DNS.
    #[serde(rename = "DNS_PUBLIC")]
    PublicDns,
}

impl NamespaceType {
    /// The name in responses and filters.
    pub(crate) fn name(self) -> &'static str {
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

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CloudMapService {
    /// `srv-…`.
    pub id: String,
    /// Unique in the namespace.
    pub name: String,
    pub arn: String,
    pub namespace_id: String,
    pub description: Option<String>,
    /// The DNS records that are created for each instance, as given.
    pub dns_config: Value,
    /// The custom health check, as given.
    pub health_check_custom_config: Value,
    /// `HTTP` if instances can be discovered by API calls only.
    #[serde(default = "dns_http")]
    pub kind: String,
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Counts the changes of its instances.
    #[serde(default = "first_revision")]
    pub revision: i64,
    pub creator_request_id: String,
    pub created: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Instance {
    /// Unique in the service.
    pub id: String,
    /// Such as `AWS_INSTANCE_IPV4`.
    pub attributes: BTreeMap<String, String>,
    /// `HEALTHY` or `UNHEALTHY`.
    pub health: String,
    #[serde(default)]
    pub creator_request_id: Option<String>,
}

/// The record of a change. Cloud Map makes changes asynchronously; here they are complete when the response is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NamespaceOperation {
    pub id: String,
    /// Such as `CREATE_NAMESPACE`.
    pub kind: String,
    /// The ids of the changed resources by their types.
    pub targets: BTreeMap<String, String>,
    pub created: Timestamp,
}

state! {
    pub struct State {
        /// Namespaces by id.
        pub namespaces: Table<Namespace> = "cloudmap.namespaces",
        /// Services by id.
        pub services: Table<CloudMapService> = "cloudmap.services",
        /// Instances by `service id/instance id`.
        pub instances: Table<Instance> = "cloudmap.instances",
        /// Operations by id.
        pub operations: Table<NamespaceOperation> = "cloudmap.operations",
    }
}

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: "servicediscovery",
    protocols: &[
        Protocol::Json11 { target_prefix: "Route53AutoNaming_v20170314" },
        Protocol::Cbor { service: "Route53AutoNaming_v20170314" },
    ],
    validation_code: "InvalidInput",
    owner_only: false,
    input_hook: None,
    operations: &[
        operation!("CreateHttpNamespace" => namespaces::create_http),
        operation!(async "CreatePrivateDnsNamespace" => namespaces::create_private),
        operation!("CreatePublicDnsNamespace" => namespaces::create_public),
        operation!("UpdateHttpNamespace" => |sandbox, input| namespaces::update(sandbox, NamespaceType::Http, input)),
        operation!("UpdatePrivateDnsNamespace" => |sandbox, input| namespaces::update(sandbox, NamespaceType::PrivateDns, input)),
        operation!("UpdatePublicDnsNamespace" => |sandbox, input| namespaces::update(sandbox, NamespaceType::PublicDns, input)),
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
        operation!("GetOperation" => operation_records::get),
        operation!("ListOperations" => operation_records::list),
        operation!("ListTagsForResource" => tags::list),
        operation!("TagResource" => tags::add),
        operation!("UntagResource" => tags::remove),
    ],
};

fn invalid_input(message: impl Into<String>) -> Fault {
    Fault::client("InvalidInput", message)
}

fn invalid_token(_: InvalidToken) -> Fault {
    invalid_input("The specified NextToken is invalid.")
}

const PAGE_SIZE: usize = 100;
