//! The table of EC2's nouns: how each is named in requests, answers and faults, and which filters it has.

mod machines;
mod networks;
mod places;

pub use machines::{ADDRESS, INSTANCE, SECURITY_GROUP, SECURITY_GROUP_RULE};
pub use networks::{INTERNET_GATEWAY, NAT_GATEWAY, ROUTE_TABLE, SUBNET, VPC, VPN_GATEWAY};
pub use places::{REGION, TAG, ZONE};

/// One kind of record.
#[derive(Debug)]
pub struct Noun {
    /// What its ids begin with, the dash included.
    pub prefix: &'static str,
    /// Its type where resources are tagged; empty for what has no tags.
    pub kind: &'static str,
    /// The word for it in faults.
    pub word: &'static str,
    /// The fault's code when there is none of an id.
    pub not_found: &'static str,
    /// The fault's code for what can be no id, where EC2 tells that apart.
    pub malformed: Option<&'static str>,
    /// Its Describe operation.
    pub operation: &'static str,
    /// The parameter of Describe that lists ids.
    pub ids: &'static str,
    /// The parameters of Describe that list something else.
    pub selectors: &'static [Selector],
    /// Whether Describe takes ids and the size of a page together.
    pub pages_of_ids: bool,
    /// The member of the answer that lists records.
    pub set: &'static str,
    /// Whether Describe tells that it has no tags by an empty list; of the others it says nothing then.
    pub tells_no_tags: bool,
    /// Its filters: a name, and the path of the member that it looks at.
    pub filters: &'static [(&'static str, &'static str)],
}

/// A parameter of Describe that lists values of one member, all of which there have to be.
#[derive(Debug)]
pub struct Selector {
    /// The parameter.
    pub member: &'static str,
    /// The member of records.
    pub path: &'static str,
    /// The fault's code for a value that there is not.
    pub not_found: &'static str,
    /// Its sentence, with `{}` for the value.
    pub sentence: &'static str,
}

/// What most nouns have in common.
const PLAIN: Noun = Noun {
    prefix: "",
    kind: "",
    word: "",
    not_found: "",
    malformed: None,
    operation: "",
    ids: "",
    selectors: &[],
    pages_of_ids: true,
    set: "",
    tells_no_tags: true,
    filters: &[],
};

/// Every noun whose records there can be.
pub const ALL: &[&Noun] =
    &[&VPC, &SUBNET, &ROUTE_TABLE, &INTERNET_GATEWAY, &NAT_GATEWAY, &ADDRESS, &SECURITY_GROUP, &INSTANCE];

/// The noun of an id.
pub fn of(id: &str) -> Option<&'static Noun> {
    ALL.iter().copied().find(|noun| id.starts_with(noun.prefix))
}
