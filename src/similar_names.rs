//! Finds the known name that a misspelled name was probably meant to be.

/// Minimum Jaro similarity (0 to 1) of a misspelled name to a known one for a suggestion.
const MIN_SIMILARITY: f64 = 0.75;

/// The known name that is most similar to `name`, if it is similar enough for a suggestion.
pub(crate) fn most_similar<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let similarity = |known: &str| strsim::jaro(known, name);
    let best = known.iter().copied().max_by(|a, b| similarity(a).total_cmp(&similarity(b)))?;
    (similarity(best) >= MIN_SIMILARITY).then_some(best)
}

/// The suggestion "did you mean `NAME`? " for a misspelled name, to be followed by another sentence; empty if no known name is similar.
pub(crate) fn did_you_mean(name: &str, known: &[&str]) -> String {
    most_similar(name, known).map(|similar| format!("did you mean `{similar}`? ")).unwrap_or_default()
}
