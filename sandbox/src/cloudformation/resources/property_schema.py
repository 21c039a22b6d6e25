"""Writes property_schema.txt: the attributes and properties of the resource types in tests/data/coverage.txt, from the specification that the CDK uses.

usage: npm pack @aws-cdk/aws-service-spec && tar xzf aws-cdk-aws-service-spec-*.tgz && python3 property_schema.py package > property_schema.txt
"""

import gzip
import json
import sys
from pathlib import Path

COVERAGE = Path(__file__).resolve().parents[3] / "tests/data/coverage.txt"
PLAIN = {"string": "string", "number": "number", "integer": "integer", "boolean": "boolean", "date-time": "string", "tag": "Tag"}
TAG = "Tag Key!:string Value!:string"


class Writer:
    """Collects the structures that a type's properties use, each under a unique name."""

    def __init__(self, definitions):
        self.definitions = definitions
        self.names = {}
        self.lines = []

    def type_text(self, kind):
        """The text of a property's type; `any` accepts more than one form."""
        match kind["type"]:
            case "array":
                return "[" + self.type_text(kind["element"])
            case "map":
                return "{" + self.type_text(kind["element"])
            case "ref":
                return self.structure(kind["reference"]["$ref"])
            case plain:
                return PLAIN.get(plain, "any")

    def structure(self, identity):
        definition = self.definitions[identity]
        if not definition["properties"]:
            return "any"
        if identity not in self.names:
            is_unique = definition["name"] not in self.names.values()
            self.names[identity] = definition["name"] if is_unique else definition["name"] + identity
            self.members(self.names[identity], definition["properties"])
        return self.names[identity]

    def members(self, name, properties):
        index = len(self.lines)
        self.lines.append("")
        members = [f"{member}{'!' if schema.get('required') else ''}:{self.type_text(schema['type'])}" for member, schema in sorted(properties.items())]
        self.lines[index] = " ".join([name, *members])


def main(package):
    version = json.loads((package / "package.json").read_text())["version"]
    schema = json.loads(gzip.decompress((package / "db.json.gz").read_bytes()))["schema"]
    definitions = {definition["$id"]: definition for definition in schema["typeDefinition"]["entities"]}
    types = {resource["cloudFormationType"]: resource for resource in schema["resource"]["entities"]}
    print("# A type and its attributes; under it its properties, then the structures in them: `!` is required, `[` a list, `{` a map.")
    print(f"# From npm's @aws-cdk/aws-service-spec {version} (Apache-2.0), by property_schema.py.")
    for row in COVERAGE.read_text().splitlines():
        name = row.removeprefix("? ")
        if name in types:
            writer = Writer(definitions)
            writer.members("-", types[name]["properties"])
            print(name, *sorted(types[name].get("attributes", {})))
            uses_tags = any(":Tag" in line or ":[Tag" in line for line in writer.lines)
            tags = [TAG] if uses_tags and "Tag" not in writer.names.values() else []
            for line in writer.lines + tags:
                print("", line)


main(Path(sys.argv[1]))
