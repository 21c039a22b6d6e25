//! Systems Manager parameters and Secrets Manager secrets: whether they exist, never their values.

use aws_smithy_types::error::ErrorMetadata;
use serde_json::{Value, json};

use super::raw::{RawCall, RawService, SECRETS_MANAGER, SSM};
use super::{Aws, AwsError, AwsErrorKind, Result};

const JSON: &str = "application/x-amz-json-1.1";
const DESCRIBE_PARAMETERS: JsonOperation = JsonOperation { target: "AmazonSSM", name: "DescribeParameters" };
const DESCRIBE_SECRET: JsonOperation = JsonOperation { target: "secretsmanager", name: "DescribeSecret" };

impl Aws {
    /// Returns the names without a Systems Manager parameter. Takes at most 50 names.
    pub async fn missing_parameters(&self, names: &[&str]) -> Result<Vec<String>> {
        let action = format!("look for the parameters {}", names.join(", "));
        let filters = json!([{ "Key": "Name", "Option": "Equals", "Values": names }]);
        let mut missing: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut token = Value::Null;
        loop {
            let mut input = json!({ "ParameterFilters": filters, "MaxResults": 50 });
            if token.is_string() {
                input["NextToken"] = token;
            }
            let response = self.json(&SSM, DESCRIBE_PARAMETERS, &action, &input).await?;
            let existing = response["Parameters"].as_array().into_iter().flatten();
            let existing: Vec<&str> = existing.filter_map(|parameter| parameter["Name"].as_str()).collect();
            missing.retain(|name| !existing.contains(&name.as_str()));
            token = response["NextToken"].clone();
            if !token.is_string() || missing.is_empty() {
                return Ok(missing);
            }
        }
    }

    /// Whether Secrets Manager has a secret of this name.
    pub async fn has_secret(&self, name: &str) -> Result<bool> {
        let action = format!("look for the secret `{name}`");
        let input = json!({ "SecretId": name });
        match self.json(&SECRETS_MANAGER, DESCRIBE_SECRET, &action, &input).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == AwsErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Calls an operation of the AWS JSON 1.1 protocol.
    async fn json(
        &self,
        service: &'static RawService,
        operation: JsonOperation,
        action: &str,
        input: &Value,
    ) -> Result<Value> {
        let JsonOperation { target, name } = operation;
        let headers = vec![("content-type", JSON.to_owned()), ("x-amz-target", format!("{target}.{name}"))];
        let response = self.raw(service, RawCall { action, operation: name, headers, body: input.to_string() }).await?;
        let not_aws = |error| AwsError::new(action, AwsErrorKind::NotAws, format!("unexpected response: {error}"));
        serde_json::from_str(&response).map_err(not_aws)
    }
}

/// The two halves of an `X-Amz-Target`.
#[derive(Debug, Clone, Copy)]
struct JsonOperation {
    target: &'static str,
    name: &'static str,
}

/// The code, without its namespace, and the message of an error response; neither if the response is not AWS's.
pub(super) fn error(body: &str) -> ErrorMetadata {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = body["__type"].as_str() {
        metadata = metadata.code(code.rsplit('#').next().unwrap_or(code));
    }
    if let Some(message) = body["message"].as_str().or_else(|| body["Message"].as_str()) {
        metadata = metadata.message(message);
    }
    metadata.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_code_and_message_of_its_body() {
        let metadata = error(r#"{"__type": "com.amazonaws.ssm#ThrottlingException", "Message": "slower"}"#);
        assert_eq!((metadata.code(), metadata.message()), (Some("ThrottlingException"), Some("slower")));
        assert_eq!(error("<html>"), ErrorMetadata::builder().build());
    }
}
