//! The catalogue of AWS's own managed policies. Their documents are not part of it.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::base::partition::Partition;

/// The part of their ARNs between the partition and the path.
const OWNER: &str = ":iam::aws:policy/";

const ROWS: &str = include_str!("aws.txt");

/// One policy of AWS's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AwsPolicy {
    /// The path without its first slash, and the name.
    place: &'static str,
    /// The default version, such as `v1`.
    pub version: &'static str,
    pub created: Timestamp,
    pub updated: Timestamp,
}

impl AwsPolicy {
    pub(crate) fn name(&self) -> &'static str {
        self.place.rsplit('/').next().unwrap_or(self.place)
    }

    pub(crate) fn path(&self) -> String {
        format!("/{}", &self.place[..self.place.len() - self.name().len()])
    }

    pub(crate) fn arn(&self, partition: &Partition) -> String {
        arn(partition, self.place)
    }

    /// An id in AWS's format, derived from the name.
    pub(crate) fn id(&self) -> String {
        format!("ANPA{}", &hex::encode_upper(Sha256::digest(self.place))[..17])
    }
}

/// More than a thousand rows, so they are parsed on first use.
static ALL: LazyLock<Vec<AwsPolicy>> =
    LazyLock::new(|| ROWS.lines().filter(|row| !row.starts_with('#')).filter_map(parse).collect());

static POLICY_BY_PATH: LazyLock<HashMap<&str, &AwsPolicy>> =
    LazyLock::new(|| ALL.iter().map(|policy| (policy.place, policy)).collect());

/// All policies, sorted by name.
pub(crate) fn all() -> impl Iterator<Item = &'static AwsPolicy> {
    ALL.iter()
}

fn parse(row: &'static str) -> Option<AwsPolicy> {
    let mut parts = row.split(' ');
    let (place, version) = (parts.next()?, parts.next()?);
    Some(AwsPolicy { place, version, created: parts.next()?.parse().ok()?, updated: parts.next()?.parse().ok()? })
}

/// The ARN for a path without its first slash, and a name.
pub(crate) fn arn(partition: &Partition, place: &str) -> String {
    format!("arn:{}{OWNER}{place}", partition.name)
}

pub(crate) fn find(arn: &str) -> Option<&'static AwsPolicy> {
    let (partition, place) = arn.strip_prefix("arn:")?.split_once(OWNER)?;
    POLICY_BY_PATH.get(place).copied().filter(|_| Partition::exists(partition))
}

#[cfg(test)]
mod tests {
    use super::{ROWS, all, find};

    #[test]
    fn every_row_is_a_policy() {
        assert_eq!(all().count(), ROWS.lines().filter(|row| !row.starts_with('#')).count());
        let policy =
            find("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy").expect("it is there");
        assert_eq!((policy.name(), policy.path().as_str()), ("AmazonECSTaskExecutionRolePolicy", "/service-role/"));
        assert!(find("arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy").is_none());
    }
}
