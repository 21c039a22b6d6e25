//! ECS tasks: health checks, dependencies between containers, secrets, and the history of rollouts.

use std::time::Duration;

use aws_sdk_ecs::error::ProvideErrorMetadata as _;
use aws_sdk_ecs::types::{
    CapacityProviderStrategyItem, ContainerCondition, HealthCheck, HealthStatus, LaunchType, PortMapping, Secret,
    ServiceDeploymentStatus, Task, TaskStopCode, TransportProtocol,
};

use crate::ecs_client::{CLUSTER, Ecs, after, container, has_event, health_check, is_done};
use crate::local_aws::LocalAws;

#[tokio::test]
async fn a_deployment_whose_health_checks_fail_is_rolled_back() {
    let ecs = Ecs::start(&[]).await;
    let checked = |script: &str| {
        let port = PortMapping::builder().container_port(3000).build();
        vec![container("app", "web").port_mappings(port).health_check(health_check(script)).build()]
    };
    // The mock backend listens on another port than the definition's.
    let good = ecs.register(checked("curl -f http://localhost:3000/health || exit 1")).await;
    ecs.serve(&good, 1).await;
    ecs.service(is_done).await;
    let tasks = ecs.client.list_tasks().cluster(CLUSTER).service_name("web").send().await.expect("a list");
    let task = ecs.task(&tasks.task_arns()[0], |_| true).await;
    assert_eq!((task.health_status(), task.last_status()), (Some(&HealthStatus::Healthy), Some("RUNNING")));

    let bad = ecs.register(checked("exit 1")).await;
    let update = ecs.client.update_service().cluster(CLUSTER).service("web").task_definition(&bad).send().await;
    let begun = update.expect("it is updated").service.expect("a service");
    assert_eq!(begun.task_definition(), Some(bad.as_str()));
    let back = ecs.service(|service| service.task_definition() == Some(&good) && is_done(service)).await;
    for words in ["failed container health checks.", "deployment failed: tasks failed to start."] {
        assert!(has_event(&back, words), "{words}: {:?}", back.events());
    }
    let listed = ecs.client.list_service_deployments().cluster(CLUSTER).service("web").send().await.expect("a list");
    let statuses: Vec<_> = listed.service_deployments().iter().filter_map(|deployment| deployment.status()).collect();
    assert_eq!(statuses, [&ServiceDeploymentStatus::RollbackSuccessful, &ServiceDeploymentStatus::Successful]);
    let arn = listed.service_deployments()[0].service_deployment_arn().expect("an ARN");
    let described = ecs.client.describe_service_deployments().service_deployment_arns(arn).send().await.expect("it");
    let deployment = &described.service_deployments()[0];
    let breaker = deployment.deployment_circuit_breaker().expect("it is on");
    assert_eq!((breaker.failure_count(), breaker.threshold()), (3, 3));
    let target = deployment.target_service_revision().and_then(|revision| revision.arn()).expect("an ARN");
    let revisions = ecs.client.describe_service_revisions().service_revision_arns(target).send().await.expect("it");
    assert_eq!(revisions.service_revisions()[0].task_definition(), Some(bad.as_str()));
    let stopped = ecs.client.list_tasks().cluster(CLUSTER).desired_status("STOPPED".into()).send().await.expect("it");
    let mut reasons = Vec::new();
    for arn in stopped.task_arns() {
        reasons.push(ecs.task(arn, |_| true).await.stopped_reason.unwrap_or_default());
    }
    assert!(reasons.contains(&"Task failed container health checks".to_owned()), "{reasons:?}");
}

#[tokio::test]
async fn without_host_exec_the_sandbox_requests_the_health_checks_address() {
    let ecs = Ecs::start_on(LocalAws::start_with(false).await, &[]).await;
    let trace = ecs.aws.folder().join("trace");
    let checked = |path: &str| {
        let script = format!("touch '{}'; curl -f http://localhost:3000{path}", trace.display());
        let port = PortMapping::builder().container_port(3000).build();
        vec![container("app", "web").port_mappings(port).health_check(health_check(&script)).build()]
    };
    let well = ecs.run(&ecs.register(checked("/health")).await).await;
    ecs.task(&well, |task| task.health_status() == Some(&HealthStatus::Healthy)).await;
    let ill = ecs.run(&ecs.register(checked("/none")).await).await;
    ecs.task(&ill, |task| task.health_status() == Some(&HealthStatus::Unhealthy)).await;
    assert!(!trace.exists(), "the command ran");
}

