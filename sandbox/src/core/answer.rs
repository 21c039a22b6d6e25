//! What operations return.

use serde_json::Value;

use crate::Fault;
use crate::protocol::event_stream::EventStream;

/// What most operations return: the output's members by the names that the API's model gives them, or a fault.
pub type Reply = Result<Value, Fault>;

/// The successful result of an operation.
#[derive(Debug)]
pub enum Answer {
    /// The complete output.
    Complete(Value),
    /// A stream of events.
    Stream(EventStream),
}

impl From<Value> for Answer {
    fn from(output: Value) -> Self {
        Self::Complete(output)
    }
}

impl From<EventStream> for Answer {
    fn from(stream: EventStream) -> Self {
        Self::Stream(stream)
    }
}

/// The return types that an operation's function may have: a result, or an output where nothing can fail.
pub trait IntoAnswer {
    /// Converts the value.
    fn into_answer(self) -> Result<Answer, Fault>;
}

impl<T: Into<Answer>> IntoAnswer for Result<T, Fault> {
    fn into_answer(self) -> Result<Answer, Fault> {
        self.map(Into::into)
    }
}

impl IntoAnswer for Value {
    fn into_answer(self) -> Result<Answer, Fault> {
        Ok(self.into())
    }
}
