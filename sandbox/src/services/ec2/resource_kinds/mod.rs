//! The table of EC2's resource kinds: their names in requests, responses and faults, and their filters.

mod derived_kinds;
mod instance_kinds;
mod network_kinds;

pub(super) use derived_kinds::{REGION, TAG, ZONE};
pub(super) use instance_kinds::{ADDRESS, INSTANCE, SECURITY_GROUP, SECURITY_GROUP_RULE};
pub(super) use network_kinds::{INTERNET_GATEWAY, NAT_GATEWAY, ROUTE_TABLE, SUBNET, VPC, VPN_GATEWAY};

#[derive(Debug)]
pub(super) struct ResourceKind {
    /// The prefix of its ids, with the dash.
    pub prefix: &'static str,
    /// The resource type in tag specifications; empty if it has no tags.
    pub type_name: &'static str,
    /// Its name in fault messages.
    pub label: &'static str,
    /// The fault code for an unknown id.
    pub not_found: &'static str,
    /// The fault code for a malformed id, if EC2 has one.
    pub malformed: Option<&'static str>,
    /// The Describe operation.
    pub operation: &'static str,
    /// The parameter of Describe with ids.
    pub ids: &'static str,
    /// The other parameters of Describe with lists of values.
    pub selectors: &'static [Selector],
    /// Whether Describe accepts ids together with `MaxResults`.
    pub pages_with_ids: bool,
    /// The member of the response with the list.
    pub set: &'static str,
    /// Whether Describe shows an empty `tagSet`; otherwise it is left out.
    pub shows_empty_tags: bool,
    /// The filters: name, and path of the member that is compared.
    pub filters: &'static [(&'static str, &'static str)],
}

/// A parameter of Describe with values of one member, each of which must exist.
#[derive(Debug)]
pub(super) struct Selector {
    pub member: &'static str,
    /// The member of records that is compared.
    pub path: &'static str,
    /// The fault code for an unknown value.
    pub not_found: &'static str,
    /// The fault message, with `{}` for the value.
    pub message: &'static str,
}

const DEFAULT: ResourceKind = ResourceKind {
    prefix: "",
    type_name: "",
    label: "",
    not_found: "",
    malformed: None,
    operation: "",
    ids: "",
    selectors: &[],
    pages_with_ids: true,
    set: "",
    shows_empty_tags: true,
    filters: &[],
};

/// Every kind that has records.
pub(super) const ALL: &[&ResourceKind] =
    &[&VPC, &SUBNET, &ROUTE_TABLE, &INTERNET_GATEWAY, &NAT_GATEWAY, &ADDRESS, &SECURITY_GROUP, &INSTANCE];

pub(super) fn of_id(id: &str) -> Option<&'static ResourceKind> {
    ALL.iter().copied().find(|kind| id.starts_with(kind.prefix))
}
