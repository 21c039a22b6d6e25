//! A token bucket: a limit of requests per second.

use tokio::time::Instant;

/// Allows as many requests at once as in a second, and then as many as the rate allows.
#[derive(Debug, Clone)]
pub(crate) struct TokenBucket {
    per_second: f64,
    tokens: f64,
    updated_at: Instant,
}

impl TokenBucket {
    /// A full bucket; `per_second` is above 0.
    pub(crate) fn new(per_second: f64, now: Instant) -> Self {
        Self { per_second, tokens: per_second.max(1.0), updated_at: now }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let refilled = now.saturating_duration_since(self.updated_at).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + refilled).min(self.per_second.max(1.0));
        self.updated_at = now;
        let has_token = self.tokens >= 1.0;
        if has_token {
            self.tokens -= 1.0;
        }
        has_token
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::TokenBucket;

    #[test]
    fn requests_above_the_rate_get_no_token() {
        for (per_second, at_once, after_two_seconds) in [(2.0, 2, 2), (0.5, 1, 1)] {
            let start = Instant::now();
            let mut bucket = TokenBucket::new(per_second, start);
            let mut taken = |after: u64| (0..9).filter(|_| bucket.take(start + Duration::from_secs(after))).count();
            assert_eq!((taken(0), taken(2), taken(2)), (at_once, after_two_seconds, 0), "{per_second}");
        }
    }
}
