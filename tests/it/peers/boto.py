"""Tests the sandbox with boto3: stacks (create, replacement, failure, delete), services and tasks, waiters and paginators.

Needs the variables of `ecsws sandbox env`.
"""

import json
import os
import random
import time
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.httpsession
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

CONFIG = Config(retries={"max_attempts": 0})
cloudformation, ecs, logs, ssm = (
    boto3.client(name, config=CONFIG) for name in ("cloudformation", "ecs", "logs", "ssm")
)
session = boto3.Session()
QUICK = {"Delay": 1, "MaxAttempts": 60}


def template(group="peers-one", value="1", extra=None):
    """A log group, a parameter that depends on it, and an output."""
    resources = {
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": group, "RetentionInDays": 7}},
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "DependsOn": "Group",
            "Properties": {"Type": "String", "Name": "/peers/value", "Value": value},
        },
        **(extra or {}),
    }
    outputs = {"Group": {"Value": {"Fn::GetAtt": ["Group", "Arn"]}, "Export": {"Name": "peers-group"}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


# Cannot be created, because a log group with this name exists outside of any stack.
BROKEN = {"Broken": {"Type": "AWS::Logs::LogGroup", "DependsOn": "Parameter", "Properties": {"LogGroupName": "taken"}}}


def wait(waiter, **options):
    cloudformation.get_waiter(waiter).wait(WaiterConfig=QUICK, **options)


def status(stack):
    return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]


def events(stack):
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    return [event for page in pages for event in page["StackEvents"]]


def physical_id(stack, logical_id):
    detail = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return detail["StackResourceDetail"]["PhysicalResourceId"]


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{call} was not refused")


def a_stack_is_created():
    cloudformation.create_stack(StackName="peers", TemplateBody=template(), Tags=[{"Key": "team", "Value": "web"}])
    wait("stack_create_complete", StackName="peers")
    assert ssm.get_parameter(Name="/peers/value")["Parameter"]["Value"] == "1"
    group = logs.describe_log_groups(logGroupNamePrefix="peers-one")["logGroups"][0]
    assert group["retentionInDays"] == 7
    tags = logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"]
    assert tags["team"] == "web" and tags["aws:cloudformation:stack-name"] == "peers", tags
    exports = [e for page in cloudformation.get_paginator("list_exports").paginate() for e in page["Exports"]]
    assert [e["Name"] for e in exports] == ["peers-group"]
    message = refused("AlreadyExistsException", cloudformation.create_stack, StackName="peers", TemplateBody=template())
    assert message == "Stack [peers] already exists", message


def the_same_template_is_no_update():
    message = refused("ValidationError", cloudformation.update_stack, StackName="peers", TemplateBody=template())
    assert message == "No updates are to be performed.", message


def a_replacement_is_created_before_the_old_resource_is_deleted():
    before = physical_id("peers", "Group")
    cloudformation.update_stack(StackName="peers", TemplateBody=template(group="peers-two", value="2"))
    wait("stack_update_complete", StackName="peers")
    assert (before, physical_id("peers", "Group")) == ("peers-one", "peers-two")
    assert not logs.describe_log_groups(logGroupNamePrefix="peers-one")["logGroups"]
    history = [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason", "")) for e in events("peers")]
    history.reverse()
    reason = "Requested update requires the creation of a new physical resource; hence creating one."
    replaced = history.index(("Group", "UPDATE_IN_PROGRESS", reason))
    cleaning = [n for n, e in enumerate(history) if e[:2] == ("peers", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")][0]
    deleted = [n for n, e in enumerate(history) if e[:2] == ("Group", "DELETE_COMPLETE")][0]
    assert replaced < cleaning < deleted < len(history) - 1
    assert history[-1][:2] == ("peers", "UPDATE_COMPLETE")


def a_failing_update_rolls_back():
    logs.create_log_group(logGroupName="taken")
    cloudformation.update_stack(StackName="peers", TemplateBody=template(group="peers-three", value="3", extra=BROKEN))
    try:
        wait("stack_update_complete", StackName="peers")
        raise AssertionError("the waiter treated a rollback as a success")
    except WaiterError:
        wait("stack_rollback_complete", StackName="peers")
    assert status("peers") == "UPDATE_ROLLBACK_COMPLETE"
    assert physical_id("peers", "Group") == "peers-two"
    assert ssm.get_parameter(Name="/peers/value")["Parameter"]["Value"] == "2"
    assert not logs.describe_log_groups(logGroupNamePrefix="peers-three")["logGroups"]
    failed = [e for e in events("peers") if e["ResourceStatus"] == "CREATE_FAILED"]
    assert [e["LogicalResourceId"] for e in failed] == ["Broken"], failed


def a_failing_creation_rolls_back_and_can_only_be_deleted():
    valid = {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}}
    cloudformation.create_stack(StackName="doomed", TemplateBody=json.dumps({"Resources": {**valid, **BROKEN}}))
    try:
        wait("stack_create_complete", StackName="doomed")
        raise AssertionError("the waiter treated a rollback as a success")
    except WaiterError:
        assert status("doomed") == "ROLLBACK_COMPLETE"
    refused("ValidationError", cloudformation.update_stack, StackName="doomed", TemplateBody=template())
    cloudformation.delete_stack(StackName="doomed")
    wait("stack_delete_complete", StackName="doomed")


def a_change_set_lists_its_changes():
    body = template(group="peers-four", value="2")
    cloudformation.create_change_set(StackName="peers", ChangeSetName="next", TemplateBody=body)
    waiter = cloudformation.get_waiter("change_set_create_complete")
    waiter.wait(StackName="peers", ChangeSetName="next", WaiterConfig=QUICK)
    changes = cloudformation.describe_change_set(StackName="peers", ChangeSetName="next")["Changes"]
    changes = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in changes}
    assert changes["Group"]["Replacement"] == "True" and changes["Group"]["Action"] == "Modify", changes
    assert changes["Group"]["Details"][0]["Target"]["RequiresRecreation"] == "Always"
    cloudformation.execute_change_set(StackName="peers", ChangeSetName="next")
    wait("stack_update_complete", StackName="peers")

    cloudformation.create_change_set(StackName="peers", ChangeSetName="nothing", TemplateBody=body)
    try:
        waiter.wait(StackName="peers", ChangeSetName="nothing", WaiterConfig=QUICK)
        raise AssertionError("a change set without changes must fail")
    except WaiterError:
        failed = cloudformation.describe_change_set(StackName="peers", ChangeSetName="nothing")
    assert failed["StatusReason"].startswith("The submitted information didn't contain changes."), failed
    cloudformation.delete_change_set(StackName="peers", ChangeSetName="nothing")


def a_service_is_created_scaled_and_deleted():
    ecs.create_cluster(clusterName="peers")
    ecs.register_task_definition(
        family="web",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "web", "image": "web", "portMappings": [{"containerPort": 3000}]}],
    )
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.get_waiter("vpc_available").wait(VpcIds=[vpc], WaiterConfig=QUICK)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    network = {"awsvpcConfiguration": {"subnets": [subnet]}}
    ecs.create_service(
        cluster="peers", serviceName="web", taskDefinition="web", desiredCount=3, launchType="FARGATE",
        networkConfiguration=network,
    )
    ecs.get_waiter("services_stable").wait(cluster="peers", services=["web"], WaiterConfig=QUICK)
    pages = ecs.get_paginator("list_tasks").paginate(cluster="peers", PaginationConfig={"PageSize": 2})
    pages = [page["taskArns"] for page in pages]
    assert [len(page) for page in pages] == [2, 1], pages
    ecs.stop_task(cluster="peers", task=pages[0][0], reason="tests its replacement")
    ecs.get_waiter("tasks_stopped").wait(cluster="peers", tasks=pages[0][:1], WaiterConfig=QUICK)
    ecs.get_waiter("services_stable").wait(cluster="peers", services=["web"], WaiterConfig=QUICK)

    a_policy_scales_the_service()
    run = ecs.run_task(cluster="peers", taskDefinition="web", launchType="FARGATE", networkConfiguration=network)
    arn = run["tasks"][0]["taskArn"]
    ecs.get_waiter("tasks_running").wait(cluster="peers", tasks=[arn], WaiterConfig=QUICK)
    ecs.stop_task(cluster="peers", task=arn)
    ecs.get_waiter("tasks_stopped").wait(cluster="peers", tasks=[arn], WaiterConfig=QUICK)

    ecs.delete_service(cluster="peers", service="web", force=True)
    ecs.get_waiter("services_inactive").wait(cluster="peers", services=["web"], WaiterConfig=QUICK)
    ecs.delete_cluster(cluster="peers")


