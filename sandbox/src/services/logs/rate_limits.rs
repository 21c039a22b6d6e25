//! Requests per second of the operations that read logs: "CloudWatch Logs quotas" in the user guide, as of 2026.

use crate::core::RateLimit;

pub(crate) const RATE_LIMITS: &[RateLimit] = &[
    RateLimit { operation: "logs:DescribeLogGroups", per_second: 10, in_regions: &[] },
    RateLimit { operation: "logs:DescribeLogStreams", per_second: 25, in_regions: &[] },
    RateLimit {
        operation: "logs:FilterLogEvents",
        per_second: 10,
        in_regions: &[
            ("us-east-1", 25),
            ("ap-northeast-3", 5),
            ("ap-southeast-3", 5),
            ("ca-west-1", 5),
            ("eu-central-1", 5),
            ("il-central-1", 5),
        ],
    },
    RateLimit {
        operation: "logs:GetLogEvents",
        per_second: 25,
        in_regions: &[
            ("us-west-2", 10),
            ("ap-northeast-3", 10),
            ("ap-southeast-3", 10),
            ("ca-west-1", 10),
            ("eu-central-1", 10),
            ("eu-west-1", 10),
            ("eu-west-3", 30),
            ("il-central-1", 10),
        ],
    },
    RateLimit { operation: "logs:StartLiveTail", per_second: 5, in_regions: &[] },
];
