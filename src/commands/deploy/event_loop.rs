//! The one loop of a deploy that owns the terminal and the signals: it shows messages, asks questions and turns signals into cancellation.

use std::ops::ControlFlow;
use std::pin::pin;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::approver::Approver;
use super::interrupt::{self, Decision};
use super::project_source::ProjectSource;
use crate::context::{Context, Listener, Signal};
use crate::error::CliError;
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
        let cleans_up = {
            let mut work = pin!(work);
            loop {
                let message = tokio::select! {
                    // Messages sent before an interruption decide what it has to cancel.
                    biased;
                    Some(message) = self.messages.recv() => message,
                    // The work is not polled meanwhile.
                    signal = interrupts.next() => match self.on_signal(signal, &mut interrupts, &mut ctx.ui).await {
                        ControlFlow::Continue(()) => continue,
                        ControlFlow::Break(cleans_up) => break cleans_up,
                    },
                    outcomes = &mut work => {
                        self.show_all(&mut ctx.ui);
                        return Ok(outcomes);
                    }
                };
                let Message::Question(question, reply) = message else {
                    self.show(message, &mut ctx.ui);
                    continue;
                };
                self.view.end();
                let answer = tokio::select! {
                    answer = answer(self.approver, &question, self.source, &mut ctx.ui) => answer,
                    // Polls the other stacks. The stack with the question waits, so the work does not end here.
                    outcomes = &mut work => {
                        self.show_all(&mut ctx.ui);
                        return Ok(outcomes);
                    }
                    _ = interrupts.next() => break true,
                };
                drop(reply.send(answer));
            }
        };
        self.show_all(&mut ctx.ui);
        self.view.end();
        Err(interrupt::leave(&self.phases, cleans_up, &mut interrupts, &mut ctx.ui).await)
    }

    /// Leaves the work (`Break`, with whether to clean up), or continues with it.
    async fn on_signal(&mut self, signal: Signal, interrupts: &mut Listener, ui: &mut Ui) -> ControlFlow<bool> {
        if self.cancellation.is_cancelled() {
            return ControlFlow::Break(true);
        }
        self.view.end();
        let decision = tokio::select! {
            decision = interrupt::decide(signal, &self.phases, ui) => decision,
            _ = interrupts.next() => return ControlFlow::Break(false),
        };
        match decision {
            Decision::Leave => return ControlFlow::Break(true),
            Decision::Continue => {}
            Decision::Cancel => {
                self.cancellation.cancel();
                let (phases, view) = (&self.phases, &mut self.view);
                let note = |message| view.show(ui, &DeployEvent::Note { message });
                tokio::select! {
                    () = interrupt::cancel(phases, note) => {}
                    _ = interrupts.next() => return ControlFlow::Break(false),
                }
            }
        }
        interrupts.reset();
        ControlFlow::Continue(())
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
