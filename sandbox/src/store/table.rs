//! An ordered map of rows that remembers what has been changed since it was last written to disk.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a row has to be: cheap enough to copy once per change, and storable.
pub trait Row: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Row for T {}

/// Rows by key. Reading is as with a map; every change keeps the row's earlier value until it is stored, so that a
/// change that fails half-way is taken back.
#[derive(Debug)]
pub struct Table<T> {
    name: &'static str,
    rows: BTreeMap<String, T>,
    before: BTreeMap<String, Option<T>>,
}

impl<T: Row> Table<T> {
    /// An empty table; `name` is its name in the database.
    pub const fn new(name: &'static str) -> Self {
        Self { name, rows: BTreeMap::new(), before: BTreeMap::new() }
    }

    /// The row of `key`.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.rows.get(key)
    }

    /// The row of `key`, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        self.remember(key);
        self.rows.get_mut(key)
    }

    /// Whether there is a row of `key`.
    pub fn contains(&self, key: &str) -> bool {
        self.rows.contains_key(key)
    }

    /// Puts a row, in place of the one that is there.
    pub fn insert(&mut self, key: impl Into<String>, row: T) {
        let key = key.into();
        self.remember(&key);
        self.rows.insert(key, row);
    }

    /// Takes a row out.
    pub fn remove(&mut self, key: &str) -> Option<T> {
        self.remember(key);
        self.rows.remove(key)
    }

    /// Takes out the rows for which `keep` says no.
    pub fn retain(&mut self, keep: impl Fn(&str, &T) -> bool) {
        let gone: Vec<String> =
            self.iter().filter(|(key, row)| !keep(key, row)).map(|(key, _)| key.to_owned()).collect();
        for key in gone {
            self.remove(&key);
        }
    }

    /// Takes out the rows whose keys begin with `prefix`.
    pub fn remove_prefix(&mut self, prefix: &str) {
        let gone: Vec<String> = self.with_prefix(prefix).map(|(key, _)| key.to_owned()).collect();
        for key in gone {
            self.remove(&key);
        }
    }

    /// All rows with their keys, in the order of the keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &T)> {
        self.rows.iter().map(|(key, row)| (key.as_str(), row))
    }

    /// All rows, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }

    /// The rows whose keys begin with `prefix`, in the order of the keys.
    pub fn with_prefix<'a>(&'a self, prefix: &str) -> impl DoubleEndedIterator<Item = (&'a str, &'a T)> + use<'a, T> {
        let end = after(prefix);
        let bounds = (Bound::Included(prefix), end.as_deref().map_or(Bound::Unbounded, Bound::Excluded));
        self.rows.range::<str, _>(bounds).map(|(key, row)| (key.as_str(), row))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn remember(&mut self, key: &str) {
        if !self.before.contains_key(key) {
            self.before.insert(key.to_owned(), self.rows.get(key).cloned());
        }
    }
}

/// The least text that is greater than every text with a prefix; none when there is no such text.
fn after(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The code points between are those of surrogates, which are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// The changed rows of a table in their stored form, by key; `None` where the row is gone.
pub type Changes<'a> = Vec<(&'a str, Option<Vec<u8>>)>;

/// A table without its row type: what the store needs of it.
pub trait Stored {
    /// The table's name in the database.
    fn name(&self) -> &'static str;
    /// Takes in a row that was read from the database.
    fn load(&mut self, key: &str, bytes: &[u8]) -> serde_json::Result<()>;
    /// What is to be stored.
    fn changes(&self) -> serde_json::Result<Changes<'_>>;
    /// The keys of rows that were not there before the change under way.
    fn inserted(&self) -> Vec<String>;
    /// Takes a row out, as any other change.
    fn discard(&mut self, key: &str);
    /// The changes are on disk.
    fn keep(&mut self);
    /// The changes are to be as if they had not been made.
    fn take_back(&mut self);
}

impl<T: Row> Stored for Table<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&mut self, key: &str, bytes: &[u8]) -> serde_json::Result<()> {
        self.rows.insert(key.to_owned(), serde_json::from_slice(bytes)?);
        Ok(())
    }

    fn changes(&self) -> serde_json::Result<Changes<'_>> {
        let stored = |key: &String| self.rows.get(key).map(serde_json::to_vec).transpose();
        self.before.keys().map(|key| Ok((key.as_str(), stored(key)?))).collect()
    }

    fn inserted(&self) -> Vec<String> {
        let new = |(key, before): &(&String, &Option<T>)| before.is_none() && self.rows.contains_key(*key);
        self.before.iter().filter(new).map(|(key, _)| key.clone()).collect()
    }

    fn discard(&mut self, key: &str) {
        self.remove(key);
    }

    fn keep(&mut self) {
        self.before.clear();
    }

    fn take_back(&mut self) {
        for (key, row) in std::mem::take(&mut self.before) {
            match row {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }
}

/// Declares a service's state: a struct of tables, each with its name in the database.
macro_rules! state {
    ($(#[$doc:meta])* pub struct $State:ident { $($(#[$field_doc:meta])* pub $field:ident: Table<$Row:ty> = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $State { $($(#[$field_doc])* pub $field: $crate::store::table::Table<$Row>,)* }

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
            let found: Vec<&str> = table.with_prefix(prefix).map(|(key, _)| key).collect();
            let expected: Vec<&str> = table.iter().map(|(key, _)| key).filter(|key| key.starts_with(prefix)).collect();
            assert_eq!(found, expected, "{prefix:?}");
        }
    }
}
