//! Limits of requests per second, as AWS has them for each account and region.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::base::token_bucket::TokenBucket;

/// How many requests per second AWS accepts for an operation.
#[derive(Debug)]
pub struct RateLimit {
    /// `SERVICE:OPERATION`, by the service's signing name.
    pub operation: &'static str,
    pub per_second: u32,
    /// The regions with another limit.
    pub in_regions: &'static [(&'static str, u32)],
}

impl RateLimit {
    fn in_region(&self, region: &str) -> u32 {
        self.in_regions.iter().find(|(name, _)| *name == region).map_or(self.per_second, |(_, limit)| *limit)
    }
}

/// Counts the requests of limited operations, by the wall clock: `--speed` does not change the limits.
#[derive(Debug, Default)]
pub struct RateLimiter(Mutex<HashMap<&'static str, TokenBucket>>);

impl RateLimiter {
    /// Counts a request for an operation (`SERVICE:OPERATION`), unless it exceeds the limit; returns whether it is allowed.
    pub fn allows(&self, limits: &'static [RateLimit], operation: &str, region: &str, now: Instant) -> bool {
        let Some(limit) = limits.iter().find(|limit| limit.operation == operation) else { return true };
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new_bucket = || TokenBucket::new(limit.in_region(region).into(), now);
        buckets.entry(limit.operation).or_insert_with(new_bucket).take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::{Instant, RateLimit, RateLimiter};

    #[test]
    fn a_region_may_have_a_limit_of_its_own() {
        static LIMITS: [RateLimit; 1] =
            [RateLimit { operation: "logs:Read", per_second: 3, in_regions: &[("eu-central-1", 1)] }];
        let now = Instant::now();
        for (operation, region, allowed) in
            [("logs:Read", "us-east-1", 3), ("logs:Read", "eu-central-1", 1), ("logs:Write", "us-east-1", 9)]
        {
            let limiter = RateLimiter::default();
            let count = (0..9).filter(|_| limiter.allows(&LIMITS, operation, region, now)).count();
            assert_eq!(count, allowed, "{operation} {region}");
        }
    }
}
