//! Errors of `ecsws.toml`.

use super::{SERVICE, errors, spec};

#[test]
fn all_errors_of_a_service_are_reported_together() {
    let text = r#"cdk = 3

[target]
account = 123456789012
region = "US East"

[tags]
"aws:x" = "y"

[services.tail]
stack = "1st"
memroy = 512
cpu = 300
memory = 600
count = -1
compatibility = ["EC2"]
discovery = "-x"
public_ip = "yes"
platform_version = "2.0"

[services.tail.container]
id = "//"
image = ""
port = 70000
ports = [80, 80, "53/udp", "53/sctp", "0/udp", "+1/tcp"]
command = []
environment = { A = 1, B = "x" }
secrets = { B = "ssm:/b", C = "vault:c", D = "ssm:a/b" }
memory = 100
memory_reservation = 700
health_check = { command = ["CMD"], interval = "1s", timeout = "10", retries = 11 }

[services.tail.logs]
prefix = "a:b"
group = "aws/x"
retention_days = 8
removal = "snapshot"

[services.tail.deployment]
min_healthy_percent = 100
max_percent = 100

[[services.tail.task_policy]]
actions = ["GetObject"]
resources = ["bucket"]

[services.tail.autoscaling]
min = 5
max = 3
cpu = { target = 0, scale_in_cooldown = "soon" }
"#;
    insta::assert_snapshot!(errors(text));
}

#[test]
fn all_errors_of_the_platform_are_reported_together() {
    let text = r#"
[platform]
vpc = ""
cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/x"
namespace = { export = "NSID" }
security_group = 5
subnets = ["subnet-1", "sub-2"]

[platform.stack]
name = "base_stack"
cidr = "10.0.0.5/24"
cluster_name = "a b"
container_insights = 1
namespace = "a..b"
stress_tol = true
ports = ["80"]

[sandbox]
runtime = "lxc"

[sandbox.images]
nginx = { command = "x", dir = "." }
"#;
    insta::assert_snapshot!(errors(text));
}

#[test]
fn names_must_be_unique() {
    let service = |key: &str| {
        format!(
            "[services.{key}]\nstack = \"same\"\nname = \"same\"\ndiscovery = \"same\"\ncpu = 256\nmemory = 512\n\
             container = {{ image = \"nginx\" }}\nlogs = {{ group = \"/same\" }}\n"
        )
    };
    insta::assert_snapshot!(errors(&format!("[platform.stack]\nname = \"same\"\n{}{}", service("a"), service("b"))));
}

#[test]
fn missing_keys_are_reported() {
    insta::assert_snapshot!(errors(
        "[services.api]\n[services.web]\ncontainer = {}\n[services.web.autoscaling]\n[[services.web.task_policy]]\n"
    ));
    insta::assert_snapshot!(errors("cdk = 2\n"), @r"
    1:1 there is no stack in this file
         hint: add a [services.NAME] table
    ");
}

#[test]
fn a_misspelled_key_is_one_error() {
    insta::assert_snapshot!(errors("[services.api]\ncpu = 256\nmemroy = 512\ncontainer = { image = \"x\" }\n"), @r"
    3:1 unknown key `services.api.memroy`
         hint: did you mean `memory`?
    ");
}

#[test]
fn an_image_with_a_url_scheme_is_an_error() {
    let text = "[services.api]\ncpu = 256\nmemory = 512\ncontainer = { image = \"https://ghcr.io/acme/api\" }\n";
    insta::assert_snapshot!(errors(text), @r#"
    4:23 `services.api.container.image` is "https://ghcr.io/acme/api", which is a URL
         hint: an image has no scheme: "ghcr.io/acme/api"
    "#);
}

#[test]
fn an_invalid_memory_size_lists_the_valid_ones() {
    let pair = |cpu: u32, memory: u32| {
        errors(&format!("[services.api]\ncpu = {cpu}\nmemory = {memory}\ncontainer = {{ image = \"x\" }}\n"))
    };
    insta::assert_snapshot!(pair(256, 4096), @r"
    3:10 `services.api.memory` is 4096, which Fargate does not offer with cpu 256
         hint: with cpu 256, memory is 512, 1024 or 2048
    ");
    insta::assert_snapshot!(pair(8192, 17000), @r"
    3:10 `services.api.memory` is 17000, which Fargate does not offer with cpu 8192
         hint: with cpu 8192, memory is 16384 to 61440 in steps of 4096
    ");
}

#[test]
fn a_statement_that_exceeds_the_policy_size_is_an_error() {
    let statement = |length: usize| {
        let resource = format!("arn:aws:s3:::{}", "b".repeat(length - "arn:aws:s3:::".len()));
        format!("[[services.api.task_policy]]\nactions = [\"s3:GetObject\"]\nresources = [\"{resource}\"]\n")
    };
    let with =
        |lengths: &[usize]| SERVICE.to_owned() + &lengths.iter().map(|length| statement(*length)).collect::<String>();
    // The first fits into the inline policy, the second exactly into a managed one.
    spec(&with(&[8000, 6144 - 95]));
    insta::assert_snapshot!(errors(&with(&[8000, 6145 - 95, 500, 12_000])), @r"
    11:1 `services.api.task_policy[1]` needs a managed policy of 6145 characters, and IAM accepts 6144
         hint: split its actions or resources into several statements
    17:1 `services.api.task_policy[3]` needs a managed policy of 12095 characters, and IAM accepts 6144
         hint: split its actions or resources into several statements
    ");
}

#[test]
fn sibling_constructs_need_distinct_ids() {
    let service = |rest: &str| {
        format!("[services.api]\ncpu = 256\nmemory = 512\n{rest}\ncontainer = {{ image = \"x\", id = \"TaskRole\" }}\n")
    };
    insta::assert_snapshot!(errors(&service("id = \"Same\"\ntask_id = \"Same\"\nlogs = { id = \"Same\" }")));
    insta::assert_snapshot!(errors("[services.2]\ncpu = 256\nmemory = 512\ncontainer = { image = \"x\" }\n"));
    insta::assert_snapshot!(errors("[services.a_b]\ncpu = 256\nmemory = 512\ncontainer = { image = \"x\" }\n"));
}

#[test]
fn syntax_errors_have_positions() {
    insta::assert_snapshot!(errors("cdk = \n[services.api\nname = \"x\"\n"));
    insta::assert_snapshot!(errors("cdk = 1\ncdk = 2\n"));
}

#[test]
fn columns_count_characters() {
    insta::assert_snapshot!(errors("[tags]\nb = \"é\"\n\"é\" = 5\n\n[services]\n"));
}

#[test]
fn errors_beside_a_duplicate_key_and_in_every_list_item_are_reported() {
    let text =
        SERVICE.replace("cpu = 256", "cpu = 300\ncpu = 256").replace("memory", "compatibility = [\"A\", 3]\nmemory");
    let text = text + "[tags]\nteam = \"\"\n";
    insta::assert_snapshot!(errors(&text));
}
