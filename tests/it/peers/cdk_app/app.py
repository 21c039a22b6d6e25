"""The workshop's platform and service as a CDK app with two stacks. It has no assets, so it needs no bootstrap."""

import os

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_servicediscovery as discovery


class Platform(cdk.Stack):
    """VPC, cluster with a namespace, and the exports that services import."""

    def __init__(self, scope, **options):
        super().__init__(scope, "platform", **options)
        vpc = ec2.Vpc(self, "Vpc", ip_addresses=ec2.IpAddresses.cidr("10.1.0.0/16"), max_azs=2, nat_gateways=1)
        cluster = ecs.Cluster(
            self, "Cluster", vpc=vpc, cluster_name="peers", container_insights_v2=ecs.ContainerInsights.ENABLED
        )
        namespace = cluster.add_default_cloud_map_namespace(name="peers.local", type=discovery.NamespaceType.DNS_PRIVATE)
        security_group = ec2.SecurityGroup(self, "Services", vpc=vpc, description="between the services")
        security_group.add_ingress_rule(security_group, ec2.Port.tcp(3000))
        for name, value in {
            "Cluster": cluster.cluster_name,
            "NamespaceArn": namespace.namespace_arn,
            "NamespaceId": namespace.namespace_id,
            "SecurityGroup": security_group.security_group_id,
        }.items():
            cdk.CfnOutput(self, f"{name}Output", value=value, export_name=f"peers{name}")


class Service(cdk.Stack):
    """A Fargate service that imports the platform's exports and looks up its VPC."""

    def __init__(self, scope, **options):
        super().__init__(scope, "service", **options)
        vpc = ec2.Vpc.from_lookup(self, "Vpc", vpc_name="platform/Vpc")
        security_group = ec2.SecurityGroup.from_security_group_id(
            self, "Services", cdk.Fn.import_value("peersSecurityGroup")
        )
        cluster = ecs.Cluster.from_cluster_attributes(
            self, "Cluster", cluster_name=cdk.Fn.import_value("peersCluster"), vpc=vpc, security_groups=[security_group]
        )
        namespace = discovery.PrivateDnsNamespace.from_private_dns_namespace_attributes(
            self,
            "Namespace",
            namespace_name="peers.local",
            namespace_id=cdk.Fn.import_value("peersNamespaceId"),
            namespace_arn=cdk.Fn.import_value("peersNamespaceArn"),
        )
        task = ecs.FargateTaskDefinition(self, "Task", cpu=256, memory_limit_mib=512)
        task.add_to_task_role_policy(iam.PolicyStatement(actions=["ec2:DescribeSubnets"], resources=["*"]))
        task.add_container(
            "web",
            image=ecs.ContainerImage.from_registry(self.node.try_get_context("image") or "brentley/ecsdemo-nodejs"),
            port_mappings=[ecs.PortMapping(container_port=3000)],
            logging=ecs.LogDriver.aws_logs(stream_prefix="web"),
        )
        scaled = self.node.try_get_context("scaled")
        service = ecs.FargateService(
            self,
            "Service",
            service_name=self.node.try_get_context("name") or "peers-web",
            cluster=cluster,
            task_definition=task,
            security_groups=[security_group],
            desired_count=None if scaled else int(self.node.try_get_context("count") or 1),
            min_healthy_percent=50,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            cloud_map_options=ecs.CloudMapOptions(name="web", cloud_map_namespace=namespace),
        )
        if scaled:
            service.auto_scale_task_count(min_capacity=2, max_capacity=5).scale_on_cpu_utilization(
                "Cpu", target_utilization_percent=50
            )


app = cdk.App()
place = cdk.Environment(account=os.environ["CDK_DEFAULT_ACCOUNT"], region=os.environ["CDK_DEFAULT_REGION"])
legacy = cdk.LegacyStackSynthesizer
platform = Platform(app, env=place, synthesizer=legacy())
Service(app, env=place, synthesizer=legacy()).add_dependency(platform)
app.synth()
