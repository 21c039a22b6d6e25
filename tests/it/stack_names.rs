//! A service's key is accepted wherever a stack name is.
#![cfg(unix)]

use crate::workshop::Workshop;

/// Two services, `api` with the stack `s1` and `web` with the stack `second`.
fn project(second: &str) -> String {
    format!(
        r#"
[platform.stack]
name = "base"
stress_tool = false

[services.api]
stack = "s1"
cpu = 256
memory = 512
container = {{ image = "acme/api:1" }}

[services.web]
stack = "{second}"
cpu = 512
memory = 1024
container = {{ image = "acme/web:1" }}
"#
    )
}

#[test]
fn a_service_key_is_accepted_as_a_stack_name() {
    let workshop = Workshop::with_spec(&project("s2"));
    assert_eq!(workshop.run("--sandbox synth api").success(), workshop.run("--sandbox synth s1").success());
    workshop.run("--sandbox deploy base api s1").success();
    let stacks = |command: &str| workshop.json(&format!("--sandbox {command}"))["stacks"].clone();
    for command in ["diff api", "diff api s1"] {
        let names: Vec<_> =
            stacks(command).as_array().expect("a list").iter().map(|stack| stack["stack"].clone()).collect();
        assert_eq!(names, ["s1"], "{command}");
    }
    let wrong = workshop.run("--sandbox deploy web --parameters api:Size=3");
    assert!(wrong.error().contains("--parameters is for stack `s1`, which is not deployed here"), "{}", wrong.stderr);
    let wrong = workshop.run("--sandbox diff api --parameters api:Size=3");
    assert!(wrong.error().contains("the template of s1 has no parameter `Size`"), "{}", wrong.stderr);
    let wrong = workshop.run("--sandbox deploy apii");
    assert!(
        wrong.error().contains("no stack `apii`\nhint: did you mean `api`? stacks in this file: base, s1, s2\n"),
        "{}",
        wrong.stderr
    );
    let destroyed = workshop.run("--sandbox destroy api");
    assert_eq!(destroyed.code, Some(0), "{}", destroyed.stderr);
    assert!(destroyed.stderr.contains("s1") && !destroyed.stderr.contains("base"), "{}", destroyed.stderr);
}

#[test]
fn stack_names_take_precedence_over_service_keys() {
    let workshop = Workshop::with_spec(&project("api"));
    let template = workshop.run("--sandbox synth api").success();
    assert!(template.contains("acme/web:1") && !template.contains("acme/api:1"), "{template}");
    let template = workshop.run("--sandbox synth web").success();
    assert!(template.contains("acme/web:1"), "{template}");
    workshop.run("--sandbox deploy base api").success();
    assert_eq!(workshop.run("--sandbox status web").code, Some(0));
    assert_eq!(workshop.run("--sandbox status api").code, Some(1), "s1 is not deployed");
}
