"""Writes replacement.txt, identifiers.txt and type_names.txt from AWS's resource provider schemas, which PyPI's cfn-lint contains.

usage: pip install cfn-lint && python3 provider_schemas.py [FOLDER]

The files are written into FOLDER, by default the folder of this script. Served types are those in tests/data/coverage.txt.
"""

import importlib.metadata
import json
import sys
from pathlib import Path

import cfnlint

HERE = Path(__file__).resolve().parent
COVERAGE = HERE.parents[1] / "tests/data/coverage.txt"
SCHEMAS = Path(cfnlint.__file__).parent / "data/schemas"
# The region whose schemas are used: AWS publishes new versions of schemas there first.
REGION = "us-east-1"


def provider(region):
    """The schema file of each type in a region."""
    return json.loads((SCHEMAS / "providers" / f"{region}.json").read_text())


def paths(schema, member, mark):
    """The property paths of a member, each a JSON pointer into `properties`: `/properties/A/*/B` becomes `A/B`."""
    for pointer in schema.get(member, []):
        parts = pointer.removeprefix("/properties/").split("/")
        yield mark + "/".join(part for part in parts if part not in ("*", "items", "properties"))


def schemas(files):
    """The served types, each with its schema."""
    for row in COVERAGE.read_text().splitlines():
        if row in files:
            yield row, json.loads((SCHEMAS / "resources" / f"{files[row]}.json").read_text())


def identifiers(files):
    return (" ".join([row, *paths(schema, "primaryIdentifier", "")]) for row, schema in schemas(files))


def replacement(files):
    for row, schema in schemas(files):
        always = paths(schema, "createOnlyProperties", "")
        perhaps = paths(schema, "conditionalCreateOnlyProperties", "?")
        yield " ".join([row, *sorted({*always, *perhaps}, key=lambda path: path.lstrip("?"))])


def type_names():
    """All types of all regions by module. `sam.json` is left out: a transform expands those before CloudFormation sees them."""
    regions = [file.stem for file in (SCHEMAS / "providers").glob("*.json") if file.stem != "sam"]
    modules = {}
    for name in sorted({name for region in regions for name in provider(region)}):
        module, kind = name.rsplit("::", 1)
        modules.setdefault(module, []).append(kind)
    return (" ".join([module, *kinds]) for module, kinds in modules.items())


def write(file, meaning, lines):
    date = json.loads((SCHEMAS / "version.json").read_text())["schema_date"][:10]
    source = f"From PyPI's cfn-lint {importlib.metadata.version('cfn-lint')} with AWS's resource provider schemas of {date}, by provider_schemas.py."
    file.write_text("\n".join([f"# {meaning}", f"# {source}", *lines]) + "\n")


def main(folder):
    write(
        folder / "replacement.txt",
        "Served types, each with its create-only properties: `?` marks conditionally create-only ones, `/` leads into a structure or a list.",
        replacement(provider(REGION)),
    )
    write(folder / "identifiers.txt", "Served types, each with the properties that identify a resource.", identifiers(provider(REGION)))
    write(folder / "type_names.txt", "Modules, each with the names of its resource types.", type_names())


main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
