//! AWS Secrets Manager: secrets, their versions and staging labels.

use crate::Fault;
use crate::core::{AwsService, operation};
use crate::protocol::Protocol;
use crate::store::table::state;

mod delete_secret;
mod model;
mod password;
mod secrets;
mod tags;
mod values;

pub(crate) use model::Secret;

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: "secretsmanager",
    protocols: &[Protocol::Json11 { target_prefix: "secretsmanager" }],
    validation_code: "ValidationException",
    owner_only: false,
    input_hook: None,
    operations: &[
        operation!("CreateSecret" => secrets::create),
        operation!("DeleteSecret" => delete_secret::delete),
        operation!("DescribeSecret" => secrets::describe),
        operation!("GetRandomPassword" => password::get),
        operation!("GetSecretValue" => values::get),
        operation!("PutSecretValue" => values::put),
        operation!("TagResource" => tags::add),
        operation!("UntagResource" => tags::remove),
        operation!("UpdateSecret" => secrets::update),
    ],
};

state! {
    pub struct State {
        pub secrets: Table<Secret> = "secretsmanager_secrets",
    }
}

fn not_found(what: &str) -> Fault {
    Fault::not_found("ResourceNotFoundException", format!("Secrets Manager can't find the specified {what}."))
}

fn invalid_parameter(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterException", message)
}

fn invalid_request(message: impl Into<String>) -> Fault {
    Fault::client("InvalidRequestException", message)
}

fn marked_for_deletion() -> Fault {
    invalid_request("You can't perform this operation on the secret because it was marked for deletion.")
}
