//! Patterns for JSON events: `{ $.latency > 500 && ($.level = "ERROR" || $.user NOT EXISTS) }`.

use serde_json::Value;

use super::Refusal;
use super::scan::Scan;
use super::test::Test;

/// How deep parentheses may be nested.
const DEEPEST: usize = 32;

/// A condition on an event.
#[derive(Debug)]
pub enum Condition {
    /// All of them hold.
    All(Vec<Condition>),
    /// At least one of them holds.
    Any(Vec<Condition>),
    /// A condition on a selected value.
    Is(Selector, Wanted),
}

/// A condition on a value.
#[derive(Debug)]
pub enum Wanted {
    /// It is null.
    Null,
    /// It does not exist.
    Missing,
    /// It is this boolean.
    Flag(bool),
    /// It passes a comparison.
    Passing(Test),
}

/// The path from the root to a value.
#[derive(Debug)]
pub struct Selector(Vec<Step>);

#[derive(Debug)]
enum Step {
    Member(String),
    Item(usize),
}

pub(super) fn parse(text: &str) -> Result<Condition, Refusal> {
    let mut scan = Scan::new(text);
    scan.expect("{")?;
    let condition = any(&mut scan, DEEPEST)?;
    scan.expect("}")?;
    if scan.is_at_end() { Ok(condition) } else { Err(Refusal::invalid("something follows the last brace")) }
}

/// `&&` binds stronger than `||`.
fn any(scan: &mut Scan<'_>, depth: usize) -> Result<Condition, Refusal> {
    joined(scan, "||", Condition::Any, &|scan| joined(scan, "&&", Condition::All, &|scan| one(scan, depth)))
}

type Parser<'p> = &'p dyn Fn(&mut Scan<'_>) -> Result<Condition, Refusal>;

fn joined(
    scan: &mut Scan<'_>,
    sign: &str,
    join: fn(Vec<Condition>) -> Condition,
    part: Parser<'_>,
) -> Result<Condition, Refusal> {
    let mut parts = vec![part(scan)?];
    while scan.takes(sign) {
        parts.push(part(scan)?);
    }
    Ok(join(parts))
}

fn one(scan: &mut Scan<'_>, depth: usize) -> Result<Condition, Refusal> {
    scan.skip_spaces();
    let condition = if scan.takes("(") {
        let depth = depth.checked_sub(1).ok_or_else(|| Refusal::invalid("its parentheses are too deep"))?;
        let inner = any(scan, depth)?;
        scan.expect(")")?;
        inner
    } else {
        let selector = selector(scan)?;
        scan.skip_spaces();
        Condition::Is(selector, wanted(scan)?)
    };
    scan.skip_spaces();
    Ok(condition)
}

fn selector(scan: &mut Scan<'_>) -> Result<Selector, Refusal> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    scan.expect("$")?;
    let mut steps = Vec::new();
    loop {
        if scan.sees("[*]") || scan.sees(".*") {
            return Err(Refusal::Unserved("filter patterns with selectors of several values"));
        }
        if scan.takes("[") {
            steps.push(bracket(scan)?);
            scan.expect("]")?;
        } else if scan.takes(".") {
            if scan.sees("[") {
                continue;
            }
            match scan.while_fits(is_name) {
                "" => return Err(Refusal::invalid("a selector has a member without a name")),
                name => steps.push(Step::Member(name.to_owned())),
            }
        } else {
            return Ok(Selector(steps));
        }
    }
}

/// Parses an index, or a member's name in quotes.
fn bracket(scan: &mut Scan<'_>) -> Result<Step, Refusal> {
    if let Some(name) = scan.quoted()? {
        return Ok(Step::Member(name));
    }
    if scan.takes("'") {
        let name = scan.while_fits(|character| character != '\'').to_owned();
        return scan.expect("'").map(|()| Step::Member(name));
    }
    let number = scan.while_fits(|character| character.is_ascii_digit());
    number.parse().map(Step::Item).map_err(|_| Refusal::invalid("an item of a list has no number"))
}

fn wanted(scan: &mut Scan<'_>) -> Result<Wanted, Refusal> {
    if let Some(test) = Test::parse(scan)? {
        return Ok(Wanted::Passing(test));
    }
    let mut word = || {
        scan.skip_spaces();
        scan.while_fits(|character| character.is_ascii_alphabetic()).to_ascii_uppercase()
    };
    match (word().as_str(), word().as_str()) {
        ("IS", "NULL") => Ok(Wanted::Null),
        ("IS", "TRUE") => Ok(Wanted::Flag(true)),
        ("IS", "FALSE") => Ok(Wanted::Flag(false)),
        ("NOT", "EXISTS") => Ok(Wanted::Missing),
        _ => Err(Refusal::invalid("a selector is not compared with anything")),
    }
}

impl Condition {
    pub(super) fn matches(&self, event: &Value) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.matches(event)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.matches(event)),
            Self::Is(selector, wanted) => wanted.fits(selector.find(event)),
        }
    }
}

impl Wanted {
    /// A missing value, a list or an object fails every comparison, even `!=`.
    fn fits(&self, found: Option<&Value>) -> bool {
        match (self, found) {
            (Self::Missing, found) => found.is_none(),
            (Self::Null, Some(value)) => value.is_null(),
            (Self::Flag(wanted), Some(Value::Bool(flag))) => wanted == flag,
            (Self::Passing(test), Some(Value::String(text))) => test.passes(text),
            (Self::Passing(test), Some(value @ (Value::Number(_) | Value::Bool(_)))) => test.passes(&value.to_string()),
            _ => false,
        }
    }
}

impl Selector {
    fn find<'a>(&self, event: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(event, |value, step| match step {
            Step::Member(name) => value.as_object()?.get(name),
            Step::Item(number) => value.as_array()?.get(*number),
        })
    }
}
