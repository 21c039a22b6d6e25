//! An ordered map of rows that records its changes since it was last written to disk.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A type of rows. It is cloned once per change, so it should be small.
pub(crate) trait Row: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Row for T {}

/// Rows by key. Every change keeps the row's previous value until it is complete, so that it can be rolled back.
#[derive(Debug)]
pub(crate) struct Table<T> {
    name: &'static str,
    rows: BTreeMap<String, Arc<T>>,
    /// The previous values of the rows of the current change; `None` for an inserted one.
    previous: BTreeMap<String, Option<Arc<T>>>,
    /// The rows of complete changes that have not been written to disk yet, in their stored form.
    unwritten: BTreeMap<String, Option<Vec<u8>>>,
}

impl<T: Row> Table<T> {
    /// An empty table; `name` is its name in the database.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, rows: BTreeMap::new(), previous: BTreeMap::new(), unwritten: BTreeMap::new() }
    }

    /// The row of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.rows.get(key).map(Arc::as_ref)
    }

    /// The row of `key`, for changing it.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        self.record(key);
        self.rows.get_mut(key).map(Arc::make_mut)
    }

    /// Whether there is a row of `key`.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.rows.contains_key(key)
    }

    /// Inserts or replaces a row.
    pub(crate) fn insert(&mut self, key: impl Into<String>, row: T) {
        let key = key.into();
        self.record(&key);
        self.rows.insert(key, Arc::new(row));
    }

    /// Removes a row, and returns it.
    pub(crate) fn remove(&mut self, key: &str) -> Option<T> {
        self.record(key);
        self.rows.remove(key).map(Arc::unwrap_or_clone)
    }

    /// Removes the rows for which `keep` returns false.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str, &T) -> bool) {
        let removed: Vec<String> =
            self.iter().filter(|(key, row)| !keep(key, row)).map(|(key, _)| key.to_owned()).collect();
        for key in removed {
            self.remove(&key);
        }
    }

    /// Removes the rows whose keys begin with `prefix`.
    pub(crate) fn remove_prefix(&mut self, prefix: &str) {
        let removed: Vec<String> = self.with_prefix(prefix).map(|(key, _)| key.to_owned()).collect();
        for key in removed {
            self.remove(&key);
        }
    }

    /// All rows with their keys, sorted by key.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &T)> {
        self.rows.iter().map(|(key, row)| (key.as_str(), row.as_ref()))
    }

    /// All rows, sorted by key.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values().map(Arc::as_ref)
    }

    /// The rows whose keys begin with `prefix`, sorted by key.
    pub(crate) fn with_prefix<'a>(
        &'a self,
        prefix: &str,
    ) -> impl DoubleEndedIterator<Item = (&'a str, &'a T)> + use<'a, T> {
        let end = end_of_prefix(prefix);
        let bounds = (Bound::Included(prefix), end.as_deref().map_or(Bound::Unbounded, Bound::Excluded));
        self.rows.range::<str, _>(bounds).map(|(key, row)| (key.as_str(), row.as_ref()))
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    fn record(&mut self, key: &str) {
        if !self.previous.contains_key(key) {
            self.previous.insert(key.to_owned(), self.rows.get(key).cloned());
        }
    }

    fn set(&mut self, key: String, row: Option<Arc<T>>) {
        match row {
            Some(row) => self.rows.insert(key, row),
            None => self.rows.remove(&key),
        };
    }
}

/// The smallest string that sorts after every string with a prefix; none if there is no such string.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The code points in between are surrogates, which are not characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// The changed rows of a table in their stored form, by key; `None` for a removed row.
pub(crate) type Changes = BTreeMap<String, Option<Vec<u8>>>;

/// A table without its row type, as the store sees it.
pub trait Stored: Any {
    /// The table's name in the database.
    fn name(&self) -> &'static str;
    /// Adds a row that was read from the database.
    fn load(&mut self, key: &str, bytes: &[u8]) -> serde_json::Result<()>;
    /// Takes the rows of the same table of other states.
    fn copy(&mut self, other: &dyn Stored);
    /// What has to be written to disk.
    fn unwritten(&self) -> &Changes;
    /// The keys of the rows that the current change has inserted.
    fn inserted(&self) -> Vec<String>;
    /// Removes a row, as a change.
    fn remove_row(&mut self, key: &str);
    /// Whether the current change has changed it.
    fn is_changed(&self) -> bool;
    /// The rows of the current change in their stored form.
    fn serialize_change(&self) -> serde_json::Result<Changes>;
    /// Completes the current change, which is to be written to disk in this form.
    fn complete(&mut self, serialized: Changes);
    /// Undoes the current change.
    fn roll_back(&mut self);
    /// Copies what has been written to disk to the table that shows what is on disk.
    fn publish(&mut self, on_disk: &mut dyn Stored);
    /// Undoes what could not be written to disk.
    fn restore(&mut self, on_disk: &dyn Stored);
}

