//! Validates the sandbox's responses against botocore's service models. See `models.py`.

use std::path::Path;

use super::{Place, succeed, tool};

const PROJECT: &str = "[services.web]\ncpu = 256\nmemory = 512\n[services.web.container]\nimage = \"web\"\n";

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn every_response_conforms_to_botocores_service_models() {
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
    let mut script = place.command(tool("python"), "");
    script.arg(root.join("tests/it/peers/models.py")).arg(root.join("sandbox/tests/data/coverage.txt"));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| succeed(&mut script)));
    place.ecsws("sandbox stop");
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}
