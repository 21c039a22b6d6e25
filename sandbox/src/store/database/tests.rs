//! Damage to a file that is too large to be checked completely when it is opened.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::{DATABASE_FILE, Database, Order, Scan, StoreError};
use crate::store::table::{Stored, Table};

const EVENTS: &str = "events";

/// A store in which no page is checked.
fn open(folder: &Path) -> Database {
    Database::open_checked(folder, 0).expect("a store")
}

/// Creates a store with two rows and an event.
fn fill(folder: &Path) {
    let database = open(folder);
    let mut table = Table::new("rows");
    table.insert("one", "a row of the table".to_owned());
    table.insert("two", "another".to_owned());
    let serialized = table.serialize_change().expect("it can be stored");
    table.complete(serialized);
    let events = vec![(b"key".to_vec(), b"an event".to_vec())];
    database.commit(&[&mut table as &mut dyn Stored], &[(EVENTS, events)]).expect("it is written");
}

/// Flips one bit in every occurrence of `text` in the file.
fn flip(folder: &Path, text: &[u8]) {
    let file = OpenOptions::new().read(true).write(true).open(folder.join(DATABASE_FILE)).expect("the file");
    let mut bytes = vec![0; usize::try_from(file.metadata().expect("it is there").len()).expect("it fits")];
    file.read_exact_at(&mut bytes, 0).expect("it is read");
    let places: Vec<usize> = (0..bytes.len() - text.len()).filter(|&at| bytes[at..].starts_with(text)).collect();
    assert!(!places.is_empty(), "it is not there");
    for place in places {
        file.write_all_at(&[bytes[place] ^ 4], place as u64).expect("it is written");
    }
}

fn is_damage<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Damaged { .. })), "{result:?}");
}

#[test]
fn a_flipped_bit_is_detected_when_its_row_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path());
    let mut table = Table::<String>::new("rows");
    let events = |database: &Database| database.range(EVENTS, (b"", b"z"), Order::Ascending, |_, _| Scan::Take);
    let database = open(folder.path());
    database.load(&mut table).expect("it is undamaged");
    assert_eq!(table.get("one").map(String::as_str), Some("a row of the table"));
    assert_eq!(events(&database).expect("it is undamaged")[0].1, b"an event");
    drop(database);
    flip(folder.path(), b"a row of");
    flip(folder.path(), b"an event");
    let database = open(folder.path());
    is_damage(&database.load(&mut table));
    is_damage(&events(&database));
}

#[test]
fn a_failure_closes_only_the_database_that_it_came_from() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path());
    let database = open(folder.path());
    let fail = || database.with(|_| -> Result<(), _> { Err(redb::Error::PreviousIo) });
    let is_open = || database.opened.read().expect("it is not poisoned").database.is_some();
    fail().expect_err("it fails");
    assert!(!is_open());
    database.with(|_| Ok(())).expect("it is reopened");
    // An error of an earlier generation arrives late.
    database.close(0);
    assert!(is_open());
    fail().expect_err("it fails");
    assert!(!is_open());
}
