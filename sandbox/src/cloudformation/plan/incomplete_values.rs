//! Values that are not known before a change set is executed, and the warning about them.

use serde_json::Value;

use super::{StackComparison, masked};
use crate::cloudformation::template::evaluation_scope::{EvaluationScope, UNKNOWN};
use crate::cloudformation::template::functions::{JOIN_ERROR, only_member};
use crate::cloudformation::template::references::{active_branches, imports};

impl StackComparison<'_> {
    /// Treats missing exports as unknown: they may exist when the change set is executed.
    pub(super) fn assume_imports(&mut self, name: &str) {
        let declared = &self.scope.template.resources()[name];
        let is_true = |name: &str| self.scope.condition(name).ok();
        let visible = |argument: &Value, export: &str| match masked(&self.scope, argument, self.new) {
            Some(masked) => masked.as_str().unwrap_or_default().to_owned(),
            None => export.to_owned(),
        };
        let missing: Vec<(String, String)> = imports(&declared["Properties"], &is_true)
            .into_iter()
            .filter_map(|argument| self.scope.text(argument).ok().map(|export| (visible(argument, &export), export)))
            .filter(|(_, export)| !self.scope.exports.contains_key(export))
            .collect();
        for (shown, export) in missing {
            self.warn(name, &format!("No export named {shown}"));
            self.scope.exports.insert(export, UNKNOWN.to_owned());
        }
    }

    /// Warns of a `Fn::Join` of a list that is not known yet (recorded: localstack's test_fn_split_with_get_att).
    pub(super) fn warn_of_unknown_lists(&mut self, name: &str) {
        if joins_unknown_list(&self.scope, &self.scope.template.resources()[name]["Properties"]) {
            self.warn(name, JOIN_ERROR);
        }
    }

    /// Stores the warning, unless there is one already.
    fn warn(&mut self, resource: &str, reason: &str) {
        self.warning.get_or_insert_with(|| {
            format!(
                "[WARN] --include-property-values option can return incomplete ChangeSet data because: ChangeSet creation failed for resource [{resource}] because: {reason}"
            )
        });
    }
}

fn joins_unknown_list(scope: &EvaluationScope<'_>, value: &Value) -> bool {
    let is_unknown = |list: &Value| scope.evaluate(list) == Ok(Some(UNKNOWN.into()));
    match (only_member(value), value) {
        (Some(("Fn::Join", argument)), _) if is_unknown(&argument[1]) => true,
        (Some(("Fn::If", argument)), _) => active_branches(argument, &|name| scope.condition(name).ok())
            .any(|(_, part)| joins_unknown_list(scope, part)),
        (_, Value::Array(items)) => items.iter().any(|item| joins_unknown_list(scope, item)),
        (_, Value::Object(members)) => members.values().any(|member| joins_unknown_list(scope, member)),
        _ => false,
    }
}
