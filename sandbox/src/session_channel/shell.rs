//! A session's command in its terminal, with the terminal's input and output.

use std::sync::{Arc, Weak};

use tokio::sync::mpsc;

use crate::process::{ProcessHandle, ProcessSpec, Pty, Runner, StartError};

/// The maximum size of an output message, as the agent's.
const MAX_MESSAGE_BYTES: usize = 1024;

/// A running command. When it is dropped, the command is ended.
#[derive(Debug)]
pub(super) struct Shell {
    /// What it prints, in pieces of at most one message, until its end.
    pub(super) output: mpsc::Receiver<Vec<u8>>,
    _handle: ProcessHandle,
    terminal: Weak<Pty>,
}

impl Shell {
    /// Starts a command in a new terminal and types `input` there. The other end of `input` is closed when the terminal is.
    ///
    /// # Errors
    /// No terminal is available, or the command cannot be started in it.
    pub(super) async fn start(
        runner: &Runner,
        spec: &ProcessSpec,
        input: mpsc::Receiver<Vec<u8>>,
    ) -> Result<Self, StartError> {
        let (terminal, theirs) = Pty::open()?;
        let errors = theirs.try_clone()?;
        let handle = runner.attach(spec, theirs, errors).await?.handle;
        let (sender, output) = mpsc::channel(1);
        let terminal = Arc::new(terminal);
        let shell = Self { output, _handle: handle, terminal: Arc::downgrade(&terminal) };
        tokio::spawn(async move {
            // The terminal closes when the command ends or the output's receiver is dropped.
            tokio::select! {
                () = read(&terminal, &sender) => {}
                () = sender.closed() => {}
                () = write(&terminal, input) => {}
            }
        });
        Ok(shell)
    }

    pub(super) fn resize(&self, columns: u16, rows: u16) {
        if let Some(terminal) = self.terminal.upgrade() {
            terminal.resize(columns, rows);
        }
    }
}

/// Sends output as it comes, without cutting UTF-8 characters in two.
async fn read(terminal: &Pty, output: &mpsc::Sender<Vec<u8>>) {
    let (mut incomplete, mut buffer) = (Vec::new(), [0; MAX_MESSAGE_BYTES]);
    loop {
        let count = terminal.read(&mut buffer[incomplete.len()..]).await;
        let filled = incomplete.len() + count;
        buffer[..incomplete.len()].copy_from_slice(&incomplete);
        let cut = if count == 0 { filled } else { character_end(&buffer[..filled]) };
        incomplete = buffer[cut..filled].to_vec();
        if cut > 0 && output.send(buffer[..cut].to_vec()).await.is_err() || count == 0 {
            return;
        }
    }
}

/// Types input until its sender is dropped. Does not return when the command no longer reads, because the session ends with the
/// command's output.
async fn write(terminal: &Pty, mut input: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = input.recv().await {
        if terminal.write_all(&bytes).await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// The end of the last complete UTF-8 character; bytes that are not UTF-8 are passed on unchanged.
fn character_end(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::character_end;

    #[test]
    fn a_character_is_never_cut_in_two() {
        assert_eq!(character_end("aé".as_bytes()), 3);
        assert_eq!(character_end(&"aé".as_bytes()[..2]), 1);
        assert_eq!(character_end(b"a\xffb\xff"), 4);
    }
}
