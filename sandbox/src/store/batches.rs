//! Changes that wait to be written to disk: those that are made while another one is being written are written together.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::database::EventRows;
use super::table::Stored;
use super::{Database, States};
use crate::Fault;

/// How many changes are written together at most: each delays the ones before it.
const MAX_CHANGES: usize = 64;

/// How writing a batch ended; empty until then.
pub(super) type Outcome = Arc<OnceLock<Result<(), Fault>>>;

/// What a change returned, or the payload of its panic.
pub(super) type ChangeResult<T> = Result<Result<T, Fault>, Box<dyn Any + Send>>;

/// Complete changes that have not been written yet.
#[derive(Debug, Default)]
struct Batch {
    /// Failed ones too: complete changes wait while they are made.
    attempts: usize,
    changes: usize,
    events: Vec<EventRows>,
    outcome: Outcome,
}

/// The states including changes that are not on disk yet.
#[derive(Debug)]
pub(super) struct Unwritten {
    pub(super) states: States,
    batch: Batch,
}

impl Unwritten {
    /// The states as loaded from the disk.
    pub(super) fn new(states: States) -> Self {
        Self { states, batch: Batch::default() }
    }

    /// Adds a change to the batch. If it fails or panics, it is undone.
    pub(super) fn add<T>(
        &mut self,
        change: impl FnOnce(&mut States) -> Result<(T, Option<EventRows>), Fault>,
    ) -> ChangeResult<T> {
        self.batch.attempts += 1;
        let changed = catch_unwind(AssertUnwindSafe(|| {
            let (value, events) = change(&mut self.states)?;
            let tables = self.states.tables().into_iter();
            let serialized = tables.filter(|table| table.is_changed()).map(|table| table.serialize_change());
            Ok((value, events, serialized.collect::<Result<Vec<_>, _>>().map_err(Fault::internal)?))
        }));
        let Ok(Ok((value, events, serialized))) = changed else {
            self.states.tables().into_iter().for_each(Stored::roll_back);
            return changed.map(|result| result.map(|(value, ..)| value));
        };
        let events = events.filter(|(_, rows)| !rows.is_empty());
        if !serialized.is_empty() || events.is_some() {
            self.batch.changes += 1;
            self.batch.events.extend(events);
        }
        let tables = self.states.tables().into_iter().filter(|table| table.is_changed());
        tables.zip(serialized).for_each(|(table, serialized)| table.complete(serialized));
        Ok(Ok(value))
    }

    /// How writing the current batch will have ended.
    pub(super) fn outcome(&self) -> Outcome {
        Arc::clone(&self.batch.outcome)
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.attempts >= MAX_CHANGES
    }

    /// Writes the batch to disk and shows it in `on_disk`, or undoes it if that fails. Returns whether the states have changed.
    pub(super) fn write(&mut self, database: &Database, on_disk: &RwLock<States>) -> bool {
        let Batch { attempts: _, changes, events, outcome } = std::mem::take(&mut self.batch);
        if changes == 0 {
            let _ = outcome.set(Ok(()));
            return false;
        }
        let written = catch_unwind(AssertUnwindSafe(|| database.commit(&self.states.tables(), &events)));
        // redb may panic on damaged pages.
        let written = written.unwrap_or_else(|_| Err(database.unreadable())).map_err(Fault::internal);
        let mut on_disk = on_disk.write().unwrap_or_else(PoisonError::into_inner);
        for (table, on_disk) in self.states.tables().into_iter().zip(on_disk.tables()) {
            if written.is_ok() { table.publish(on_disk) } else { table.restore(on_disk) }
        }
        drop(on_disk);
        let is_written = written.is_ok();
        let _ = outcome.set(written);
        is_written
    }
}
