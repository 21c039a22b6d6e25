//! Patterns for space-delimited events: `[ip, user, ..., status_code = 4*, bytes > 1000]`.

use super::PatternError;
use super::comparison::Comparison;
use super::scanner::Scanner;

/// The fields that an event must have.
#[derive(Debug)]
pub(crate) struct Fields {
    /// Fields counted from the first one.
    first: Vec<Field>,
    /// Fields counted from the last one, if there is an ellipsis.
    last: Option<Vec<Field>>,
}

/// One field: its name, and its condition as alternatives of conjunctions of comparisons, each with a field's name.
#[derive(Debug)]
struct Field {
    name: String,
    any: Vec<Vec<(String, Comparison)>>,
}

pub(super) fn parse(text: &str) -> Result<Fields, PatternError> {
    let mut scan = Scanner::new(text);
    let mut fields = Fields { first: Vec::new(), last: None };
    scan.expect("[")?;
    loop {
        scan.skip_spaces();
        if scan.consume("...") {
            if fields.last.replace(Vec::new()).is_some() {
                return Err(PatternError::syntax("it has more than one ellipsis"));
            }
        } else {
            fields.last.as_mut().unwrap_or(&mut fields.first).push(field(&mut scan)?);
        }
        scan.skip_spaces();
        if !scan.consume(",") {
            break;
        }
    }
    scan.expect("]")?;
    if scan.is_at_end() { Ok(fields) } else { Err(PatternError::syntax("something follows the last bracket")) }
}

/// Parses a name, which may be empty, and its condition.
fn field(scan: &mut Scanner<'_>) -> Result<Field, PatternError> {
    let mut field = Field { name: name(scan), any: Vec::new() };
    let Some(test) = Comparison::parse(scan)? else { return Ok(field) };
    field.any.push(vec![(field.name.clone(), test)]);
    loop {
        scan.skip_spaces();
        if scan.consume("||") {
            field.any.push(Vec::new());
        } else if !scan.consume("&&") {
            return Ok(field);
        }
        scan.skip_spaces();
        let name = name(scan);
        let test =
            Comparison::parse(scan)?.ok_or_else(|| PatternError::syntax("a field is not compared with anything"))?;
        if let Some(all) = field.any.last_mut() {
            all.push((name, test));
        }
    }
}

fn name(scan: &mut Scanner<'_>) -> String {
    let name =
        scan.consume_while(|character| character.is_ascii_alphanumeric() || "-_$".contains(character)).to_owned();
    scan.skip_spaces();
    name
}

impl Fields {
    pub(super) fn matches(&self, event: &str) -> bool {
        let values = split(event);
        let last = self.last.as_deref().unwrap_or_default();
        let count = self.first.len() + last.len();
        if values.len() < count || (self.last.is_none() && values.len() > count) {
            return false;
        }
        let from_end = &values[values.len() - last.len()..];
        let named: Vec<(&Field, &str)> =
            self.first.iter().zip(values.iter().copied()).chain(last.iter().zip(from_end.iter().copied())).collect();
        let passes = |(name, test): &(String, Comparison)| {
            let field = named.iter().find(|(field, _)| field.name == *name);
            field.is_some_and(|(_, value)| test.matches(value))
        };
        named.iter().all(|(field, _)| field.any.is_empty() || field.any.iter().any(|all| all.iter().all(passes)))
    }
}

/// Splits an event into fields; text in brackets or quotes is one field.
fn split(event: &str) -> Vec<&str> {
    let (mut fields, mut rest) = (Vec::new(), event.trim_start());
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '[' => Some(']'),
            '"' => Some('"'),
            _ => None,
        };
        let enclosed = close.and_then(|close| rest[1..].split_once(close));
        let (field, after) = enclosed.unwrap_or_else(|| rest.split_once(char::is_whitespace).unwrap_or((rest, "")));
        fields.push(field);
        rest = after.trim_start();
    }
    fields
}
