//! Inputs of a deployment besides the template (capabilities and parameters), and the check for deployments that change nothing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::construct::short_path;
use super::diff::equality::equal;
use super::template::Template;

/// The CDK's own parameter, whose value has no effect on resources.
const BOOTSTRAP_VERSION: &str = "BootstrapVersion";

impl Template {
    /// Whether deploying this template over `deployed` certainly changes nothing: both are the same, nothing in them is resolved only by
    /// the deployment (transforms, dynamic references, SSM parameter types), and there is no `?`, which GetTemplate returns for every
    /// non-ASCII character.
    pub fn certainly_equals(&self, deployed: &Self) -> bool {
        self == deployed && !self.is_resolved_by_deployment() && !deployed.has_question_mark()
    }

    fn is_resolved_by_deployment(&self) -> bool {
        let ssm = |(name, parameter): (&str, &Value)| {
            let kind = parameter["Type"].as_str().unwrap_or_default();
            kind.starts_with("AWS::SSM::Parameter::Value<") && name != BOOTSTRAP_VERSION
        };
        self.has_transform()
            || self.section("Parameters").any(ssm)
            || any(&self.to_value(), &mut |value| value.as_str().is_some_and(|text| text.contains("{{resolve:")))
    }

    fn has_transform(&self) -> bool {
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

    /// Construct paths by logical id, without the stack's name and a final `Resource` or `Default`.
    pub fn short_paths(&self) -> BTreeMap<String, String> {
        let path = |(id, resource): (&str, &Value)| {
            let path = resource.pointer(super::diff::PATH_METADATA)?.as_str()?;
            Some((id.to_owned(), short_path(path).to_owned()))
        };
        self.section("Resources").filter_map(path).collect()
    }
}

/// Whether `predicate` holds for a value or any value within it.
fn any(value: &Value, predicate: &mut impl FnMut(&Value) -> bool) -> bool {
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
    fn a_template_with_values_that_are_resolved_at_deployment_is_not_certainly_equal_to_itself() {
        let queue = |name: Value| json!({ "Resources": { "Q": { "Type": "AWS::SQS::Queue", "Properties": { "QueueName": name } } } });
        let equals_itself = |value: &Value| template(value).certainly_equals(&template(value));
        assert!(equals_itself(&queue(json!("a"))));
        assert!(!template(&queue(json!("a"))).certainly_equals(&template(&queue(json!("b")))));
        assert!(!equals_itself(&queue(json!("a?"))), "`?` may be a replaced non-ASCII character");
        assert!(!equals_itself(&queue(json!({ "Fn::Sub": "x-{{resolve:ssm:/name}}" }))));
        assert!(!equals_itself(&queue(json!({ "Fn::Transform": { "Name": "AWS::Include" } }))));
        assert!(!equals_itself(&json!({ "Transform": "AWS::Serverless-2016-10-31" })));
        let parameter = |name: &str, kind: &str| json!({ "Parameters": { name: { "Type": kind } } });
        assert!(equals_itself(&parameter("A", "String")));
        assert!(equals_itself(&parameter("BootstrapVersion", "AWS::SSM::Parameter::Value<String>")));
        assert!(!equals_itself(&parameter("A", "AWS::SSM::Parameter::Value<String>")));
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
