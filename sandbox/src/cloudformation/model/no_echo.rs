//! Masks the values of parameters with `NoEcho`, which no response, event or log shows.

use serde_json::Value;

use super::{PhysicalResource, Resource, Stack, StackDefinition, TemplateParameter};
use crate::Fault;

/// The text in place of a hidden value.
pub(crate) const MASK: &str = "****";

/// Shorter values are only masked where they are whole words: within a word they are there by accident.
const MIN_PART: usize = 4;

impl StackDefinition {
    pub(crate) fn hidden_parameters(&self) -> Vec<&str> {
        self.parameters.iter().filter(|parameter| parameter.no_echo).map(|parameter| parameter.key.as_str()).collect()
    }

    /// A text with its hidden values masked.
    pub(crate) fn masked(&self, text: &str) -> String {
        self.secrets().iter().fold(text.to_owned(), |text, secret| mask_text(&text, secret))
    }

    /// The hidden values, the members of those that are lists, and their forms in JSON text (`Fn::ToJsonString` escapes, also
    /// twice), the longest first.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let hidden = self.parameters.iter().filter(|parameter| parameter.no_echo);
        let values =
            hidden.flat_map(|parameter| [Some(parameter.value.as_str()), parameter.resolved.as_deref()]).flatten();
        let values = values.flat_map(|value| value.split(',').map(str::trim).chain([value]));
        let values = values.filter(|value| !value.is_empty()).map(ToOwned::to_owned);
        with_quoted(values)
    }
}

/// A fault with hidden parameter values masked, and every part of one that has [`MIN_PART`] characters: functions such as `Fn::Select`
/// put parts of values into messages.
pub(crate) fn mask_fault(fault: Fault, parameters: &[TemplateParameter]) -> Fault {
    let hidden = parameters.iter().filter(|parameter| parameter.no_echo);
    let hidden = StackDefinition { parameters: hidden.cloned().collect(), ..StackDefinition::default() };
    let values = hidden
        .parameters
        .iter()
        .flat_map(|parameter| [Some(parameter.value.as_str()), parameter.resolved.as_deref()])
        .flatten();
    let message = values.fold(hidden.masked(&fault.message), |text, secret| mask_parts(&text, secret));
    Fault { message, ..fault }
}

/// Texts and their forms in JSON text, the longest first.
fn with_quoted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = texts
        .flat_map(|text| {
            let quoted = in_json(&text);
            [in_json(&quoted), quoted, text]
        })
        .collect();
    all.sort_unstable_by(|left, right| (right.len(), right).cmp(&(left.len(), left)));
    all.dedup();
    all
}

/// Masks in `text` every string of `properties` that is masked in `shown`. Searching for the values of `NoEcho` parameters is not
/// enough, because functions such as `Fn::Select` produce parts of them.
pub(crate) fn mask_hidden(text: &str, properties: &Value, shown: &Value) -> String {
    let mut hidden = Vec::new();
    collect_hidden(properties, shown, &mut hidden);
    let hidden = with_quoted(hidden.into_iter().filter(|value| !value.is_empty()).map(str::to_owned));
    hidden.iter().fold(text.to_owned(), |text, value| mask_text(&text, value))
}

fn collect_hidden<'a>(value: &'a Value, shown: &Value, hidden: &mut Vec<&'a str>) {
    match (value, shown) {
        (value, shown) if value == shown => {}
        (Value::String(text), _) => hidden.push(text),
        (Value::Array(items), Value::Array(shown)) if items.len() == shown.len() => {
            items.iter().zip(shown).for_each(|(item, shown)| collect_hidden(item, shown, hidden));
        }
        (Value::Array(items), _) => items.iter().for_each(|item| collect_hidden(item, &Value::Null, hidden)),
        (Value::Object(members), _) => {
            members.iter().for_each(|(name, member)| collect_hidden(member, &shown[name], hidden));
        }
        _ => {}
    }
}

