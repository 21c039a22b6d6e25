//! Availability zones: three in most regions, `a` being the first.

/// The letters and numbers of the zones of regions that do not have the first three, as new accounts see them.
const EXCEPTIONS: &[(&str, &[(char, u8)])] = &[
    ("ap-northeast-1", &[('a', 4), ('c', 1), ('d', 2)]),
    ("ap-northeast-2", &[('a', 1), ('b', 2), ('c', 3), ('d', 4)]),
    ("ca-central-1", &[('a', 1), ('b', 2), ('d', 4)]),
    ("us-east-1", &[('a', 1), ('b', 2), ('c', 3), ('d', 4), ('e', 5), ('f', 6)]),
    ("us-west-1", &[('a', 1), ('b', 3)]),
    ("us-west-2", &[('a', 1), ('b', 2), ('c', 3), ('d', 4)]),
];
/// The zones of all other regions.
const DEFAULT: &[(char, u8)] = &[('a', 1), ('b', 2), ('c', 3)];

/// A zone of a region.
#[derive(Debug)]
pub(crate) struct Zone {
    /// Such as `us-east-1a`.
    pub name: String,
    /// Such as `use1-az1`.
    pub id: String,
}

pub(crate) fn zones_in(region: &str) -> Vec<Zone> {
    let letters = EXCEPTIONS.iter().find(|(name, _)| *name == region).map_or(DEFAULT, |(_, letters)| letters);
    let prefix = id_prefix(region);
    letters
        .iter()
        .map(|(letter, number)| Zone { name: format!("{region}{letter}"), id: format!("{prefix}-az{number}") })
        .collect()
}

pub(crate) fn names(region: &str) -> Vec<String> {
    zones_in(region).into_iter().map(|zone| zone.name).collect()
}

/// The prefix of a region's zone ids: `apne1` for `ap-northeast-1`, `usgw1` for `us-gov-west-1`.
fn id_prefix(region: &str) -> String {
    let mut parts: Vec<&str> = region.split('-').collect();
    let (Some(number), Some(mut direction)) = (parts.pop(), parts.pop()) else { return region.to_owned() };
    let mut prefix = parts.join("-").replace("-gov", "g");
    for word in ["north", "south", "central", "east", "west"] {
        if let Some(rest) = direction.strip_prefix(word) {
            prefix.push_str(&word[..1]);
            direction = rest;
        }
    }
    prefix + number
}

/// The private DNS name of an address in a VPC.
pub(crate) fn private_name(region: &str, address: &str) -> String {
    let address = address.replace('.', "-");
    // The names in the first region have another form.
    match region {
        "us-east-1" => format!("ip-{address}.ec2.internal"),
        _ => format!("ip-{address}.{region}.compute.internal"),
    }
}

#[cfg(test)]
mod tests {
    use super::zones_in;

    #[test]
    fn zone_ids_begin_with_the_abbreviated_region() {
        let cases = [
            ("us-east-1", "use1-az1"),
            ("ap-northeast-1", "apne1-az4"),
            ("ap-southeast-3", "apse3-az1"),
            ("ap-southeast-5", "apse5-az1"),
            ("ca-central-1", "cac1-az1"),
            ("us-gov-west-1", "usgw1-az1"),
            ("cn-northwest-1", "cnnw1-az1"),
            ("cn-north-1", "cnn1-az1"),
        ];
        for (region, id) in cases {
            assert_eq!(zones_in(region)[0].id, id);
        }
    }
}
