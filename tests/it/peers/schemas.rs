//! The sandbox's tables of resource types are up to date with their generator and AWS's schemas.

use std::path::Path;
use std::process::Command;

use super::{succeed, tool};
use crate::common::read;

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn the_tables_of_resource_types_are_up_to_date() {
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("sandbox/src/cloudformation");
    let folder = tempfile::tempdir().expect("a folder");
    succeed(Command::new(tool("python")).arg(tables.join("provider_schemas.py")).arg(folder.path()));
    for file in ["replacement.txt", "type_names.txt"] {
        assert_eq!(read(&tables.join(file)), read(&folder.path().join(file)), "{file}: run provider_schemas.py");
    }
}
