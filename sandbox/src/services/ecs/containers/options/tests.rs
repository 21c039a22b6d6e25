//! Container definitions and the flags that an engine gets for them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::apply;
use crate::process::container_engine::{
    Capabilities, ContainerOptions, ContainerPort, EngineKind, Network, NetworkMode, PublishedPort, create_arguments,
};

const CAPABILITIES: Capabilities =
    Capabilities { cpus: 2, limits_cpu: true, limits_memory: true, open_files: 1024, processes: Some(512) };

fn options(members: &Value) -> Result<ContainerOptions, String> {
    let mut options = ContainerOptions::default();
    let scratch = BTreeSet::from(["scratch".to_owned()]);
    apply(members.as_object().expect("an object"), &scratch, &mut options)?;
    Ok(options)
}

/// The arguments for a definition with these members, without those that every container has.
fn arguments(engine: EngineKind, members: &Value) -> Result<Vec<String>, String> {
    let options = options(members)?;
    let network = if options.network.mode == NetworkMode::None { Network::None } else { Network::Own(Vec::new()) };
    let always = ["--name=n", "--cpu-shares=2", "--ulimit=nofile=1024:1024", "--ulimit=nproc=512:512"];
    let arguments = create_arguments(&options, engine, &CAPABILITIES, ("n", "web:1", ""), &network);
    Ok(arguments.into_iter().filter(|argument| !always.contains(&argument.as_str())).collect())
}

