//! Container definitions and the arguments that they become.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::arguments::{Given, Network, Published, arguments};
use crate::process::engine::{Facts, Kind};

const FACTS: Facts = Facts { cpus: 2, limits_cpu: true, limits_memory: true, open_files: 1024, processes: Some(512) };

/// A container of podman's that nothing is said of.
fn plain<'a>(network: &'a Network, scratch: &'a BTreeSet<String>) -> Given<'a> {
    Given {
        kind: Kind::Podman,
        facts: &FACTS,
        name: "n",
        image: "web:1",
        host_name: "",
        task_cpu: None,
        task_memory: None,
        network,
        labels: &[],
        scratch,
    }
}

fn read(members: &Value, given: &Given<'_>) -> Result<Vec<String>, String> {
    arguments(members.as_object().expect("an object"), given)
}

/// The arguments for a definition with these members, without what every container has.
fn own(kind: Kind, members: &Value) -> Result<Vec<String>, String> {
    let scratch = BTreeSet::from(["scratch".to_owned()]);
    let network = Network::Own(Vec::new());
    let always = ["--name=n", "--cpu-shares=2", "--ulimit=nofile=1024:1024", "--ulimit=nproc=512:512"];
    let arguments = read(members, &Given { kind, ..plain(&network, &scratch) })?;
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
        assert_eq!(own(Kind::Podman, members).as_deref(), Ok(&owned(expected)[..]), "{members}");
    }
    assert_eq!(own(Kind::Docker, &json!({ "readonlyRootFilesystem": true })).unwrap(), ["--read-only", "web:1"]);
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn what_is_not_honoured_is_refused_by_name() {
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
        let refusal = own(Kind::Podman, &members).expect_err(name);
        assert!(refusal.contains(name), "{refusal}");
    }
}

#[test]
fn a_value_is_never_a_flag() {
    let arguments = own(
        Kind::Docker,
        &json!({ "user": "--privileged", "entryPoint": ["--privileged"], "command": ["--privileged"] }),
    );
    let arguments = arguments.expect("texts are taken as they are");
    assert_eq!(arguments, ["--user=--privileged", "--entrypoint=--privileged", "web:1", "--privileged"]);
}

#[test]
fn the_size_of_the_task_is_the_most_that_a_container_gets() {
    let published = vec![Published { host: 20_001, container: 80, protocol: "tcp".to_owned() }];
    let (members, none) = (json!({ "cpu": 64 }), BTreeSet::new());
    let limits = ["--cpu-shares=64", "--cpus=0.25", "--memory=512m", "--memory-swap=512m"];
    let rows = [
        (Network::Own(published), vec!["--hostname=ip-10-0-0-4", "--publish=127.0.0.1:20001:80/tcp"]),
        (Network::Of("first".to_owned()), vec!["--network=container:first"]),
        (Network::Host, vec!["--network=host"]),
        (Network::None, vec!["--network=none"]),
    ];
    for (network, expected) in rows {
        let sized =
            Given { host_name: "ip-10-0-0-4", task_cpu: Some(256), task_memory: Some(512), ..plain(&network, &none) };
        let arguments = read(&members, &sized).expect("it is honoured");
        let ulimits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=512:512"];
        assert_eq!(arguments, [&["--name=n"], &expected[..], &limits[..], &ulimits[..], &["web:1"]].concat());
    }
    let arguments = read(&members, &Given { task_cpu: Some(16_384), ..plain(&Network::Host, &none) });
    let arguments = arguments.expect("it is honoured");
    assert!(
        arguments.contains(&"--cpus=2".to_owned()),
        "docker promises no more processors than there are: {arguments:?}"
    );
}

#[test]
fn limits_that_the_engine_cannot_set_are_left_out() {
    let facts = Facts { limits_cpu: false, limits_memory: false, processes: None, ..FACTS };
    let (none, labels) = (BTreeSet::new(), [("a", "b".to_owned())]);
    let sized = Given { task_cpu: Some(256), task_memory: Some(512), ..plain(&Network::Host, &none) };
    let given = Given { facts: &facts, labels: &labels, ..sized };
    let arguments = read(&json!({ "memory": 64 }), &given).expect("it is honoured");
    assert_eq!(arguments, ["--name=n", "--label=a=b", "--network=host", "--ulimit=nofile=1024:1024", "web:1"]);
}
