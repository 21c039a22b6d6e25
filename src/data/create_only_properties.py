"""Writes create_only_properties.txt: the resource types with the properties whose change replaces a resource, from the specification that the CDK uses.

usage: npm pack @aws-cdk/aws-service-spec && tar xzf aws-cdk-aws-service-spec-*.tgz && python3 create_only_properties.py package > create_only_properties.txt
"""

import gzip
import json
import sys
from pathlib import Path

MARKS = {"yes": "", "maybe": "?"}


def references(kind):
    """The ids of the type definitions that a property's type refers to."""
    if kind["type"] == "ref":
        yield kind["reference"]["$ref"]
    if "element" in kind:
        yield from references(kind["element"])
    for alternative in kind.get("types", []):
        yield from references(alternative)


def paths(properties, definitions, above=(), before=""):
    """The paths that cause a replacement, outermost first. Skips paths within one that always causes a replacement."""
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
    definitions = {entity["$id"]: entity["properties"] for entity in schema["typeDefinition"]["entities"]}
    print("# Resource types with the properties whose change replaces the resource; `?` marks those that may replace it, `/` separates nested properties.")
    print(f"# From npm's @aws-cdk/aws-service-spec {version} (Apache-2.0), by create_only_properties.py.")
    last = None
    for resource in sorted(schema["resource"]["entities"], key=lambda entity: entity["cloudFormationType"]):
        properties = sorted(set(paths(resource["properties"], definitions)), key=lambda path: path.lstrip("?"))
        module, name = resource["cloudFormationType"].rsplit("::", 1)
        if module != last:
            print(module)
            last = module
        print("", name, *properties)


main(Path(sys.argv[1]))
