//! Functions on lists.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::{FunctionResult, may_be_list, may_be_text, require};
use crate::base::{regions, zones};
use crate::cloudformation::template::evaluation_scope::{EvaluationError, EvaluationScope, UNKNOWN};
use crate::cloudformation::template::parameters::declaration::scalar;

const SPLIT_ERROR: &str = "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string \
                     to be split or a function that returns a string to be split.";
const SELECT: &str =
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a list";
const INDEX: &str = "Template error: Fn::Select requires a list argument with a valid index value as its first element";
const CIDR: &str =
    "Template error: every Fn::Cidr object requires an ipBlock, a count between 1 and 256 and optionally cidrBits";

pub(super) fn check_zones(argument: &Value) -> Result<(), EvaluationError> {
    require(may_be_text(argument), "Template error: every Fn::GetAZs object must have a String-typed value.")
}

pub(super) fn zones(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let argument_text = scope.text(argument)?;
    let region = if argument_text.is_empty() { &scope.config.region } else { &argument_text };
    if *region != scope.config.region && *region != UNKNOWN && !regions::exists(region) {
        return Err(format!("Template error: Fn::GetAZs: unknown region {region}"));
    }
    Ok(Some(zones::names(region).into()))
}

pub(super) fn check_split(argument: &Value) -> Result<(), EvaluationError> {
    let is_valid = matches!(argument.as_array().map(Vec::as_slice), Some([delimiter, text]) if delimiter.is_string() && may_be_text(text));
    require(is_valid, SPLIT_ERROR)
}

pub(super) fn split(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let (delimiter, text) = (argument[0].as_str().ok_or(SPLIT_ERROR)?, scope.text(&argument[1])?);
    if text.contains(UNKNOWN) {
        return Ok(Some(UNKNOWN.into()));
    }
    // A list takes more memory than its text.
    scope.produce(text.split(delimiter).count() * size_of::<Value>())?;
    Ok(Some(text.split(delimiter).collect()))
}

pub(super) fn check_select(argument: &Value) -> Result<(), EvaluationError> {
    let parts = argument.as_array().filter(|parts| !parts.is_empty()).ok_or(INDEX)?;
    require(may_be_text(&parts[0]), INDEX)?;
    require(parts.len() == 2 && may_be_list(&parts[1]), SELECT)?;
    // A literal index has to be one of a literal list (recorded: localstack's test_invalid_select_index_type).
    let Some(index) = scalar(&parts[0]) else { return Ok(()) };
    let index: usize = index.parse().map_err(|_| SELECT)?;
    require(parts[1].as_array().is_none_or(|items| index < items.len()), SELECT)
}

pub(super) fn select(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let index = scope.text(&argument[0])?;
    let items = scope.evaluate(&argument[1])?.unwrap_or_default();
    if items == UNKNOWN || index == UNKNOWN {
        return Ok(Some(UNKNOWN.into()));
    }
    let index: i64 = index.parse().map_err(|_| SELECT)?;
    let items = items.as_array().ok_or(SELECT)?;
    let item = usize::try_from(index).ok().and_then(|index| items.get(index));
    let none = || format!("Template error: Fn::Select cannot select nonexistent value at index {index}");
    item.cloned().map(Some).ok_or_else(none)
}

pub(super) fn check_length(argument: &Value) -> Result<(), EvaluationError> {
    require(may_be_list(argument), "Template error: every Fn::Length object requires a list")
}

pub(super) fn length(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    match scope.evaluate(argument)? {
        Some(Value::Array(items)) => Ok(Some(items.len().into())),
        _ => Err("The Fn::Length value could not be resolved for properties".to_owned()),
    }
}

pub(super) fn check_cidr(argument: &Value) -> Result<(), EvaluationError> {
    let parts = argument.as_array().ok_or(CIDR)?;
    require((2..=3).contains(&parts.len()) && parts.iter().all(may_be_text), CIDR)
}

pub(super) fn cidr(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let texts: Result<Vec<String>, _> =
        argument.as_array().into_iter().flatten().map(|part| scope.text(part)).collect();
    let texts = texts?;
    if texts.iter().any(|text| text.contains(UNKNOWN)) {
        return Ok(Some(UNKNOWN.into()));
    }
    let [block, numbers @ ..] = texts.as_slice() else { return Err(CIDR.to_owned()) };
    let numbers: Result<Vec<u32>, _> = numbers.iter().map(|text| text.trim().parse::<u32>()).collect();
    let (count, bits) = match numbers.map_err(|_| CIDR)?.as_slice() {
        [count] => (*count, 8),
        [count, bits] => (*count, *bits),
        _ => return Err(CIDR.to_owned()),
    };
    require((1..=256).contains(&count), CIDR)?;
    let blocks = Block::parse(block).and_then(|block| block.parts(count, bits));
    let error = || format!("Template error: Fn::Cidr cannot make {count} ranges of {bits} bits from {block}");
    blocks.map(|blocks| Some(blocks.into())).ok_or_else(error)
}

/// A range of IPv4 or IPv6 addresses.
struct Block {
    first: u128,
    /// The length of the range's prefix.
    prefix: u32,
    /// The bits of an address.
    width: u32,
}

impl Block {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.trim().split_once('/')?;
        let prefix: u32 = prefix.parse().ok()?;
        let (first, width) = match address.parse::<Ipv4Addr>() {
            Ok(address) => (u128::from(address.to_bits()), 32),
            Err(_) => (address.parse::<Ipv6Addr>().ok()?.to_bits(), 128),
        };
        (prefix <= width).then_some(Self { first, prefix, width })
    }

    /// The first `count` ranges of `2^bits` addresses; `None` when they do not fit.
    fn parts(&self, count: u32, bits: u32) -> Option<Vec<String>> {
        let host_bits = self.width - self.prefix;
        let is_valid =
            bits <= host_bits && bits < self.width && (host_bits - bits >= 9 || count <= 1 << (host_bits - bits));
        if !is_valid {
            return None;
        }
        let base = if host_bits >= 128 { 0 } else { self.first >> host_bits << host_bits };
        let text = |number: u32| {
            let first = base + (u128::from(number) << bits);
            let prefix = self.width - bits;
            match u32::try_from(first) {
                Ok(first) if self.width == 32 => format!("{}/{prefix}", Ipv4Addr::from_bits(first)),
                _ => format!("{}/{prefix}", Ipv6Addr::from_bits(first)),
            }
        };
        Some((0..count).map(text).collect())
    }
}
