//! boto3 retries the sandbox's injected faults as its documentation says.

use super::Sandboxed;
use super::{Place, succeed, tool};

/// Calls an operation and prints the outcome. botocore's legacy mode makes five attempts by default, its standard mode three ("Retries"
/// in boto3's guide).
const SCRIPT: &str = r#"
import boto3, sys
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
config = Config(retries={"mode": sys.argv[2], "total_max_attempts": 3}, read_timeout=1, connect_timeout=1)
client = boto3.client(sys.argv[1], config=config)
try:
    response = getattr(client, sys.argv[3])()
    print("succeeded after", response["ResponseMetadata"]["RetryAttempts"])
except ClientError as error:
    print(error.response["Error"]["Code"], error.response["ResponseMetadata"]["RetryAttempts"])
except (ConnectionClosedError, ReadTimeoutError) as error:
    print(type(error).__name__)
"#;

fn outcome(place: &Place, fault: &str, call: &str) -> String {
    let faults = format!(r#"{{"operations":[{fault}]}}"#);
    succeed(place.command(env!("CARGO_BIN_EXE_ecsws"), "sandbox faults").arg(faults));
    place.write("retries.py", SCRIPT);
    succeed(&mut place.command(tool("python"), &format!("retries.py {call}"))).trim().to_owned()
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn boto3_retries_transient_faults_only() {
    let sandboxed = Sandboxed::start();
    let place = &sandboxed.0;
    for (service, operation, call) in [
        ("ecs", "ListClusters", "list_clusters"),
        ("cloudformation", "ListStacks", "list_stacks"),
        ("ec2", "DescribeVpcs", "describe_vpcs"),
    ] {
        let twice = format!(r#"{{"operation":"{service}:{operation}","effect":"throttle","times":2}}"#);
        assert_eq!(outcome(place, &twice, &format!("{service} standard {call}")), "succeeded after 2");
        assert_eq!(outcome(place, &twice, &format!("{service} legacy {call}")), "succeeded after 2");
    }
    let always = r#"{"operation":"ecs:*","effect":"throttle"}"#;
    assert_eq!(outcome(place, always, "ecs standard list_clusters"), "ThrottlingException 2");
    let failing = r#"{"operation":"ecs:*","effect":"fail","code":"ServerException","status":500,"times":1}"#;
    assert_eq!(outcome(place, failing, "ecs standard list_clusters"), "succeeded after 1");
    let refused = r#"{"operation":"ecs:*","effect":"fail","code":"AccessDeniedException"}"#;
    assert_eq!(outcome(place, refused, "ecs standard list_clusters"), "AccessDeniedException 0");
    for effect in ["cut", "hang"] {
        let once = format!(r#"{{"operation":"ecs:*","effect":"{effect}","times":1}}"#);
        assert_eq!(outcome(place, &once, "ecs standard list_clusters"), "succeeded after 1", "{effect}");
    }
    let late = r#"{"operation":"ecs:*","effect":"delay","seconds":5}"#;
    assert_eq!(outcome(place, late, "ecs standard list_clusters"), "ReadTimeoutError");
}
