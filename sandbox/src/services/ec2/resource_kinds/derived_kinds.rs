//! The resource kinds without records, which are derived from the region or from other records.

use super::{DEFAULT, ResourceKind, Selector};

pub(crate) const TAG: ResourceKind = ResourceKind {
    operation: "DescribeTags",
    set: "tagSet",
    filters: &[("key", "key"), ("value", "value"), ("resource-id", "resourceId"), ("resource-type", "resourceType")],
    ..DEFAULT
};

pub(crate) const ZONE: ResourceKind = ResourceKind {
    operation: "DescribeAvailabilityZones",
    set: "availabilityZoneInfo",
    selectors: &[
        Selector {
            member: "ZoneName",
            path: "zoneName",
            not_found: "InvalidParameterValue",
            message: "Invalid availability zone: [{}]",
        },
        Selector {
            member: "ZoneId",
            path: "zoneId",
            not_found: "InvalidParameterValue",
            message: "Invalid availability zone-id: [{}]",
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
    ..DEFAULT
};

pub(crate) const REGION: ResourceKind = ResourceKind {
    operation: "DescribeRegions",
    set: "regionInfo",
    selectors: &[Selector {
        member: "RegionName",
        path: "regionName",
        not_found: "InvalidParameterValue",
        message: "Invalid region: [{}]",
    }],
    filters: &[("endpoint", "regionEndpoint"), ("opt-in-status", "optInStatus"), ("region-name", "regionName")],
    ..DEFAULT
};
