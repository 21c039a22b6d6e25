//! The form of a document: which elements there may be, and of which types. Source: "Grammar of the IAM JSON policy language" in
//! the user guide.

use serde_json::{Map, Value};

const VERSIONS: &[&str] = &["2012-10-17", "2008-10-17"];
const OF_POLICY: &[&str] = &["Version", "Id", "Statement"];
const OF_STATEMENT: &[&str] =
    &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// One statement of the right form.
pub struct Statement<'a> {
    /// Its `Sid`, or nothing.
    pub id: &'a str,
    /// Its effect, in any case.
    pub effect: &'a str,
    /// Its `Principal` or `NotPrincipal`.
    pub principal: Option<&'a Value>,
    /// Its `Action` or `NotAction`.
    pub actions: Option<Vec<&'a str>>,
    /// Whether those are the actions that it is not about.
    pub is_about_all_others: bool,
    /// Its `Resource` or `NotResource`.
    pub resources: Option<Vec<&'a str>>,
}

impl<'a> Statement<'a> {
    pub fn actions(&self) -> impl Iterator<Item = &'a str> {
        self.actions.iter().flatten().copied()
    }

    pub fn resources(&self) -> impl Iterator<Item = &'a str> {
        self.resources.iter().flatten().copied()
    }
}

/// Something has not the right form. AWS does not say what.
#[derive(Debug, Clone, Copy)]
pub struct WrongForm;

/// A document's statements.
pub fn statements(policy: &Map<String, Value>) -> Result<Vec<Statement<'_>>, WrongForm> {
    text(policy, "Id")?;
    let version = text(policy, "Version")?;
    ensure(has_only(policy, OF_POLICY) && version.is_none_or(|version| VERSIONS.contains(&version)))?;
    let all = match policy.get("Statement") {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    ensure(!all.is_empty())?;
    all.iter().map(|one| statement(one.as_object().ok_or(WrongForm)?)).collect()
}

fn ensure(holds: bool) -> Result<(), WrongForm> {
    if holds { Ok(()) } else { Err(WrongForm) }
}

fn has_only(given: &Map<String, Value>, known: &[&str]) -> bool {
    given.keys().all(|name| known.contains(&name.as_str()))
}

/// A member that is a text if it is there.
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

/// One of two members, of which only one may be there.
fn either<'a>(members: &'a Map<String, Value>, one: &str, other: &str) -> Result<Option<&'a Value>, WrongForm> {
    match (members.get(one), members.get(other)) {
        (Some(_), Some(_)) => Err(WrongForm),
        (found, None) | (None, found) => Ok(found),
    }
}

/// A text or a list of texts, in which nulls do not count.
pub(super) fn texts(value: &Value) -> Result<Vec<&str>, WrongForm> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let counting = items.iter().filter(|item| !value.is_array() || !item.is_null());
    counting.map(|item| item.as_str().ok_or(WrongForm)).collect()
}
