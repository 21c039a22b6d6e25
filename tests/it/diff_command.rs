//! `ecsws diff` shows exactly what `ecsws deploy` would change.
#![cfg(unix)]

use std::collections::HashMap;

use serde_json::Value;

use crate::common::ecsws_in;
use crate::workshop::{SMALL_PROJECT, Workshop};

fn deployed() -> Workshop {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    workshop.run("--sandbox deploy").success();
    workshop
}

/// Runs a command without `--sandbox`, with environment variables that point to the sandbox.
fn as_aws(workshop: &Workshop, arguments: &str) -> crate::workshop::Finished {
    let exports = workshop.run("sandbox env").success();
    let variables: HashMap<&str, &str> = exports
        .lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name, value.trim_matches('\'')))
        .collect();
    let mut command = ecsws_in(&workshop.path(""));
    command.args(arguments.split_whitespace()).envs(variables).env("ECSWS_SANDBOX_DIR", workshop.path("sandbox"));
    command.stdin(std::process::Stdio::null());
    let output = command.output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    crate::workshop::Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn strings_that_look_like_numbers_are_compared_as_strings() {
    let workshop = deployed();
    workshop.run("--sandbox diff --fail").success();
    workshop.write("ecsws.toml", &SMALL_PROJECT.replace("1.10", "1.1"));
    for method in ["change-set", "template"] {
        let shown = workshop.run(&format!("--sandbox diff --fail --method {method}")).exit_code(5);
        assert!(
            shown.contains("[-]     \"Value\": \"1.10\"") && shown.contains("[+]     \"Value\": \"1.1\""),
            "{shown}"
        );
    }
}

#[test]
fn changed_tags_are_differences() {
    let workshop = deployed();
    let with_tags = |tags: &str| workshop.write("ecsws.toml", &format!("[tags]\n{tags}\n{SMALL_PROJECT}"));
    with_tags("team = \"web\"");
    let shown = workshop.run("--sandbox diff --fail").exit_code(5);
    assert!(shown.contains("Tags\n[+] Tag team: web"), "{shown}");
    assert!(shown.contains("Number of stacks with differences: 2"), "{shown}");
    workshop.run("--sandbox deploy").success();
    workshop.run("--sandbox diff --fail").success();
    with_tags("team = \"api\"\nowner = \"me\"");
    let shown = workshop.run("--sandbox diff api --fail").exit_code(5);
    assert!(shown.contains("[+] Tag owner: me\n[~] Tag team: web to api"), "{shown}");
    let other: Value = workshop.json("--sandbox diff api")["stacks"][0]["other"].take();
    assert_eq!(other[0], serde_json::json!({ "section": "Tags", "name": "owner", "old": null, "new": "me" }));
    workshop.run("--sandbox deploy").success();
    let flagged = workshop.run("--sandbox diff api --fail --tags stage=test").exit_code(5);
    assert!(flagged.contains("[+] Tag stage: test"), "{flagged}");
    workshop.run("--sandbox deploy api --tags stage=test").success();
    workshop.run("--sandbox diff api --fail --tags stage=test").success();
}

#[test]
fn diff_accepts_the_input_flags_of_deploy() {
    let workshop = deployed();
    let shown = workshop.run("--sandbox diff --fail --image api=acme/api:2").exit_code(5);
    assert!(shown.contains("acme/api:2"), "{shown}");
    assert_eq!(workshop.text(), SMALL_PROJECT);
    workshop.run("--sandbox deploy --image api=acme/api:2").success();
    workshop.run("--sandbox diff --fail --image api=acme/api:2").success();
    for command in ["diff", "deploy"] {
        let wrong = workshop.run(&format!("--sandbox {command} --parameters Size=1"));
        assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
        assert!(wrong.stderr.contains("has no parameter `Size`"), "{}", wrong.stderr);
    }
}

