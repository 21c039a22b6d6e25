//! Application Auto Scaling in the sandbox, as the AWS SDK sees it.

use aws_sdk_applicationautoscaling::error::ProvideErrorMetadata as _;
use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ServiceNamespace,
    TargetTrackingScalingPolicyConfiguration,
};
use aws_sdk_ecs::types::ContainerDefinition;
use serde_json::json;

use crate::in_process::InProcess;
use crate::local_aws::LocalAws;

const SERVICE: &str = "service/container-demo/web";

#[tokio::test]
async fn a_target_limits_the_count_of_its_service_and_has_policies() {
    let aws = LocalAws::start().await;
    let (ecs, scaling) = (aws.ecs(), aws.autoscaling());
    let register = |min, max| {
        scaling
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(SERVICE)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .min_capacity(min)
            .max_capacity(max)
            .send()
    };
    let error = register(1, 2).await.expect_err("no service");
    assert_eq!(error.message(), Some("ECS service doesn't exist: service/container-demo/web"));

    ecs.create_cluster().cluster_name("container-demo").send().await.expect("a cluster");
    let container = ContainerDefinition::builder().name("app").image("web").memory(64).build();
    ecs.register_task_definition()
        .family("web")
        .container_definitions(container)
        .send()
        .await
        .expect("a task definition");
    let create =
        ecs.create_service().cluster("container-demo").service_name("web").task_definition("web").desired_count(0);
    create.send().await.expect("a service");
    register(2, 4).await.expect("a target");
    let described =
        ecs.describe_services().cluster("container-demo").services("web").send().await.expect("a description");
    assert_eq!(described.services()[0].desired_count(), 2);
    let activities =
        scaling.describe_scaling_activities().service_namespace(ServiceNamespace::Ecs).send().await.expect("a list");
    assert_eq!(activities.scaling_activities()[0].cause(), "minimum capacity was set to 2");

    let metric =
        PredefinedMetricSpecification::builder().predefined_metric_type(MetricType::EcsServiceAverageCpuUtilization);
    let tracking = TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(50.0)
        .predefined_metric_specification(metric.build().expect("a metric"));
    let put = scaling
        .put_scaling_policy()
        .policy_name("cpu")
        .policy_type(PolicyType::TargetTrackingScaling)
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(SERVICE)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .target_tracking_scaling_policy_configuration(tracking.build().expect("a configuration"))
        .send()
        .await
        .expect("a policy");
    assert!(
        put.policy_arn().ends_with(":resource/ecs/service/container-demo/web:policyName/cpu"),
        "{}",
        put.policy_arn()
    );
    let policies =
        scaling.describe_scaling_policies().service_namespace(ServiceNamespace::Ecs).send().await.expect("a list");
    let tracked =
        policies.scaling_policies()[0].target_tracking_scaling_policy_configuration().expect("a configuration");
    assert!((tracked.target_value() - 50.0).abs() < f64::EPSILON);

    let deregister = || {
        scaling
            .deregister_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(SERVICE)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .send()
    };
    deregister().await.expect("it is deregistered");
    let policies =
        scaling.describe_scaling_policies().service_namespace(ServiceNamespace::Ecs).send().await.expect("a list");
    assert!(policies.scaling_policies().is_empty());
    assert_eq!(deregister().await.expect_err("it is gone").code(), Some("ObjectNotFoundException"));
}

#[tokio::test]
async fn unsupported_scalable_targets_are_refused_by_name() {
    let aws = InProcess::new();
    let target = |namespace: &str, dimension: &str| {
        json!({
            "ServiceNamespace": namespace, "ResourceId": "table/one", "ScalableDimension": dimension, "MinCapacity": 1, "MaxCapacity": 2,
        })
    };
    let register = |input| aws.refusal("application-autoscaling", "RegisterScalableTarget", input);
    let (code, message) = register(target("dynamodb", "dynamodb:table:ReadCapacityUnits")).await;
    assert_eq!(code, "NotImplemented");
    assert_eq!(message, "the sandbox does not serve application-autoscaling of the service namespace dynamodb");
    let (code, message) = register(target("ecs", "ecs:service:DesiredCount")).await;
    assert_eq!(code, "ValidationException");
    assert_eq!(message, "Unsupported service namespace, resource type or scalable dimension");
}
