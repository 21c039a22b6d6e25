//! boto3 works with the sandbox: waiters, paging, replacements and rollbacks. See `boto.py`.

use std::path::Path;

use super::{Sandboxed, succeed, tool};

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn boto3_waiters_paging_replacements_and_rollbacks_work() {
    let sandbox = Sandboxed::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers/boto.py");
    succeed(sandbox.0.command(tool("python"), "").arg(script));
}
