//! AWS's own managed policies: which there are. Their documents are AWS's, and not known here.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::base::partition::Partition;

/// Between the partition and the place in their ARNs.
const OWNER: &str = ":iam::aws:policy/";

const ROWS: &str = include_str!("aws_managed_policies.txt");

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct AwsPolicy {
    /// Path without its first slash, and name.
    place: &'static str,
    /// The version that counts, such as `v1`.
    pub version: &'static str,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

impl AwsPolicy {
    /// Its name.
    pub fn name(&self) -> &'static str {
        self.place.rsplit('/').next().unwrap_or(self.place)
    }

    /// Its path.
    pub fn path(&self) -> String {
        format!("/{}", &self.place[..self.place.len() - self.name().len()])
    }

    /// Its ARN.
    pub fn arn(&self, partition: &Partition) -> String {
        arn(partition, self.place)
    }

    /// An id in the form of AWS's, made of the name.
    pub fn id(&self) -> String {
        format!("ANPA{}", &hex::encode_upper(Sha256::digest(self.place))[..17])
    }
}

/// More than a thousand: read once, when they are first asked for.
static ALL: LazyLock<Vec<AwsPolicy>> =
    LazyLock::new(|| ROWS.lines().filter(|row| !row.starts_with('#')).filter_map(parse).collect());

static BY_PLACE: LazyLock<HashMap<&str, &AwsPolicy>> =
    LazyLock::new(|| ALL.iter().map(|policy| (policy.place, policy)).collect());

/// All of them, in the order of their names.
pub(super) fn all() -> impl Iterator<Item = &'static AwsPolicy> {
    ALL.iter()
}

fn parse(row: &'static str) -> Option<AwsPolicy> {
    let mut parts = row.split(' ');
    let (place, version) = (parts.next()?, parts.next()?);
    Some(AwsPolicy { place, version, created: parts.next()?.parse().ok()?, updated: parts.next()?.parse().ok()? })
}

/// The ARN of a path without its first slash, and name.
pub(super) fn arn(partition: &Partition, place: &str) -> String {
    format!("arn:{}{OWNER}{place}", partition.name)
}

/// The one of an ARN.
pub(super) fn find(arn: &str) -> Option<&'static AwsPolicy> {
    let (partition, place) = arn.strip_prefix("arn:")?.split_once(OWNER)?;
    BY_PLACE.get(place).copied().filter(|_| Partition::exists(partition))
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
