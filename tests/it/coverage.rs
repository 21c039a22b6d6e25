//! What the sandbox serves is what it is meant to serve: `tests/data/coverage.txt`, a row an operation, a resource type or a function.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::common::read;

/// Rows that begin with `? ` are meant to be served and are not yet.
#[test]
fn the_sandbox_serves_what_the_table_says() {
    let table = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/coverage.txt"));
    let rows: Vec<&str> = table.lines().filter(|row| !row.starts_with("? ")).collect();
    let meant: BTreeSet<&str> = rows.iter().copied().collect();
    assert_eq!(rows.len(), meant.len(), "a row stands in the table twice");

    let printed = Command::new(env!("CARGO_BIN_EXE_ecsws")).args(["sandbox", "coverage"]).output().expect("it runs");
    let printed = String::from_utf8(printed.stdout).expect("it is text");
    let served: BTreeSet<&str> = printed.lines().collect();
    let difference: Vec<_> = served.symmetric_difference(&meant).collect();
    assert!(difference.is_empty(), "served or meant, but not both: {difference:#?}");
}
