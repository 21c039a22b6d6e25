//! Regions. The sandbox is one of them; the others are there and not switched on, as AWS says of regions that an account does
//! not use.

use std::sync::Arc;

use serde_json::{Value, json};

use super::describe::{self, Describe};
use super::nouns::REGION;
use crate::core::Reply;
use crate::{Fault, Sandbox};

/// AWS's regions by partition.
const REGIONS: &[(&str, &str)] = &[
    (
        "aws",
        "af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 \
         ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 \
         eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 \
         me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2",
    ),
    ("aws-cn", "cn-north-1 cn-northwest-1"),
    ("aws-us-gov", "us-gov-east-1 us-gov-west-1"),
];

/// Whether AWS has a region of this name.
pub fn is_one(name: &str) -> bool {
    REGIONS.iter().flat_map(|(_, regions)| regions.split_ascii_whitespace()).any(|region| region == name)
}

/// `DescribeRegions`: the sandbox's own, and with `AllRegions` the others of its partition.
pub fn describe(sandbox: &Arc<Sandbox>, mut input: Describe) -> Reply {
    let (own, partition) = (sandbox.config.region.as_str(), sandbox.config.partition());
    let all = match input.take("AllRegions") {
        None | Some(Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(other) => {
            return Err(Fault::client("InvalidParameterValue", format!("Invalid value '{other}' for AllRegions.")));
        }
    };
    let others =
        REGIONS.iter().filter(|(name, _)| all && *name == partition.name).flat_map(|(_, regions)| regions.split(' '));
    let mut names: Vec<&str> = others.filter(|name| *name != own).collect();
    names.push(own);
    names.sort_unstable();
    let rows = names.into_iter().map(|name| {
        let status = if name == own { "opt-in-not-required" } else { "not-opted-in" };
        let endpoint = format!("ec2.{name}.{}", partition.url_suffix);
        json!({ "regionName": name, "regionEndpoint": endpoint, "optInStatus": status })
    });
    let found = input.pick(&REGION, rows)?;
    describe::answer(&REGION, &input, found)
}
