//! Availability zones.

use std::sync::Arc;

use serde_json::{Value, json};

use super::describe::{self, Describe};
use super::resource_kinds::ZONE;
use crate::Sandbox;
use crate::base::zones::{self, Zone};
use crate::core::Reply;

pub fn describe(sandbox: &Arc<Sandbox>, input: Describe) -> Reply {
    let region = &sandbox.config.region;
    let rows = zones::of(region).into_iter().map(|Zone { name, id }| -> Value {
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
    let found = input.select(&ZONE, rows)?;
    describe::answer(&ZONE, &input, found)
}
