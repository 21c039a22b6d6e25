//! Pages of lists, and their tokens.
//!
//! A token contains the position of the next page, and a checksum over the position and the query, so that a forged token, or one of
//! another query, is refused as AWS does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

const CHECKSUM_BYTES: usize = 8;

/// One page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    /// The token of the next page.
    pub next_token: Option<String>,
}

/// The token was not issued for this query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidToken;

/// The token of a position in the results of a query.
pub(crate) fn token(query: &str, position: &[u8]) -> String {
    let mut bytes = checksum(query, position).to_vec();
    bytes.extend_from_slice(position);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position in a token.
///
/// # Errors
/// When the token was not issued for this query.
pub(crate) fn position(query: &str, token: &str) -> Result<Vec<u8>, InvalidToken> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| InvalidToken)?;
    let (sum, position) = bytes.split_at_checked(CHECKSUM_BYTES).ok_or(InvalidToken)?;
    if sum == checksum(query, position) { Ok(position.to_vec()) } else { Err(InvalidToken) }
}

fn checksum(query: &str, position: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = Sha256::new().chain_update(query).chain_update([0]).chain_update(position).finalize();
    std::array::from_fn(|index| digest[index])
}

/// The page of at most `limit` items at `next_token`. `items` are all items in order, each with a key that identifies it.
///
/// A token has the key of the page's first item and the number of items before it: if the item no longer exists by then, the page begins after
/// that number.
///
/// # Errors
/// When the token was not issued for this query.
pub(crate) fn page<T>(
    items: impl IntoIterator<Item = (String, T)>,
    query: &str,
    next_token: Option<&str>,
    limit: usize,
) -> Result<Page<T>, InvalidToken> {
    let start = next_token.map(|token| page_start(query, token)).transpose()?;
    let mut items = items.into_iter();
    let (mut before, mut page) = (0, Vec::new());
    if let Some((count, key)) = start {
        let mut skipped: Vec<_> = Vec::new();
        let is_present = items.by_ref().any(|item| {
            skipped.push(item);
            skipped.last().is_some_and(|(item_key, _)| *item_key == key)
        });
        before = if is_present { skipped.len() - 1 } else { count.min(skipped.len()) };
        page.extend(skipped.into_iter().skip(before));
    }
    page.extend(items.take(limit.saturating_add(1).saturating_sub(page.len())));
    let rest = if page.len() > limit { page.drain(limit..).next() } else { None };
    let next_token = rest.map(|(key, _)| page_token(query, before.saturating_add(limit), &key));
    Ok(Page { items: page.into_iter().map(|(_, item)| item).collect(), next_token })
}

/// The token of a page: the number of items before it, and the key of its first item.
pub(crate) fn page_token(query: &str, before: usize, key: &str) -> String {
    token(query, format!("{before} {key}").as_bytes())
}

/// The parts of a token of [`page_token`].
fn page_start(query: &str, token: &str) -> Result<(usize, String), InvalidToken> {
    let start = String::from_utf8(position(query, token)?).map_err(|_| InvalidToken)?;
    let (count, key) = start.split_once(' ').ok_or(InvalidToken)?;
    Ok((count.parse().map_err(|_| InvalidToken)?, key.to_owned()))
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
    fn a_token_of_another_query_is_refused() {
        let first = page(letters(), "all", None, 2).expect("a page");
        assert_eq!(page(letters(), "some", first.next_token.as_deref(), 2), Err(InvalidToken));
        assert_eq!(page(letters(), "all", Some("made up"), 2), Err(InvalidToken));
    }

    #[test]
    fn a_page_continues_when_its_first_item_is_gone() {
        let first = page(letters(), "all", None, 2).expect("a page");
        let without = letters().filter(|(_, letter)| *letter != 'c');
        assert_eq!(page(without, "all", first.next_token.as_deref(), 9).expect("a page").items, ['d', 'e']);
        let rest = page(letters().take(1), "all", first.next_token.as_deref(), 9).expect("a page");
        assert!(rest.items.is_empty() && rest.next_token.is_none());
    }
}
