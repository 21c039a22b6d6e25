//! All state of a sandbox: one struct of tables per service, changed in transactions that are durable before they become visible. It
//! names no service: the states come in as a value, the [`Schema`].

use std::any::{Any, type_name};
use std::fmt::Debug;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use tokio::sync::watch;

pub(crate) mod database;
pub(crate) mod table;

use crate::Fault;
pub(crate) use database::StoreError;
use database::{Database, Rows};
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
#[derive(Debug)]
pub struct Store {
    states: RwLock<States>,
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
        let (states, database) = opened.unwrap_or_else(|_| Err(StoreError::unreadable(folder)))?;
        Ok(Self { states: RwLock::new(states), database, changes: watch::Sender::new(0) })
    }

    /// Reads the states. `read` must not access the store again: that would deadlock.
    pub fn read<T>(&self, read: impl FnOnce(&States) -> T) -> T {
        if self.states.is_poisoned() {
            drop(self.lock());
        }
        read(&self.states.read().unwrap_or_else(PoisonError::into_inner))
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

    fn change<T>(
        &self,
        change: impl FnOnce(&mut States) -> Result<(T, Option<(&'static str, Rows)>), Fault>,
    ) -> Result<T, Fault> {
        let mut states = self.lock();
        let result = change(&mut states).and_then(|(value, events)| {
            if let Ok(resource) = CREATING_RESOURCE.try_with(Clone::clone) {
                record_insertions(&mut states, resource);
            }
            let events = events.as_ref().map(|(table, rows)| (*table, rows.as_slice()));
            self.database.commit(&states.tables(), events).map_err(Fault::internal)?;
            Ok(value)
        });
        for table in states.tables() {
            if result.is_ok() { table.commit() } else { table.roll_back() }
        }
        drop(states);
        if result.is_ok() {
            self.changes.send_modify(|count| *count += 1);
        }
        result
    }

    /// Locks the states for writing, and rolls back what an earlier change that panicked has left.
    fn lock(&self) -> RwLockWriteGuard<'_, States> {
        self.states.write().unwrap_or_else(|poisoned| {
            let mut states = poisoned.into_inner();
            states.tables().into_iter().for_each(Stored::roll_back);
            self.states.clear_poison();
            states
        })
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
