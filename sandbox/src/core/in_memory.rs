//! In-memory state of parts of the sandbox, by type: processes, sessions, subscribers. None of it is stored.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;

/// At most one value of each type.
#[derive(Debug, Default)]
pub struct InMemoryState(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl InMemoryState {
    /// Adds the value of a type.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.0.insert(TypeId::of::<T>(), Box::new(value));
        self
    }

    /// The value of a type.
    ///
    /// # Panics
    /// When the registry makes none.
    pub fn of<T: 'static>(&self) -> &T {
        let value = self.0.get(&TypeId::of::<T>()).and_then(|value| value.downcast_ref());
        value.unwrap_or_else(|| panic!("the registry has no {}", type_name::<T>()))
    }
}
