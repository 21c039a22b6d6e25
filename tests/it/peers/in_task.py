"""Runs as a task in the sandbox. Checks that boto3 and the AWS CLI use the task's role, and only the sandbox's endpoint."""

import json
import os
import subprocess
import sys
import threading

import boto3

session = boto3.Session()
credentials = session.get_credentials()
assert credentials.method == "container-role", credentials.method
assert credentials.access_key.startswith("ASIA"), credentials.access_key

endpoint = os.environ["AWS_ENDPOINT_URL"]
assert endpoint.startswith("http://127.0.0.1:"), endpoint
for service in session.get_available_services():
    client = boto3.client(service)
    assert client.meta.endpoint_url.startswith(endpoint), (service, client.meta.endpoint_url)

identity = boto3.client("sts").get_caller_identity()
assert ":assumed-role/ecsworkshop-nodejs-TaskDefTaskRole" in identity["Arn"], identity
task = identity["Arn"].rsplit("/", 1)[1]
arns = boto3.client("ecs").list_tasks(cluster="container-demo")["taskArns"]
assert task in [arn.rsplit("/", 1)[1] for arn in arns], (task, arns)
assert boto3.client("servicediscovery").discover_instances(NamespaceName="service", ServiceName="ecsdemo-nodejs")

cli = os.path.join(os.path.dirname(sys.executable), "aws")
printed = subprocess.run([cli, "sts", "get-caller-identity"], capture_output=True, text=True, check=True).stdout
assert json.loads(printed)["Arn"] == identity["Arn"], printed

home = os.environ["HOME"]
assert os.listdir(home) in ([], [".aws"]), os.listdir(home)
text = json.dumps(dict(os.environ))
assert "AKIAREAL" not in text, text
print("in_task: done", flush=True)
threading.Event().wait()
