"""Calls the sandbox's operations and validates every response against botocore's model of the operation.

usage: models.py COVERAGE, with AWS's usual variables. A response must parse, have all members that the model requires and no unknown
ones, and each member must have its type. Operations on resources are called after the resources were created. All other operations in
COVERAGE are called with their required members only; such a call may be rejected, but not with a server error. Prints all violations
and exits with 1 if there are any.
"""
import datetime
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

import boto3
import botocore.model
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import RpcV2CBORParser

CLIENTS, WRONG, ANSWERED = {}, [], set()
NAMES = {"monitoring": "cloudwatch"}
# Deviations of AWS's own responses from its models.
KNOWN = {
    # In the example response of EC2's API reference.
    "ec2:CreateSecurityGroup.return",
    # In the example response, the state of an attachment to a VPC is `available`.
    "ec2:DescribeInternetGateways.internetGatewaySet[].attachmentSet[].state",
    # Recorded from AWS: events also have the statuses of stacks.
    "cloudformation:DescribeStackEvents.StackEvents[].ResourceStatus",
}


def service_of(client):
    return client.meta.service_model.signing_name


def client(service):
    if service not in CLIENTS:
        made = CLIENTS[service] = boto3.client(
            NAMES.get(service, service), config=Config(retries={"total_max_attempts": 1})
        )
        made.meta.events.register("before-parse.*.*", before_parse)
    return CLIENTS[service]


def before_parse(operation_model, response_dict, **_):
    """Validates the raw response, because botocore's own parser is more lenient."""
    if response_dict["status_code"] >= 300:
        return
    shape, where = operation_model.output_shape, f"{operation_model.service_model.signing_name}:{operation_model.name}"
    ANSWERED.add(where)
    protocol, body = operation_model.service_model.resolved_protocol, response_dict["body"]
    if protocol == "json":
        value = json.loads(body or b"{}")
        check_json(shape, value, where) if shape else expect(value == {}, where, "the operation has no output")
    elif protocol == "smithy-rpc-v2-cbor":
        parser = RpcV2CBORParser()
        value = parser.parse_data_item(parser.get_peekable_stream_from_bytes(body)) if body else {}
        check_json(shape, value, where, CBOR_TYPES) if shape else expect(value == {}, where, "the operation has no output")
    elif protocol in ("query", "ec2"):
        root = strip(ElementTree.fromstring(body))
        if protocol == "ec2":
            root = [child for child in root if child.tag != "requestId"]
        else:
            wrapper = shape.serialization.get("resultWrapper") if shape else None
            root = list(next((child for child in root if child.tag == wrapper), []))
        if shape:
            check_members(shape, root, where)


def expect(condition, where, what):
    if not condition and where not in KNOWN and (where, what) not in WRONG:
        WRONG.append((where, what))


def required(shape, present, where):
    for name in shape.required_members:
        expect(name in present, where, f"{name} is missing")


JSON_TYPES = {
    "string": str, "character": str, "blob": str, "boolean": bool, "integer": int, "long": int,
    "float": (int, float), "double": (int, float), "timestamp": (int, float),
}


# In CBOR, timestamps have a tag, blobs are byte strings, and strict parsers reject integers as doubles.
CBOR_TYPES = JSON_TYPES | {"timestamp": datetime.datetime, "blob": bytes, "float": float, "double": float}


def check_json(shape, value, where, types=JSON_TYPES):
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            return expect(False, where, "not a structure")
        by_wire = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        required(shape, {by_wire.get(name, name) for name in value}, where)
        for name, inner in value.items():
            expect(name in by_wire, f"{where}.{name}", "not in the model")
            if name in by_wire:
                check_json(shape.members[by_wire[name]], inner, f"{where}.{name}", types)
    elif kind == "list":
        expect(isinstance(value, list), where, "not a list")
        for inner in value if isinstance(value, list) else []:
            check_json(shape.member, inner, f"{where}[]", types)
    elif kind == "map":
        expect(isinstance(value, dict), where, "not a map")
        for inner in (value if isinstance(value, dict) else {}).values():
            check_json(shape.value, inner, f"{where}{{}}", types)
    else:
        is_valid = isinstance(value, types[kind]) and (kind == "boolean" or not isinstance(value, bool))
        expect(is_valid, where, f"{value!r} is not a {kind}")
        check_enum(shape, value, where)


