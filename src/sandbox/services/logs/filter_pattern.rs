//! Filter patterns of unstructured events: terms, quoted phrases, `?any ?of`, `-not`.
//!
//! Source: "Filter pattern syntax" in the CloudWatch Logs user guide. Patterns for JSON and space-delimited events and
//! regular expressions are refused.

/// A parsed filter pattern.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FilterPattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl FilterPattern {
    /// Parses a pattern; the message of AWS's refusal when it cannot be.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with(['{', '[']) {
            return Err("Invalid filter pattern: the sandbox filters by terms and phrases only".to_owned());
        }
        let mut pattern = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (terms, body) = match rest.as_bytes()[0] {
                b'?' => (&mut pattern.any, &rest[1..]),
                b'-' => (&mut pattern.none, &rest[1..]),
                _ => (&mut pattern.all, rest),
            };
            let (term, after) = term(body)?;
            terms.push(term);
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    /// Whether a message has every required term, or one of the optional ones when none is required, and no excluded one.
    pub(super) fn matches(&self, message: &[u8]) -> bool {
        let has = |term: &String| contains(message, term.as_bytes());
        let any = !self.all.is_empty() || self.any.is_empty() || self.any.iter().any(has);
        any && self.all.iter().all(has) && !self.none.iter().any(has)
    }
}

/// One term and what follows it.
fn term(text: &str) -> Result<(String, &str), String> {
    if let Some(quoted) = text.strip_prefix('"') {
        let end = quoted.match_indices('"').map(|(index, _)| index).find(|index| !quoted[..*index].ends_with('\\'));
        let end = end.ok_or_else(|| "Invalid filter pattern: a quote is not closed".to_owned())?;
        return Ok((quoted[..end].replace("\\\"", "\""), &quoted[end + 1..]));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (term, rest) = text.split_at(end);
    if term.is_empty() || !term.chars().all(|character| character.is_alphanumeric() || character == '_') {
        return Err(format!("Invalid character(s) in term '{term}'"));
    }
    Ok((term.to_owned(), rest))
}

fn contains(message: &[u8], term: &[u8]) -> bool {
    term.is_empty() || message.windows(term.len()).any(|window| window == term)
}

#[cfg(test)]
mod tests {
    use super::FilterPattern;

    fn matches(pattern: &str, message: &str) -> bool {
        FilterPattern::parse(pattern).expect("a pattern").matches(message.as_bytes())
    }

    #[test]
    fn terms_and_phrases_must_all_be_there() {
        assert!(matches("", "anything"));
        assert!(matches("ERROR timeout", "timeout: ERROR"));
        assert!(!matches("ERROR timeout", "ERROR"));
        assert!(matches(r#""GET /health""#, "x GET /health y"));
        assert!(!matches("error", "ERROR"));
    }

    #[test]
    fn optional_and_excluded_terms() {
        assert!(matches("?WARN ?ERROR", "ERROR"));
        assert!(!matches("?WARN ?ERROR", "INFO"));
        assert!(matches("ERROR -retry", "ERROR once"));
        assert!(!matches(r#"ERROR -"will retry""#, "ERROR will retry"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert_eq!(FilterPattern::parse("GET /health"), Err("Invalid character(s) in term '/health'".to_owned()));
        assert!(FilterPattern::parse("{ $.level = 1 }").is_err());
        assert!(FilterPattern::parse("\"open").is_err());
    }
}
