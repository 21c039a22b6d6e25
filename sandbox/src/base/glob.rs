//! AWS's wildcards: `*` is any text, `?` any character.

/// Whether a text matches a pattern. Takes time proportional to the length of the text, times that of the longest part of the
/// pattern between two stars when that part has question marks.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return match_prefix(pattern, text).is_some_and(|length| length == text.len());
    };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut text) = match_prefix(first, text).map(|length| &text[length..]) else { return false };
    // The leftmost occurrence leaves the most text for the parts that follow.
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        let Some(end) = find(part, text) else { return false };
        text = &text[end..];
    }
    let tail = text.char_indices().rev().take(last.chars().count()).last().map_or(text.len(), |(at, _)| at);
    match_prefix(last, &text[tail..]).is_some_and(|length| tail + length == text.len())
}

/// The length of the prefix of a text that a part without stars matches, in bytes.
fn match_prefix(part: &str, text: &str) -> Option<usize> {
    let mut characters = text.chars();
    let is_match =
        part.chars().all(|expected| characters.next().is_some_and(|actual| expected == '?' || expected == actual));
    is_match.then(|| text.len() - characters.as_str().len())
}

/// The end of the leftmost occurrence of a part without stars, in bytes.
fn find(part: &str, text: &str) -> Option<usize> {
    if !part.contains('?') {
        return text.find(part).map(|at| at + part.len());
    }
    text.char_indices().find_map(|(at, _)| match_prefix(part, &text[at..]).map(|length| at + length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::matches;

    #[test]
    fn a_star_matches_any_text_and_a_question_mark_any_character() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("*b*d", "abcbd", true),
            ("*b*d", "abcbde", false),
            ("a*a", "a", false),
            ("a**", "a", true),
            ("*?é", "é", false),
            ("*?é", "éé", true),
            ("ecs:*", "ecs:ListTasks", true),
            ("*:Describe*s", "ecs:DescribeTasks", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern:?} {text:?}");
        }
        assert!(!matches(&"*a".repeat(2000), &"a".repeat(1999)));
    }

    /// The definition, which takes exponential time.
    fn matches_by_definition(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|at| matches_by_definition(rest, &text[at..])),
            Some((expected, rest)) => text.split_first().is_some_and(|(first, after)| {
                (*expected == '?' || expected == first) && matches_by_definition(rest, after)
            }),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn patterns_match_as_defined(pattern in "[abé?*]{0,8}", text in "[abé]{0,10}") {
            let characters = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &text), matches_by_definition(&characters(&pattern), &characters(&text)));
        }
    }
}