def check_enum(shape, value, where):
    if getattr(shape, "enum", None):
        expect(value in shape.enum, where, f"{value!r} is not one of {shape.enum}")


def strip(root):
    for element in root.iter():
        element.tag = element.tag.split("}")[-1]
    return root


def check_members(shape, children, where):
    by_wire = {member.serialization.get("name", name): name for name, member in shape.members.items()}
    flattened = {
        member.member.serialization.get("name", name): name
        for name, member in shape.members.items() if member.type_name == "list" and member.serialization.get("flattened")
    }
    by_wire |= flattened
    required(shape, {by_wire.get(child.tag) for child in children}, where)
    for child in children:
        place = f"{where}.{child.tag}"
        expect(child.tag in by_wire, place, "not in the model")
        if child.tag in flattened:
            check_xml(shape.members[flattened[child.tag]].member, child, place)
        elif child.tag in by_wire:
            check_xml(shape.members[by_wire[child.tag]], child, place)


PATTERNS = {
    "boolean": "true|false", "integer": r"-?\d+", "long": r"-?\d+", "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
    "double": r"-?\d+(\.\d+)?(e-?\d+)?", "float": r"-?\d+(\.\d+)?(e-?\d+)?",
}


def check_xml(shape, element, where):
    kind, text = shape.type_name, element.text or ""
    if kind == "structure":
        check_members(shape, list(element), where)
    elif kind == "list":
        item = shape.member.serialization.get("name", "member")
        for child in element:
            expect(child.tag == item, where, f"items are {item}, not {child.tag}")
            check_xml(shape.member, child, f"{where}[]")
    elif kind == "map":
        for child in element:
            expect([part.tag for part in child] == ["key", "value"], where, "an entry must have a key and a value")
    else:
        expect(not list(element), where, "a scalar with child elements")
        if kind in PATTERNS:
            expect(re.fullmatch(PATTERNS[kind], text), where, f"{text!r} is not a {kind}")
        check_enum(shape, text, where)


def call(service, name, /, **given):
    method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    made = client(service)
    method = next(py for py, api in made.meta.method_to_api_mapping.items() if api == name)
    try:
        return getattr(made, method)(**given)
    except ClientError as error:
        expect(False, f"{service}:{name}", str(error))
        return {}


