//! Systems Manager parameters and Secrets Manager secrets: whether they exist, never their values.

use aws_sdk_ssm::types::ParameterStringFilter;

use super::{Aws, AwsError, AwsErrorKind, Result, client};

impl Aws {
    fn ssm(&self) -> &aws_sdk_ssm::Client {
        self.ssm.get_or_init(|| client!(aws_sdk_ssm, self))
    }

    /// Returns the names without a Systems Manager parameter. Takes at most 50 names.
    pub async fn missing_parameters(&self, names: &[&str]) -> Result<Vec<String>> {
        let action = format!("look for the parameters {}", names.join(", "));
        let mut missing: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let filter = ParameterStringFilter::builder().key("Name").option("Equals").set_values(Some(missing.clone()));
        let filter = filter.build().map_err(|error| AwsError::new(&action, AwsErrorKind::Other, error.to_string()))?;
        let request = self.ssm().describe_parameters().parameter_filters(filter).max_results(50);
        let mut pages = request.into_paginator().send();
        while let (false, Some(page)) = (missing.is_empty(), pages.next().await) {
            let existing = page.map_err(|error| self.error(&action, error))?.parameters.unwrap_or_default();
            missing.retain(|name| !existing.iter().any(|parameter| parameter.name.as_deref() == Some(name)));
        }
        Ok(missing)
    }

    /// Whether Secrets Manager has a secret of this name.
    pub async fn has_secret(&self, name: &str) -> Result<bool> {
        let action = format!("look for the secret `{name}`");
        let client = self.secrets_manager.get_or_init(|| client!(aws_sdk_secretsmanager, self));
        let response = client.describe_secret().secret_id(name).send().await;
        match response.map_err(|error| self.error(action, error)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind == AwsErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}