impl Resource {
    /// A text about the resource with the hidden parts of its properties masked.
    pub(crate) fn masked(&self, text: String) -> String {
        let physical = self.current.iter().chain(&self.previous).chain(&self.pending_deletion).chain(&self.retained);
        physical.fold(text, |text, physical_resource| physical_resource.mask(text))
    }
}

impl PhysicalResource {
    fn mask(&self, text: String) -> String {
        match &self.masked {
            Some(shown) => mask_hidden(&text, &self.properties, shown),
            None => text,
        }
    }
}

impl Stack {
    /// A text about the stack with its hidden values masked.
    pub(crate) fn masked(&self, text: String) -> String {
        let definitions = [Some(&self.definition), self.previous.as_ref()];
        let secrets = definitions.into_iter().flatten().flat_map(StackDefinition::secrets);
        secrets.fold(text, |text, secret| mask_text(&text, &secret))
    }

    /// The value with the hidden values masked in every text.
    pub(crate) fn masked_value(&self, value: &Value) -> Value {
        map_texts(value, &|text| self.masked(text.to_owned()))
    }
}

impl StackDefinition {
    /// The template after its transforms, with the hidden values masked that the transforms wrote into it.
    pub(crate) fn processed_template(&self) -> String {
        if self.template_body == self.original_template() {
            return self.template_body.clone();
        }
        let masked = |text: &str| self.masked(text);
        match serde_json::from_str(&self.template_body) {
            Ok(template) => map_texts(&template, &masked).to_string(),
            Err(_) => masked(&self.template_body),
        }
    }
}

fn map_texts(value: &Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(text).into(),
        Value::Array(items) => items.iter().map(|item| map_texts(item, change)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, member)| (name.clone(), map_texts(member, change))).collect())
        }
        other => other.clone(),
    }
}

/// A text as between the quotes of a JSON string.
fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

pub(crate) fn mask_text(text: &str, secret: &str) -> String {
    let (mut masked, mut rest) = (String::new(), text);
    let is_short = secret.chars().count() < MIN_PART;
    while let Some(at) = rest.find(secret) {
        let (before, after) = (&rest[..at], &rest[at + secret.len()..]);
        let joins = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
        let before_it = before.chars().next_back().or_else(|| masked.chars().next_back());
        masked.push_str(before);
        let is_part = is_short && (joins(before_it) || joins(after.chars().next()));
        masked.push_str(if is_part { secret } else { MASK });
        rest = after;
    }
    masked + rest
}

/// Masks every part of a text that has at least [`MIN_PART`] characters and is also part of a secret.
fn mask_parts(text: &str, secret: &str) -> String {
    let (mut masked, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let ends = rest.char_indices().map(|(at, character)| at + character.len_utf8());
        let common = ends.take_while(|end| secret.contains(&rest[..*end])).last().unwrap_or_default();
        let step = if rest[..common].chars().count() >= MIN_PART {
            masked.push_str(MASK);
            common
        } else {
            masked.push(first);
            first.len_utf8()
        };
        rest = &rest[step..];
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::{mask_parts, mask_text};

    #[test]
    fn parts_of_a_secret_are_masked_however_they_were_cut() {
        for (text, masked) in [
            ("no /nope-SECRET here", "no /nope-**** here"),
            ("ter2|SE", "****"),
            ("hun, RET and é", "hun, RET and é"),
            ("hunter2|SECREThunter2", "********"),
        ] {
            assert_eq!(mask_parts(text, "hunter2|SECRET"), masked, "{text}");
        }
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand_and_short_ones_by_themselves() {
        for (text, secret, masked) in [
            ("the hunter2secret is xhunter2secretx", "hunter2secret", "the **** is x****x"),
            ("hunter2hunter2", "hunter2", "********"),
            ("nothing", "hunter2", "nothing"),
            ("a cat, 'a', a", "a", "**** cat, '****', ****"),
            ("é ée", "é", "**** ée"),
            ("1 of 11", "1", "**** of 11"),
        ] {
            assert_eq!(mask_text(text, secret), masked, "{text}");
        }
    }
}