#[test]
fn members_become_flags() {
    let rows: &[(Value, &[&str])] = &[
        (json!({}), &["web:1"]),
        (json!({ "command": ["-c", "x y"] }), &["web:1", "-c", "x y"]),
        (json!({ "entryPoint": ["sh", "-c"], "command": ["x"] }), &["--entrypoint=sh", "web:1", "-c", "x"]),
        (json!({ "user": "1000:1000" }), &["--user=1000:1000", "web:1"]),
        (json!({ "workingDirectory": "/app" }), &["--workdir=/app", "web:1"]),
        (json!({ "readonlyRootFilesystem": true }), &["--read-only", "--read-only-tmpfs=false", "web:1"]),
        (json!({ "readonlyRootFilesystem": false, "privileged": false }), &["web:1"]),
        (json!({ "interactive": true, "pseudoTerminal": true }), &["--interactive", "--tty", "web:1"]),
        (
            json!({ "dnsServers": ["1.1.1.1"], "dnsSearchDomains": ["a"] }),
            &["--dns=1.1.1.1", "--dns-search=a", "web:1"],
        ),
        (json!({ "extraHosts": [{ "hostname": "a", "ipAddress": "10.0.0.1" }] }), &["--add-host=a:10.0.0.1", "web:1"]),
        (
            json!({ "systemControls": [{ "namespace": "net.core.somaxconn", "value": "9" }] }),
            &["--sysctl=net.core.somaxconn=9", "web:1"],
        ),
        (json!({ "dockerLabels": { "team": "web" } }), &["--label=team=web", "web:1"]),
        (json!({ "ulimits": [{ "name": "core", "softLimit": 0, "hardLimit": -1 }] }), &["--ulimit=core=0:-1", "web:1"]),
        (json!({ "hostname": "a" }), &["--hostname=a", "web:1"]),
        (json!({ "disableNetworking": true }), &["--network=none", "web:1"]),
        (json!({ "cpu": 128 }), &["--cpu-shares=128", "web:1"]),
        (
            json!({ "memory": 64, "memoryReservation": 32 }),
            &["--memory=64m", "--memory-swap=64m", "--memory-reservation=32m", "web:1"],
        ),
        (
            json!({ "linuxParameters": {
                "initProcessEnabled": true, "sharedMemorySize": 8, "devices": [],
                "capabilities": { "add": ["SYS_PTRACE"], "drop": ["ALL"] },
                "tmpfs": [{ "containerPath": "/t", "size": 4, "mountOptions": ["noexec"] }]
            } }),
            &[
                "--init",
                "--shm-size=8m",
                "--cap-add=SYS_PTRACE",
                "--cap-drop=ALL",
                "--tmpfs=/t:size=4m,noexec",
                "web:1",
            ],
        ),
        (
            json!({ "mountPoints": [{ "sourceVolume": "scratch", "containerPath": "/data" }] }),
            &["--volume=/data", "web:1"],
        ),
        (
            json!({ "essential": true, "secrets": [{ "name": "S" }], "portMappings": [{ "containerPort": 1 }], "stopTimeout": 5 }),
            &["web:1"],
        ),
    ];
    for (members, expected) in rows {
        assert_eq!(arguments(EngineKind::Podman, members).as_deref(), Ok(&owned(expected)[..]), "{members}");
    }
    assert_eq!(
        arguments(EngineKind::Docker, &json!({ "readonlyRootFilesystem": true })).unwrap(),
        ["--read-only", "web:1"]
    );
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn members_that_are_not_honoured_are_refused_by_name() {
    let rows = [
        (json!({ "privileged": true }), "privileged"),
        (json!({ "volumesFrom": [{ "sourceContainer": "a" }] }), "volumesFrom"),
        (json!({ "environmentFiles": [{ "type": "s3", "value": "x" }] }), "environmentFiles"),
        (json!({ "repositoryCredentials": { "credentialsParameter": "x" } }), "repositoryCredentials"),
        (json!({ "restartPolicy": { "enabled": true } }), "restartPolicy"),
        (json!({ "firelensConfiguration": { "type": "fluentbit" } }), "firelensConfiguration"),
        (json!({ "resourceRequirements": [{ "type": "GPU", "value": "1" }] }), "resourceRequirements"),
        (json!({ "linuxParameters": { "devices": [{ "hostPath": "/dev/sda" }] } }), "linuxParameters: devices"),
        (json!({ "linuxParameters": { "capabilities": { "add": ["SYS_ADMIN"] } } }), "SYS_ADMIN"),
        (json!({ "mountPoints": [{ "sourceVolume": "other", "containerPath": "/data" }] }), "the volume other"),
        (json!({ "mountPoints": [{ "sourceVolume": "scratch", "containerPath": "/etc:/data" }] }), "/etc:/data"),
        (json!({ "dockerLabels": { "ecsws.sandbox": "x" } }), "ecsws.sandbox"),
        (json!({ "user": 7 }), "user"),
    ];
    for (members, name) in rows {
        let refusal = arguments(EngineKind::Podman, &members).expect_err(name);
        assert!(refusal.contains(name), "{refusal}");
    }
}

#[test]
fn a_value_is_never_a_flag() {
    let arguments = arguments(
        EngineKind::Docker,
        &json!({ "user": "--privileged", "entryPoint": ["--privileged"], "command": ["--privileged"] }),
    );
    let arguments = arguments.expect("texts are taken as they are");
    assert_eq!(arguments, ["--user=--privileged", "--entrypoint=--privileged", "web:1", "--privileged"]);
}

#[test]
fn no_container_gets_more_than_the_size_of_its_task() {
    let container = ContainerPort { port: 80, protocol: "tcp".to_owned() };
    let published = vec![PublishedPort { host: 20_001, container }];
    let sized =
        ContainerOptions { cpu_shares: Some(64), cpu_limit: Some(256), memory: Some(512), ..Default::default() };
    let limits = ["--cpu-shares=64", "--cpus=0.25", "--memory=512m", "--memory-swap=512m"];
    let rows = [
        (Network::Own(published), vec!["--hostname=ip-10-0-0-4", "--publish=127.0.0.1:20001:80/tcp"]),
        (Network::Of("first".to_owned()), vec!["--network=container:first"]),
        (Network::Host, vec!["--network=host"]),
        (Network::None, vec!["--network=none"]),
    ];
    let create = |options: &ContainerOptions, network: &Network| {
        create_arguments(options, EngineKind::Podman, &CAPABILITIES, ("n", "web:1", "ip-10-0-0-4"), network)
    };
    for (network, expected) in rows {
        let ulimits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=512:512"];
        let expected = [&["--name=n"], &expected[..], &limits[..], &ulimits[..], &["web:1"]].concat();
        assert_eq!(create(&sized, &network), expected);
    }
    let arguments = create(&ContainerOptions { cpu_limit: Some(16_384), ..sized }, &Network::Host);
    assert!(arguments.contains(&"--cpus=2".to_owned()), "docker refuses more processors than there are: {arguments:?}");
}

#[test]
fn limits_that_the_engine_cannot_enforce_are_left_out() {
    let capabilities = Capabilities { limits_cpu: false, limits_memory: false, processes: None, ..CAPABILITIES };
    let labels = vec![("a".to_owned(), "b".to_owned())];
    let sized = ContainerOptions { cpu_limit: Some(256), memory: Some(64), labels, ..Default::default() };
    let names = ("n", "web:1", "");
    let arguments = create_arguments(&sized, EngineKind::Podman, &capabilities, names, &Network::Host);
    assert_eq!(arguments, ["--name=n", "--label=a=b", "--network=host", "--ulimit=nofile=1024:1024", "web:1"]);
}
