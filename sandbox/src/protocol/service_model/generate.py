#!/usr/bin/env python3
"""Writes data/SERVICE.json: the inputs, outputs and constraints of the operations in tests/data/coverage.txt, from AWS's service models; and the EC2 instance types.

usage: generate.py, with a Python that has botocore, from anywhere. The models are botocore's (https://github.com/boto/botocore,
Apache-2.0); `source` in each file names the version. Kept are names, types and constraints, no documentation.

Of EC2's operations the names of their filters are kept too.

A type is a shape's name or a plain type (string, integer, long, float, double, boolean, timestamp, blob). A member's type ends with
`!` when the member is required. Names are those on the wire. Of outputs only what a codec cannot derive from a value is kept: where
timestamps, blobs and maps are, for the services that support CBOR or Query.
"""
import gzip
import json
import pathlib
import re

import botocore

HERE = pathlib.Path(__file__).resolve().parent
COVERAGE = HERE.parents[2] / "tests/data/coverage.txt"
MODELS = pathlib.Path(botocore.__file__).parent / "data"
# The folder of a service's model, where it differs from the signing name.
FOLDERS = {"monitoring": "cloudwatch"}
PLAIN = {"string", "integer", "long", "float", "double", "boolean", "timestamp", "blob"}
CONSTRAINTS = ("min", "max", "pattern", "enum")

NAME = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
PATH = "It must begin and end with / and contain only alphanumeric characters and/or / characters."
# Where AWS differs from its models: constraints that are dropped (None), because AWS does not enforce them or has another message for
# them, or that replace the model's. `*` stands for every shape of the service. `hides_value` marks shapes whose values AWS does not
# repeat in its message; the operation itself reports missing `optional` members.
CORRECTIONS = {
    # EC2 checks only for missing parameters; each operation refuses everything else with its own message.
    "ec2": {
        "*": {"min": None, "max": None, "pattern": None, "enum": None},
        # "No instances specified": https://github.com/gruntwork-io/cloud-nuke/issues/731
        "TerminateInstancesRequest": {"optional": ["InstanceIds"]},
        # "The request must contain the parameter resourceIdSet", as clients have seen it.
        "CreateTagsRequest": {"optional": ["Resources"]},
        "DeleteTagsRequest": {"optional": ["Resources"]},
    },
    "cloudformation": {
        # Recorded: localstack's snapshot test_stack_name_creation.
        "StackName": {"pattern": "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"},
        "TemplateURL": {"max": None},
    },
    "iam": {
        "*": {"pattern": None},
        "roleNameType": {"message": NAME, "pattern": "[\\w+=,.@-]+"},
        "instanceProfileNameType": {"message": NAME, "pattern": "[\\w+=,.@-]+"},
        "policyNameType": {"message": NAME, "pattern": "[\\w+=,.@-]+"},
        # The messages of these show the pattern.
        "tagKeyType": {"pattern": "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+"},
        "tagValueType": {"pattern": "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"},
        "pathType": {"message": PATH, "pattern": "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)"},
    },
    # Recorded: "Invalid LogGroup or LogStream, both must have length less than or equal to 512."
    "logs": {
        "LogGroupName": {"max": None},
        "LogStreamName": {"max": None},
        "LogGroupIdentifier": {"hides_value": True},
    },
    "ssm": {
        # In the order of AWS's responses.
        "ParameterType": {"enum": ["SecureString", "StringList", "String"]},
    },
}


def model_of(service):
    folder = MODELS / FOLDERS.get(service, service)
    file = sorted(folder.glob("*/service-2.json*"))[-1]
    opened = gzip.open(file) if file.suffix == ".gz" else open(file, "rb")
    with opened:
        return json.load(opened), f"{folder.name}/{file.parent.name}"


def supports_protocol(model, *protocols):
    metadata = model["metadata"]
    return any(protocol in metadata.get("protocols", [metadata["protocol"]]) for protocol in protocols)


