//! The types of parameters.

use serde_json::Value;

use super::existence::Existing;

/// A type, taken apart.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Whether its value is the name of an SSM parameter that holds what `Ref` gives.
    pub stored: bool,
    /// Whether `Ref` gives a list.
    pub list: bool,
    /// What it, or each of its members, is.
    pub element: Element,
}

/// What a single value is.
#[derive(Debug, Clone, Copy)]
pub enum Element {
    /// Any text.
    Text,
    /// A number.
    Number,
    /// The members of a list that is written with commas.
    Members,
    /// The id of something that is there.
    Existing(&'static Existing),
}

impl Kind {
    /// A type by its name.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(inner) = name.strip_prefix("AWS::SSM::Parameter::Value<").and_then(|rest| rest.strip_suffix('>')) {
            let kind = Self::plain(inner).filter(|kind| !matches!(kind.element, Element::Number))?;
            return Some(Self { stored: true, ..kind });
        }
        Self::plain(name)
    }

    fn plain(name: &str) -> Option<Self> {
        let (element, list) = match name.strip_prefix("List<").and_then(|rest| rest.strip_suffix('>')) {
            Some(element) => (element, true),
            None => (name, false),
        };
        let element = match element {
            "String" => Element::Text,
            "Number" => Element::Number,
            "CommaDelimitedList" if !list => {
                return Some(Self { stored: false, list: true, element: Element::Members });
            }
            other => Element::Existing(Existing::of(other).filter(|existing| !list || existing.listed)?),
        };
        Some(Self { stored: false, list, element })
    }

    /// The type of a declaration.
    pub fn of(declaration: &Value) -> Option<Self> {
        Self::parse(declaration["Type"].as_str().unwrap_or_default())
    }
}
