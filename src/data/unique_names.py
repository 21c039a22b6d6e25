"""Writes unique_names.txt: the identifying properties of the resource types for which AWS rejects a second resource with the same values.

usage: python3 unique_names.py FOLDER > unique_names.txt, where FOLDER is `cfnlint/data/schemas` of an installed cfn-lint, which ships AWS's schemas
"""

import json
import sys
from pathlib import Path

# Types whose primary identifier is assigned by the service (an ARN, an id), but whose names must be unique as well. `?` marks an optional
# property. From the description of the name in each service's API model (SQS, SNS: a second queue or topic with the same name and other
# attributes is rejected).
UNIQUE_NAMES = """
AWS::Batch::ComputeEnvironment ComputeEnvironmentName
AWS::Batch::JobQueue JobQueueName
AWS::EC2::LaunchTemplate LaunchTemplateName
AWS::EC2::SecurityGroup ?VpcId GroupName
AWS::ECS::Service ?Cluster ServiceName
AWS::ElasticLoadBalancingV2::LoadBalancer Name
AWS::ElasticLoadBalancingV2::TargetGroup Name
AWS::Events::Rule ?EventBusName Name
AWS::IAM::ManagedPolicy ManagedPolicyName
AWS::SNS::Topic TopicName
AWS::SQS::Queue QueueName
AWS::SecretsManager::Secret Name
AWS::ServiceDiscovery::HttpNamespace Name
AWS::ServiceDiscovery::PrivateDnsNamespace Vpc Name
AWS::ServiceDiscovery::Service ?NamespaceId Name
AWS::StepFunctions::StateMachine StateMachineName
"""


def identifier(schema):
    """The primary identifier, if it consists only of top-level properties that a template can set."""
    properties = [pointer.removeprefix("/properties/") for pointer in schema.get("primaryIdentifier", [])]
    read_only = {pointer.removeprefix("/properties/") for pointer in schema.get("readOnlyProperties", [])}
    settable = properties and not read_only.intersection(properties) and not any("/" in name for name in properties)
    return properties if settable else []


def main(folder):
    files = json.loads((folder / "providers/us-east-1.json").read_text())
    schemas = {kind: json.loads((folder / f"resources/{name}.json").read_text()) for kind, name in files.items()}
    rows = {kind: identifier(schema) for kind, schema in schemas.items()}
    rows |= {kind: properties for kind, *properties in map(str.split, UNIQUE_NAMES.strip().splitlines())}
    version = next(folder.parents[2].glob("cfn_lint-*.dist-info")).name.removeprefix("cfn_lint-").removesuffix(".dist-info")
    print("# Resource types with the properties whose values must be unique together; `?` marks optional ones.")
    print(f"# From AWS's resource schemas in cfn-lint {version} (PyPI), by unique_names.py.")
    last = None
    for kind in sorted(kind for kind, properties in rows.items() if properties):
        module, name = kind.rsplit("::", 1)
        if module != last:
            print(module)
            last = module
        print("", name, *rows[kind])


main(Path(sys.argv[1]))
