"""Writes schema.txt: what AWS's types have, of the types in tests/data/coverage.txt, from the specification that the CDK uses.

usage: npm pack @aws-cdk/aws-service-spec && tar xzf aws-cdk-aws-service-spec-*.tgz && python3 schema.py package > schema.txt
"""

import gzip
import json
import sys
from pathlib import Path

COVERAGE = Path(__file__).resolve().parents[5] / "tests/data/coverage.txt"


def references(kind):
    """The ids of the type definitions that a property's type names."""
    if kind["type"] == "ref":
        yield kind["reference"]["$ref"]
    if "element" in kind:
        yield from references(kind["element"])
    for one in kind.get("types", []):
        yield from references(one)


def names(properties, definitions, seen):
    """The names of properties and of all that is in them."""
    for name, declared in properties.items():
        yield name
        for reference in references(declared["type"]):
            if reference not in seen:
                seen.add(reference)
                yield from names(definitions[reference], definitions, seen)


def main(package):
    version = json.loads((package / "package.json").read_text())["version"]
    schema = json.loads(gzip.decompress((package / "db.json.gz").read_bytes()))["schema"]
    definitions = {one["$id"]: one["properties"] for one in schema["typeDefinition"]["entities"]}
    types = {one["cloudFormationType"]: one for one in schema["resource"]["entities"]}
    print("# A line a type: the names of its properties and of what is in them, and after `|` its attributes.")
    print(f"# From npm's @aws-cdk/aws-service-spec {version} (Apache-2.0), by schema.py.")
    for row in COVERAGE.read_text().splitlines():
        name = row.removeprefix("? ")
        if name in types:
            found = sorted(set(names(types[name]["properties"], definitions, set())))
            print(name, *found, "|", *sorted(types[name].get("attributes", {})))


main(Path(sys.argv[1]))
