//! The filters of lists. Names, tag keys and tag values are compared from their beginning; descriptions, and all of these
//! together, word by word without regard to case. A value that begins with `!` is one that does not match.
//!
//! Source: `Filter` in the API reference; how `all` breaks names into words is as callers have seen it.

use serde::Deserialize;

use super::invalid_parameter;
use super::model::Secret;
use crate::Fault;

/// One filter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    key: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

/// Refuses filters that lack a part or have an unknown key.
pub(super) fn check(filters: &[Filter]) -> Result<(), Fault> {
    const KEYS: &[&str] = &["all", "name", "tag-key", "description", "tag-value", "primary-region", "owning-service"];
    for (index, Filter { key, values }) in filters.iter().enumerate() {
        let Some(key) = key else { return Err(invalid_parameter("Invalid filter key")) };
        if !KEYS.contains(&key.as_str()) {
            let message = format!(
                "1 validation error detected: Value '{key}' at 'filters.{}.member.key' failed to satisfy constraint: \
                 Member must satisfy enum value set: [all, name, tag-key, description, tag-value]",
                index + 1
            );
            return Err(Fault::client("ValidationException", message));
        }
        if values.is_empty() {
            return Err(invalid_parameter(format!("Invalid filter values for key: {key}")));
        }
    }
    Ok(())
}

/// Whether a secret passes all filters.
pub(super) fn pass(filters: &[Filter], secret: &Secret) -> bool {
    filters.iter().all(|filter| {
        let key = filter.key.as_deref().unwrap_or_default();
        filter.values.iter().any(|value| match value.strip_prefix('!') {
            Some(unwanted) => !matches(key, unwanted, secret),
            None => matches(key, value, secret),
        })
    })
}

fn matches(key: &str, value: &str, secret: &Secret) -> bool {
    let tags = secret.tags.as_deref().unwrap_or_default();
    let description = secret.description.as_deref().unwrap_or_default();
    match key {
        "name" => secret.name.starts_with(value),
        "tag-key" => tags.iter().any(|tag| tag.key.starts_with(value)),
        "tag-value" => tags.iter().any(|tag| tag.value.starts_with(value)),
        "description" => in_words([description].into_iter(), value),
        "all" => {
            let tags = tags.iter().flat_map(|tag| [tag.key.as_str(), tag.value.as_str()]);
            in_words([secret.name.as_str(), description].into_iter().chain(tags), value)
        }
        // No secret here has a replica or belongs to another service.
        _ => false,
    }
}

/// Whether every word of `value` begins a word of one of the texts.
fn in_words<'a>(texts: impl Iterator<Item = &'a str>, value: &str) -> bool {
    let there: Vec<String> = texts.flat_map(words).collect();
    let mut wanted = words(value).peekable();
    wanted.peek().is_some() && wanted.all(|word| there.iter().any(|one| one.starts_with(&word)))
}

/// The words of a text in lower case: they end where a separator stands, and begin with a capital before a small letter.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut words = Vec::new();
    for part in text.split(|character: char| !character.is_alphanumeric()) {
        let characters: Vec<char> = part.chars().collect();
        let mut word = String::new();
        for (index, character) in characters.iter().enumerate() {
            let next_is_small = characters.get(index + 1).is_some_and(|next| next.is_lowercase());
            if index > 0 && character.is_uppercase() && next_is_small {
                words.push(std::mem::take(&mut word));
            }
            word.extend(character.to_lowercase());
        }
        words.push(word);
    }
    words.into_iter().filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{in_words, words};

    #[test]
    fn texts_break_into_words() {
        let split = |text: &str| words(text).collect::<Vec<_>>();
        assert_eq!(split("MyTestPhrase"), ["my", "test", "phrase"]);
        assert_eq!(split("my/test_it"), ["my", "test", "it"]);
        assert_eq!(split("COMPANYthings"), ["compan", "ythings"]);
    }

    #[test]
    fn every_word_of_the_filter_begins_one_of_the_text() {
        assert!(in_words(["one and two"].into_iter(), "o t"));
        assert!(!in_words(["one"].into_iter(), "one two"));
        assert!(!in_words(["one"].into_iter(), "+"));
    }
}
