//! Rules of security groups.

use serde_json::Value;

use super::intrinsics::display_text;

/// The properties that name a rule's peer, in order of precedence.
const PEER_KEYS: &[&str] = &[
    "CidrIp",
    "CidrIpv6",
    "DestinationSecurityGroupId",
    "SourceSecurityGroupId",
    "DestinationPrefixListId",
    "SourcePrefixListId",
];

/// One rule of a security group.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The group's id.
    pub group: String,
    /// The protocol, such as `tcp`; `-1` is all of them.
    pub protocol: String,
    /// First port.
    pub from_port: Value,
    /// Last port.
    pub to_port: Value,
    /// The property that names the peer, and the peer.
    pub peer: Option<(&'static str, String)>,
}

impl Rule {
    /// Reads an inline rule or a rule resource. `group` is the security group of an inline rule.
    pub(super) fn read(rule: &Value, group: &str) -> Self {
        let peer = |key: &&'static str| rule.get(*key).map(|value| (*key, display_text(value)));
        Self {
            group: rule.get("GroupId").map_or_else(|| group.to_owned(), display_text),
            protocol: rule.get("IpProtocol").map_or_else(|| "*unknown*".to_owned(), display_text),
            from_port: rule["FromPort"].clone(),
            to_port: rule["ToPort"].clone(),
            peer: PEER_KEYS.iter().find_map(peer),
        }
    }
}