#[test]
fn diff_uses_the_look_ups_of_the_account_that_deploy_would_use() {
    let workshop = deployed();
    workshop.write(
        "ecsws.toml",
        &SMALL_PROJECT
            .replace("[platform.stack]\nname = \"base\"\nstress_tool = false", "[platform]\nvpc = \"base/BaseVPC\""),
    );
    let pinned = |account: &str| {
        format!(
            "version = 1\n[[vpc]]\naccount = \"{account}\"\nregion = \"us-east-1\"\nname = \"base/BaseVPC\"\n\
             id = \"vpc-{account}\"\npublic_subnets = [\"subnet-{account}\"]\nprivate_subnets = [\"subnet-{account}\"]\n"
        )
    };
    workshop.write("ecsws.lock", &pinned("999999999999"));
    let compared = as_aws(&workshop, "diff api --fail");
    assert!(!compared.stdout.contains("999999999999"), "{}", compared.stdout);
    assert_eq!(compared.code, Some(0), "{}{}", compared.stdout, compared.stderr);
}

#[test]
fn diff_against_the_template_that_synth_prints_is_empty() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    let check = |state: &str| {
        let in_sandbox = |arguments: &str| workshop.run(&format!("--sandbox {arguments}"));
        let in_aws = |arguments: &str| as_aws(&workshop, arguments);
        for run in [&in_sandbox as &dyn Fn(&str) -> crate::workshop::Finished, &in_aws] {
            for (stack, json) in [("api", ""), ("api", " --json"), ("base", "")] {
                workshop.write("template", &run(&format!("synth {stack}{json}")).success());
                let compared = run(&format!("diff {stack} --template template --fail"));
                assert_eq!(compared.code, Some(0), "{state}: {}{}", compared.stdout, compared.stderr);
            }
        }
    };
    workshop.run("sandbox start").success();
    check("without a deployed platform");
    workshop.run("--sandbox deploy").success();
    check("with a deployed platform");
}

#[test]
fn templates_are_compared_if_no_change_set_can_be_created() {
    let workshop = deployed();
    workshop.write(
        "ecsws.toml",
        &SMALL_PROJECT.replace("1.10", "2").replace("stress_tool", "cluster_name = \"other\"\nstress_tool"),
    );
    let by_template = |stack: &str| format!("{stack} is compared by template only: ");
    let refused =
        |stack: &str| format!("deploy rejects this: CloudFormation rejected the change set of stack `{stack}`: ");
    for (operation, code, note) in [
        ("CreateChangeSet", "ValidationError", &refused as &dyn Fn(&str) -> String),
        ("CreateChangeSet", "AccessDenied", &by_template),
        ("CreateChangeSet", "LimitExceededException", &by_template),
        ("DescribeChangeSet", "AccessDenied", &by_template),
        ("DescribeChangeSet", "ValidationError", &by_template),
    ] {
        let fault = format!(
            r#"{{"operations":[{{"operation":"cloudformation:{operation}","effect":"fail","code":"{code}"}}]}}"#
        );
        workshop.run(&format!("sandbox faults {fault}")).success();
        let compared = workshop.run("--sandbox diff --fail");
        assert_eq!(compared.code, Some(5), "{operation} {code}: {}", compared.stderr);
        assert!(
            compared.stdout.contains("\"Value\": \"2\"") && compared.stdout.contains("differences: 2"),
            "{}",
            compared.stdout
        );
        for stack in ["base", "api"] {
            assert!(compared.stderr.contains(&note(stack)), "{operation} {code}: {}", compared.stderr);
        }
    }
    let expired =
        r#"{"operations":[{"operation":"cloudformation:CreateChangeSet","effect":"fail","code":"ExpiredToken"}]}"#;
    workshop.run(&format!("sandbox faults {expired}")).success();
    assert_eq!(workshop.run("--sandbox diff").code, Some(3));
}

