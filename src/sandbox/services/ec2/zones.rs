//! Availability zones: six in `us-east-1`, three elsewhere.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::Fault;
use crate::sandbox::Sandbox;
use crate::sandbox::services::Reply;

/// The input of `DescribeAvailabilityZones`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Describe {
    #[serde(default)]
    zone_name: Vec<String>,
}

/// `DescribeAvailabilityZones`.
pub fn describe(sandbox: &Arc<Sandbox>, input: Describe) -> Reply {
    let region = &sandbox.config.region;
    let names = names(region);
    if let Some(unknown) = input.zone_name.iter().find(|name| !names.contains(name)) {
        return Err(Fault::client("InvalidParameterValue", format!("Invalid availability zone: [{unknown}]")));
    }
    let wanted = names.iter().filter(|name| input.zone_name.is_empty() || input.zone_name.contains(name));
    let zones: Vec<Value> = wanted
        .map(|name| {
            json!({
                "zoneName": name,
                "zoneId": id(region, name),
                "zoneState": "available",
                "regionName": region,
                "messageSet": [],
                "optInStatus": "opt-in-not-required",
                "groupName": region,
                "networkBorderGroup": region,
                "zoneType": "availability-zone",
            })
        })
        .collect();
    Ok(json!({ "availabilityZoneInfo": zones }))
}

/// The input of `DescribeRegions`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeRegions {
    #[serde(default)]
    region_name: Vec<String>,
    /// Every region that there is is switched on.
    #[serde(rename = "AllRegions")]
    _all_regions: Option<bool>,
}

/// `DescribeRegions`: the sandbox is one region, and knows of no other.
pub fn describe_regions(sandbox: &Arc<Sandbox>, input: DescribeRegions) -> Reply {
    let region = &sandbox.config.region;
    if let Some(unknown) = input.region_name.iter().find(|name| *name != region) {
        return Err(Fault::client("InvalidParameterValue", format!("Invalid region: [{unknown}]")));
    }
    let endpoint = format!("ec2.{region}.amazonaws.com");
    let known = json!({ "regionName": region, "regionEndpoint": endpoint, "optInStatus": "opt-in-not-required" });
    Ok(json!({ "regionInfo": [known] }))
}

/// The names of a region's zones.
pub fn names(region: &str) -> Vec<String> {
    let letters = if region == "us-east-1" { "abcdef" } else { "abc" };
    letters.chars().map(|letter| format!("{region}{letter}")).collect()
}

/// A zone's id, such as `use1-az1`.
pub fn id(region: &str, name: &str) -> String {
    let letter = name.bytes().last().unwrap_or(b'a');
    let short: String = match region.split('-').collect::<Vec<_>>().as_slice() {
        [area, direction, number] => format!("{area}{}{number}", direction.get(..1).unwrap_or_default()),
        _ => region.to_owned(),
    };
    format!("{short}-az{}", letter.wrapping_sub(b'a') + 1)
}