TEMPLATE = json.dumps({
    "Parameters": {"Count": {"Type": "Number", "Default": "1", "Description": "how many"}},
    "Resources": {"Value": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Count"}}}},
    "Outputs": {"Name": {"Value": {"Ref": "Value"}, "Export": {"Name": "walked"}}},
})


def cloudformation():
    stack = {"StackName": "walk"}
    call("cloudformation", "ValidateTemplate", TemplateBody=TEMPLATE)
    call("cloudformation", "GetTemplateSummary", TemplateBody=TEMPLATE)
    call("cloudformation", "CreateStack", **stack, TemplateBody=TEMPLATE, Tags=[{"Key": "a", "Value": "b"}])
    client("cloudformation").get_waiter("stack_create_complete").wait(**stack, WaiterConfig={"Delay": 1})
    call("cloudformation", "CreateChangeSet", **stack, ChangeSetName="more", TemplateBody=TEMPLATE,
         Parameters=[{"ParameterKey": "Count", "ParameterValue": "2"}])
    client("cloudformation").get_waiter("change_set_create_complete").wait(**stack, ChangeSetName="more", WaiterConfig={"Delay": 1})
    call("cloudformation", "DescribeChangeSet", **stack, ChangeSetName="more")
    call("cloudformation", "ListChangeSets", **stack)
    call("cloudformation", "ExecuteChangeSet", **stack, ChangeSetName="more")
    client("cloudformation").get_waiter("stack_update_complete").wait(**stack, WaiterConfig={"Delay": 1})
    call("cloudformation", "UpdateStack", **stack, UsePreviousTemplate=True,
         Parameters=[{"ParameterKey": "Count", "ParameterValue": "3"}])
    client("cloudformation").get_waiter("stack_update_complete").wait(**stack, WaiterConfig={"Delay": 1})
    for name in ("DescribeStackEvents", "DescribeStackResources", "DescribeStacks", "GetTemplate", "ListStackResources"):
        call("cloudformation", name, **stack)
    call("cloudformation", "DescribeStackResource", **stack, LogicalResourceId="Value")
    call("cloudformation", "UpdateTerminationProtection", **stack, EnableTerminationProtection=False)
    call("cloudformation", "ListExports")
    call("cloudformation", "ListStacks")
    call("cloudformation", "DeleteChangeSet", **stack, ChangeSetName="none")
    call("cloudformation", "DeleteStack", **stack)


def iam():
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    role, profile = {"RoleName": "walk"}, {"InstanceProfileName": "walk"}
    managed = {"PolicyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}
    call("iam", "CreateRole", **role, AssumeRolePolicyDocument=trust, Description="d", Tags=[{"Key": "a", "Value": "b"}])
    for name in ("GetRole", "ListRoleTags", "ListRolePolicies"):
        call("iam", name, **role)
    call("iam", "ListRoles")
    call("iam", "UpdateRole", **role, Description="e")
    call("iam", "UpdateAssumeRolePolicy", **role, PolicyDocument=trust)
    call("iam", "TagRole", **role, Tags=[{"Key": "c", "Value": "d"}])
    call("iam", "UntagRole", **role, TagKeys=["c"])
    call("iam", "PutRolePolicy", **role, PolicyName="p", PolicyDocument=document)
    call("iam", "GetRolePolicy", **role, PolicyName="p")
    call("iam", "AttachRolePolicy", **role, **managed)
    call("iam", "ListAttachedRolePolicies", **role)
    call("iam", "CreateInstanceProfile", **profile)
    call("iam", "AddRoleToInstanceProfile", **role, **profile)
    call("iam", "GetInstanceProfile", **profile)
    call("iam", "ListInstanceProfilesForRole", **role)
    call("iam", "RemoveRoleFromInstanceProfile", **role, **profile)
    call("iam", "DeleteInstanceProfile", **profile)
    call("iam", "DetachRolePolicy", **role, **managed)
    call("iam", "UpdateRoleDescription", **role, Description="f")
    own = {"PolicyArn": call("iam", "CreatePolicy", PolicyName="walk", PolicyDocument=document)["Policy"]["Arn"]}
    call("iam", "PutRolePermissionsBoundary", **role, PermissionsBoundary=own["PolicyArn"])
    call("iam", "DeleteRolePermissionsBoundary", **role)
    version = call("iam", "CreatePolicyVersion", **own, PolicyDocument=document)["PolicyVersion"]["VersionId"]
    call("iam", "SetDefaultPolicyVersion", **own, VersionId=version)
    call("iam", "GetPolicyVersion", **own, VersionId=version)
    call("iam", "DeletePolicyVersion", **own, VersionId="v1")
    call("iam", "TagPolicy", **own, Tags=[{"Key": "a", "Value": "b"}])
    for name in ("GetPolicy", "ListPolicyVersions", "ListPolicyTags", "ListEntitiesForPolicy"):
        call("iam", name, **own)
    call("iam", "ListPolicies", MaxItems=3)
    call("iam", "UntagPolicy", **own, TagKeys=["a"])
    call("iam", "DeletePolicy", **own)
    call("iam", "CreateServiceLinkedRole", AWSServiceName="ecs.amazonaws.com")
    call("iam", "DeleteRolePolicy", **role, PolicyName="p")
    call("iam", "DeleteRole", **role)


def ssm():
    call("ssm", "PutParameter", Name="/walk/a", Value="1", Type="String", Description="d")
    call("ssm", "GetParameter", Name="/walk/a")
    call("ssm", "GetParameters", Names=["/walk/a", "none"])
    call("ssm", "GetParametersByPath", Path="/walk")
    call("ssm", "DescribeParameters")
    tagged = {"ResourceType": "Parameter", "ResourceId": "/walk/a"}
    call("ssm", "AddTagsToResource", **tagged, Tags=[{"Key": "a", "Value": "b"}])
    call("ssm", "ListTagsForResource", **tagged)
    call("ssm", "RemoveTagsFromResource", **tagged, TagKeys=["a"])
    call("ssm", "DeleteParameters", Names=["none"])
    call("ssm", "DeleteParameter", Name="/walk/a")


def ec2():
    vpc = call("ec2", "CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    call("ec2", "ModifyVpcAttribute", VpcId=vpc, EnableDnsHostnames={"Value": True})
    call("ec2", "DescribeVpcAttribute", VpcId=vpc, Attribute="enableDnsHostnames")
    subnet = call("ec2", "CreateSubnet", VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    call("ec2", "ModifySubnetAttribute", SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    gateway = call("ec2", "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    call("ec2", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    address = call("ec2", "AllocateAddress", Domain="vpc")["AllocationId"]
    nat = call("ec2", "CreateNatGateway", SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    table = call("ec2", "CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    call("ec2", "CreateRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = call("ec2", "AssociateRouteTable", RouteTableId=table, SubnetId=subnet)["AssociationId"]
    group = call("ec2", "CreateSecurityGroup", GroupName="walk", Description="d", VpcId=vpc)["GroupId"]
    rule = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    for side in ("Ingress", "Egress"):
        call("ec2", f"AuthorizeSecurityGroup{side}", GroupId=group, IpPermissions=rule)
    call("ec2", "CreateTags", Resources=[vpc], Tags=[{"Key": "a", "Value": "b"}])
    instance = call("ec2", "RunInstances", ImageId="ami-0123456789abcdef0", InstanceType="t3.micro", MinCount=1, MaxCount=1,
                    SubnetId=subnet)["Instances"][0]["InstanceId"]
    for name in ("Addresses", "AvailabilityZones", "Instances", "InternetGateways", "NatGateways", "RouteTables", "SecurityGroupRules",
                 "SecurityGroups", "Subnets", "Tags", "Vpcs"):
        call("ec2", f"Describe{name}")
    call("ec2", "TerminateInstances", InstanceIds=[instance])
    for side in ("Ingress", "Egress"):
        call("ec2", f"RevokeSecurityGroup{side}", GroupId=group, IpPermissions=rule)
    call("ec2", "DeleteTags", Resources=[vpc], Tags=[{"Key": "a"}])
    call("ec2", "DeleteNatGateway", NatGatewayId=nat)
    call("ec2", "ReleaseAddress", AllocationId=address)
    call("ec2", "DisassociateRouteTable", AssociationId=association)
    call("ec2", "DeleteRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    call("ec2", "DeleteRouteTable", RouteTableId=table)
    call("ec2", "DetachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    call("ec2", "DeleteInternetGateway", InternetGatewayId=gateway)
    call("ec2", "DeleteSecurityGroup", GroupId=group)
    call("ec2", "DeleteSubnet", SubnetId=subnet)
    call("ec2", "DeleteVpc", VpcId=vpc)


def servicediscovery():
    service = "servicediscovery"
    vpc = call("ec2", "CreateVpc", CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    operation = call(service, "CreatePrivateDnsNamespace", Name="walk.local", Vpc=vpc)["OperationId"]
    call(service, "GetOperation", OperationId=operation)
    namespace = next(one["Id"] for one in call(service, "ListNamespaces")["Namespaces"] if one["Name"] == "walk.local")
    call(service, "GetNamespace", Id=namespace)
    made = call(service, "CreateService", Name="web", NamespaceId=namespace, Description="d",
                DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 60}]}, HealthCheckCustomConfig={"FailureThreshold": 1})["Service"]["Id"]
    call(service, "GetService", Id=made)
    call(service, "ListServices")
    call(service, "UpdateService", Id=made, Service={"Description": "e"})
    instance = {"ServiceId": made, "InstanceId": "one"}
    call(service, "RegisterInstance", **instance, Attributes={"AWS_INSTANCE_IPV4": "10.1.0.1"})
    call(service, "UpdateInstanceCustomHealthStatus", **instance, Status="HEALTHY")
    call(service, "GetInstance", **instance)
    call(service, "ListInstances", ServiceId=made)
    call(service, "DiscoverInstances", NamespaceName="walk.local", ServiceName="web")
    call(service, "DiscoverInstancesRevision", NamespaceName="walk.local", ServiceName="web")
    call(service, "GetInstancesHealthStatus", ServiceId=made)
    call(service, "ListOperations")
    arn = call(service, "GetService", Id=made)["Service"]["Arn"]
    call(service, "TagResource", ResourceARN=arn, Tags=[{"Key": "a", "Value": "b"}])
    call(service, "ListTagsForResource", ResourceARN=arn)
    call(service, "UntagResource", ResourceARN=arn, TagKeys=["a"])
    call(service, "CreateHttpNamespace", Name="walk-http")
    call(service, "CreatePublicDnsNamespace", Name="walk.example")
    kinds = {"walk-http": ("UpdateHttpNamespace", {"Description": "d"}), "walk.example": ("UpdatePublicDnsNamespace", {"Description": "d"}),
             "walk.local": ("UpdatePrivateDnsNamespace", {"Description": "d"})}
    for one in call(service, "ListNamespaces")["Namespaces"]:
        if one["Name"] in kinds:
            name, changes = kinds[one["Name"]]
            call(service, name, Id=one["Id"], Namespace=changes)
        if one["Name"] in ("walk-http", "walk.example"):
            call(service, "DeleteNamespace", Id=one["Id"])
    call(service, "DeregisterInstance", **instance)
    call(service, "DeleteService", Id=made)
    call(service, "DeleteNamespace", Id=namespace)


def ecs_and_scaling():
    cluster, family = {"cluster": "walk"}, {"family": "walk"}
    arn = call("ecs", "CreateCluster", clusterName="walk", tags=[{"key": "a", "value": "b"}])["cluster"]["clusterArn"]
    call("ecs", "UpdateCluster", **cluster, settings=[{"name": "containerInsights", "value": "enabled"}])
    container = {"name": "app", "image": "web", "memory": 64, "essential": True, "portMappings": [{"containerPort": 80}]}
    call("ecs", "RegisterTaskDefinition", **family, containerDefinitions=[container], networkMode="awsvpc",
         requiresCompatibilities=["FARGATE"], cpu="256", memory="512")
    vpc = call("ec2", "CreateVpc", CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = call("ec2", "CreateSubnet", VpcId=vpc, CidrBlock="10.7.0.0/24")["Subnet"]["SubnetId"]
    fargate = {"launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": [subnet]}}}
    call("ecs", "DescribeTaskDefinition", taskDefinition="walk")
    call("ecs", "CreateService", **cluster, serviceName="web", taskDefinition="walk", desiredCount=1, **fargate)
    service = "service/walk/web"
    target = {"ServiceNamespace": "ecs", "ResourceId": service, "ScalableDimension": "ecs:service:DesiredCount"}
    scaling = "application-autoscaling"
    call(scaling, "RegisterScalableTarget", **target, MinCapacity=2, MaxCapacity=3)
    call(scaling, "PutScalingPolicy", **target, PolicyName="cpu", PolicyType="TargetTrackingScaling",
         TargetTrackingScalingPolicyConfiguration={
             "TargetValue": 50.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}})
    for name in ("DescribeScalableTargets", "DescribeScalingActivities", "DescribeScalingPolicies"):
        call(scaling, name, ServiceNamespace="ecs")
    target_arn = call(scaling, "DescribeScalableTargets", ServiceNamespace="ecs")["ScalableTargets"][0]["ScalableTargetARN"]
    call(scaling, "TagResource", ResourceARN=target_arn, Tags={"a": "b"})
    call(scaling, "ListTagsForResource", ResourceARN=target_arn)
    call(scaling, "UntagResource", ResourceARN=target_arn, TagKeys=["a"])
    call(scaling, "DeleteScalingPolicy", **target, PolicyName="cpu")
    call(scaling, "DeregisterScalableTarget", **target)
    client("ecs").get_waiter("services_stable").wait(**cluster, services=["web"], WaiterConfig={"Delay": 1})
    call("ecs", "UpdateService", **cluster, service="web", desiredCount=0)
    call("ecs", "DescribeServices", **cluster, services=["web", "none"], include=["TAGS"])
    call("ecs", "DescribeClusters", clusters=["walk", "none"], include=["TAGS", "SETTINGS", "STATISTICS"])
    task = call("ecs", "RunTask", **cluster, taskDefinition="walk", **fargate)["tasks"][0]["taskArn"]
    call("ecs", "DescribeTasks", **cluster, tasks=[task, "0" * 32], include=["TAGS"])
    call("ecs", "GetTaskProtection", **cluster)
    call("ecs", "UpdateTaskProtection", **cluster, tasks=[task], protectionEnabled=False)
    call("ecs", "StopTask", **cluster, task=task, reason="enough")
    deployments = call("ecs", "ListServiceDeployments", **cluster, service="web")["serviceDeployments"]
    call("ecs", "DescribeServiceDeployments", serviceDeploymentArns=[deployments[0]["serviceDeploymentArn"]])
    call("ecs", "DescribeServiceRevisions", serviceRevisionArns=[deployments[0]["targetServiceRevisionArn"]])
    call("ecs", "PutClusterCapacityProviders", **cluster, capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=[])
    call("ecs", "DescribeCapacityProviders")
    call("ecs", "UpdateClusterSettings", **cluster, settings=[{"name": "containerInsights", "value": "disabled"}])
    call("ecs", "TagResource", resourceArn=arn, tags=[{"key": "c", "value": "d"}])
    call("ecs", "ListTagsForResource", resourceArn=arn)
    call("ecs", "UntagResource", resourceArn=arn, tagKeys=["c"])
    for name in ("ListClusters", "ListTaskDefinitions", "ListTaskDefinitionFamilies"):
        call("ecs", name)
    for name in ("ListServices", "ListTasks"):
        call("ecs", name, **cluster)
    call("ecs", "DeleteService", **cluster, service="web", force=True)
    client("ecs").get_waiter("services_inactive").wait(**cluster, services=["web"], WaiterConfig={"Delay": 1})
    client("ecs").get_waiter("tasks_stopped").wait(**cluster, tasks=[task], WaiterConfig={"Delay": 1})
    call("ecs", "DeregisterTaskDefinition", taskDefinition="walk:1")
    call("ecs", "DeleteTaskDefinitions", taskDefinitions=["walk:1"])
    call("ecs", "DeleteCluster", **cluster)


def logs():
    group, stream = {"logGroupName": "/walk"}, {"logStreamName": "one"}
    now = int(datetime.datetime.now().timestamp() * 1000)
    call("logs", "CreateLogGroup", **group, tags={"a": "b"})
    call("logs", "CreateLogStream", **group, **stream)
    call("logs", "PutLogEvents", **group, **stream, logEvents=[{"timestamp": now, "message": "hello"}])
    call("logs", "PutRetentionPolicy", **group, retentionInDays=7)
    found = call("logs", "DescribeLogGroups")["logGroups"][0]["logGroupArn"]
    call("logs", "DescribeLogStreams", **group)
    call("logs", "FilterLogEvents", **group)
    call("logs", "GetLogEvents", **group, **stream)
    call("logs", "TagResource", resourceArn=found, tags={"c": "d"})
    call("logs", "ListTagsForResource", resourceArn=found)
    call("logs", "UntagResource", resourceArn=found, tagKeys=["c"])
    call("logs", "ListLogGroups")
    call("logs", "TagLogGroup", **group, tags={"e": "f"})
    call("logs", "ListTagsLogGroup", **group)
    call("logs", "UntagLogGroup", **group, tags=["e"])
    call("logs", "DeleteRetentionPolicy", **group)
    call("logs", "DeleteLogStream", **group, **stream)
    call("logs", "DeleteLogGroup", **group)


def secretsmanager():
    secret = {"SecretId": "walk"}
    call("secretsmanager", "CreateSecret", Name="walk", SecretString="one", Tags=[{"Key": "a", "Value": "b"}])
    call("secretsmanager", "PutSecretValue", **secret, SecretString="two")
    call("secretsmanager", "UpdateSecret", **secret, Description="d")
    for name in ("DescribeSecret", "GetSecretValue"):
        call("secretsmanager", name, **secret)
    call("secretsmanager", "GetRandomPassword")
    call("secretsmanager", "TagResource", **secret, Tags=[{"Key": "c", "Value": "d"}])
    call("secretsmanager", "UntagResource", **secret, TagKeys=["c"])
    call("secretsmanager", "DeleteSecret", **secret, ForceDeleteWithoutRecovery=True)


def monitoring():
    service, metric, alarm = "monitoring", {"Namespace": "Walk", "MetricName": "m"}, {"AlarmNames": ["walk"]}
    now = datetime.datetime.now(datetime.timezone.utc)
    window = {"StartTime": now - datetime.timedelta(minutes=5), "EndTime": now + datetime.timedelta(minutes=5)}
    call(service, "PutMetricData", Namespace="Walk", MetricData=[{"MetricName": "m", "Value": 1.0, "Unit": "Count"}])
    call(service, "ListMetrics")
    call(service, "GetMetricStatistics", **metric, **window, Period=60, Statistics=["Average", "Sum"])
    call(service, "GetMetricStatistics", **metric, **window, Period=60, ExtendedStatistics=["p90"])
    call(service, "GetMetricData", **window, MetricDataQueries=[{"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}])
    call(service, "PutMetricAlarm", AlarmName="walk", **metric, Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1.0,
         ComparisonOperator="GreaterThanThreshold", Tags=[{"Key": "a", "Value": "b"}], AlarmActions=["arn:aws:sns:us-east-1:123456789012:x"])
    call(service, "SetAlarmState", AlarmName="walk", StateValue="ALARM", StateReason="because")
    arn = call(service, "DescribeAlarms")["MetricAlarms"][0]["AlarmArn"]
    call(service, "DescribeAlarmsForMetric", **metric)
    call(service, "DisableAlarmActions", **alarm)
    call(service, "EnableAlarmActions", **alarm)
    call(service, "TagResource", ResourceARN=arn, Tags=[{"Key": "c", "Value": "d"}])
    call(service, "ListTagsForResource", ResourceARN=arn)
    call(service, "UntagResource", ResourceARN=arn, TagKeys=["c"])
    call(service, "DeleteAlarms", **alarm)


def sample(shape, depth=0):
    """A value of a shape with only its required members."""
    kind = shape.type_name
    if kind == "structure":
        return {name: sample(shape.members[name], depth + 1) for name in shape.required_members} if depth < 9 else {}
    if kind == "list":
        return [sample(shape.member, depth + 1)]
    if kind == "map":
        return {}
    if kind == "timestamp":
        return datetime.datetime.now(datetime.timezone.utc)
    if kind in ("boolean", "blob"):
        return True if kind == "boolean" else b"x"
    if kind != "string":
        return shape.metadata.get("min", 1)
    return shape.enum[0] if shape.enum else "x" * max(1, shape.metadata.get("min", 1))


def others(rows):
    for row in rows:
        service, _, name = row.partition(":")
        model = client(service).meta.service_model
        if f"{model.signing_name}:{name}" in ANSWERED:
            continue
        shape = model.operation_model(name).input_shape
        method = next(py for py, api in client(service).meta.method_to_api_mapping.items() if api == name)
        try:
            getattr(client(service), method)(**(sample(shape) if shape else {}))
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            expect(status < 500, row, str(error))


def speak(protocol):
    """Makes botocore prefer a protocol for services that support several."""
    known = botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS
    botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = (protocol, *known)
    CLIENTS.clear()


def main():
    rows = [row.strip() for row in open(sys.argv[1], encoding="utf-8")]
    rows = [row for row in rows if re.fullmatch(r"[a-z][a-z0-9-]*:[A-Z]\w+", row) and not row.startswith("ecsws:")]
    call("sts", "GetCallerIdentity")
    for walk in (iam, ssm, ec2, servicediscovery, ecs_and_scaling, logs, secretsmanager, monitoring, cloudformation):
        walk()
    others(rows)
    for protocol, walk in (("smithy-rpc-v2-cbor", servicediscovery), ("smithy-rpc-v2-cbor", monitoring), ("query", monitoring)):
        speak(protocol)
        walk()
    refused = [row for row in rows if f"{service_of(client(row.partition(':')[0]))}:{row.partition(':')[2]}" not in ANSWERED]
    print(f"{len(rows) - len(refused)} of {len(rows)} operations answered; refused: {' '.join(refused)}")
    for where, what in WRONG:
        print(f"{where}: {what}")
    sys.exit(1 if WRONG else 0)


main()
