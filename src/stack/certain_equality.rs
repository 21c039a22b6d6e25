//! The check for deployments that certainly change nothing.

use serde_json::Value;

use super::deploy_inputs::any;
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
}
