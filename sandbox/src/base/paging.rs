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
/// A token names the item that the next page begins with, and how many came before it: when the item is gone by then, the count
/// tells where to go on.
///
/// # Errors
/// When the token was not given out for this question.
pub fn page<T>(
    items: impl IntoIterator<Item = (String, T)>,
    question: &str,
    next_token: Option<&str>,
    limit: usize,
) -> Result<Page<T>, InvalidToken> {
    let place = next_token.map(|token| place(question, token)).transpose()?;
    let mut items = items.into_iter();
    let (mut before, mut page) = (0, Vec::new());
    if let Some((count, key)) = place {
        let mut passed: Vec<_> = Vec::new();
        let found = items.by_ref().any(|item| {
            passed.push(item);
            passed.last().is_some_and(|(one, _)| *one == key)
        });
        before = if found { passed.len() - 1 } else { count.min(passed.len()) };
        page.extend(passed.into_iter().skip(before));
    }
    page.extend(items.take(limit.saturating_add(1).saturating_sub(page.len())));
    let rest = if page.len() > limit { page.drain(limit..).next() } else { None };
    let next_token = rest.map(|(key, _)| page_token(question, before.saturating_add(limit), &key));
    Ok(Page { items: page.into_iter().map(|(_, item)| item).collect(), next_token })
}

/// The token of a page of [`page`]: how many items come before it, and the key of its first.
pub fn page_token(question: &str, before: usize, key: &str) -> String {
    token(question, format!("{before} {key}").as_bytes())
}

/// What [`page_token`] was made of.
fn place(question: &str, token: &str) -> Result<(usize, String), InvalidToken> {
    let place = String::from_utf8(position(question, token)?).map_err(|_| InvalidToken)?;
    let (count, key) = place.split_once(' ').ok_or(InvalidToken)?;
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
    fn a_token_of_another_question_is_refused() {
        let first = page(letters(), "all", None, 2).expect("a page");
        assert_eq!(page(letters(), "some", first.next_token.as_deref(), 2), Err(InvalidToken));
        assert_eq!(page(letters(), "all", Some("made up"), 2), Err(InvalidToken));
    }

    #[test]
    fn a_page_goes_on_when_its_first_item_is_gone() {
        let first = page(letters(), "all", None, 2).expect("a page");
        let without = letters().filter(|(_, letter)| *letter != 'c');
        assert_eq!(page(without, "all", first.next_token.as_deref(), 9).expect("a page").items, ['d', 'e']);
        let rest = page(letters().take(1), "all", first.next_token.as_deref(), 9).expect("a page");
        assert!(rest.items.is_empty() && rest.next_token.is_none());
    }
}