#[tokio::test]
async fn a_protected_task_survives_scaling_in_but_not_the_deletion_of_its_service() {
    let ecs = Ecs::start(&[]).await;
    ecs.serve(&ecs.register(vec![container("app", "web").build()]).await, 2).await;
    ecs.service(is_done).await;
    let tasks = ecs.client.list_tasks().cluster(CLUSTER).service_name("web").send().await.expect("a list");
    let protect = ecs.client.update_task_protection().cluster(CLUSTER).set_tasks(tasks.task_arns.clone());
    let protected = protect.protection_enabled(true).send().await.expect("it is protected");
    assert!(protected.failures().is_empty() && protected.protected_tasks()[0].protection_enabled());
    let scale = |count| ecs.client.update_service().cluster(CLUSTER).service("web").desired_count(count).send();
    scale(0).await.expect("it is scaled");
    let service = ecs.service(|service| service.desired_count() == 0).await;
    assert_eq!(service.running_count(), 2);
    ecs.client.delete_service().cluster(CLUSTER).service("web").force(true).send().await.expect("it is deleted");
    ecs.service(|service| service.status() == Some("INACTIVE")).await;
}

#[tokio::test]
async fn containers_wait_for_each_other() {
    let ecs = Ecs::start(&[("init", "exit 0"), ("server", "exec sleep 600"), ("bad", "exit 4")]).await;
    let app = |condition| container("app", "server").depends_on(after("first", condition));
    let waits = vec![app(ContainerCondition::Success).build(), container("first", "init").essential(false).build()];
    let arn = ecs.run(&ecs.register(waits).await).await;
    let task = ecs.task(&arn, |task| task.last_status() == Some("RUNNING")).await;
    let of = |task: &Task, name: &str| {
        let container = task.containers().iter().find(|container| container.name() == Some(name));
        container
            .map(|container| (container.last_status().unwrap_or_default().to_owned(), container.exit_code()))
            .expect("a container")
    };
    assert_eq!(of(&task, "first"), ("STOPPED".to_owned(), Some(0)));
    assert_eq!(of(&task, "app"), ("RUNNING".to_owned(), None));
    ecs.client.stop_task().cluster(CLUSTER).task(&arn).send().await.expect("it is stopped");
    assert_eq!(of(&ecs.stopped(&arn).await, "app").1, Some(143));

    let never = vec![app(ContainerCondition::Success).build(), container("first", "bad").essential(false).build()];
    let task = ecs.stopped(&ecs.run(&ecs.register(never).await).await).await;
    assert_eq!(task.stop_code(), Some(&TaskStopCode::TaskFailedToStart));
    assert!(task.stopped_reason().is_some_and(|reason| reason.contains("did not exit successfully")), "{task:?}");

    let first = container("first", "server").start_timeout(2).health_check(health_check("exit 1")).build();
    let late = vec![app(ContainerCondition::Healthy).build(), first];
    let task = ecs.stopped(&ecs.run(&ecs.register(late).await).await).await;
    assert!(task.stopped_reason().is_some_and(|reason| reason.ends_with("has timed out.")), "{task:?}");
    assert_eq!(of(&task, "app").1, None);
}

#[tokio::test]
async fn a_new_deployment_replaces_one_that_is_stuck() {
    let ecs = Ecs::start(&[("server", "exec sleep 600")]).await;
    let good = ecs.register(vec![container("app", "server").build()]).await;
    let app = container("app", "server").depends_on(after("first", ContainerCondition::Complete)).build();
    let first = container("first", "server").essential(false).start_timeout(120).build();
    let stuck = ecs.register(vec![app, first]).await;
    ecs.serve(&good, 1).await;
    ecs.service(is_done).await;
    let update = |definition: &str| {
        ecs.client.update_service().cluster(CLUSTER).service("web").task_definition(definition).send()
    };
    update(&stuck).await.expect("it is updated");
    ecs.service(|service| service.deployments()[0].pending_count() == 1).await;
    update(&good).await.expect("it is updated");
    let done = ecs.service(|service| is_done(service) && service.deployments()[0].task_definition() == Some(&good));
    // The stuck one would go on for six seconds by itself.
    let done = tokio::time::timeout(Duration::from_secs(4), done).await.expect("in time");
    assert_eq!((done.running_count(), done.pending_count()), (1, 0));
}

