//! `ecsws init`.

use insta::assert_snapshot;

use super::ecsws;

#[test]
fn init_writes_a_project_that_synth_accepts_and_never_overwrites_one() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let first = ecsws(dir.path(), "init --name api --image ghcr.io/acme/api:1.4 --port 8080");
    assert_snapshot!(first, @"
    code Some(0)
    -- stdout
    -- stderr
    wrote DIR/ecsws.toml
    see what it creates with `ecsws --sandbox synth --all`, and run it on this machine with `ecsws --sandbox deploy`
    ");
    let text = crate::common::read(&dir.path().join("ecsws.toml"));
    let (spec, warnings) = ecsws::stack::Spec::parse(&text).expect("it is a spec");
    assert_eq!(spec.platform.stack.map(|stack| stack.ports), Some(spec.services["api"].container.ports.clone()));
    assert_eq!(warnings, []);
    assert_snapshot!(ecsws(dir.path(), "init --workshop"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: DIR/ecsws.toml already exists
    hint: edit it, or choose another folder with -C
    ");
    assert_snapshot!(ecsws(dir.path(), "synth nothing"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: ecsws.toml has no stack `nothing`
    hint: stacks in this file: api-base, api
    ");
}

#[test]
fn init_rejects_names_and_images_that_aws_would_reject() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    assert_snapshot!(ecsws(dir.path(), "init --name Straße --image UPPER/case"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: --name Straße: a service name has only letters, digits and -
    ");
    assert!(!dir.path().join("ecsws.toml").exists());
}
