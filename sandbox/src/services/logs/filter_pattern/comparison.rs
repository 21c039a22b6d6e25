//! Comparisons with the value of a JSON member or a field.

use crate::base::java_regex::JavaRegex;

use super::PatternError;
use super::scanner::Scanner;

/// Longest first, so that `<=` is not taken for `<`; `=!` is an older way to write `!=`.
const OPERATORS: [(&str, Operator); 7] = [
    ("!=", Operator::Unequal),
    ("=!", Operator::Unequal),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
    ("<", Operator::Below),
    (">", Operator::Above),
];

/// The characters that end an unquoted word.
const ENDS: &str = "()[]{},&|\"%";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Below,
    Above,
    AtMost,
    AtLeast,
}

#[derive(Debug)]
pub(crate) struct Comparison {
    operator: Operator,
    operand: Operand,
}

#[derive(Debug)]
enum Operand {
    /// A string, and whether it has a wildcard before and after it.
    Text(bool, String, bool),
    /// A number, and its text in the pattern.
    Number(f64, String),
    Regex(JavaRegex),
}

impl Comparison {
    /// Parses an operator and its operand; `None` if no operator comes next.
    pub(super) fn parse(scan: &mut Scanner<'_>) -> Result<Option<Self>, PatternError> {
        let Some((_, operator)) = OPERATORS.into_iter().find(|(sign, _)| scan.consume(sign)) else { return Ok(None) };
        scan.skip_spaces();
        let operand = operand(scan)?;
        if !matches!(operator, Operator::Equal | Operator::Unequal) && !matches!(operand, Operand::Number(..)) {
            return Err(PatternError::syntax("only numbers can be greater or less"));
        }
        Ok(Some(Self { operator, operand }))
    }

    /// Whether a value passes the comparison.
    pub(super) fn matches(&self, value: &str) -> bool {
        let number = || value.parse::<f64>().ok();
        let equal = || match &self.operand {
            Operand::Text(before, text, after) => matches(*before, text, *after, value),
            Operand::Number(expected, text) => {
                text == value || number().is_some_and(|number| number.total_cmp(expected).is_eq())
            }
            Operand::Regex(regex) => regex.is_match(value),
        };
        let compares = |test: fn(&f64, &f64) -> bool| match &self.operand {
            Operand::Number(expected, _) => number().is_some_and(|number| test(&number, expected)),
            _ => false,
        };
        match self.operator {
            Operator::Equal => equal(),
            Operator::Unequal => !equal(),
            Operator::Below => compares(f64::lt),
            Operator::Above => compares(f64::gt),
            Operator::AtMost => compares(f64::le),
            Operator::AtLeast => compares(f64::ge),
        }
    }
}

fn operand(scan: &mut Scanner<'_>) -> Result<Operand, PatternError> {
    if let Some(regex) = scan.regex()? {
        return Ok(Operand::Regex(regex));
    }
    if let Some(text) = scan.quoted()? {
        return Ok(wild(&text));
    }
    let word = scan.consume_while(|character| !character.is_whitespace() && !ENDS.contains(character));
    if word.is_empty() {
        return Err(PatternError::syntax("a comparison has nothing to compare with"));
    }
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let number = word.parse().ok().filter(|_| is_number);
    Ok(number.map_or_else(|| wild(word), |number| Operand::Number(number, word.to_owned())))
}

/// Parses a string with optional wildcards at its ends.
fn wild(text: &str) -> Operand {
    if text == "*" {
        return Operand::Text(true, String::new(), true);
    }
    let (before, rest) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
    let (rest, after) = rest.strip_suffix('*').map_or((rest, false), |rest| (rest, true));
    Operand::Text(before, rest.to_owned(), after)
}

fn matches(before: bool, text: &str, after: bool, value: &str) -> bool {
    match (before, after) {
        (false, false) => value == text,
        (false, true) => value.starts_with(text),
        (true, false) => value.ends_with(text),
        (true, true) => value.contains(text),
    }
}
