//! boto3 takes the sandbox for AWS.

use std::path::Path;

use super::{Sandboxed, succeed, tool};

#[test]
#[ignore = "needs other people's tools: just peers"]
fn boto3_waits_pages_replaces_and_rolls_back() {
    let sandbox = Sandboxed::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers/boto.py");
    succeed(sandbox.0.command(tool("python"), "").arg(script));
}
