//! Tokens of pages of events. They expire (API references of FilterLogEvents and GetLogEvents).

use jiff::Timestamp;

use super::invalid_token;
use crate::Fault;
use crate::base::paging::{self, InvalidToken};

const MAX_AGE_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// The token of a position in the results of a query.
pub(super) fn create(query: &str, position: &[u8], now: Timestamp) -> String {
    paging::token(query, &[&now.as_millisecond().to_be_bytes(), position].concat())
}

/// The position in a token.
///
/// # Errors
/// When the token was not issued for this query, or has expired. AWS's message for an expired one is not known.
pub(super) fn position(query: &str, token: &str, now: Timestamp) -> Result<Vec<u8>, Fault> {
    let bytes = paging::position(query, token).map_err(invalid_token)?;
    match bytes.split_first_chunk::<8>() {
        Some((issued_at, position)) if now.as_millisecond() - i64::from_be_bytes(*issued_at) <= MAX_AGE_MILLIS => {
            Ok(position.to_vec())
        }
        _ => Err(invalid_token(InvalidToken)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::{Timestamp, create, position};

    #[test]
    fn tokens_expire_after_a_day() {
        let issued_at = Timestamp::UNIX_EPOCH;
        let token = create("query", b"here", issued_at);
        assert_eq!(position("query", &token, issued_at + 24.hours()).expect("it is valid"), b"here");
        position("query", &token, issued_at + 25.hours()).expect_err("it has expired");
    }
}
