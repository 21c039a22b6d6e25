//! `ecsws destroy`.

use super::{api, assert_failed, deployed, faults, resource_fails};
use crate::common::assert_has;

#[test]
fn a_stack_with_imported_exports_is_not_deleted_and_dependents_are_deleted_with_it() {
    let workshop = deployed();
    let text = workshop.text();
    let stack = text.find("[services.api]").expect("it is there");
    workshop.write("base/ecsws.toml", &text[..stack]);
    let refused = workshop.run("--sandbox -C base destroy --yes");
    assert_failed(&refused, &["stack base exports `ECSClusterName`, which api imports; nothing was changed"]);
    let destroyed = workshop.run("--sandbox destroy base");
    assert_has(&destroyed.stderr, &["retains: AWS::Logs::LogGroup", "✓  api deleted in ", "✓  base deleted in "]);
    destroyed.success();
}

#[test]
fn a_failed_deletion_reports_what_prevents_it() {
    let workshop = deployed();
    faults(&workshop, &resource_fails("delete", 1));
    assert_failed(
        &workshop.run("--sandbox destroy"),
        &["stack `api` is DELETE_FAILED", "No-capacity", "then repeat `ecsws --sandbox destroy`"],
    );
    let refused = workshop.run("--sandbox deploy");
    assert_failed(&refused, &["stack `api` is DELETE_FAILED", "(AWS::ECS::Service)"]);
    workshop.run("--sandbox destroy").success();
}

#[test]
fn log_groups_that_are_deleted_with_their_stack_are_listed_before() {
    let workshop = api("[services.api.logs]\ngroup = \"/ecs/api\"\nremoval = \"destroy\"\n");
    workshop.run("--sandbox deploy").success();
    let destroyed = workshop.run("--sandbox destroy api");
    assert_has(&destroyed.stderr, &["deletes: log group /ecs/api with its events"]);
    assert!(!destroyed.stderr.contains("retains:"), "{}", destroyed.stderr);
    destroyed.success();
    // Its name is free again.
    workshop.run("--sandbox deploy api").success();
}
