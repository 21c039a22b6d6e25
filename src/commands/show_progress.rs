//! Shows the progress of an operation without questions until it ends or the user interrupts it.

use std::pin::pin;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::context::Context;
use crate::error::CliError;
use crate::ops::Message;
use crate::render::DeployView;

/// Runs `work` and shows its messages. `None` after an interrupt; AWS continues.
pub(super) async fn show_progress<T>(
    work: impl Future<Output = T>,
    mut messages: UnboundedReceiver<Message<CliError>>,
    view: &mut DeployView,
    ctx: &mut Context,
) -> Option<T> {
    let mut interrupts = ctx.interrupts.listen();
    let mut work = pin!(work);
    let done = loop {
        tokio::select! {
            biased;
            Some(message) = messages.recv() => view.show_message(&mut ctx.ui, message),
            _ = interrupts.next() => break None,
            done = &mut work => break Some(done),
        }
    };
    while let Ok(message) = messages.try_recv() {
        view.show_message(&mut ctx.ui, message);
    }
    done
}
