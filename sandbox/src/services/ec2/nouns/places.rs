//! The nouns of what has no record: it is told from the region, or from other records.

use super::{Noun, PLAIN, Selector};

/// A tag.
pub const TAG: Noun = Noun {
    operation: "DescribeTags",
    set: "tagSet",
    filters: &[("key", "key"), ("value", "value"), ("resource-id", "resourceId"), ("resource-type", "resourceType")],
    ..PLAIN
};

/// An availability zone.
pub const ZONE: Noun = Noun {
    operation: "DescribeAvailabilityZones",
    set: "availabilityZoneInfo",
    selectors: &[
        Selector {
            member: "ZoneName",
            path: "zoneName",
            not_found: "InvalidParameterValue",
            sentence: "Invalid availability zone: [{}]",
        },
        Selector {
            member: "ZoneId",
            path: "zoneId",
            not_found: "InvalidParameterValue",
            sentence: "Invalid availability zone-id: [{}]",
        },
    ],
    filters: &[
        ("group-name", "groupName"),
        ("opt-in-status", "optInStatus"),
        ("region-name", "regionName"),
        ("state", "zoneState"),
        ("zone-id", "zoneId"),
        ("zone-name", "zoneName"),
        ("zone-type", "zoneType"),
    ],
    ..PLAIN
};

/// A region.
pub const REGION: Noun = Noun {
    operation: "DescribeRegions",
    set: "regionInfo",
    selectors: &[Selector {
        member: "RegionName",
        path: "regionName",
        not_found: "InvalidParameterValue",
        sentence: "Invalid region: [{}]",
    }],
    filters: &[("endpoint", "regionEndpoint"), ("opt-in-status", "optInStatus"), ("region-name", "regionName")],
    ..PLAIN
};
