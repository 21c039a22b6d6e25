//! The source of a secret: `ssm:NAME` or `secretsmanager:NAME`.

use toml::de::DeValue;

use crate::diagnostic::Diagnostic;
use crate::stack::check;
use crate::stack::reader::Validated;

/// The source of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// The name of a Systems Manager parameter.
    Parameter(String),
    /// The name of a Secrets Manager secret.
    SecretsManager(String),
}

const HINT: &str = "write \"ssm:/parameter/name\" or \"secretsmanager:secret-name\"";

pub(super) fn rule(value: &DeValue<'_>) -> Validated<Secret> {
    let source = check::string(value)?;
    match source.split_once(':') {
        Some(("ssm", name)) => parameter(name),
        Some(("secretsmanager", name)) => {
            check::SECRET_NAME.check(name).map(|()| Secret::SecretsManager(name.to_owned()))
        }
        _ => Err(Diagnostic::new(format!("is {}, which does not name a store", check::quoted(&source))).hint(HINT)),
    }
}

/// Systems Manager's rules for names: at most 15 levels, a leading `/` if there are levels, and no reserved names.
fn parameter(name: &str) -> Validated<Secret> {
    check::PARAMETER_NAME.check(name)?;
    if !name.starts_with('/') && name.contains('/') {
        return Err(Diagnostic::new(format!("is the parameter {name}"))
            .hint(format!("a name with levels starts with `/`: \"ssm:/{name}\"")));
    }
    if name.ends_with('/') || name.contains("//") {
        return Err(Diagnostic::new(format!("is the parameter {name}, which has an empty level"))
            .hint("every level needs a name"));
    }
    if name.trim_start_matches('/').to_ascii_lowercase().starts_with("ssm") {
        let message = format!("is the parameter {name}, and names that start with `ssm` are reserved for AWS");
        return Err(Diagnostic::new(message).hint("choose another name"));
    }
    if name.matches('/').count() > 15 {
        return Err(Diagnostic::new("is a parameter of more than 15 levels").hint("Systems Manager allows at most 15"));
    }
    Ok(Secret::Parameter(name.to_owned()))
}
