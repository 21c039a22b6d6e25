//! boto3 and the AWS CLI in a task use the task's role in the sandbox, even if the user has an AWS profile and keys.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Place, Sandboxed, read, tool};

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn sdks_in_a_task_never_leave_the_sandbox() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workshop = read(&root.join("examples/workshop/ecsws.toml"));
    let (python, script) = (tool("python"), root.join("tests/it/peers/in_task.py"));
    let command = format!("[{:?}, {:?}]", python.display().to_string(), script.display().to_string());
    let images = format!("\n[sandbox.images]\n\"brentley/ecsdemo-nodejs\" = {{ command = {command} }}\n");
    let mut place = Place::new(&(workshop + &images));
    let state = place.dir.path().join("sandbox").to_string_lossy().into_owned();
    std::fs::create_dir(place.dir.path().join(".aws")).expect("a folder");
    for file in [".aws/config", ".aws/credentials"] {
        let keys = "aws_access_key_id = AKIAREALREALREALREAL\naws_secret_access_key = real\n";
        place.write(file, &format!("[default]\nregion = eu-west-1\n{keys}"));
    }
    for (name, value) in [
        ("ECSWS_SANDBOX_DIR", state.as_str()),
        ("ECSWS_SANDBOX", "1"),
        ("AWS_ACCESS_KEY_ID", "AKIAREALREALREALREAL"),
        ("AWS_SECRET_ACCESS_KEY", "real"),
        ("AWS_PROFILE", "default"),
        ("AWS_ENDPOINT_URL_STS", "https://sts.amazonaws.com"),
    ] {
        place.set(name, value);
    }
    let sandbox = Sandboxed(place);
    sandbox.0.ecsws("deploy");
    #[expect(clippy::disallowed_methods, reason = "a test's deadline")]
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let printed = sandbox.0.ecsws("logs");
        if printed.contains("in_task: done") {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "a test's deadline")]
        let now = Instant::now();
        assert!(!printed.contains("Error") && now < deadline, "{printed}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
