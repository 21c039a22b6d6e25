//! Whether the parameters and secrets exist that containers read: their descriptions, never their values.

use serde_json::{Value, json};

use super::raw::{RawAnswer, RawCall, error_code};
use super::{Aws, AwsError, AwsErrorKind, Result};

const JSON: &str = "application/x-amz-json-1.1";

impl Aws {
    /// Those of the names that Systems Manager has no parameter of. At most 50 names.
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
            let answer = self.json("ssm", "AmazonSSM.DescribeParameters", &action, &input).await?;
            let found = answer["Parameters"].as_array().into_iter().flatten();
            let found: Vec<&str> = found.filter_map(|parameter| parameter["Name"].as_str()).collect();
            missing.retain(|name| !found.contains(&name.as_str()));
            token = answer["NextToken"].clone();
            if !token.is_string() || missing.is_empty() {
                return Ok(missing);
            }
        }
    }

    /// Whether Secrets Manager has a secret of this name.
    pub async fn has_secret(&self, name: &str) -> Result<bool> {
        let action = format!("look for the secret `{name}`");
        let input = json!({ "SecretId": name });
        match self.json("secretsmanager", "secretsmanager.DescribeSecret", &action, &input).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == AwsErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A call of a service that speaks AWS's JSON 1.1.
    async fn json(&self, service: &str, target: &str, action: &str, input: &Value) -> Result<Value> {
        let headers = [("content-type", JSON), ("x-amz-target", target)];
        let call = RawCall { action, signing_name: service, headers: &headers, body: input.to_string() };
        let answer = self.raw(&call).await?;
        let not_aws = |answer: &RawAnswer| {
            let message = format!("the answer is HTTP {} and not AWS's", answer.status);
            AwsError::unanswered(action, AwsErrorKind::NotAws, message)
        };
        match serde_json::from_str::<Value>(&answer.body) {
            Ok(body) if answer.is_success() => Ok(body),
            Ok(body) => {
                let code = error_code(&answer.body).ok_or_else(|| not_aws(&answer))?;
                let message = body["message"].as_str().or_else(|| body["Message"].as_str()).unwrap_or_default();
                Err(AwsError::answered(action, code, message))
            }
            Err(_) => Err(not_aws(&answer)),
        }
    }
}
