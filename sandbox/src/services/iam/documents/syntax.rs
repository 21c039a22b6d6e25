//! The syntax of a policy document: its elements and their types. Source: "Grammar of the IAM JSON policy language" in
//! the user guide.

use serde_json::{Map, Value};

const VERSIONS: &[&str] = &["2012-10-17", "2008-10-17"];
const OF_POLICY: &[&str] = &["Version", "Id", "Statement"];
const OF_STATEMENT: &[&str] =
    &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// A statement with the right syntax.
pub(crate) struct Statement<'a> {
    /// `Sid`; empty if left out.
    pub id: &'a str,
    /// `Effect`, in upper or lower case.
    pub effect: &'a str,
    /// `Principal` or `NotPrincipal`.
    pub principal: Option<&'a Value>,
    /// `Action` or `NotAction`.
    pub actions: Option<Vec<&'a str>>,
    /// Whether `actions` comes from `NotAction`.
    pub is_about_all_others: bool,
    /// `Resource` or `NotResource`.
    pub resources: Option<Vec<&'a str>>,
}

impl<'a> Statement<'a> {
    pub(crate) fn actions(&self) -> impl Iterator<Item = &'a str> {
        self.actions.iter().flatten().copied()
    }

    pub(crate) fn resources(&self) -> impl Iterator<Item = &'a str> {
        self.resources.iter().flatten().copied()
    }
}

/// A syntax error. AWS does not report where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrongForm;

pub(crate) fn statements(policy: &Map<String, Value>) -> Result<Vec<Statement<'_>>, WrongForm> {
    text(policy, "Id")?;
    let version = text(policy, "Version")?;
    ensure(has_only(policy, OF_POLICY) && version.is_none_or(|version| VERSIONS.contains(&version)))?;
    let all = match policy.get("Statement") {
        Some(Value::Array(all)) => all.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    ensure(!all.is_empty())?;
    all.iter().map(|value| statement(value.as_object().ok_or(WrongForm)?)).collect()
}

fn ensure(holds: bool) -> Result<(), WrongForm> {
    if holds { Ok(()) } else { Err(WrongForm) }
}

fn has_only(given: &Map<String, Value>, known: &[&str]) -> bool {
    given.keys().all(|name| known.contains(&name.as_str()))
}

/// An optional string member.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, WrongForm> {
    members.get(name).map(|value| value.as_str().ok_or(WrongForm)).transpose()
}

fn statement(members: &Map<String, Value>) -> Result<Statement<'_>, WrongForm> {
    let effect = text(members, "Effect")?.ok_or(WrongForm)?;
    let known = ["Allow", "Deny"].iter().any(|known| known.eq_ignore_ascii_case(effect));
    let condition = members.get("Condition").is_none_or(Value::is_object);
    ensure(known && condition && has_only(members, OF_STATEMENT))?;
    Ok(Statement {
        id: text(members, "Sid")?.unwrap_or_default(),
        effect,
        principal: either(members, "Principal", "NotPrincipal")?,
        actions: either(members, "Action", "NotAction")?.map(texts).transpose()?,
        is_about_all_others: members.contains_key("NotAction"),
        resources: either(members, "Resource", "NotResource")?.map(texts).transpose()?,
    })
}

/// The value of one of two members that exclude each other.
fn either<'a>(members: &'a Map<String, Value>, first: &str, second: &str) -> Result<Option<&'a Value>, WrongForm> {
    match (members.get(first), members.get(second)) {
        (Some(_), Some(_)) => Err(WrongForm),
        (value, None) | (None, value) => Ok(value),
    }
}

/// A string or a list of strings, without nulls.
pub(super) fn texts(value: &Value) -> Result<Vec<&str>, WrongForm> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let counting = items.iter().filter(|item| !value.is_array() || !item.is_null());
    counting.map(|item| item.as_str().ok_or(WrongForm)).collect()
}
