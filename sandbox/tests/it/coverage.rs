//! What the sandbox serves is what it is meant to serve: `tests/data/coverage.txt`, a row an operation, a resource type or a function.

use std::collections::BTreeSet;

use ecsws_sandbox::Coverage;

use crate::common::{data, read};

/// Rows that begin with `? ` are meant to be served and are not yet.
#[test]
fn the_sandbox_serves_what_the_table_says() {
    let table = read(&data("coverage.txt"));
    let rows: Vec<&str> = table.lines().filter(|row| !row.starts_with("? ")).collect();
    let meant: BTreeSet<&str> = rows.iter().copied().collect();
    assert_eq!(rows.len(), meant.len(), "a row stands in the table twice");

    let Coverage { operations, resource_types, functions } = ecsws_sandbox::coverage();
    let names = operations.iter().chain(&functions).map(String::as_str);
    let served: BTreeSet<&str> = names.chain(resource_types).collect();
    let difference: Vec<_> = served.symmetric_difference(&meant).collect();
    assert!(difference.is_empty(), "served or meant, but not both: {difference:#?}");
}
