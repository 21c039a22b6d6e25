//! Collects a stack's resources in the order in which they are added, which is the template's.

use serde_json::{Map, Value, json};

use crate::stack::construct::ConstructPath;
use crate::stack::resources::{Resource, ResourceType};
use crate::stack::spec::{CdkVersion, RemovalPolicy};
use crate::stack::template::Template;

/// A stack's template under construction.
pub(super) struct StackBuilder {
    root: ConstructPath,
    cdk_version: CdkVersion,
    resources: Map<String, Value>,
    parameters: Map<String, Value>,
    outputs: Map<String, Value>,
}

/// A resource's attributes other than its properties.
#[derive(Default)]
pub(super) struct Attributes {
    /// Logical ids, in order.
    pub depends_on: Vec<String>,
    /// The deletion policy; CloudFormation's default if `None`.
    pub removal: Option<RemovalPolicy>,
}

impl StackBuilder {
    pub(super) fn new(name: &str, cdk_version: CdkVersion) -> Self {
        let root = ConstructPath::stack(name);
        Self { root, cdk_version, resources: Map::new(), parameters: Map::new(), outputs: Map::new() }
    }

    /// The path of a direct child of the stack.
    pub(super) fn child(&self, id: &str) -> ConstructPath {
        self.root.child(id)
    }

    /// Adds a resource and returns its logical id.
    pub(super) fn add(&mut self, path: &ConstructPath, resource: Resource) -> String {
        self.add_with(path, resource, Attributes::default())
    }

    /// As [`Self::add`], with attributes.
    pub(super) fn add_with(&mut self, path: &ConstructPath, resource: Resource, attributes: Attributes) -> String {
        let Resource { resource_type, properties } = resource;
        let deletion_policy = attributes.removal.map(|removal| match removal {
            RemovalPolicy::Retain => "Retain",
            RemovalPolicy::Destroy => "Delete",
        });
        let properties = self.ordered(&resource_type, without_nulls(properties));
        let resource = json!({
            "Type": resource_type.name,
            "Properties": (!properties.is_empty()).then_some(properties),
            "DependsOn": (!attributes.depends_on.is_empty()).then_some(attributes.depends_on),
            "UpdateReplacePolicy": deletion_policy,
            "DeletionPolicy": deletion_policy,
            "Metadata": { "aws:cdk:path": path.to_string() },
        });
        let id = path.logical_id();
        self.resources.insert(id.clone(), without_nulls(resource));
        id
    }

    /// Adds a parameter for a public Systems Manager parameter and returns its logical id.
    pub(super) fn add_public_parameter(&mut self, value_type: &str, name: &str) -> String {
        // The id is the CDK's, with the UUID that it uses for all of them.
        let id = format!("SsmParameterValue:{name}:C96584B6-F00A-464E-AD19-53AFF4B05118.Parameter");
        let id = self.child(&id).logical_id();
        let value = json!({ "Type": format!("AWS::SSM::Parameter::Value<{value_type}>"), "Default": name });
        self.parameters.insert(id.clone(), value);
        id
    }

    /// Adds an output; `export` is its export name.
    pub(super) fn add_output(&mut self, id: &str, value: &Value, export: Option<&str>) {
        let export = export.map(|name| json!({ "Name": name }));
        self.outputs.insert(id.to_owned(), without_nulls(json!({ "Value": value, "Export": export })));
    }

    /// The template, its sections in the CDK's order.
    pub(super) fn finish(self) -> Template {
        let sections = [("Resources", self.resources), ("Parameters", self.parameters), ("Outputs", self.outputs)];
        let non_empty = sections.into_iter().filter(|(_, section)| !section.is_empty());
        Template::from_map(non_empty.map(|(name, section)| (name.to_owned(), Value::Object(section))).collect())
    }

    /// The properties in the CDK's order: the first generation writes required ones first.
    fn ordered(&self, resource_type: &ResourceType, properties: Value) -> Map<String, Value> {
        let Value::Object(mut properties) = properties else { return Map::new() };
        if self.cdk_version == CdkVersion::V2 {
            return properties;
        }
        let first = resource_type.required_first.iter();
        let mut ordered: Map<String, Value> =
            first.filter_map(|key| properties.shift_remove(*key).map(|value| ((*key).to_owned(), value))).collect();
        ordered.append(&mut properties);
        ordered
    }
}

/// Removes null entries: properties that are not set.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        scalar => scalar,
    }
}
