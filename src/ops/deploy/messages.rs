//! The messages of a deploy to the loop that owns the terminal: events, warnings, phases of stacks, and questions.

use std::future::pending;

use tokio::sync::{mpsc, oneshot};

use super::events::{DeployEvent, Operation};
use crate::model::StackStatus;
use crate::stack::{Template, TemplateDiff};

/// A message of a deploy. `E` is the error of the command that deploys.
#[derive(Debug)]
pub enum Message<E> {
    Event(DeployEvent),
    /// What the deploy waits for before there are events.
    Activity(String),
    /// A warning before something changes.
    Warning(String),
    /// What only `-v` shows.
    Detail(String),
    /// The phase of a stack.
    Phase(String, Phase),
    /// A question, and where the answer goes: yes, no, or why there is none.
    Question(Question, oneshot::Sender<Result<bool, E>>),
}

/// The phase of a stack's deploy, which decides what an interruption has to undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// No operation or change set.
    Idle,
    /// A check creates or has deleted its temporary change set, independent of the other phases.
    CheckChangeSet {
        /// Whether the change set may exist.
        exists: bool,
    },
    /// A change set exists or is being created, and nothing has changed yet.
    ChangeSet,
    /// An operation is in progress on the stack with this name or ARN.
    InProgress(Operation, String),
    /// An operation that this deploy has not started is followed to its end.
    Followed,
    /// CloudFormation is done, and the services are not steady yet.
    WaitingForServices,
}

/// A decision for the user.
#[derive(Debug)]
pub enum Question {
    /// Create this stack?
    CreateStack {
        stack: String,
        region: String,
        /// Whether a failed creation is deleted first.
        replaces_failed_creation: bool,
    },
    /// Make these changes?
    ApplyChanges(Box<ProposedChanges>),
    /// Roll the stack back first?
    RollBack {
        stack: String,
        status: StackStatus,
        /// The resources at which its rollback is stuck; none where there was no rollback yet.
        stuck_resources: Vec<String>,
    },
    /// Skip these resources, by logical id, when the rollback is continued?
    SkipResources { stack: String, resources: Vec<String> },
}

/// The changes of a stack, right before they are made.
#[derive(Debug)]
pub struct ProposedChanges {
    pub stack: String,
    pub exists: bool,
    /// The deployed template; empty for a stack that does not exist.
    pub deployed: Template,
    pub diff: TemplateDiff,
}

/// The sending side of a deploy's messages. Messages are discarded once the receiver is dropped.
#[derive(Debug)]
pub struct Reporter<E>(mpsc::UnboundedSender<Message<E>>);

impl<E> Clone for Reporter<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A channel for the messages of one deploy.
pub fn message_channel<E>() -> (Reporter<E>, mpsc::UnboundedReceiver<Message<E>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Reporter(sender), receiver)
}

impl<E> Reporter<E> {
    pub(crate) fn event(&self, event: DeployEvent) {
        self.send(Message::Event(event));
    }

    pub(crate) fn activity(&self, text: String) {
        self.send(Message::Activity(text));
    }

    pub(super) fn warn(&self, text: String) {
        self.send(Message::Warning(text));
    }

    /// Sends what only `-v` shows.
    pub fn detail(&self, text: String) {
        self.send(Message::Detail(text));
    }

    pub(super) fn phase(&self, stack: &str, phase: Phase) {
        self.send(Message::Phase(stack.to_owned(), phase));
    }

    /// Waits for the user's decision; never returns once the receiver is dropped.
    pub(super) async fn ask(&self, question: Question) -> Result<bool, E> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Question(question, reply));
        match answer.await {
            Ok(answer) => answer,
            Err(_) => pending().await,
        }
    }

    fn send(&self, message: Message<E>) {
        drop(self.0.send(message));
    }
}
