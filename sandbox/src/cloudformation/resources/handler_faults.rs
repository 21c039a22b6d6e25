//! Faults as AWS's resource handlers report them: those of services with the words that the SDK for Java appends to the message of an
//! exception, as in `… (Service: Ecs, Status Code: 400, Request ID: 4c0d…)`.

use crate::Fault;
use crate::base::ids;

/// The names of services in the SDK for Java, by their signing names.
const SERVICES: &[(&str, &str)] = &[
    ("application-autoscaling", "ApplicationAutoScaling"),
    ("ec2", "Ec2"),
    ("ecs", "Ecs"),
    ("iam", "Iam"),
    ("logs", "CloudWatchLogs"),
    ("monitoring", "CloudWatch"),
    ("secretsmanager", "SecretsManager"),
    ("servicediscovery", "ServiceDiscovery"),
    ("ssm", "Ssm"),
];

/// A service's fault as an exception of the SDK. Faults of the sandbox itself stay as they are.
pub(super) fn as_sdk_exception(service: &str, fault: Fault) -> Fault {
    let name = SERVICES.iter().find(|(signing_name, _)| *signing_name == service).map(|(_, name)| name);
    match name {
        Some(name) if !fault.is_from_sandbox() => {
            let Fault { status, message, .. } = &fault;
            let message = format!("{message} (Service: {name}, Status Code: {status}, Request ID: {})", ids::uuid());
            Fault { message, ..fault }
        }
        _ => fault,
    }
}

/// The fault of a create handler when another resource has the identifier.
pub(super) fn already_exists(resource_type: &str, identifier: &str) -> Fault {
    Fault::already_exists(
        "AlreadyExists",
        format!("Resource of type '{resource_type}' with identifier '{identifier}' already exists."),
    )
}

#[cfg(test)]
mod tests {
    use super::as_sdk_exception;
    use crate::Fault;

    #[test]
    fn a_service_s_fault_names_the_service_and_the_sandbox_s_own_does_not_change() {
        let fault = as_sdk_exception("ecs", Fault::client("ClientException", "No."));
        assert!(fault.message.starts_with("No. (Service: Ecs, Status Code: 400, Request ID: "), "{fault}");
        for own in [Fault::internal("full"), Fault::not_implemented("it")] {
            assert_eq!(as_sdk_exception("ecs", own.clone()), own);
        }
    }
}
