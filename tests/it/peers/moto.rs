//! Our commands against moto's server, which nobody here wrote. It never finishes a rollout, so services are not waited for.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use super::{Place, tool};

const PROJECT: &str = r#"
[platform]
cluster = "demo"
subnets = ["subnet-0bb00000000000001"]
security_group = "sg-0bb00000000000001"

[services.web]
stack = "web"
name = "web"
cpu = 256
memory = 512
count = 1

[services.web.container]
image = "nginx"
port = 80

[services.web.logs]
retention_days = 7
"#;

/// moto's server on a port of its own, ended at the end.
struct Moto {
    place: Place,
    server: Child,
}

impl Moto {
    fn start() -> Self {
        let mut place = Place::new(PROJECT);
        let mut command = place.command(tool("moto_server"), "--port 0");
        let mut server = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("moto starts");
        let lines = BufReader::new(server.stderr.take().expect("it is piped")).lines();
        let mut lines = lines.map(|line| line.expect("moto writes text"));
        let url = lines
            .find_map(|line| Some(line.split_once("Running on ")?.1.trim().to_owned()))
            .expect("moto says where it is");
        // What moto goes on to say has to be read, or it would wait for us.
        std::thread::spawn(move || lines.for_each(drop));
        let settings = [
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("AWS_ACCESS_KEY_ID", "testing"),
            ("AWS_SECRET_ACCESS_KEY", "testing"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ];
        for (name, value) in settings {
            place.set(name, value);
        }
        Self { place, server }
    }

    /// What the aws CLI says of the service and the stack.
    fn aws(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.place.aws(arguments)).expect("the aws CLI answers in JSON")
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

#[test]
#[ignore = "needs other people's tools: just peers"]
fn deploy_status_scale_logs_and_destroy_work_against_moto() {
    let moto = Moto::start();
    moto.aws("ecs create-cluster --cluster-name demo");

    moto.place.ecsws("deploy --no-wait-services");
    let stacks = moto.aws("cloudformation describe-stacks --stack-name web");
    assert_eq!(stacks["Stacks"][0]["StackStatus"], "CREATE_COMPLETE");
    let again = moto.place.ecsws("deploy --no-wait-services --output json");
    assert!(again.contains(r#""event":"no_changes""#), "{again}");

    let status: Value = serde_json::from_str(&moto.place.ecsws("status --output json")).expect("it is JSON");
    assert_eq!((&status["service"], &status["desired"]), (&"web".into(), &1.into()));

    moto.place.ecsws("scale --count 3 --no-wait-services");
    let services = moto.aws("ecs describe-services --cluster demo --services web");
    assert_eq!(services["services"][0]["desiredCount"], 3);
    moto.place.ecsws("scale --count 2 --hotswap --no-wait-services");
    let services = moto.aws("ecs describe-services --cluster demo --services web");
    assert_eq!(services["services"][0]["desiredCount"], 2);

    let groups = moto.place.ecsws("logs groups");
    let group = groups.trim();
    moto.place
        .aws(&format!("logs create-log-stream --log-group-name {group} --log-stream-name web/web/0123456789abcdef"));
    #[expect(clippy::disallowed_methods, reason = "moto has the clock of this machine")]
    let now = jiff::Timestamp::now().as_millisecond();
    moto.place.aws(&format!(
        "logs put-log-events --log-group-name {group} --log-stream-name web/web/0123456789abcdef --log-events timestamp={now},message=hello"
    ));
    assert_eq!(moto.place.ecsws("logs streams").trim(), "web/web/0123456789abcdef");
    let logs = moto.place.ecsws("logs --start 1m");
    assert!(logs.trim_end().ends_with("01234567 hello"), "{logs}");

    moto.place.ecsws("destroy --yes");
    let gone = moto.aws("cloudformation list-stacks --stack-status-filter CREATE_COMPLETE UPDATE_COMPLETE");
    assert_eq!(gone["StackSummaries"], Value::Array(Vec::new()));
}
