"""The OpenAPI document for people and for the editor's types.

``python -m server.api_docs docs/api.md editor/openapi.json``
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server.app import create_app
from server.openapi import DESCRIPTION
from server.orchestrator.fake import FakeOrchestrator
from server.settings import Settings

WHO = {
    "public": "everybody",
    "worker": "the worker",
    "signed-in": "whoever is signed in",
    "instance": "those who look after the installation",
}
LIVE = """## live

`GET /api/live?ticket=…` is a WebSocket. The ticket comes from `POST /api/auth/live-ticket`
and is good once, for half a minute. A topic is `execution:<id>` or `team:<id>`; its events are
numbered without a gap, so whoever comes back says the last number they saw.

| message | meaning |
|---|---|
| `{"type": "subscribe", "topic", "seq"?}` → | follow a topic, from `seq` on; without it from now |
| `{"type": "unsubscribe", "topic"}` → | |
| `{"type": "ping"}` → | answered with `pong` |
| ← `{"type": "subscribed", "topic", "seq"}` | |
| ← `{"type": "event", "topic", "seq", "kind", "at", "data"}` | kind: `execution`, `node`, `log`, `approval` |
| ← `{"type": "missed", "topic", "from", "to"}` | what lies between is no longer kept: load anew |
| ← `{"type": "error", "topic"?, "message"}` | |

It is closed with 4401 when the credential is no longer good, and refused to pages of other sites.
"""


def openapi_document() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.from_environment({"DATAROLL_HOME": home})
        return create_app(settings, FakeOrchestrator()).openapi()


def as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def markdown(document: dict[str, Any]) -> str:
    return "\n".join(_lines(document)).rstrip() + "\n"


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield "# The HTTP API\n"
    yield "Made from the OpenAPI document (`/api/openapi.json`) by `make api-docs`; do not edit.\n"
    yield DESCRIPTION
    by_tag: dict[str, list[tuple[str, str, dict[str, Any]]]] = defaultdict(list)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            by_tag[operation["tags"][0]].append((method.upper(), path, operation))
    for tag, operations in by_tag.items():
        yield f"## {tag}\n"
        for method, path, operation in operations:
            yield from _operation(method, path, operation)
    yield LIVE
    yield "## The bodies\n"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _schema(name, schema)


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"### `{method} {path}`\n"
    if operation.get("description"):
        yield operation["description"].strip() + "\n"
    policy = operation["x-policy"]
    yield f"- who: {WHO.get(policy, policy + ' and above')}"
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            continue
        kind = _type(parameter["schema"])
        note = parameter.get("description") or parameter["schema"].get("description", "")
        needed = ", required" if parameter.get("required") else ""
        yield f"- {parameter['in']} `{parameter['name']}`: {kind}{needed}{' – ' if note else ''}{note}"
    body = operation.get("requestBody")
    if body:
        (content,) = body["content"].values()
        yield f"- body: {_type(content['schema'])}"
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            contents = list(answer.get("content", {}).values())
            yield f"- {status}: {_type(contents[0]['schema']) if contents else 'nothing'}"
    errors = ", ".join(s for s in operation["responses"] if not s.startswith("2"))
    yield f"- errors: {errors}\n"


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if schema.get("description"):
        yield schema["description"].strip() + "\n"
    required = set(schema.get("required", ()))
    for key, field in schema.get("properties", {}).items():
        needed = "" if key not in required else ", required"
        note = field.get("description", "").replace("\n", " ")
        yield f"- `{key}`: {_type(field)}{needed}{' – ' if note else ''}{note}"
    yield ""


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " \\| ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "string" and schema.get("format") == "date-time":
        return "time"
    return {"null": "null", "object": "object", "integer": "whole number"}.get(
        str(kind), str(kind or "JSON")
    )


if __name__ == "__main__":
    document = openapi_document()
    for name in sys.argv[1:]:
        text = as_json(document) if name.endswith(".json") else markdown(document)
        Path(name).write_text(text, encoding="utf-8")
