//! Refusals as AWS's handlers tell them. A service's own is repeated with the words that the SDK for Java puts at the end of an exception's
//! message, as in `… (Service: Ecs, Status Code: 400, Request ID: 4c0d…)`.

use crate::Fault;
use crate::base::ids;

/// The names that the SDK for Java has for services, by those that their requests are signed for.
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

/// The refusal with those words. What the sandbox itself is to blame for has none.
pub fn told(service: &str, fault: Fault) -> Fault {
    let name = SERVICES.iter().find(|(signing_name, _)| *signing_name == service).map(|(_, name)| name);
    match name {
        Some(name) if fault.status < 500 => {
            let Fault { status, message, .. } = &fault;
            let message = format!("{message} (Service: {name}, Status Code: {status}, Request ID: {})", ids::uuid());
            Fault { message, ..fault }
        }
        _ => fault,
    }
}

/// The refusal of a handler that finds another resource under the identifier of the one that it is to make.
pub fn taken(kind: &str, identifier: &str) -> Fault {
    Fault::already_exists(
        "AlreadyExists",
        format!("Resource of type '{kind}' with identifier '{identifier}' already exists."),
    )
}

#[cfg(test)]
mod tests {
    use super::told;
    use crate::Fault;

    #[test]
    fn a_service_s_refusal_names_it_and_the_sandbox_s_own_stays() {
        let fault = told("ecs", Fault::client("ClientException", "No."));
        assert!(fault.message.starts_with("No. (Service: Ecs, Status Code: 400, Request ID: "), "{fault}");
        for own in [Fault::internal("full"), Fault::not_implemented("it")] {
            assert_eq!(told("ecs", own.clone()), own);
        }
    }
}
