//! Test data and the program under test.

use std::path::{Path, PathBuf};

/// The path of a file of the test data.
pub fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

/// Reads a file.
#[expect(clippy::disallowed_methods, reason = "tests read their data")]
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The program that sandboxes and their inner processes are started from: `examples/serve.rs`.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("this program's path");
    let target = test.parent().and_then(Path::parent).expect("it is in target/PROFILE/deps");
    let program = target.join("examples/serve");
    assert!(program.exists(), "build {} with: cargo build -p ecsws-sandbox --examples", program.display());
    program
}
