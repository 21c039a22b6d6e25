//! The service principal of EC2, as the CDK writes it for a region.

use serde_json::{Value, json};

use crate::stack::spec::CdkVersion;

/// The regions that CDK 1.204 knows (its `region-info`), by the domain of their partition.
const KNOWN_REGIONS: &[(&str, &[&str])] = &[
    (
        "amazonaws.com",
        &[
            "af-south-1",
            "ap-east-1",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ca-central-1",
            "eu-central-1",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "me-south-1",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-gov-east-1",
            "us-gov-west-1",
            "us-west-1",
            "us-west-2",
        ],
    ),
    ("amazonaws.com.cn", &["cn-north-1", "cn-northwest-1"]),
    ("c2s.ic.gov", &["us-iso-east-1", "us-iso-west-1"]),
    ("sc2s.sgov.gov", &["us-isob-east-1"]),
];

/// EC2's service principal. The first generation leaves the domain of an unknown region to CloudFormation.
pub(super) fn ec2(cdk_version: CdkVersion, region: &str) -> Value {
    let domain = match cdk_version {
        CdkVersion::V1 => {
            KNOWN_REGIONS.iter().find(|(_, regions)| regions.contains(&region)).map(|(domain, _)| *domain)
        }
        CdkVersion::V2 => Some("amazonaws.com"),
    };
    match domain {
        Some(domain) => json!(format!("ec2.{domain}")),
        None => json!({ "Fn::Join": ["", ["ec2.", { "Ref": "AWS::URLSuffix" }]] }),
    }
}
