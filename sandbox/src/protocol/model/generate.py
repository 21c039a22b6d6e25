#!/usr/bin/env python3
"""Writes data/SERVICE.json: what AWS's own service models say of the operations in tests/data/coverage.txt; and the types of EC2's instances.

usage: generate.py, with a Python that has botocore, from anywhere. The models are botocore's (https://github.com/boto/botocore,
Apache-2.0); `source` in each file names the version. Kept are names, types and constraints, no documentation.

Of EC2's operations the names of their filters are kept too.

A type is a shape's name or a plain type (string, integer, long, float, double, boolean, timestamp, blob). A member's type ends with
`!` when the member is required. Names are those on the wire. Of outputs only what a codec cannot see in a value is kept: where
timestamps, blobs and maps are, for the services that speak CBOR or Query.
"""
import gzip
import json
import pathlib
import re

import botocore

HERE = pathlib.Path(__file__).resolve().parent
COVERAGE = HERE.parents[2] / "tests/data/coverage.txt"
MODELS = pathlib.Path(botocore.__file__).parent / "data"
# Where a service's folder is not called as requests to it are signed.
FOLDERS = {"monitoring": "cloudwatch"}
PLAIN = {"string", "integer", "long", "float", "double", "boolean", "timestamp", "blob"}
CONSTRAINTS = ("min", "max", "pattern", "enum")

NAME = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
PATH = "It must begin and end with / and contain only alphanumeric characters and/or / characters."
# Where AWS answers otherwise than its models say: constraints that are dropped (None), because it does not enforce them or does so
# in the service's own words, or put in place of the model's. `*` stands for every shape of the service. `hides_value` are those whose
# values AWS does not repeat in its sentence; `optional` members are missed in the operation's own words.
CORRECTIONS = {
    # EC2 knows missing parameters only; everything else is refused by each operation in its own words.
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
        # Their sentences show the pattern all the same.
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
        # In the order of AWS's answers.
        "ParameterType": {"enum": ["SecureString", "StringList", "String"]},
    },
}


def model_of(service):
    folder = MODELS / FOLDERS.get(service, service)
    file = sorted(folder.glob("*/service-2.json*"))[-1]
    opened = gzip.open(file) if file.suffix == ".gz" else open(file, "rb")
    with opened:
        return json.load(opened), f"{folder.name}/{file.parent.name}"


def speaks(model, *protocols):
    metadata = model["metadata"]
    return any(protocol in metadata.get("protocols", [metadata["protocol"]]) for protocol in protocols)


class Writer:
    def __init__(self, service, model):
        self.model, self.shapes, self.written = model, model["shapes"], {}
        self.corrections = CORRECTIONS.get(service, {})
        self.ec2 = speaks(model, "ec2")

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
        """The type of a shape of an input; writes the shape when it has anything to say."""
        shape = self.shapes[name]
        kind, constraints = shape["type"], self.constraints(name, self.shapes[name])
        if kind in PLAIN and not constraints:
            return kind
        if name in self.written:
            return name
        self.written[name] = written = {}
        if kind == "structure":
            # A token that makes a call idempotent is made by the client when it is left out; AWS does without.
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
        """The type of a shape of an output, or None when a value says all of it."""
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
    """Of services with a Query protocol: by code, the error's shape and its HTTP status."""
    found = {}
    for name, shape in model["shapes"].items():
        error = shape.get("error", {})
        if shape.get("exception") and "code" in error:
            found[error["code"]] = [name, error.get("httpStatusCode", 400)]
    return found


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
        if "output" in operation and speaks(model, "smithy-rpc-v2-cbor", "query"):
            output = writer.output(operation["output"]["shape"])
            if output:
                row["output"] = output
    data = {"source": f"botocore {botocore.__version__}, {version}", "operations": rows, "shapes": writer.written}
    if speaks(model, "query"):
        data["errors"] = errors(model)
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
    (HERE.parent / "services/ec2/instances/types.txt").write_text(instance_types())


def instance_types():
    """A line a family of EC2's instances, with its sizes."""
    model, version = model_of("ec2")
    families = {}
    for name in model["shapes"]["InstanceType"]["enum"]:
        family, size = name.split(".")
        families.setdefault(family, []).append(size)
    rows = [f"# botocore {botocore.__version__}, {version}, by generate.py"]
    rows += [f"{family} {' '.join(sizes)}" for family, sizes in sorted(families.items())]
    return "\n".join(rows) + "\n"


def text(data):
    """JSON with a line for each operation, shape and error, so that a change of a model shows as one."""
    def compact(value):
        return json.dumps(value, separators=(",", ":"))
    parts = []
    for name, value in data.items():
        rows = ",\n".join(f"{compact(key)}:{compact(row)}" for key, row in value.items()) if name != "source" else ""
        parts.append(f"{compact(name)}:{{\n{rows}\n}}" if rows else f"{compact(name)}:{compact(value)}")
    return "{" + ",\n".join(parts) + "}\n"


main()
