//! Patterns of unstructured events: terms, quoted phrases, regular expressions, `?any ?of`, `-not`.

use crate::base::java_regex::JavaRegex;

use super::PatternError;
use super::scanner::Scanner;

/// Matches events with all required terms, or with one of the optional ones if none is required, and with no excluded
/// term.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    all: Vec<Term>,
    any: Vec<Term>,
    none: Vec<Term>,
}

#[derive(Debug)]
enum Term {
    Text(String),
    Regex(JavaRegex),
}

pub(super) fn parse(text: &str) -> Result<Terms, PatternError> {
    let (mut terms, mut scan) = (Terms::default(), Scanner::new(text));
    while !scan.is_at_end() {
        let list = if scan.consume("?") {
            &mut terms.any
        } else if scan.consume("-") {
            &mut terms.none
        } else {
            &mut terms.all
        };
        list.push(term(&mut scan)?);
        scan.skip_spaces();
    }
    Ok(terms)
}

fn term(scan: &mut Scanner<'_>) -> Result<Term, PatternError> {
    // The user guide's own example has a space here: "ERROR" - "Exiting".
    scan.skip_spaces();
    if let Some(regex) = scan.regex()? {
        return Ok(Term::Regex(regex));
    }
    if let Some(phrase) = scan.quoted()? {
        return Ok(Term::Text(phrase));
    }
    let term = scan.consume_while(|character| !character.is_whitespace());
    if term.is_empty() || !term.chars().all(|character| character.is_alphanumeric() || character == '_') {
        return Err(PatternError::Invalid(format!("Invalid character(s) in term '{term}'")));
    }
    Ok(Term::Text(term.to_owned()))
}

impl Terms {
    pub(super) fn matches(&self, message: &[u8]) -> bool {
        let message = String::from_utf8_lossy(message);
        let has = |term: &Term| match term {
            Term::Text(text) => message.contains(text.as_str()),
            Term::Regex(regex) => regex.is_match(&message),
        };
        let any = !self.all.is_empty() || self.any.is_empty() || self.any.iter().any(has);
        any && self.all.iter().all(has) && !self.none.iter().any(has)
    }
}

#[cfg(test)]
mod tests {
    use super::{PatternError, parse};

    #[test]
    fn terms_phrases_and_expressions_are_required_optional_or_excluded() {
        for (pattern, message, expected) in [
            ("", "anything", true),
            ("ERROR timeout", "timeout: ERROR", true),
            ("ERROR timeout", "ERROR", false),
            (r#""GET /health""#, "x GET /health y", true),
            ("error", "ERROR", false),
            ("?WARN ?ERROR", "ERROR", true),
            ("?WARN ?ERROR", "INFO", false),
            ("ERROR -retry", "ERROR once", true),
            (r#""ERROR" - "will retry""#, "ERROR will retry", false),
            ("%AUTH[A-Z]+ED%", "401 UNAUTHORIZED REQUEST", true),
            ("%^AUTHORIZED%", "401 UNAUTHORIZED REQUEST", false),
            (r"ERROR -%\d{3}%", "ERROR 404", false),
        ] {
            assert_eq!(parse(pattern).expect("a pattern").matches(message.as_bytes()), expected, "{pattern}");
        }
        let refused = parse("GET /health").expect_err("a slash");
        assert_eq!(refused, PatternError::Invalid("Invalid character(s) in term '/health'".to_owned()));
    }
}
