//! Concurrent changes, and changes that fail.

use std::sync::Barrier;
use std::sync::atomic::Ordering;
use std::thread;

use serde::{Deserialize, Serialize, Serializer, ser};

use super::table::state;
use super::{Schema, States, Store};
use crate::Fault;

/// A row that cannot be written if its value is negative.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Number(i32);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 < 0 { Err(ser::Error::custom("negative")) } else { self.0.serialize(serializer) }
    }
}

state! {
    /// The state of these tests.
    pub struct Numbers {
        pub numbers: Table<Number> = "numbers",
    }
}

const SCHEMA: Schema = Schema { states: || vec![Box::<Numbers>::default()], record_insertions: |_, _, _| {} };

type Change = fn(&mut States) -> Result<(), Fault>;

fn insert(states: &mut States, value: i32) {
    states.of_mut::<Numbers>().numbers.insert(value.to_string(), Number(value));
}

#[expect(clippy::unnecessary_wraps, reason = "the type of changes")]
fn inserted(states: &mut States, value: i32) -> Result<(), Fault> {
    insert(states, value);
    Ok(())
}

fn numbers(states: &States) -> Vec<i32> {
    states.of::<Numbers>().numbers.values().map(|number| number.0).collect()
}

/// Makes changes of which each begins while the one before it is in progress, so that they are one batch.
fn write_together(store: &Store, changes: &[Change]) -> Vec<thread::Result<Result<(), Fault>>> {
    let first = Barrier::new(2);
    thread::scope(|scope| {
        let blocked = scope.spawn(|| {
            store.write(|_| {
                first.wait();
                while store.waiting.load(Ordering::SeqCst) < changes.len() {
                    thread::yield_now();
                }
                Ok(())
            })
        });
        first.wait();
        let others: Vec<_> = changes.iter().map(|change| scope.spawn(move || store.write(change))).collect();
        // It changes nothing, but it is part of the batch: it could have read what the others are writing.
        drop(blocked.join().expect("it does not panic"));
        others.into_iter().map(thread::ScopedJoinHandle::join).collect()
    })
}

#[test]
fn changes_that_wait_for_each_other_are_written_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), SCHEMA).expect("a store");
    let results = write_together(
        &store,
        &[
            |states| inserted(states, 1),
            |states| inserted(states, 2),
            |states| {
                insert(states, 3);
                Err(Fault::internal("refused"))
            },
            |states| {
                insert(states, 4);
                panic!("a mistake")
            },
            |states| inserted(states, -1),
            |states| inserted(states, 5),
        ],
    );
    let outcomes: Vec<_> = results.iter().map(|result| result.as_ref().map(Result::is_ok).ok()).collect();
    assert_eq!(outcomes, [Some(true), Some(true), Some(false), None, Some(false), Some(true)]);
    assert_eq!(*store.changes().borrow(), 1, "one transaction");
    assert_eq!(store.read(numbers), [1, 2, 5]);
    drop(store);
    assert_eq!(Store::open(folder.path(), SCHEMA).expect("a store").read(numbers), [1, 2, 5]);
}

#[test]
fn a_batch_that_cannot_be_written_is_undone() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), SCHEMA).expect("a store");
    store.write(|states| inserted(states, 1)).expect("it is written");
    // The database rejects events for a table of rows.
    let append = |states: &mut States| {
        insert(states, 2);
        Ok(vec![(b"key".to_vec(), b"event".to_vec())])
    };
    store.append("numbers", append).expect_err("it cannot be written");
    assert_eq!(store.read(numbers), [1]);
    store.write(|states| inserted(states, 3)).expect("nothing is left of the batch");
    assert_eq!(store.read(numbers), [1, 3]);
}

#[test]
fn readers_see_a_change_when_it_is_on_disk_and_never_wait_for_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), SCHEMA).expect("a store");
    let seen = store.write(|states| {
        insert(states, 1);
        Ok(store.read(numbers))
    });
    assert_eq!(seen.expect("it is written"), [0; 0]);
    assert_eq!(store.read(numbers), [1]);
}
