//! Pages of lists, and the tokens between them.
//!
//! A token holds where the next page begins and a checksum over the question, so that a token that was made up, or that
//! belongs to another question, is refused as AWS does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

const CHECKSUM_BYTES: usize = 8;

/// One page of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// How to ask for the next one, if there is one.
    pub next_token: Option<String>,
}

/// The token is none of ours, or belongs to another question.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidToken;

/// The token of `position` in the answers to `question`.
pub fn token(question: &str, position: &[u8]) -> String {
    let mut bytes = checksum(question, position).to_vec();
    bytes.extend_from_slice(position);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position that a token holds.
///
/// # Errors
/// When the token was not given out for this question.
pub fn position(question: &str, token: &str) -> Result<Vec<u8>, InvalidToken> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| InvalidToken)?;
    let (sum, position) = bytes.split_at_checked(CHECKSUM_BYTES).ok_or(InvalidToken)?;
    if sum == checksum(question, position) { Ok(position.to_vec()) } else { Err(InvalidToken) }
}

fn checksum(question: &str, position: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = Sha256::new().chain_update(question).chain_update([0]).chain_update(position).finalize();
    std::array::from_fn(|index| digest[index])
}

/// The page of at most `limit` items that follows `next_token`, out of all items in order, each with the key that names its place.
///
/// # Errors
/// When the token was not given out for this question.
pub fn page<T>(
    items: impl IntoIterator<Item = (String, T)>,
    question: &str,
    next_token: Option<&str>,
    limit: usize,
) -> Result<Page<T>, InvalidToken> {
    let from = next_token.map(|token| position(question, token)).transpose()?;
    let mut rest =
        items.into_iter().skip_while(|(key, _)| from.as_deref().is_some_and(|from| key.as_bytes() != from)).peekable();
    let items = rest.by_ref().take(limit).map(|(_, item)| item).collect();
    let next_token = rest.peek().map(|(key, _)| token(question, key.as_bytes()));
    Ok(Page { items, next_token })
}

#[cfg(test)]
mod tests {
    use super::{InvalidToken, page};

    fn letters() -> impl Iterator<Item = (String, char)> {
        ('a'..='e').map(|letter| (letter.to_string(), letter))
    }

    #[test]
    fn pages_follow_each_other() {
        let first = page(letters(), "all", None, 2).expect("a page");
        assert_eq!(first.items, ['a', 'b']);
        let second = page(letters(), "all", first.next_token.as_deref(), 3).expect("a page");
        assert_eq!(second.items, ['c', 'd', 'e']);
        assert_eq!(second.next_token, None);
    }

    #[test]
    fn a_token_of_another_question_is_refused() {
        let first = page(letters(), "all", None, 2).expect("a page");
        assert_eq!(page(letters(), "some", first.next_token.as_deref(), 2), Err(InvalidToken));
        assert_eq!(page(letters(), "all", Some("made up"), 2), Err(InvalidToken));
    }
}
