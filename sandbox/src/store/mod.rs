//! All state of a sandbox: one struct of tables per service, changed in transactions that are on disk before they count. It names no
//! service: which states there are comes in as a value.

use std::any::{Any, type_name};
use std::fmt::Debug;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use tokio::sync::watch;

pub mod database;
pub mod table;

use crate::Fault;
use database::{Rows, Store, StoreError};
use table::Stored;

/// The state of one service: tables, declared with the `state!` macro.
pub trait State: Any + Debug + Send + Sync {
    /// Its tables, in any order that stays the same.
    fn tables(&mut self) -> Vec<&mut dyn Stored>;
}

/// Rows, each by the name of its table and its key.
pub type RowNames = Vec<(String, String)>;

/// What a world is made of.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The state of every service, with empty tables.
    pub states: fn() -> Vec<Box<dyn State>>,
    /// Notes the rows that have been inserted on behalf of a resource of a stack: see [`on_behalf_of`].
    pub note_insertions: fn(&mut World, String, RowNames),
}

/// The states of all services, each found by its type.
#[derive(Debug)]
pub struct World {
    states: Vec<Box<dyn State>>,
    note_insertions: fn(&mut World, String, RowNames),
}

impl World {
    fn new(schema: Schema) -> Self {
        Self { states: (schema.states)(), note_insertions: schema.note_insertions }
    }

    /// The state of a type.
    ///
    /// # Panics
    /// When the registry has none.
    pub fn of<S: State>(&self) -> &S {
        let found = self.states.iter().find_map(|state| (state.as_ref() as &dyn Any).downcast_ref());
        found.unwrap_or_else(|| panic!("the registry has no {}", type_name::<S>()))
    }

    /// The state of a type, to be changed.
    ///
    /// # Panics
    /// When the registry has none.
    pub fn of_mut<S: State>(&mut self) -> &mut S {
        let found = self.states.iter_mut().find_map(|state| (state.as_mut() as &mut dyn Any).downcast_mut());
        found.unwrap_or_else(|| panic!("the registry has no {}", type_name::<S>()))
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        self.states.iter_mut().flat_map(|state| state.tables()).collect()
    }

    /// Takes out rows by the name of their table and their key.
    pub fn discard(&mut self, rows: &[(String, String)]) {
        for table in self.tables() {
            let name = table.name();
            for (_, key) in rows.iter().filter(|(of, _)| of == name) {
                table.discard(key);
            }
        }
    }
}

tokio::task_local! {
    /// The resource of a stack on whose behalf this task writes.
    static CREATING_RESOURCE: String;
}

/// Does work on behalf of a stack's resource that is being created: every row that the work inserts is noted with the resource
/// in the same transaction, so that a creation that a crash interrupts leaves nothing behind.
pub async fn on_behalf_of<T>(resource: String, work: impl Future<Output = T>) -> T {
    CREATING_RESOURCE.scope(resource, work).await
}

fn note_insertions(world: &mut World, resource: String) {
    let rows: RowNames = world
        .tables()
        .into_iter()
        .flat_map(|table| table.inserted().into_iter().map(|key| (table.name().to_owned(), key)))
        .collect();
    if !rows.is_empty() {
        (world.note_insertions)(world, resource, rows);
    }
}

/// The world as everything in the sandbox shares it.
#[derive(Debug)]
pub struct Shared {
    world: RwLock<World>,
    store: Store,
    changes: watch::Sender<u64>,
}

impl Shared {
    /// Opens the state in `folder`, or makes it.
    pub fn open(folder: &Path, schema: Schema) -> Result<Self, StoreError> {
        let opened = std::panic::catch_unwind(|| -> Result<(World, Store), StoreError> {
            let store = Store::open(folder)?;
            let mut world = World::new(schema);
            for table in world.tables() {
                store.load(table)?;
            }
            Ok((world, store))
        });
        // The database's own code trusts the pages that it reads.
        let (world, store) = opened.unwrap_or_else(|_| Err(StoreError::unreadable(folder)))?;
        Ok(Self { world: RwLock::new(world), store, changes: watch::Sender::new(0) })
    }

    /// Looks at the world. Never call back into it from inside.
    pub fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        if self.world.is_poisoned() {
            drop(self.lock());
        }
        look(&self.world.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the world: when `change` gives `Ok`, its changes are on disk before this returns; when it gives `Err`, or the
    /// disk refuses, nothing has changed.
    pub fn write<T>(&self, change: impl FnOnce(&mut World) -> Result<T, Fault>) -> Result<T, Fault> {
        self.change(|world| Ok((change(world)?, None)))
    }

    /// Changes the world and appends rows to an event table, both or neither: see [`Self::write`].
    pub fn append(
        &self,
        table: &'static str,
        change: impl FnOnce(&mut World) -> Result<Rows, Fault>,
    ) -> Result<(), Fault> {
        self.change(|world| Ok(((), Some((table, change(world)?)))))
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut World) -> Result<(T, Option<(&'static str, Rows)>), Fault>,
    ) -> Result<T, Fault> {
        let mut world = self.lock();
        let result = change(&mut world).and_then(|(value, events)| {
            if let Ok(resource) = CREATING_RESOURCE.try_with(Clone::clone) {
                note_insertions(&mut world, resource);
            }
            let events = events.as_ref().map(|(table, rows)| (*table, rows.as_slice()));
            self.store.commit(&world.tables(), events).map_err(Fault::internal)?;
            Ok(value)
        });
        for table in world.tables() {
            if result.is_ok() { table.keep() } else { table.take_back() }
        }
        drop(world);
        if result.is_ok() {
            self.changes.send_modify(|count| *count += 1);
        }
        result
    }

    /// A panic inside a change leaves it half made: it is taken back by whoever comes next.
    fn lock(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(|poisoned| {
            let mut world = poisoned.into_inner();
            world.tables().into_iter().for_each(Stored::take_back);
            self.world.clear_poison();
            world
        })
    }

    /// Marks every change of the world: wait for the next one instead of polling.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The event tables, which are not kept in memory.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
