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
pub(super) type Changed<T> = Result<Result<T, Fault>, Box<dyn Any + Send>>;

/// Complete changes that have not been written yet.
#[derive(Debug, Default)]
struct Batch {
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
    ) -> Changed<T> {
        let changed = catch_unwind(AssertUnwindSafe(|| change(&mut self.states)));
        let Ok(Ok((value, events))) = changed else {
            self.states.tables().into_iter().for_each(Stored::roll_back);
            return changed.map(|result| result.map(|(value, _)| value));
        };
        let events = events.filter(|(_, rows)| !rows.is_empty());
        let changed_tables = self.states.tables().into_iter().map(Stored::complete).filter(|is_changed| *is_changed);
        if changed_tables.count() > 0 || events.is_some() {
            self.batch.changes += 1;
            self.batch.events.extend(events);
        }
        Ok(Ok(value))
    }

    /// How writing the current batch will have ended.
    pub(super) fn outcome(&self) -> Outcome {
        Arc::clone(&self.batch.outcome)
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.changes >= MAX_CHANGES
    }

    /// Writes the batch to disk and shows it in `on_disk`, or undoes it if that fails. Returns whether the states have changed.
    pub(super) fn write(&mut self, database: &Database, on_disk: &RwLock<States>) -> bool {
        let Batch { changes, events, outcome } = std::mem::take(&mut self.batch);
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
