//! `ecsws diff` of deployed stacks.

use super::{denied, deployed, faults, requests};
use crate::common::assert_has;
use crate::workshop::Workshop;

#[test]
fn a_diff_notes_what_templates_do_not_show_and_leaves_no_change_set() {
    let workshop = deployed();
    workshop.run("--sandbox scale --count 2 --hotswap").success();
    workshop.edit("memory = 512", "memory = 512\ncount = 3");
    let diff = workshop.run("--sandbox diff --fail");
    assert_eq!(diff.code, Some(5), "{}", diff.stderr);
    assert_has(&diff.stderr, &["desired count is 2, but the template says 1"]);
    let calls = requests(&workshop);
    let count = |name: &str| calls.iter().filter(|call| call.ends_with(name)).count();
    assert_eq!(count(":CreateChangeSet"), count(":DeleteChangeSet") + count(":ExecuteChangeSet"), "{calls:?}");
    let before = calls.len();
    workshop.run("--sandbox diff --method template").success();
    assert!(!requests(&workshop)[before..].iter().any(|call| call.ends_with(":CreateChangeSet")));
}

#[test]
fn a_diff_with_a_file_makes_no_calls() {
    let workshop = Workshop::with_spec(&crate::common::read(&crate::common::data("synth/seed/ecsws.toml")));
    workshop.write("ecsws.lock", &crate::common::read(&crate::common::data("synth/seed/ecsws.lock")));
    workshop.write("old.json", &crate::common::read(&crate::common::data("synth/seed-count3/template.json")));
    let diff = workshop.run("diff --template old.json --fail --endpoint-url http://127.0.0.1:1").exit_code(5);
    assert_has(&diff, &["DesiredCount", "[-] 3", "[+] 1"]);
}

#[test]
fn concurrent_diffs_do_not_disturb_each_other() {
    let workshop = deployed();
    workshop.edit("memory = 512", "memory = 512\ncount = 2");
    let diffs: Vec<_> = (0..3).map(|_| workshop.start("--sandbox diff --fail")).collect();
    for diff in diffs {
        assert_has(&crate::workshop::wait(diff).exit_code(5), &["DesiredCount"]);
    }
    // Who may not make one compares templates, and says so.
    faults(&workshop, &denied("cloudformation:CreateChangeSet"));
    let diff = workshop.run("--sandbox diff --fail");
    assert_has(&diff.stderr, &["api is compared by template only: cannot create a change set"]);
    diff.exit_code(5);
}
