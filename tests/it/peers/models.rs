//! Every answer holds against the service models that botocore carries: see `models.py`.

use std::path::Path;

use super::{Place, succeed, tool};

const PROJECT: &str = "[services.web]\ncpu = 256\nmemory = 512\n[services.web.container]\nimage = \"web\"\n";

#[test]
#[ignore = "needs other people's tools: just peers"]
fn every_answer_is_what_awss_models_say() {
    let mut place = Place::new(PROJECT);
    let state = place.dir.path().join("sandbox").to_string_lossy().into_owned();
    place.set("ECSWS_SANDBOX_DIR", &state);
    place.ecsws("sandbox start --speed 20");
    for line in place.ecsws("sandbox env").lines() {
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|line| line.split_once('=')) {
            place.set(name, value);
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut walk = place.command(tool("python"), "");
    walk.arg(root.join("tests/it/peers/models.py")).arg(root.join("sandbox/tests/data/coverage.txt"));
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| succeed(&mut walk)));
    place.ecsws("sandbox stop");
    if let Err(panic) = told {
        std::panic::resume_unwind(panic);
    }
}
