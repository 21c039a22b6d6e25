//! A session's command in its terminal, and what goes in and out of that.

use std::sync::{Arc, Weak};

use tokio::sync::mpsc;

use crate::process::{ProcessHandle, ProcessSpec, Runner, StartError, Terminal};

/// Bytes of a message, as the agent sends them.
const CHUNK: usize = 1024;

/// A command that runs. When it is dropped, the command is ended.
#[derive(Debug)]
pub(super) struct Shell {
    /// What it prints, in pieces of at most a message; ends when nothing of it is left.
    pub(super) output: mpsc::Receiver<Vec<u8>>,
    _handle: ProcessHandle,
    terminal: Weak<Terminal>,
}

impl Shell {
    /// Starts a command in a new terminal, where `input` is typed. The other end of `input` is closed when the terminal is.
    ///
    /// # Errors
    /// When there is no terminal, or the command cannot be started in it.
    pub(super) async fn start(
        runner: &Runner,
        spec: &ProcessSpec,
        input: mpsc::Receiver<Vec<u8>>,
    ) -> Result<Self, StartError> {
        let (terminal, theirs) = Terminal::open()?;
        let errors = theirs.try_clone()?;
        let handle = runner.attach(spec, theirs, errors).await?.handle;
        let (printed, output) = mpsc::channel(1);
        let terminal = Arc::new(terminal);
        let shell = Self { output, _handle: handle, terminal: Arc::downgrade(&terminal) };
        tokio::spawn(async move {
            // Our end closes with whichever is over first: the command, or the wish to see it.
            tokio::select! {
                () = read(&terminal, &printed) => {}
                () = printed.closed() => {}
                () = write(&terminal, input) => {}
            }
        });
        Ok(shell)
    }

    /// Gives the terminal another size.
    pub(super) fn resize(&self, columns: u16, rows: u16) {
        if let Some(terminal) = self.terminal.upgrade() {
            terminal.resize(columns, rows);
        }
    }
}

async fn read(terminal: &Terminal, printed: &mpsc::Sender<Vec<u8>>) {
    let (mut open, mut buffer) = (Vec::new(), [0; CHUNK]);
    loop {
        let count = terminal.read(&mut buffer[open.len()..]).await;
        let whole = open.len() + count;
        buffer[..open.len()].copy_from_slice(&open);
        let cut = if count == 0 { whole } else { character_end(&buffer[..whole]) };
        open = buffer[cut..whole].to_vec();
        if cut > 0 && printed.send(buffer[..cut].to_vec()).await.is_err() || count == 0 {
            return;
        }
    }
}

/// Writes until there is nothing more to come; a command that reads nothing more is waited for by its output.
async fn write(terminal: &Terminal, mut input: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = input.recv().await {
        if terminal.write_all(&bytes).await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Where the last whole UTF-8 character ends; what is not UTF-8 at all is passed on as it is.
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
