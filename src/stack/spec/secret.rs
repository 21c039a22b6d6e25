//! Reads a secret's source: `ssm:NAME` or `secretsmanager:NAME`.

use toml::de::DeValue;

use super::Secret;
use crate::stack::check;
use crate::stack::diagnostic::Finding;
use crate::stack::reader::Validated;

const HINT: &str = "write \"ssm:/parameter/name\" or \"secretsmanager:secret-name\"";

pub(super) fn rule(value: &DeValue<'_>) -> Validated<Secret> {
    let source = check::text(value)?;
    match source.split_once(':') {
        Some(("ssm", name)) => parameter(name),
        Some(("secretsmanager", name)) => {
            check::SECRET_NAME.check(name).map(|()| Secret::SecretsManager(name.to_owned()))
        }
        _ => Err(Finding::new(format!("is {}, which names no store", check::quoted(&source))).hint(HINT)),
    }
}

/// Systems Manager's rules for names: 15 levels, a leading `/` where there are levels, and not AWS's own names.
fn parameter(name: &str) -> Validated<Secret> {
    check::PARAMETER_NAME.check(name)?;
    let bare = name.trim_start_matches('/').to_ascii_lowercase();
    match () {
        () if !name.starts_with('/') && name.contains('/') => Err(Finding::new(format!("is the parameter {name}"))
            .hint(format!("a name with levels starts with `/`: \"ssm:/{name}\""))),
        () if name.ends_with('/') || name.contains("//") => {
            Err(Finding::new(format!("is the parameter {name}, which has an empty level"))
                .hint("between two `/` and after the last one stands a name"))
        }
        () if bare.starts_with("ssm") => {
            Err(Finding::new(format!("is the parameter {name}, and AWS keeps names that start with `ssm` for itself"))
                .hint("choose another name"))
        }
        () if name.matches('/').count() > 15 => {
            Err(Finding::new("is a parameter of more than 15 levels").hint("Systems Manager has no deeper ones"))
        }
        () => Ok(Secret::Parameter(name.to_owned())),
    }
}
