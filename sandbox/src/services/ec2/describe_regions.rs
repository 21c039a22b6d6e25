//! Regions and availability zones. The sandbox's own region is enabled; the others exist but are not opted in.

use std::sync::Arc;

use serde_json::{Value, json};

use super::describe_operations::{self, DescribeInput};
use super::resource_kinds::{REGION, ZONE};
use crate::base::regions;
use crate::base::zones::{self, Zone};
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

/// `DescribeRegions`: the sandbox's own region, and with `AllRegions` all regions of its partition.
pub(super) fn describe_regions(sandbox: &Arc<Sandbox>, mut input: DescribeInput) -> OperationResult {
    let (own, partition) = (sandbox.config.region.as_str(), sandbox.config.partition());
    let all = match input.take("AllRegions") {
        None | Some(Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(other) => {
            return Err(Fault::client("InvalidParameterValue", format!("Invalid value '{other}' for AllRegions.")));
        }
    };
    let mut names: Vec<&str> = regions::regions_in(partition.name).filter(|name| all && *name != own).collect();
    names.push(own);
    names.sort_unstable();
    let rows = names.into_iter().map(|name| {
        let status = if name == own { "opt-in-not-required" } else { "not-opted-in" };
        let endpoint = format!("ec2.{name}.{}", partition.url_suffix);
        json!({ "regionName": name, "regionEndpoint": endpoint, "optInStatus": status })
    });
    let regions = input.select(&REGION, rows)?;
    describe_operations::describe_response(&REGION, &input, regions)
}

pub(super) fn describe_zones(sandbox: &Arc<Sandbox>, input: DescribeInput) -> OperationResult {
    let region = &sandbox.config.region;
    let rows = zones::zones_in(region).into_iter().map(|Zone { name, id }| -> Value {
        json!({
            "zoneName": name,
            "zoneId": id,
            "zoneState": "available",
            "regionName": region,
            "messageSet": [],
            "optInStatus": "opt-in-not-required",
            "groupName": format!("{region}-zg-1"),
            "networkBorderGroup": region,
            "zoneType": "availability-zone",
        })
    });
    let zones = input.select(&ZONE, rows)?;
    describe_operations::describe_response(&ZONE, &input, zones)
}
