//! The one loop of a deploy that owns the terminal and the signals: it shows messages, asks questions and turns signals into cancellation.

use std::pin::pin;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::approver::Approver;
use super::interrupt::{self, Decision};
use super::project_source::ProjectSource;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops::{DeployEvent, Message, Question, StackOutcome, StackPhases};
use crate::render::{DeployView, Ui};

type Outcomes = Vec<StackOutcome<CliError>>;

/// The parts of the loop.
pub(super) struct EventLoop<'a, A> {
    pub approver: &'a mut A,
    pub source: &'a ProjectSource<'a>,
    pub messages: UnboundedReceiver<Message<CliError>>,
    pub view: DeployView,
    pub phases: StackPhases<'a>,
    pub cancellation: &'a CancellationToken,
}

impl<A: Approver> EventLoop<'_, A> {
    /// Runs until the work ends, or the user leaves it.
    pub(super) async fn run(
        mut self,
        work: impl Future<Output = Outcomes>,
        ctx: &mut Context,
    ) -> Result<Outcomes, CliError> {
        let mut interrupts = ctx.interrupts.listen();
        {
            let mut work = pin!(work);
            loop {
                let message = tokio::select! {
                    // Messages sent before an interruption decide what it has to cancel.
                    biased;
                    Some(message) = self.messages.recv() => Some(message),
                    () = interrupts.next() => None,
                    outcomes = &mut work => {
                        self.show_all(&mut ctx.ui);
                        return Ok(outcomes);
                    }
                };
                match message {
                    Some(Message::Question(question, reply)) => {
                        self.view.end();
                        let answer = tokio::select! {
                            answer = answer(self.approver, &question, self.source, &mut ctx.ui) => answer,
                            // Polls the other stacks. The stack with the question waits, so the work does not end here.
                            outcomes = &mut work => {
                                self.show_all(&mut ctx.ui);
                                return Ok(outcomes);
                            }
                            () = interrupts.next() => break,
                        };
                        drop(reply.send(answer));
                    }
                    Some(message) => self.show(message, &mut ctx.ui),
                    None if self.cancellation.is_cancelled() => break,
                    None => {
                        self.view.end();
                        // The work is not polled meanwhile. A second interruption leaves it.
                        let decision = tokio::select! {
                            decision = interrupt::decide(&self.phases, &mut ctx.ui) => decision,
                            () = interrupts.next() => Decision::Leave,
                        };
                        match decision {
                            Decision::Leave => break,
                            Decision::Continue => {}
                            Decision::Cancel => {
                                self.cancellation.cancel();
                                let (phases, view, ui) = (&self.phases, &mut self.view, &mut ctx.ui);
                                let note = |message| view.show(ui, &DeployEvent::Note { message });
                                tokio::select! {
                                    () = interrupt::cancel(phases, note) => {}
                                    () = interrupts.next() => break,
                                }
                            }
                        }
                    }
                }
            }
        }
        self.show_all(&mut ctx.ui);
        // Another interruption may leave a change set, which the next deploy replaces.
        Err(tokio::select! {
            error = interrupt::leave(&self.phases) => error,
            () = interrupts.next() => CliError::new(Exit::Interrupted, "interrupted"),
        })
    }

    fn show_all(&mut self, ui: &mut Ui) {
        while let Ok(message) = self.messages.try_recv() {
            self.show(message, ui);
        }
    }

    fn show(&mut self, message: Message<CliError>, ui: &mut Ui) {
        match message {
            Message::Phase(stack, phase) => self.phases.set(stack, phase),
            // The operation has ended or was left, so a question needs no answer.
            message => self.view.show_message(ui, message),
        }
    }
}

/// The approver's answer. Nothing is approved if the approver fails to prepare for the changes.
async fn answer<A: Approver>(
    approver: &mut A,
    question: &Question,
    source: &ProjectSource<'_>,
    ui: &mut Ui,
) -> Result<bool, CliError> {
    let is_approved = approver.answer(question, source, ui).await?;
    if is_approved && matches!(question, Question::ApplyChanges(_)) {
        approver.on_changes_approved(ui)?;
    }
    Ok(is_approved)
}