#[test]
fn a_parameter_value_that_cloudformation_rejects_is_reported_by_diff_and_deploy() {
    let with_parameter = SMALL_PROJECT.replace("stress_tool = false", "stress_tool = true");
    let workshop = Workshop::with_spec(&with_parameter);
    workshop.run("--sandbox deploy base").success();
    let template: Value = serde_json::from_str(&workshop.run("--sandbox synth base --json").success()).expect("JSON");
    let (name, _) = template["Parameters"]
        .as_object()
        .expect("the template has parameters")
        .iter()
        .find(|(_, parameter)| parameter["Type"].as_str().is_some_and(|kind| kind.starts_with("AWS::SSM::")))
        .expect("the image is a parameter");
    let arguments = format!("base --parameters {name}=/no/such");
    let compared = workshop.run(&format!("--sandbox diff --fail {arguments}"));
    let reason = "CloudFormation rejected the change set of stack `base`: Unable to fetch parameters [/no/such]";
    let note = format!("warning: deploy rejects this: {reason}");
    assert_eq!(compared.code, Some(5), "{}", compared.stderr);
    assert_eq!(compared.stderr.matches(&note).count(), 1, "{}", compared.stderr);
    assert!(!compared.stderr.contains("by template only"), "{}", compared.stderr);
    let deployed = workshop.run(&format!("--sandbox deploy {arguments}"));
    assert_eq!(deployed.code, Some(1), "{}", deployed.stderr);
    assert!(deployed.error().contains(reason), "{}", deployed.stderr);
}

#[test]
fn diff_reports_what_deploy_would_reject() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    let rejected = |project: &str, reasons: &[&str]| {
        workshop.write("ecsws.toml", project);
        let (compared, deployed) = (workshop.run("--sandbox diff --fail"), workshop.run("--sandbox deploy"));
        assert_eq!((compared.code, deployed.code), (Some(5), Some(1)), "{}{}", compared.stderr, deployed.stderr);
        for reason in reasons {
            assert!(deployed.error().contains(reason), "{}", deployed.stderr);
            let note = format!("warning: deploy rejects this: {reason}");
            assert!(compared.stderr.contains(&note), "{note} is missing in {}", compared.stderr);
        }
    };
    let secrets =
        "environment = { VERSION = \"1.10\" }\nsecrets = { A = \"ssm:/no/such\", B = \"secretsmanager:no-such\" }";
    let secrets = SMALL_PROJECT.replace("environment = { VERSION = \"1.10\" }", secrets);
    let variables: Vec<String> = (0..700).map(|number| format!("V{number} = \"{number:050}\"")).collect();
    let large = SMALL_PROJECT.replace("VERSION = \"1.10\"", &variables.join(", "));
    for is_deployed in [false, true] {
        rejected(&secrets, &["there is no parameter `/no/such`", "there is no secret `no-such`"]);
        rejected(&large, &["CloudFormation rejected the change set of stack `api`: its template has "]);
        if !is_deployed {
            workshop.write("ecsws.toml", SMALL_PROJECT);
            workshop.run("--sandbox deploy").success();
        }
    }
    workshop.write("ecsws.toml", SMALL_PROJECT);
    let same = workshop.run("--sandbox diff --fail");
    assert_eq!((same.code, same.stderr.contains("rejects")), (Some(0), false), "{}", same.stderr);
}

#[test]
fn invalid_tags_and_images_are_rejected_before_the_sandbox_starts() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    let (long_key, long_value) = (format!("{}=x", "k".repeat(129)), format!("k={}", "v".repeat(257)));
    let many: Vec<String> = (0..51).map(|number| format!("--tags k{number}=v")).collect();
    for command in ["diff", "deploy"] {
        for tags in ["aws:x=y", "AWS:x=y", "k=", "k=a;b", &long_key, &long_value] {
            let wrong = workshop.run(&format!("--sandbox {command} --tags {tags}"));
            assert_eq!(wrong.code, Some(2), "{command} {tags}: {}", wrong.stderr);
        }
        let wrong = workshop.run(&format!("--sandbox {command} {}", many.join(" ")));
        assert!(wrong.code == Some(2) && wrong.stderr.contains("51 tags"), "{}", wrong.stderr);
        let wrong = workshop.run(&format!("--sandbox {command} base --image api=acme/api:2"));
        assert!(wrong.code == Some(2) && wrong.stderr.contains("service `api`"), "{}", wrong.stderr);
    }
    assert!(!workshop.path("sandbox").exists());
}
