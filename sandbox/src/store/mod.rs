//! All state of a sandbox: one struct of tables per service, changed in transactions that are durable before they become visible. It
//! names no service: the states come in as a value, the [`Schema`].

use std::any::{Any, type_name};
use std::fmt::Debug;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, RwLock};

use tokio::sync::watch;

mod batches;
pub(crate) mod database;
pub(crate) mod table;
#[cfg(test)]
mod tests;

use crate::Fault;
use crate::base::supervisor;
use batches::{ChangeResult, Unwritten};
pub(crate) use database::StoreError;
use database::{Database, EventRows, Rows};
use table::Stored;

/// The state of one service: tables, declared with the `state!` macro.
pub trait State: Any + Debug + Send + Sync {
    /// Its tables, in any order that stays the same.
    fn tables(&mut self) -> Vec<&mut dyn Stored>;
}

/// Rows, each as the name of its table and its key.
pub(crate) type RowNames = Vec<(String, String)>;

/// The states of a store.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The state of every service, with empty tables.
    pub states: fn() -> Vec<Box<dyn State>>,
    /// Records the rows that have been inserted on behalf of a resource of a stack: see [`on_behalf_of`].
    pub record_insertions: fn(&mut States, String, RowNames),
}

/// The states of all services, each found by its type.
#[derive(Debug)]
pub struct States {
    states: Vec<Box<dyn State>>,
    record_insertions: fn(&mut States, String, RowNames),
}

impl States {
    fn new(schema: Schema) -> Self {
        Self { states: (schema.states)(), record_insertions: schema.record_insertions }
    }

    /// The state of a service.
    ///
    /// # Panics
    /// When the schema does not have it.
    pub fn of<S: State>(&self) -> &S {
        let state = self.states.iter().find_map(|state| (state.as_ref() as &dyn Any).downcast_ref());
        state.unwrap_or_else(|| panic!("the schema has no {}", type_name::<S>()))
    }

    /// The state of a service, for changing it.
    ///
    /// # Panics
    /// When the schema does not have it.
    pub fn of_mut<S: State>(&mut self) -> &mut S {
        let state = self.states.iter_mut().find_map(|state| (state.as_mut() as &mut dyn Any).downcast_mut());
        state.unwrap_or_else(|| panic!("the schema has no {}", type_name::<S>()))
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        self.states.iter_mut().flat_map(|state| state.tables()).collect()
    }

    /// Removes rows, each by the name of its table and its key.
    pub fn remove_rows(&mut self, rows: &[(String, String)]) {
        for table in self.tables() {
            let name = table.name();
            for (_, key) in rows.iter().filter(|(table, _)| table == name) {
                table.remove_row(key);
            }
        }
    }
}

tokio::task_local! {
    /// The resource of a stack that this task creates.
    static CREATING_RESOURCE: String;
}

/// Runs the creation of a resource of a stack: every row that it inserts is recorded with the resource in the same transaction, so
/// that the rows of a creation that a crash interrupts can be removed.
pub(crate) async fn on_behalf_of<T>(resource: String, work: impl Future<Output = T>) -> T {
    CREATING_RESOURCE.scope(resource, work).await
}

fn record_insertions(states: &mut States, resource: String) {
    let rows: RowNames = states
        .tables()
        .into_iter()
        .flat_map(|table| table.inserted().into_iter().map(|key| (table.name().to_owned(), key)))
        .collect();
    if !rows.is_empty() {
        (states.record_insertions)(states, resource, rows);
    }
}

/// The states of all services and the database that they are stored in.
///
/// There are two copies of the states, which share their rows: one as they are on disk, which every reader sees without waiting
/// for the disk, and one with the changes that are to be written.
#[derive(Debug)]
pub struct Store {
    on_disk: RwLock<States>,
    unwritten: Mutex<Unwritten>,
    /// Changes that wait for `unwritten`. While there are any, the batch is left to them.
    waiting: AtomicUsize,
    /// Notifies of written batches.
    written: Condvar,
    database: Database,
    changes: watch::Sender<u64>,
}

impl Store {
    /// Opens the state in `folder`, or creates it.
    pub fn open(folder: &Path, schema: Schema) -> Result<Self, StoreError> {
        let opened = std::panic::catch_unwind(|| -> Result<(States, Database), StoreError> {
            let database = Database::open(folder)?;
            let mut states = States::new(schema);
            for table in states.tables() {
                database.load(table)?;
            }
            Ok((states, database))
        });
        // redb may panic on damaged pages.
        let (mut on_disk, database) = opened.unwrap_or_else(|_| Err(StoreError::unreadable(folder)))?;
        let mut states = States::new(schema);
        for (table, on_disk) in states.tables().into_iter().zip(on_disk.tables()) {
            table.copy(on_disk);
        }
        Ok(Self {
            on_disk: RwLock::new(on_disk),
            unwritten: Mutex::new(Unwritten::new(states)),
            waiting: AtomicUsize::new(0),
            written: Condvar::new(),
            database,
            changes: watch::Sender::new(0),
        })
    }

    /// Reads the states as they are on disk. `read` must not change the store: that would deadlock.
    pub fn read<T>(&self, read: impl FnOnce(&States) -> T) -> T {
        read(&self.on_disk.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the states in a transaction. If `change` returns `Ok`, its changes are on disk before this returns; if it returns `Err` or
    /// the disk fails, they are rolled back.
    pub fn write<T>(&self, change: impl FnOnce(&mut States) -> Result<T, Fault>) -> Result<T, Fault> {
        self.change(|states| Ok((change(states)?, None)))
    }

    /// Changes the states and appends rows to an event table in one transaction: see [`Self::write`].
    pub fn append(
        &self,
        table: &'static str,
        change: impl FnOnce(&mut States) -> Result<Rows, Fault>,
    ) -> Result<(), Fault> {
        self.change(|states| Ok(((), Some((table, change(states)?)))))
    }

    fn change<T>(&self, change: impl FnOnce(&mut States) -> Result<(T, Option<EventRows>), Fault>) -> Result<T, Fault> {
        let change = |states: &mut States| {
            let changed = change(states)?;
            if let Ok(resource) = CREATING_RESOURCE.try_with(Clone::clone) {
                record_insertions(states, resource);
            }
            Ok(changed)
        };
        let (changed, written) = supervisor::block(|| self.write_or_defer(change));
        let value = changed.unwrap_or_else(|panic| resume_unwind(panic))?;
        written.map(|()| value)
    }

    /// Makes a change, and writes the batch that it is part of, or leaves that to the change that waits behind it.
    fn write_or_defer<T>(
        &self,
        change: impl FnOnce(&mut States) -> Result<(T, Option<EventRows>), Fault>,
    ) -> (ChangeResult<T>, Result<(), Fault>) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let changed = unwritten.add(change);
        let outcome = unwritten.outcome();
        if unwritten.is_full() || self.waiting.load(Ordering::SeqCst) == 0 {
            let is_changed = unwritten.write(&self.database, &self.on_disk);
            drop(unwritten);
            self.written.notify_all();
            if is_changed {
                self.changes.send_modify(|count| *count += 1);
            }
        } else if matches!(changed, Ok(Ok(_))) {
            let is_unwritten = |_: &mut Unwritten| outcome.get().is_none();
            drop(self.written.wait_while(unwritten, is_unwritten).unwrap_or_else(PoisonError::into_inner));
        }
        (changed, outcome.get().cloned().unwrap_or(Ok(())))
    }

    /// Notifies of every change of the states, so that no loop needs to poll it.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The database, for its event tables, which are not kept in memory.
    pub fn database(&self) -> &Database {
        &self.database
    }
}
