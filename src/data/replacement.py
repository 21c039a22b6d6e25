"""Writes replacement.txt: AWS's types, and which properties make CloudFormation replace a resource, from the specification that the CDK uses.

usage: npm pack @aws-cdk/aws-service-spec && tar xzf aws-cdk-aws-service-spec-*.tgz && python3 replacement.py package > replacement.txt
"""

import gzip
import json
import sys
from pathlib import Path

MARKS = {"yes": "", "maybe": "?"}


def references(kind):
    """The ids of the type definitions that a property's type names."""
    if kind["type"] == "ref":
        yield kind["reference"]["$ref"]
    if "element" in kind:
        yield from references(kind["element"])
    for one in kind.get("types", []):
        yield from references(one)


def paths(properties, definitions, above=(), before=""):
    """Each path that causes a replacement, outermost first: what is within a path that always does says no more."""
    for name, declared in properties.items():
        path = before + name
        replaces = declared.get("causesReplacement", "no")
        if replaces in MARKS:
            yield MARKS[replaces] + path
        if replaces == "yes":
            continue
        for reference in references(declared["type"]):
            if reference not in above:
                yield from paths(definitions[reference], definitions, (*above, reference), path + "/")


def main(package):
    version = json.loads((package / "package.json").read_text())["version"]
    schema = json.loads(gzip.decompress((package / "db.json.gz").read_bytes()))["schema"]
    definitions = {one["$id"]: one["properties"] for one in schema["typeDefinition"]["entities"]}
    print("# Each type with the properties whose change replaces a resource: `?` stands before those that only may, `/` leads into a structure or a list.")
    print(f"# From npm's @aws-cdk/aws-service-spec {version} (Apache-2.0), by replacement.py.")
    last = None
    for resource in sorted(schema["resource"]["entities"], key=lambda one: one["cloudFormationType"]):
        found = sorted(set(paths(resource["properties"], definitions)), key=lambda path: path.lstrip("?"))
        module, name = resource["cloudFormationType"].rsplit("::", 1)
        if module != last:
            print(module)
            last = module
        print("", name, *found)


main(Path(sys.argv[1]))
