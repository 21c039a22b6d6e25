//! `[[services.NAME.task_policy]]`: statements of the task role.

use toml::de::DeValue;

use super::CdkVersion;
use crate::diagnostic::Diagnostic;
use crate::stack::check;
use crate::stack::reader::{Table, Validated};
use crate::stack::synth::{MAX_MANAGED_POLICY, oversized_statements};

/// An `Allow` statement of an IAM policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyStatement {
    /// Actions, such as `s3:GetObject`.
    pub actions: Vec<String>,
    /// ARNs, or `*`.
    pub resources: Vec<String>,
}

/// Reads the statements. Their distribution over policies depends on all of them and on ECS Exec, so oversized policies are detected
/// at the end.
pub(super) fn read(tables: Vec<Table<'_, '_>>, exec: bool, cdk_version: CdkVersion) -> Vec<PolicyStatement> {
    let (tables, statements): (Vec<_>, Vec<_>) =
        tables.into_iter().filter_map(|table| statement(&table).map(|statement| (table, statement))).unzip();
    for (at, size) in oversized_statements(&statements, exec, cdk_version) {
        let diagnostic = Diagnostic::new(format!(
            "needs a managed policy of {size} characters, and IAM accepts {MAX_MANAGED_POLICY}"
        ));
        tables[at].report_table(diagnostic.hint("split its actions or resources into several statements"));
    }
    statements
}

fn statement(table: &Table<'_, '_>) -> Option<PolicyStatement> {
    let actions = table.required("actions", "add actions = [\"s3:GetObject\"]", check::list(action));
    let resources = table.required("resources", "add resources = [\"*\"]", check::list(resource));
    table.report_unknown_keys();
    Some(PolicyStatement { actions: actions?, resources: resources? })
}

fn action(value: &DeValue<'_>) -> Validated<String> {
    let action = check::string(value)?;
    let well_formed = action.split_once(':').is_some_and(|(service, name)| {
        let service_letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let name_letters = |letter: char| letter.is_ascii_alphanumeric() || "*?".contains(letter);
        !service.is_empty()
            && service.chars().all(service_letters)
            && !name.is_empty()
            && name.chars().all(name_letters)
    });
    if well_formed || action == "*" {
        return Ok(action);
    }
    Err(Diagnostic::new(format!("is {}, which is not an action", check::quoted(&action)))
        .hint("an action looks like \"s3:GetObject\""))
}

fn resource(value: &DeValue<'_>) -> Validated<String> {
    let resource = check::string(value)?;
    if resource == "*" || resource.starts_with("arn:") && resource.matches(':').count() >= 5 {
        return Ok(resource);
    }
    let hint = "write \"*\" or an ARN like \"arn:aws:s3:::bucket/*\"";
    Err(Diagnostic::new(format!("is {}, which is not an ARN", check::quoted(&resource))).hint(hint))
}
