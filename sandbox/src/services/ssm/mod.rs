//! AWS Systems Manager: parameters (the account's own, and AWS's public ones for machine images), sessions and Run
//! Command.

use crate::Fault;
use crate::base::paging::InvalidToken;
use crate::core::{AwsService, operation};
use crate::protocol::Protocol;
use crate::store::table::state;

mod commands;
pub(crate) mod managed_instances;
mod parameters;
mod sessions;

pub(crate) use commands::resume_commands;
use parameters::{History, Parameter};

state! {
    pub struct State {
        /// The newest version of each parameter, by name.
        pub parameters: Table<Parameter> = "ssm.parameters",
        /// Commands by id.
        pub commands: Table<commands::Command> = "ssm.commands",
        /// Invocations by command id and instance id.
        pub invocations: Table<commands::Invocation> = "ssm.invocations",
        /// Older versions and tags, by name.
        pub history: Table<History> = "ssm.past",
    }
}

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: "ssm",
    protocols: &[Protocol::Json11 { target_prefix: "AmazonSSM" }],
    validation_code: "ValidationException",
    owner_only: false,
    input_hook: None,
    operations: &[
        operation!("AddTagsToResource" => parameters::tags::add),
        operation!("CancelCommand" => commands::cancel),
        operation!("DeleteParameter" => parameters::put_parameter::delete),
        operation!("DeleteParameters" => parameters::put_parameter::delete_all),
        operation!("DescribeInstanceInformation" => managed_instances::describe),
        operation!("DescribeParameters" => parameters::describe_parameters::describe),
        operation!("DescribeSessions" => sessions::describe),
        operation!("GetCommandInvocation" => commands::get_invocation),
        operation!("GetConnectionStatus" => managed_instances::connection_status),
        operation!(async "GetParameter" => parameters::get_parameter::get),
        operation!(async "GetParameters" => parameters::get_parameter::get_all),
        operation!("GetParametersByPath" => parameters::get_parameter::get_by_path),
        operation!("ListCommandInvocations" => commands::list_invocations),
        operation!("ListCommands" => commands::list),
        operation!("ListTagsForResource" => parameters::tags::list),
        operation!("PutParameter" => parameters::put_parameter::put),
        operation!("RemoveTagsFromResource" => parameters::tags::remove),
        operation!("ResumeSession" => sessions::resume),
        operation!("SendCommand" => commands::send),
        operation!("StartSession" => sessions::start),
        operation!("TerminateSession" => sessions::terminate),
    ],
};

fn validation_exception(message: impl Into<String>) -> Fault {
    Fault::client("ValidationException", message)
}

/// The fault of a document's parameters.
fn invalid_parameters(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameters", message)
}

fn invalid_token(_: InvalidToken) -> Fault {
    Fault::client("InvalidNextToken", "The specified token isn't valid.")
}
