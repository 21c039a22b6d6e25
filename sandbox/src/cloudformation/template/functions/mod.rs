//! The table of functions: what each is called, where it may stand, what its argument has to look like, and what it gives.
//!
//! The shape of an argument is checked when a template comes in, before anything is known; the value is made later, when
//! what the function refers to is known. The sentences are AWS's.

use serde_json::Value;

use super::resolve::{Problem, Scope};

mod conditions;
mod lists;
mod lookups;
mod rules;
mod texts;

pub use texts::placeholders;

/// Where a function may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In properties and outputs, and inside other functions.
    Value,
    /// In conditions and rules.
    Condition,
    /// In rules alone.
    Rule,
    /// In templates that declare the transform `AWS::LanguageExtensions`.
    Extension,
}

/// What a function gives; `None` is `AWS::NoValue`.
pub type Answer = Result<Option<Value>, Problem>;

/// One function.
pub struct Function {
    /// Such as `Fn::Join`.
    pub name: &'static str,
    /// Where it may stand.
    pub place: Place,
    /// Refuses an argument that it cannot have.
    pub shape: fn(&Value) -> Result<(), Problem>,
    /// Its value.
    pub call: fn(&Scope<'_>, &Value) -> Answer,
}

/// Every function, in the order in which AWS's refusal of an unknown one lists them.
pub const FUNCTIONS: &[Function] = &[
    row("Fn::Base64", Place::Value, texts::base64_shape, texts::base64),
    row("Fn::GetAtt", Place::Value, lookups::attribute_shape, lookups::attribute),
    row("Fn::GetAZs", Place::Value, lists::zones_shape, lists::zones),
    row("Fn::ImportValue", Place::Value, lookups::import_shape, lookups::import),
    row("Fn::Join", Place::Value, texts::join_shape, texts::join),
    row("Fn::Split", Place::Value, lists::split_shape, lists::split),
    row("Fn::FindInMap", Place::Value, lookups::map_shape, lookups::find_in_map),
    row("Fn::Select", Place::Value, lists::select_shape, lists::select),
    row("Ref", Place::Value, lookups::reference_shape, lookups::reference),
    row("Fn::Equals", Place::Condition, conditions::equals_shape, conditions::equals),
    row("Fn::If", Place::Value, conditions::choice_shape, conditions::choice),
    row("Fn::Not", Place::Condition, conditions::not_shape, conditions::not),
    row("Condition", Place::Condition, conditions::named_shape, conditions::named),
    row("Fn::And", Place::Condition, conditions::and_shape, conditions::and),
    row("Fn::Or", Place::Condition, conditions::or_shape, conditions::or),
    row("Fn::Contains", Place::Rule, rules::two_lists, rules::contains),
    row("Fn::EachMemberEquals", Place::Rule, rules::two_lists, rules::each_member_equals),
    row("Fn::EachMemberIn", Place::Rule, rules::two_lists, rules::each_member_in),
    row("Fn::ValueOf", Place::Rule, rules::two_names, rules::value_of),
    row("Fn::ValueOfAll", Place::Rule, rules::two_names, rules::value_of_all),
    row("Fn::RefAll", Place::Rule, rules::one_name, rules::all_of_type),
    row("Fn::Sub", Place::Value, texts::sub_shape, texts::substitute),
    row("Fn::Cidr", Place::Value, lists::cidr_shape, lists::cidr),
    row("Fn::Length", Place::Extension, lists::length_shape, lists::length),
    row("Fn::ToJsonString", Place::Extension, texts::json_shape, texts::json_text),
];

const fn row(
    name: &'static str,
    place: Place,
    shape: fn(&Value) -> Result<(), Problem>,
    call: fn(&Scope<'_>, &Value) -> Answer,
) -> Function {
    Function { name, place, shape, call }
}

/// The function of a name.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Whether an object's only key makes it the call of a function, known or not.
pub fn is_call(name: &str) -> bool {
    name == "Ref" || name.starts_with("Fn::")
}

/// The refusal of a function that there is not.
pub fn unsupported(name: &str) -> Problem {
    let known = FUNCTIONS.iter().filter(|function| function.place != Place::Extension);
    let names = known.map(|function| function.name).collect::<Vec<_>>().join(", ");
    format!("Template Error: Encountered unsupported function: {name} Supported functions are: [{names}]")
}

/// The one member of an object that has one.
pub fn single(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.iter().next().map(|(name, argument)| (name.as_str(), argument))
}

/// Whether this could become a text: a scalar or a function's call.
fn may_be_text(value: &Value) -> bool {
    value.is_string() || value.is_number() || value.is_boolean() || single(value).is_some_and(|(name, _)| is_call(name))
}

/// Whether this could become a list.
fn may_be_list(value: &Value) -> bool {
    value.is_array() || single(value).is_some_and(|(name, _)| is_call(name))
}

fn require(holds: bool, sentence: &str) -> Result<(), Problem> {
    if holds { Ok(()) } else { Err(sentence.to_owned()) }
}
