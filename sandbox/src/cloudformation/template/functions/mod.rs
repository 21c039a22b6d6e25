//! The table of intrinsic functions: each with its name, where it is allowed, the check of its argument, and its implementation.
//!
//! Arguments are checked when a template is parsed; functions are evaluated later, when what they refer to is known. The sentences are
//! AWS's.

use serde_json::Value;

use super::evaluation_scope::{EvaluationError, EvaluationScope};

mod condition_functions;
mod lists;
mod reference_functions;
mod rule_functions;
mod texts;

pub(crate) use texts::{JOIN_ERROR, placeholders};

/// Where a function is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AllowedIn {
    /// In properties and outputs, and inside other functions.
    Value,
    /// In conditions and rules.
    Condition,
    /// In rules alone.
    Rule,
    /// In templates that declare the transform `AWS::LanguageExtensions`.
    Extension,
}

/// The result of a function; `None` is `AWS::NoValue`.
pub(crate) type FunctionResult = Result<Option<Value>, EvaluationError>;

pub(crate) struct Function {
    /// Such as `Fn::Join`.
    pub name: &'static str,
    /// Where it is allowed.
    pub allowed_in: AllowedIn,
    /// Refuses an argument of the wrong form.
    pub check_argument: fn(&Value) -> Result<(), EvaluationError>,
    /// Evaluates it.
    pub call: fn(&EvaluationScope<'_>, &Value) -> FunctionResult,
}

/// Every function, in the order of AWS's fault for an unknown one.
pub(crate) const FUNCTIONS: &[Function] = &[
    function("Fn::Base64", AllowedIn::Value, texts::check_base64, texts::base64),
    function("Fn::GetAtt", AllowedIn::Value, reference_functions::check_attribute, reference_functions::attribute),
    function("Fn::GetAZs", AllowedIn::Value, lists::check_zones, lists::zones),
    function("Fn::ImportValue", AllowedIn::Value, reference_functions::check_import, reference_functions::import),
    function("Fn::Join", AllowedIn::Value, texts::check_join, texts::join),
    function("Fn::Split", AllowedIn::Value, lists::check_split, lists::split),
    function("Fn::FindInMap", AllowedIn::Value, reference_functions::check_map, reference_functions::find_in_map),
    function("Fn::Select", AllowedIn::Value, lists::check_select, lists::select),
    function("Ref", AllowedIn::Value, reference_functions::check_reference, reference_functions::reference),
    function("Fn::Equals", AllowedIn::Condition, condition_functions::check_equals, condition_functions::equals),
    function("Fn::If", AllowedIn::Value, condition_functions::check_if_else, condition_functions::if_else),
    function("Fn::Not", AllowedIn::Condition, condition_functions::check_not, condition_functions::not),
    function("Condition", AllowedIn::Condition, condition_functions::check_named, condition_functions::named),
    function("Fn::And", AllowedIn::Condition, condition_functions::check_and, condition_functions::and),
    function("Fn::Or", AllowedIn::Condition, condition_functions::check_or, condition_functions::or),
    function("Fn::Contains", AllowedIn::Rule, rule_functions::two_lists, rule_functions::contains),
    function("Fn::EachMemberEquals", AllowedIn::Rule, rule_functions::two_lists, rule_functions::each_member_equals),
    function("Fn::EachMemberIn", AllowedIn::Rule, rule_functions::two_lists, rule_functions::each_member_in),
    function("Fn::ValueOf", AllowedIn::Rule, rule_functions::two_names, rule_functions::value_of),
    function("Fn::ValueOfAll", AllowedIn::Rule, rule_functions::two_names, rule_functions::value_of_all),
    function("Fn::RefAll", AllowedIn::Rule, rule_functions::one_name, rule_functions::all_of_type),
    function("Fn::Sub", AllowedIn::Value, texts::check_sub, texts::substitute),
    function("Fn::Cidr", AllowedIn::Value, lists::check_cidr, lists::cidr),
    function("Fn::Length", AllowedIn::Extension, lists::check_length, lists::length),
    function("Fn::ToJsonString", AllowedIn::Extension, texts::check_json, texts::json_text),
];

const fn function(
    name: &'static str,
    allowed_in: AllowedIn,
    check_argument: fn(&Value) -> Result<(), EvaluationError>,
    call: fn(&EvaluationScope<'_>, &Value) -> FunctionResult,
) -> Function {
    Function { name, allowed_in, check_argument, call }
}

pub(crate) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Whether an object with this only key is a function call, of a known function or not.
pub(crate) fn is_call(name: &str) -> bool {
    name == "Ref" || name.starts_with("Fn::")
}

/// The problem of an unknown function.
pub(crate) fn unsupported(name: &str) -> EvaluationError {
    let known = FUNCTIONS.iter().filter(|function| function.allowed_in != AllowedIn::Extension);
    let names = known.map(|function| function.name).collect::<Vec<_>>().join(", ");
    format!("Template Error: Encountered unsupported function: {name} Supported functions are: [{names}]")
}

/// The member of an object that has exactly one.
pub(crate) fn only_member(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.iter().next().map(|(name, argument)| (name.as_str(), argument))
}

/// Whether a value can become a text: a scalar or a function call.
fn may_be_text(value: &Value) -> bool {
    value.is_string()
        || value.is_number()
        || value.is_boolean()
        || only_member(value).is_some_and(|(name, _)| is_call(name))
}

/// Whether a value can become a list.
fn may_be_list(value: &Value) -> bool {
    value.is_array() || only_member(value).is_some_and(|(name, _)| is_call(name))
}

fn require(is_true: bool, sentence: &str) -> Result<(), EvaluationError> {
    if is_true { Ok(()) } else { Err(sentence.to_owned()) }
}