impl<T: Row> Stored for Table<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&mut self, key: &str, bytes: &[u8]) -> serde_json::Result<()> {
        self.rows.insert(key.to_owned(), Arc::new(serde_json::from_slice(bytes)?));
        Ok(())
    }

    fn copy(&mut self, other: &dyn Stored) {
        let other = (other as &dyn Any).downcast_ref::<Self>().expect("it is the same table");
        self.rows.clone_from(&other.rows);
    }

    fn unwritten(&self) -> &Changes {
        &self.unwritten
    }

    fn inserted(&self) -> Vec<String> {
        let is_new = |(key, previous): &(&String, &Option<Arc<T>>)| previous.is_none() && self.rows.contains_key(*key);
        self.previous.iter().filter(is_new).map(|(key, _)| key.clone()).collect()
    }

    fn remove_row(&mut self, key: &str) {
        self.remove(key);
    }

    fn is_changed(&self) -> bool {
        !self.previous.is_empty()
    }

    fn serialize_change(&self) -> serde_json::Result<Changes> {
        let stored = |key: &String| self.get(key).map(serde_json::to_vec).transpose();
        self.previous.keys().map(|key| Ok((key.clone(), stored(key)?))).collect()
    }

    fn complete(&mut self, serialized: Changes) {
        self.previous.clear();
        self.unwritten.extend(serialized);
    }

    fn roll_back(&mut self) {
        for (key, row) in std::mem::take(&mut self.previous) {
            self.set(key, row);
        }
    }

    fn publish(&mut self, on_disk: &mut dyn Stored) {
        let on_disk = (on_disk as &mut dyn Any).downcast_mut::<Self>().expect("it is the same table");
        for key in std::mem::take(&mut self.unwritten).into_keys() {
            let row = self.rows.get(&key).cloned();
            on_disk.set(key, row);
        }
    }

    fn restore(&mut self, on_disk: &dyn Stored) {
        let on_disk = (on_disk as &dyn Any).downcast_ref::<Self>().expect("it is the same table");
        for key in std::mem::take(&mut self.unwritten).into_keys() {
            let row = on_disk.rows.get(&key).cloned();
            self.set(key, row);
        }
    }
}

/// Declares a service's state: a struct of tables, each with its name in the database.
macro_rules! state {
    ($(#[$doc:meta])* pub struct $State:ident { $($(#[$field_doc:meta])* pub $field:ident: Table<$Row:ty> = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $State { $($(#[$field_doc])* pub $field: $crate::store::table::Table<$Row>,)* }

        impl Default for $State {
            fn default() -> Self {
                Self { $($field: $crate::store::table::Table::new($name),)* }
            }
        }

        impl $crate::store::State for $State {
            fn tables(&mut self) -> Vec<&mut dyn $crate::store::table::Stored> {
                vec![$(&mut self.$field,)*]
            }
        }
    };
}
pub(crate) use state;

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn a_prefix_finds_every_key_that_begins_with_it() {
        let prefixes = ["", "a", "a\u{d7ff}", "a\u{10ffff}", "\u{10ffff}", "\u{10ffff}\u{10ffff}"];
        let ends = ["", "b", "\u{d7ff}", "\u{e000}", "\u{10ffff}", "\u{10ffff}z"];
        let mut table = Table::new("rows");
        for (prefix, end) in prefixes.iter().flat_map(|prefix| ends.map(|end| (prefix, end))) {
            table.insert(format!("{prefix}{end}"), 0_u8);
        }
        for prefix in prefixes {
            let actual: Vec<&str> = table.with_prefix(prefix).map(|(key, _)| key).collect();
            let expected: Vec<&str> = table.iter().map(|(key, _)| key).filter(|key| key.starts_with(prefix)).collect();
            assert_eq!(actual, expected, "{prefix:?}");
        }
    }
}
