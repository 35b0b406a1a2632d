"""Checks OCSF events, one a line on standard input, against the schema that their project published.

Prints the classes that were seen. Exit code 1 when an event is not valid.
"""

import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

VERSION = "1.8.0"


def main() -> int:
    schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))
    validators, seen, wrong = {}, set(), 0
    for number, line in enumerate(sys.stdin, 1):
        event = json.loads(line)
        if event["metadata"]["version"] != VERSION:
            sys.exit(f"event {number} says that it has another version")
        name = schemas.lookup_class_name_from_uid(class_uid=event["class_uid"])
        profiles = tuple(sorted(event["metadata"]["profiles"]))
        if (name, profiles) not in validators:
            schema = schemas.get_class_schema(class_name=name, profiles=list(profiles))
            validators[name, profiles] = jsonschema.Draft202012Validator(schema)
        for error in validators[name, profiles].iter_errors(event):
            wrong += 1
            print(f"event {number} ({name}): {error.json_path}: {error.message}", file=sys.stderr)
        seen.add(name)
    print(" ".join(sorted(seen)))
    return 1 if wrong else 0


sys.exit(main())
