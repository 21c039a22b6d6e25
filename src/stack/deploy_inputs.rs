//! Inputs of a deployment other than the template: capabilities and parameters.

use std::collections::BTreeMap;

use serde_json::Value;

use super::diff::equality::equal;
use super::template::Template;

impl Template {
    pub(super) fn has_transform(&self) -> bool {
        self.as_map().contains_key("Transform")
            || any(&self.to_value(), &mut |value| value.get("Fn::Transform").is_some())
    }

    /// The capabilities that CloudFormation requires for this template.
    pub fn capabilities(&self) -> Vec<&'static str> {
        let is_iam = |(_, resource): (&str, &Value)| {
            resource["Type"].as_str().is_some_and(|kind| kind.starts_with("AWS::IAM::"))
        };
        let iam = self.section("Resources").any(is_iam).then_some("CAPABILITY_NAMED_IAM");
        let expand = self.has_transform().then_some("CAPABILITY_AUTO_EXPAND");
        iam.into_iter().chain(expand).collect()
    }

    /// The parameters to send: those in `given`, and UsePreviousValue (`None`) for those in `current`, the stack's values, that differ
    /// from the deployed template's default. Others follow the new template's default.
    pub fn parameters_to_send(
        &self,
        given: &BTreeMap<&str, &str>,
        current: &[(String, String)],
        deployed: &Self,
    ) -> Vec<(String, Option<String>)> {
        let defaults: BTreeMap<&str, &Value> =
            deployed.section("Parameters").map(|(name, parameter)| (name, &parameter["Default"])).collect();
        let is_default = |name: &str, value: &str| match defaults.get(name) {
            Some(Value::Null) | None => false,
            // As in CloudFormation, a number equals the string of its digits.
            Some(default) => equal(default, &Value::from(value)),
        };
        let send = |(name, _): (&str, &Value)| {
            if let Some(value) = given.get(name) {
                return Some((name.to_owned(), Some((*value).to_owned())));
            }
            let (_, value) = current.iter().find(|(key, _)| key == name)?;
            (!is_default(name, value)).then(|| (name.to_owned(), None))
        };
        self.section("Parameters").filter_map(send).collect()
    }
}

/// Whether `predicate` holds for a value or any value within it.
pub(super) fn any(value: &Value, predicate: &mut impl FnMut(&Value) -> bool) -> bool {
    predicate(value)
        || match value {
            Value::Array(items) => items.iter().any(|item| any(item, predicate)),
            Value::Object(map) => map.values().any(|item| any(item, predicate)),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(value: &Value) -> Template {
        Template::from_map(value.as_object().cloned().unwrap_or_default())
    }

    #[test]
    fn changed_values_are_kept_and_defaults_follow_the_template() {
        let with_default = |default: &str| {
            template(&json!({ "Parameters": {
                "Image": { "Type": "String", "Default": default }, "Size": { "Type": "Number", "Default": 1 }, "New": { "Type": "String" },
            } }))
        };
        let current = |image: &str, size: &str| {
            vec![("Image".to_owned(), image.to_owned()), ("Size".to_owned(), size.to_owned())]
        };
        let send = |current: &[(String, String)]| {
            with_default("b").parameters_to_send(&BTreeMap::from([("New", "x")]), current, &with_default("a"))
        };
        let new = ("New".to_owned(), Some("x".to_owned()));
        assert_eq!(send(&current("a", "1")), std::slice::from_ref(&new));
        assert_eq!(send(&current("mine", "2")), [("Image".to_owned(), None), ("Size".to_owned(), None), new]);
    }

    #[test]
    fn capabilities_follow_the_resources_and_transforms() {
        let capabilities = |value: Value| template(&value).capabilities();
        assert_eq!(capabilities(json!({ "Resources": { "Q": { "Type": "AWS::SQS::Queue" } } })), Vec::<&str>::new());
        assert_eq!(
            capabilities(json!({ "Resources": { "R": { "Type": "AWS::IAM::Role" } } })),
            ["CAPABILITY_NAMED_IAM"]
        );
        assert_eq!(capabilities(json!({ "Transform": ["AWS::LanguageExtensions"] })), ["CAPABILITY_AUTO_EXPAND"]);
    }
}