def a_policy_scales_the_service():
    scaling, cloudwatch = boto3.client("application-autoscaling"), boto3.client("cloudwatch")
    service = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/peers/web",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(MinCapacity=1, MaxCapacity=4, **service)
    tracking = {
        "TargetValue": 50.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    }
    put = scaling.put_scaling_policy(
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking,
        **service,
    )
    names = [alarm["AlarmName"] for alarm in put["Alarms"]]
    alarms = cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert [alarm["EvaluationPeriods"] for alarm in alarms] == [3, 15], alarms
    data = json.dumps({"recentDatapoints": [60.0]})
    cloudwatch.set_alarm_state(AlarmName=names[0], StateValue="ALARM", StateReason="busy", StateReasonData=data)
    ecs.get_waiter("services_stable").wait(cluster="peers", services=["web"], WaiterConfig=QUICK)
    assert ecs.describe_services(cluster="peers", services=["web"])["services"][0]["runningCount"] == 4
    pages = scaling.get_paginator("describe_scaling_activities").paginate(ServiceNamespace="ecs")
    activities = [activity for page in pages for activity in page["ScalingActivities"]]
    assert activities[0]["Description"] == "Setting desired count to 4.", activities
    assert activities[0]["Cause"] == f"monitor alarm {names[0]} in state ALARM triggered policy cpu", activities
    scaling.deregister_scalable_target(**service)
    assert not cloudwatch.describe_alarms()["MetricAlarms"]


