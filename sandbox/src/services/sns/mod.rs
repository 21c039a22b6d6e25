//! Amazon SNS: topics and their attributes. Nothing can subscribe to them here, and nothing is published.

use super::{Service, operation};
use crate::Fault;
use crate::wire::Protocol;
use crate::world::table::state;

mod attributes;
mod tags;
mod topics;

pub use topics::Topic;

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: "sns",
    protocols: &[Protocol::Query { version: "2010-03-31", xmlns: "http://sns.amazonaws.com/doc/2010-03-31/" }],
    validation_code: "ValidationError",
    operations: &[
        operation!("CreateTopic" => topics::create),
        operation!("DeleteTopic" => topics::delete),
        operation!("GetTopicAttributes" => topics::get_attributes),
        operation!("ListTagsForResource" => tags::list),
        operation!("ListTopics" => topics::list),
        operation!("SetTopicAttributes" => topics::set_attributes),
        operation!("TagResource" => tags::add),
        operation!("UntagResource" => tags::remove),
    ],
};

state! {
    /// What the service remembers.
    pub struct State {
        /// By ARN.
        pub topics: Table<Topic> = "sns_topics",
    }
}

fn invalid(what: &str) -> Fault {
    Fault::client("InvalidParameter", format!("Invalid parameter: {what}"))
}