#[tokio::test]
async fn a_client_token_is_bound_to_one_run_task_request() {
    let ecs = Ecs::start(&[("server", "test $AWS_EXECUTION_ENV = AWS_ECS_FARGATE && exec sleep 600")]).await;
    let definition = ecs.register(vec![container("app", "server").build()]).await;
    let run = |count| {
        let run =
            ecs.client.run_task().cluster(CLUSTER).task_definition(&definition).client_token("token").count(count);
        run.network_configuration(ecs.network.clone()).launch_type(LaunchType::Fargate).send()
    };
    let first = run(1).await.expect("it runs");
    assert_eq!(run(1).await.expect("it is the same").tasks()[0].task_arn(), first.tasks()[0].task_arn());
    let error = run(2).await.expect_err("another request");
    assert_eq!(error.code(), Some("ConflictException"));
    let task =
        ecs.task(first.tasks()[0].task_arn().expect("an ARN"), |task| task.last_status() == Some("RUNNING")).await;
    assert!(task.stop_code().is_none(), "{task:?}");
}

#[tokio::test]
async fn a_container_gets_its_stop_timeout_to_end() {
    let ecs = Ecs::start(&[("slow", "trap 'sleep 1.1; exit 7' TERM; echo up >up; while :; do sleep 0.01; done")]).await;
    let definition = ecs.register(vec![container("app", "slow").stop_timeout(120).build()]).await;
    let arn = ecs.run(&definition).await;
    ecs.task(&arn, |_| ecs.aws.folder().join("up").exists()).await;
    ecs.client.stop_task().cluster(CLUSTER).task(&arn).send().await.expect("it is stopped");
    let task = ecs.stopped(&arn).await;
    assert_eq!(task.containers()[0].exit_code(), Some(7));
    assert!(task.execution_stopped_at().is_some() && task.pull_started_at().is_some());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_task_with_unresponsive_processes_is_stopped_in_bounded_time() {
    use nix::sys::signal::{Signal, kill};

    let ecs = Ecs::start(&[("deaf", "trap '' TERM; sleep 1000")]).await;
    let definition = ecs.register(vec![container("app", "deaf").build()]).await;
    let frozen = async || {
        let arn = ecs.run(&definition).await;
        ecs.task(&arn, |task| task.last_status() == Some("RUNNING")).await;
        let shims = crate::local_aws::shims(ecs.aws.endpoint.pid);
        assert_eq!(shims.len(), 1, "one task runs");
        // It neither passes the signal on nor reports an end.
        kill(shims[0], Signal::SIGSTOP).expect("it is there");
        arn
    };
    let arn = frozen().await;
    ecs.client.stop_task().cluster(CLUSTER).task(&arn).send().await.expect("it is taken");
    let stopped = ecs.stopped(&arn).await;
    assert_eq!(stopped.containers()[0].exit_code(), Some(137));
    assert!(crate::local_aws::shims(ecs.aws.endpoint.pid).is_empty(), "it is gone");

    frozen().await;
    assert!(ecsws_sandbox::lifecycle::stop(&ecs.aws.folder()).await.expect("it stops"));
}

/// A check that runs when its container ends reports afterwards.
#[tokio::test]
async fn a_health_check_does_not_revive_a_container_that_ended_during_it() {
    let ecs = Ecs::start(&[("short", "sleep 0.3; exit 3"), ("long", "sleep 1000")]).await;
    let check = HealthCheck::builder().command("CMD-SHELL").command("sleep 0.1; exit 1").interval(5).retries(1);
    let check = check.build().expect("a command");
    let definition = ecs
        .register(vec![
            container("short", "short").essential(false).health_check(check).build(),
            container("long", "long").build(),
        ])
        .await;
    let mut arns = Vec::new();
    for _ in 0..12 {
        arns.push(ecs.run(&definition).await);
    }
    for arn in &arns {
        let ended = |task: &Task| task.containers().iter().any(|container| container.exit_code() == Some(3));
        ecs.task(arn, |task| task.last_status() == Some("RUNNING") && ended(task)).await;
        ecs.client.stop_task().cluster(CLUSTER).task(arn).send().await.expect("it is taken");
    }
    for arn in &arns {
        ecs.stopped(arn).await;
    }
}

#[tokio::test]
async fn a_missing_secret_prevents_a_task_from_starting() {
    let ecs = Ecs::start(&[]).await;
    let secret = Secret::builder().name("PASSWORD").value_from("/none/such").build().expect("a secret");
    let definition = ecs.register(vec![container("app", "web").secrets(secret).build()]).await;
    let task = ecs.stopped(&ecs.run(&definition).await).await;
    assert_eq!(task.stop_code(), Some(&TaskStopCode::TaskFailedToStart));
    let reason = task.stopped_reason().expect("a reason");
    assert!(reason.starts_with("ResourceInitializationError: unable to pull secrets or registry auth: "), "{reason}");
    assert!(reason.contains("/none/such"), "{reason}");
}

#[tokio::test]
async fn tasks_that_need_a_container_instance_are_not_placed() {
    let ecs = Ecs::start(&[]).await;
    let client = &ecs.client;
    let container = container("app", "web").memory(64).build();
    client.register_task_definition().family("old").container_definitions(container).send().await.expect("it");
    let error = client.run_task().cluster(CLUSTER).task_definition("old").send().await.expect_err("no instances");
    assert_eq!(error.message(), Some("No Container Instances were found in your cluster."));
    let create = client.create_service().cluster(CLUSTER).service_name("web").task_definition("old").desired_count(1);
    create.send().await.expect("a service");
    let service = ecs.service(|service| !service.events().is_empty()).await;
    let message = service.events()[0].message().expect("words");
    assert!(message.starts_with("(service web) was unable to place a task because no container instance"), "{message}");
    assert_eq!((service.running_count(), service.events().len()), (0, 1));
}

#[tokio::test]
async fn a_capacity_provider_strategy_decides_where_tasks_run() {
    let ecs = Ecs::start(&[]).await;
    let spot = CapacityProviderStrategyItem::builder().capacity_provider("FARGATE_SPOT").weight(1).build();
    let spot = spot.expect("a strategy");
    let definition = ecs.register(vec![container("app", "web").build()]).await;
    let run = || {
        let run = ecs.client.run_task().cluster(CLUSTER).task_definition(&definition);
        run.network_configuration(ecs.network.clone())
    };
    let error = run().capacity_provider_strategy(spot.clone()).send().await.expect_err("it is not associated");
    assert!(error.message().is_some_and(|message| message.contains("not associated with the cluster")));
    let put = ecs.client.put_cluster_capacity_providers().cluster(CLUSTER).capacity_providers("FARGATE_SPOT");
    put.default_capacity_provider_strategy(spot.clone()).send().await.expect("it is put");
    let task = run().send().await.expect("it runs").tasks.unwrap_or_default().remove(0);
    assert_eq!(task.capacity_provider_name(), Some("FARGATE_SPOT"));
    let both = run().launch_type(LaunchType::Fargate).capacity_provider_strategy(spot).send().await;
    assert!(
        both.expect_err("both").message().is_some_and(|message| message.starts_with("Specifying both a launch type"))
    );
}

#[tokio::test]
async fn udp_ports_are_shown_and_a_task_with_both_is_reached_by_tcp() {
    let ecs = Ecs::start(&[("server", "exec sleep 600")]).await;
    let mapping = |port, protocol| PortMapping::builder().container_port(port).protocol(protocol).build();
    for (mappings, expected) in [
        (vec![mapping(53, TransportProtocol::Udp)], (Some(53), Some(&TransportProtocol::Udp))),
        (
            vec![mapping(53, TransportProtocol::Udp), mapping(80, TransportProtocol::Tcp)],
            (Some(80), Some(&TransportProtocol::Tcp)),
        ),
    ] {
        let app = container("app", "server").set_port_mappings(Some(mappings)).build();
        let task = ecs
            .task(&ecs.run(&ecs.register(vec![app]).await).await, |task| task.last_status() == Some("RUNNING"))
            .await;
        let binding = &task.containers()[0].network_bindings()[0];
        assert_eq!((binding.container_port(), binding.protocol()), expected);
    }
}