def log_events_are_paged():
    logs.create_log_group(logGroupName="paged")
    logs.create_log_stream(logGroupName="paged", logStreamName="one")
    now = int(time.time() * 1000)
    batch = [{"timestamp": now, "message": f"line {n}"} for n in range(250)]
    logs.put_log_events(logGroupName="paged", logStreamName="one", logEvents=batch)
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="paged", PaginationConfig={"PageSize": 100})
    found = [event["message"] for page in pages for event in page["events"]]
    assert found == [event["message"] for event in batch]
    refused("InvalidParameterException", logs.filter_log_events, logGroupName="paged", nextToken="forged")


def log_events_are_followed():
    logs.create_log_group(logGroupName="followed")
    logs.create_log_stream(logGroupName="followed", logStreamName="one")
    arn = logs.describe_log_groups(logGroupNamePrefix="followed")["logGroups"][0]["logGroupArn"]
    # The prefix of StartLiveTail's host would lead to `stream-127.0.0.1`, which is no host: the environment disables it, or the client's configuration.
    disabled = os.environ.pop("AWS_DISABLE_HOST_PREFIX_INJECTION")
    configured = boto3.client("logs", config=CONFIG.merge(Config(inject_host_prefix=False)))
    os.environ["AWS_DISABLE_HOST_PREFIX_INJECTION"] = disabled
    for client in (logs, configured):
        log_events_are_followed_with(client, arn)
    refused("InvalidParameterException", logs.start_live_tail, logGroupIdentifiers=["followed"])
    refused("InvalidParameterException", logs.start_live_tail, logGroupIdentifiers=[arn] * 11)
    refused("ResourceNotFoundException", logs.start_live_tail, logGroupIdentifiers=[f"{arn}-not"])


def log_events_are_followed_with(client, arn):
    stream = client.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="matching")["responseStream"]
    updates = iter(stream)
    start = next(updates)["sessionStart"]
    assert set(start) == set(client.meta.service_model.shape_for("LiveTailSessionStart").members), start
    assert start["logGroupIdentifiers"] == [arn] and start["logEventFilterPattern"] == "matching", start
    put("matching one", "other", "matching two")
    found = []
    while len(found) < 2:
        update = next(updates)["sessionUpdate"]
        assert update["sessionMetadata"] == {"sampled": False}, update
        found += [result["message"] for result in update["sessionResults"]]
    assert found == ["matching one", "matching two"], found
    put(*["matching"] * 600)
    while not (update := next(updates)["sessionUpdate"])["sessionResults"]:
        pass
    assert update["sessionMetadata"] == {"sampled": True} and len(update["sessionResults"]) == 500, update
    stream.close()


def put(*messages):
    now = int(time.time() * 1000)
    batch = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName="followed", logStreamName="one", logEvents=batch)


def parameters_in_the_query_are_signed_in_order():
    """Signs GET requests with botocore: names that are prefixes of others, repeated names, empty and encoded values."""
    generator = random.Random(1)
    credentials = session.get_credentials()
    for _ in range(200):
        names = [f"StackStatusFilter.member.{n}" for n in range(1, 25)] + ["X", "X.1", "X.10", "Y~", "Y-", "Z z", "é"]
        pairs = [("Action", "ListStacks"), ("Version", "2010-05-15")]
        pairs += [(generator.choice(names), generator.choice(["", "a", "A b", "é/+&=%", "10", "9"])) for _ in range(generator.randint(1, 30))]
        url = f"{os.environ['AWS_ENDPOINT_URL']}/?{urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote)}"
        request = botocore.awsrequest.AWSRequest("GET", url)
        botocore.auth.SigV4Auth(credentials, "cloudformation", session.region_name).add_auth(request)
        answer = botocore.httpsession.URLLib3Session().send(request.prepare())
        assert answer.status_code != 403, (url, answer.text)


def the_stack_is_deleted():
    cloudformation.delete_stack(StackName="peers")
    wait("stack_delete_complete", StackName="peers")
    refused("ParameterNotFound", ssm.get_parameter, Name="/peers/value")
    refused("ValidationError", cloudformation.describe_stacks, StackName="peers")
    pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    assert {s["StackName"] for page in pages for s in page["StackSummaries"]} == {"peers", "doomed"}


for step in (
    a_stack_is_created,
    the_same_template_is_no_update,
    a_replacement_is_created_before_the_old_resource_is_deleted,
    a_failing_update_rolls_back,
    a_failing_creation_rolls_back_and_can_only_be_deleted,
    a_change_set_lists_its_changes,
    a_service_is_created_scaled_and_deleted,
    log_events_are_paged,
    log_events_are_followed,
    parameters_in_the_query_are_signed_in_order,
    the_stack_is_deleted,
):
    print(step.__name__, flush=True)
    step()