class Writer:
    def __init__(self, service, model):
        self.model, self.shapes, self.written = model, model["shapes"], {}
        self.corrections = CORRECTIONS.get(service, {})
        self.ec2 = supports_protocol(model, "ec2")

    def constraints(self, name, shape):
        kept = {key: shape[key] for key in CONSTRAINTS if key in shape}
        kept |= self.corrections.get("*", {})
        kept |= self.corrections.get(name, {})
        return {key: value for key, value in kept.items() if value is not None}

    def input_name(self, name, member):
        if not self.ec2:
            return member.get("locationName", name)
        on_wire = member.get("queryName") or member.get("locationName") or name
        return on_wire[0].upper() + on_wire[1:]

    def input(self, name):
        """The type of a shape of an input; writes shapes that are structures, lists, maps or have constraints."""
        shape = self.shapes[name]
        kind, constraints = shape["type"], self.constraints(name, self.shapes[name])
        if kind in PLAIN and not constraints:
            return kind
        if name in self.written:
            return name
        self.written[name] = written = {}
        if kind == "structure":
            # Clients generate idempotency tokens that are left out; AWS does not require them.
            optional = constraints.pop("optional", [])
            required = {
                member for member in shape.get("required", [])
                if not shape["members"][member].get("idempotencyToken") and member not in optional
            }
            written["structure"] = {
                self.input_name(member, value): self.input(value["shape"]) + ("!" if member in required else "")
                for member, value in shape["members"].items()
            }
        elif kind == "list":
            written["list"] = self.input(shape["member"]["shape"])
        elif kind == "map":
            written["map"] = [self.input(shape["key"]["shape"]), self.input(shape["value"]["shape"])]
        else:
            written["plain"] = kind
        written.update(constraints)
        return name

    def filters(self, name):
        """The names that the documentation of EC2's filters lists."""
        members = self.shapes[name].get("members", {})
        documentation = (members.get("Filters") or members.get("Filter") or {}).get("documentation", "")
        return re.findall(r"<li> <p> ?<code>([a-zA-Z0-9.-]+)</code>", documentation)

    def output(self, name, above=()):
        """The type of a shape of an output, or None if a codec can derive everything from the value."""
        shape = self.shapes[name]
        kind = shape["type"]
        if kind in ("timestamp", "blob"):
            return kind
        if kind in PLAIN or name in above:
            return None
        key, above = f"{name}.out", (*above, name)
        if kind == "structure":
            members = {
                value.get("locationName", member): self.output(value["shape"], above)
                for member, value in shape["members"].items()
            }
            members = {member: value for member, value in members.items() if value}
            written = {"structure": members} if members else None
        elif kind == "list":
            inner = self.output(shape["member"]["shape"], above)
            written = {"list": inner} if inner else None
        else:
            inner = self.output(shape["value"]["shape"], above)
            written = {"map": ["string", inner or "string"]}
        if written is None:
            return None
        self.written[key] = written
        return key


def errors(model):
    """By error code, the error's shape and its HTTP status, for services with a Query protocol."""
    by_code = {}
    for name, shape in model["shapes"].items():
        error = shape.get("error", {})
        if shape.get("exception") and "code" in error:
            by_code[error["code"]] = [name, error.get("httpStatusCode", 400)]
    return by_code


def capitalized_messages(model):
    """The errors whose message is the member `Message`. `ValidationException` is also the error of the framework, which writes `message`."""
    errors = (name for name, shape in model["shapes"].items() if shape.get("exception") and "Message" in shape.get("members", {}))
    return sorted(name for name in errors if name != "ValidationException")


def written(service, operations):
    model, version = model_of(service)
    writer, rows = Writer(service, model), {}
    for name in sorted(operations):
        operation = model["operations"][name]
        row = rows[name] = {}
        if "input" in operation:
            row["input"] = writer.input(operation["input"]["shape"])
        if "gzip" in operation.get("requestcompression", {}).get("encodings", []):
            row["accepts_compressed"] = True
        if writer.ec2 and "input" in operation:
            filters = writer.filters(operation["input"]["shape"])
            if filters:
                row["filters"] = filters
        if "output" in operation and supports_protocol(model, "smithy-rpc-v2-cbor", "query"):
            output = writer.output(operation["output"]["shape"])
            if output:
                row["output"] = output
    data = {"source": f"botocore {botocore.__version__}, {version}", "operations": rows, "shapes": writer.written}
    if supports_protocol(model, "query"):
        data["errors"] = errors(model)
    if supports_protocol(model, "json") and capitalized_messages(model):
        data["capitalized_messages"] = capitalized_messages(model)
    return data


def main():
    services = {}
    for row in COVERAGE.read_text().splitlines():
        service, colon, operation = row.removeprefix("? ").partition(":")
        if colon and operation[0] != ":" and service not in ("ecsws", "resolve"):
            services.setdefault(service, []).append(operation)
    for service, operations in services.items():
        data = written(service, operations)
        (HERE / "data" / f"{service}.json").write_text(text(data))
    (HERE.parents[1] / "services/ec2/instances/types.txt").write_text(instance_types())


def instance_types():
    """A line per family of EC2 instances, with its sizes."""
    model, version = model_of("ec2")
    families = {}
    for name in model["shapes"]["InstanceType"]["enum"]:
        family, size = name.split(".")
        families.setdefault(family, []).append(size)
    rows = [f"# botocore {botocore.__version__}, {version}, by generate.py"]
    rows += [f"{family} {' '.join(sizes)}" for family, sizes in sorted(families.items())]
    return "\n".join(rows) + "\n"


def text(data):
    """JSON with a line for each operation, shape and error, so that diffs are readable."""
    def compact(value):
        return json.dumps(value, separators=(",", ":"))
    parts = []
    for name, value in data.items():
        rows = ",\n".join(f"{compact(key)}:{compact(row)}" for key, row in value.items()) if isinstance(value, dict) else ""
        parts.append(f"{compact(name)}:{{\n{rows}\n}}" if rows else f"{compact(name)}:{compact(value)}")
    return "{" + ",\n".join(parts) + "}\n"


main()
