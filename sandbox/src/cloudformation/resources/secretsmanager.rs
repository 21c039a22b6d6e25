//! `AWS::SecretsManager::Secret`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{HandlerContext, HandlerOutput, ResourceType, resource_type, text};
use crate::Fault;
use crate::base::ids;
use crate::base::tags::Tag;
use crate::cloudformation::model::PhysicalResource;

const SIGNING_NAME: &str = "secretsmanager";

pub(super) const TYPES: &[ResourceType] =
    &[resource_type!("AWS::SecretsManager::Secret", attributes: ["Id"], create_only: [], create, update, delete)];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SecretProperties {
    name: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_string: Option<String>,
    generate_secret_string: Option<GenerateSecretString>,
    #[serde(default)]
    replica_regions: Vec<Value>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GenerateSecretString {
    exclude_characters: Option<String>,
    exclude_lowercase: Option<bool>,
    exclude_numbers: Option<bool>,
    exclude_punctuation: Option<bool>,
    exclude_uppercase: Option<bool>,
    include_space: Option<bool>,
    password_length: Option<i64>,
    require_each_included_type: Option<bool>,
    generate_string_key: Option<String>,
    secret_string_template: Option<String>,
}

fn invalid(message: &str) -> Fault {
    Fault::client("InvalidRequest", message)
}

impl SecretProperties {
    fn check(&self) -> Result<(), Fault> {
        if !self.replica_regions.is_empty() {
            return Err(Fault::not_implemented("the property ReplicaRegions of AWS::SecretsManager::Secret"));
        }
        if self.secret_string.is_some() && self.generate_secret_string.is_some() {
            return Err(invalid("You can't specify both SecretString and GenerateSecretString."));
        }
        Ok(())
    }

    /// The value in the template, or a generated one.
    async fn value(&self, context: &HandlerContext) -> Result<Option<String>, Fault> {
        match &self.generate_secret_string {
            Some(generate) => generate.value(context).await.map(Some),
            None => Ok(self.secret_string.clone()),
        }
    }
}

impl GenerateSecretString {
    /// A password, on its own or as a member of the template.
    async fn value(&self, context: &HandlerContext) -> Result<String, Fault> {
        let input = json!({
            "ExcludeCharacters": self.exclude_characters,
            "ExcludeLowercase": self.exclude_lowercase,
            "ExcludeNumbers": self.exclude_numbers,
            "ExcludePunctuation": self.exclude_punctuation,
            "ExcludeUppercase": self.exclude_uppercase,
            "IncludeSpace": self.include_space,
            "PasswordLength": self.password_length,
            "RequireEachIncludedType": self.require_each_included_type,
        });
        let response = context.call(SIGNING_NAME, "GetRandomPassword", input).await?;
        let password = text(&response, "/RandomPassword").to_owned();
        match (&self.secret_string_template, &self.generate_string_key) {
            (None, None) => Ok(password),
            (Some(template), Some(key)) => {
                let mut members: Map<String, Value> = serde_json::from_str(template)
                    .map_err(|_| invalid("Could not parse SecretStringTemplate JSON."))?;
                members.insert(key.clone(), Value::String(password));
                Ok(Value::Object(members).to_string())
            }
            _ => Err(invalid("You must specify both SecretStringTemplate and GenerateStringKey, or neither of them.")),
        }
    }
}

async fn create(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let properties: SecretProperties = context.properties(properties)?;
    properties.check()?;
    let generated_name = || format!("{}-{}", context.logical_id, ids::random_alphanumeric(12));
    let input = json!({
        "Name": properties.name.clone().unwrap_or_else(generated_name),
        "Description": properties.description,
        "KmsKeyId": properties.kms_key_id,
        "SecretString": properties.value(&context).await?,
        "Tags": context.all_tags(&properties.tags),
    });
    let response = context.call(SIGNING_NAME, "CreateSecret", input).await?;
    let arn = text(&response, "/ARN");
    Ok(HandlerOutput::new(arn, json!({ "Id": arn })))
}

async fn update(context: HandlerContext, old: PhysicalResource, properties: Value) -> Result<HandlerOutput, Fault> {
    let (before, after): (SecretProperties, SecretProperties) =
        (context.properties(old.properties.clone())?, context.properties(properties)?);
    after.check()?;
    // A generated value stays, unless it is to be generated in another way.
    let is_value_unchanged =
        before.secret_string == after.secret_string && before.generate_secret_string == after.generate_secret_string;
    let value = if is_value_unchanged { None } else { after.value(&context).await? };
    let id = old.physical_id.as_str();
    let input = json!({
        "SecretId": id,
        "Description": after.description.clone().unwrap_or_default(),
        "KmsKeyId": after.kms_key_id,
        "SecretString": value,
    });
    context.call(SIGNING_NAME, "UpdateSecret", input).await?;
    let described = context.call(SIGNING_NAME, "DescribeSecret", json!({ "SecretId": id })).await?;
    let removed = context.removed_tag_keys(&described["Tags"], &after.tags);
    context.call(SIGNING_NAME, "UntagResource", json!({ "SecretId": id, "TagKeys": removed })).await?;
    context.call(SIGNING_NAME, "TagResource", json!({ "SecretId": id, "Tags": context.all_tags(&after.tags) })).await?;
    Ok(HandlerOutput::from(&old))
}

/// Without recovery window: a stack that is created again can use the name.
async fn delete(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let input = json!({ "SecretId": old.physical_id, "ForceDeleteWithoutRecovery": true });
    context.call(SIGNING_NAME, "DeleteSecret", input).await.map(drop)
}
