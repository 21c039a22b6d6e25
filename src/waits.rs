//! What a command waits for. Calls of AWS and operations register their waits here; the terminal shows the oldest one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The waits in progress.
#[derive(Debug, Clone, Default)]
pub struct Waits(Arc<Mutex<Vec<WaitEntry>>>);

#[derive(Debug)]
struct WaitEntry {
    id: u64,
    description: String,
    since: Instant,
    last_error: Option<String>,
}

/// A wait, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Wait {
    waits: Waits,
    id: u64,
}

/// The wait that started first, for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OldestWait {
    /// What is awaited: "the change set of stack `web`".
    pub description: String,
    pub elapsed: Duration,
    /// The last error of this wait, or of a newer one.
    pub last_error: Option<String>,
}

impl Waits {
    /// Registers a wait for what is described: "the change set of stack `web`".
    pub(crate) fn begin(&self, description: impl Into<String>) -> Wait {
        self.begin_at(Instant::now(), description)
    }

    /// As [`Waits::begin`], for a wait that started earlier.
    pub(crate) fn begin_at(&self, since: Instant, description: impl Into<String>) -> Wait {
        let mut entries = self.entries();
        let id = entries.last().map_or(0, |last| last.id + 1);
        entries.push(WaitEntry { id, description: description.into(), since, last_error: None });
        Wait { waits: self.clone(), id }
    }

    /// The wait that started first.
    pub(crate) fn oldest(&self) -> Option<OldestWait> {
        let entries = self.entries();
        let first = entries.iter().min_by_key(|entry| entry.since)?;
        let newer_errors = || entries.iter().rev().find_map(|entry| entry.last_error.clone());
        Some(OldestWait {
            description: first.description.clone(),
            elapsed: first.since.elapsed(),
            last_error: first.last_error.clone().or_else(newer_errors),
        })
    }

    fn entries(&self) -> MutexGuard<'_, Vec<WaitEntry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wait {
    /// Records an error after which the wait continues.
    pub(crate) fn set_error(&self, error: String) {
        if let Some(entry) = self.waits.entries().iter_mut().find(|entry| entry.id == self.id) {
            entry.last_error = Some(error);
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.waits.entries().retain(|entry| entry.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_longest_wait_is_shown_with_the_last_error_of_any() {
        let waits = Waits::default();
        assert_eq!(waits.oldest(), None);
        let outer = waits.begin("service `web` to become steady");
        tokio::time::advance(Duration::from_secs(5)).await;
        let inner = waits.begin("ECS DescribeServices");
        let shown = || waits.oldest().map(|wait| (wait.description, wait.elapsed.as_secs(), wait.last_error));
        assert_eq!(shown(), Some(("service `web` to become steady".to_owned(), 5, None)));
        inner.set_error("HTTP 503".to_owned());
        assert_eq!(shown().and_then(|shown| shown.2), Some("HTTP 503".to_owned()));
        drop(outer);
        assert_eq!(shown(), Some(("ECS DescribeServices".to_owned(), 0, Some("HTTP 503".to_owned()))));
        drop(inner);
        assert_eq!(waits.oldest(), None);
    }
}
