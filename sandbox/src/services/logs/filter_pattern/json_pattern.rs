//! Patterns for JSON events: `{ $.latency > 500 && ($.level = "ERROR" || $.user NOT EXISTS) }`.

use serde_json::Value;

use super::PatternError;
use super::comparison::Comparison;
use super::scanner::Scanner;

/// How deep parentheses may be nested.
const MAX_DEPTH: usize = 32;

/// A condition on an event.
#[derive(Debug)]
pub(crate) enum JsonCondition {
    All(Vec<JsonCondition>),
    /// At least one of them holds.
    Any(Vec<JsonCondition>),
    /// A condition on the value of a property.
    Property(PropertySelector, ValueCondition),
}

#[derive(Debug)]
pub(crate) enum ValueCondition {
    Null,
    Missing,
    /// It is this boolean.
    Flag(bool),
    /// It passes a comparison.
    Compares(Comparison),
}

/// The path from the root to a value.
#[derive(Debug)]
pub(crate) struct PropertySelector(Vec<SelectorStep>);

#[derive(Debug)]
enum SelectorStep {
    Member(String),
    Item(usize),
}

pub(super) fn parse(text: &str) -> Result<JsonCondition, PatternError> {
    let mut scan = Scanner::new(text);
    scan.expect("{")?;
    let condition = any(&mut scan, MAX_DEPTH)?;
    scan.expect("}")?;
    if scan.is_at_end() { Ok(condition) } else { Err(PatternError::syntax("something follows the last brace")) }
}

/// `&&` binds stronger than `||`.
fn any(scan: &mut Scanner<'_>, depth: usize) -> Result<JsonCondition, PatternError> {
    join_parts(scan, "||", JsonCondition::Any, &|scan| {
        join_parts(scan, "&&", JsonCondition::All, &|scan| term(scan, depth))
    })
}

type Parser<'p> = &'p dyn Fn(&mut Scanner<'_>) -> Result<JsonCondition, PatternError>;

fn join_parts(
    scan: &mut Scanner<'_>,
    sign: &str,
    join: fn(Vec<JsonCondition>) -> JsonCondition,
    part: Parser<'_>,
) -> Result<JsonCondition, PatternError> {
    let mut parts = vec![part(scan)?];
    while scan.consume(sign) {
        parts.push(part(scan)?);
    }
    Ok(join(parts))
}

fn term(scan: &mut Scanner<'_>, depth: usize) -> Result<JsonCondition, PatternError> {
    scan.skip_spaces();
    let condition = if scan.consume("(") {
        let depth = depth.checked_sub(1).ok_or_else(|| PatternError::syntax("its parentheses are too deep"))?;
        let inner = any(scan, depth)?;
        scan.expect(")")?;
        inner
    } else {
        let selector = selector(scan)?;
        scan.skip_spaces();
        JsonCondition::Property(selector, value_condition(scan)?)
    };
    scan.skip_spaces();
    Ok(condition)
}

fn selector(scan: &mut Scanner<'_>) -> Result<PropertySelector, PatternError> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    scan.expect("$")?;
    let mut steps = Vec::new();
    loop {
        if scan.peek("[*]") || scan.peek(".*") {
            return Err(PatternError::NotServed("filter patterns with selectors of several values"));
        }
        if scan.consume("[") {
            steps.push(bracket(scan)?);
            scan.expect("]")?;
        } else if scan.consume(".") {
            if scan.peek("[") {
                continue;
            }
            match scan.consume_while(is_name) {
                "" => return Err(PatternError::syntax("a selector has a member without a name")),
                name => steps.push(SelectorStep::Member(name.to_owned())),
            }
        } else {
            return Ok(PropertySelector(steps));
        }
    }
}

/// Parses an index, or a member's name in quotes.
fn bracket(scan: &mut Scanner<'_>) -> Result<SelectorStep, PatternError> {
    if let Some(name) = scan.quoted()? {
        return Ok(SelectorStep::Member(name));
    }
    if scan.consume("'") {
        let name = scan.consume_while(|character| character != '\'').to_owned();
        return scan.expect("'").map(|()| SelectorStep::Member(name));
    }
    let number = scan.consume_while(|character| character.is_ascii_digit());
    number.parse().map(SelectorStep::Item).map_err(|_| PatternError::syntax("an item of a list has no number"))
}

fn value_condition(scan: &mut Scanner<'_>) -> Result<ValueCondition, PatternError> {
    if let Some(test) = Comparison::parse(scan)? {
        return Ok(ValueCondition::Compares(test));
    }
    let mut word = || {
        scan.skip_spaces();
        scan.consume_while(|character| character.is_ascii_alphabetic()).to_ascii_uppercase()
    };
    match (word().as_str(), word().as_str()) {
        ("IS", "NULL") => Ok(ValueCondition::Null),
        ("IS", "TRUE") => Ok(ValueCondition::Flag(true)),
        ("IS", "FALSE") => Ok(ValueCondition::Flag(false)),
        ("NOT", "EXISTS") => Ok(ValueCondition::Missing),
        _ => Err(PatternError::syntax("a selector is not compared with anything")),
    }
}

impl JsonCondition {
    pub(super) fn matches(&self, event: &Value) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.matches(event)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.matches(event)),
            Self::Property(selector, value_condition) => value_condition.matches(selector.find(event)),
        }
    }
}

impl ValueCondition {
    /// A missing value, a list or an object fails every comparison, even `!=`.
    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Missing, value) => value.is_none(),
            (Self::Null, Some(value)) => value.is_null(),
            (Self::Flag(value_condition), Some(Value::Bool(flag))) => value_condition == flag,
            (Self::Compares(test), Some(Value::String(text))) => test.matches(text),
            (Self::Compares(test), Some(value @ (Value::Number(_) | Value::Bool(_)))) => {
                test.matches(&value.to_string())
            }
            _ => false,
        }
    }
}

impl PropertySelector {
    fn find<'a>(&self, event: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(event, |value, step| match step {
            SelectorStep::Member(name) => value.as_object()?.get(name),
            SelectorStep::Item(number) => value.as_array()?.get(*number),
        })
    }
}
