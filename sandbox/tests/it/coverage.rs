//! The sandbox serves what `tests/data/coverage.txt` lists: operations, resource types and functions.

use std::collections::BTreeSet;

use ecsws_sandbox::Coverage;

use crate::common::{data, read};

/// Rows that begin with `? ` are planned and not served yet.
#[test]
fn the_sandbox_serves_exactly_what_the_coverage_table_lists() {
    let table = read(&data("coverage.txt"));
    let rows: Vec<&str> = table.lines().filter(|row| !row.starts_with("? ")).collect();
    let listed: BTreeSet<&str> = rows.iter().copied().collect();
    assert_eq!(rows.len(), listed.len(), "the table has a row twice");

    let Coverage { operations, resource_types, functions } = ecsws_sandbox::coverage();
    let names = operations.iter().chain(&functions).map(String::as_str);
    let served: BTreeSet<&str> = names.chain(resource_types).collect();
    let difference: Vec<_> = served.symmetric_difference(&listed).collect();
    assert!(difference.is_empty(), "served or listed, but not both: {difference:#?}");
}
