"""Hundreds of definitions, hostile ones and odd ones, made systematically.

Each has a name, its text, its format and what is expected: ``taken``, ``refused``, or
``either`` where only the way of answering counts.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from compiler.fields import Field, fields_of
from runtime_tasks.steps import CATALOGUE, DISCRIMINATORS
from tests.compiler.hostile_texts import IDS, TEXTS

Expected = Literal["taken", "refused", "either"]


@dataclass(frozen=True)
class Case:
    name: str
    source: str | bytes
    format: Literal["yaml", "json"]
    expected: Expected = "either"


def definition(*nodes: dict[str, Any], **top: Any) -> dict[str, Any]:
    """A chain of nodes behind a trigger."""
    chain = [{"id": "start", "type": "trigger"}, *nodes]
    edges = [
        {"source": one["id"], "target": other["id"]}
        for one, other in pairwise(chain)
        if isinstance(one.get("id"), str) and isinstance(other.get("id"), str)
    ]
    return {"version": "1.0", "name": "Odd", "nodes": chain, "edges": edges} | top


def in_json(name: str, value: Any, expected: Expected = "either") -> Case:
    return Case(name, json.dumps(value), "json", expected)


VALID: dict[str, Any] = {
    "connectionId": "main",
    "approvers": ["role:admin"],
    "condition": "{{ 1 > 0 }}",
    "url": "https://example.org",
    "sql": "select 1",
    "webhook": "https://example.org/hook",
    "to": ["a@example.org"],
    "routingKey": "key",
    "cron": "0 2 * * *",
    "event": "migration.executed",
}
"""A value for each key that some step needs."""


def node(type_: str, variant: str) -> dict[str, Any]:
    """A sound node of this kind, with what it needs."""
    made: dict[str, Any] = {"id": "it", "type": type_}
    if type_ in DISCRIMINATORS:
        made[DISCRIMINATORS[type_]] = variant
    for key, field in fields_of(CATALOGUE[type_, variant]).items():
        if field.required or key in ("cron", "event"):
            made[key] = VALID[key]
    return made


def every_field() -> Iterator[tuple[str, dict[str, Any], str, Field]]:
    for type_, variant in CATALOGUE:
        for key, field in fields_of(CATALOGUE[type_, variant]).items():
            yield f"{type_} {variant}".strip(), node(type_, variant), key, field


def whole(made: dict[str, Any]) -> dict[str, Any]:
    if made["type"] in ("trigger", "error_handler"):
        return definition() | {"nodes": [made], "edges": []}
    return definition(made)


def texts_in_fields() -> Iterator[Case]:
    """Each key of each step with each text, alone and inside lists and mappings."""
    for at, (kind, made, key, field) in enumerate(every_field()):
        for number, text in enumerate(TEXTS):
            # A third of the pairs: every key meets every kind of text, every text most keys.
            if (at + number) % 3:
                continue
            values: list[Any] = [text]
            if not field.accepts.kinds or field.accepts.kinds & {"list", "mapping"}:
                values = [{text: [text, {"deep": text}]}] if number % 2 else [[text]]
            for value in values:
                yield in_json(f"{kind} {key} {number}", whole(made | {key: value}))


JSON_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 1e100, 10**40, -(2**63), 1e-320, 2**53 + 1),
    *([], {}, [[]], [None], {"": ""}, {"a": {"b": [1, {"c": None}]}}, "x", ["x"], [1], {"x": 1}),
)


def values_in_fields() -> Iterator[Case]:
    """Each key of each step, and of every node, with values of every type."""
    for at, (kind, made, key, _) in enumerate(every_field()):
        for number, value in enumerate(JSON_VALUES):
            if (at + number) % 2:
                yield in_json(f"{kind} {key} value {number}", whole(made | {key: value}))
    common = (
        *("id", "type", "label", "data", "description", "notes", "retryable", "maxRetries"),
        *("retryDelay", "retryBackoff", "timeout", "continueOnError", "disabled", "noRollback"),
        *("action", "position", "unknown", ""),
    )
    for key in common:
        for number, value in enumerate((*JSON_VALUES, *TEXTS)):
            made = node("action", "dry_run") | {key: value}
            yield in_json(f"node {key} {number}", definition() | {"nodes": [made], "edges": []})
            if number % 4 == 0 and key not in ("id", "type"):
                inner = {"id": "it", "type": "action", "data": {"action": "dry_run", key: value}}
                yield in_json(f"data {key} {number}", definition() | {"nodes": [inner]})


def values_at_the_top() -> Iterator[Case]:
    tops = (
        *("version", "name", "description", "trigger", "tags", "variables", "nodes", "edges"),
        *("settings", "layout", "unknown"),
    )
    for key in tops:
        for number, value in enumerate((*JSON_VALUES, *TEXTS)):
            yield in_json(f"top {key} {number}", definition(**{key: value}))
    for number, value in enumerate((*JSON_VALUES, *TEXTS)):
        yield in_json(f"the whole {number}", value, "refused")
        yield in_json(f"edge {number}", definition(edges=[value]))
        for key in ("source", "target", "label", "id"):
            edge = {"source": "start", "target": "it", key: value}
            yield in_json(
                f"edge {key} {number}", definition(node("action", "dry_run"), edges=[edge])
            )
        for key in ("timeout", "concurrencyKey", "onCollision", "checks"):
            yield in_json(f"settings {key} {number}", definition(settings={key: value}))
        for key in ("name", "type", "default", "description", "required", "pattern", "enum"):
            variable = {"name": "v", "type": "string", key: value}
            yield in_json(f"variable {key} {number}", definition(variables=[variable]))
        for type_ in ("number", "boolean", "object", "list", "connection", "secret"):
            if number % 3 == 0:
                variable = {"name": "v", "type": type_, "default": value, "enum": [value]}
                yield in_json(f"variable {type_} {number}", definition(variables=[variable]))


def names() -> Iterator[Case]:
    """Ids and variables with every name, spoken of in an expression; and pairs that collide."""
    for number, id_ in enumerate(IDS):
        made = {"id": id_, "type": "action", "action": "run_tests"}
        after = {
            "id": "last",
            "type": "condition",
            "condition": f"{{{{ {id_}.output.total > 0 }}}}",
        }
        yield in_json(f"id {number} {id_[:20]!r}", definition(made, after))
        mapped = definition(made, after)
        mapped["nodes"] = {
            entry["id"]: {key: value for key, value in entry.items() if key != "id"}
            for entry in mapped["nodes"]
        }
        yield in_json(f"id in a map {number} {id_[:20]!r}", mapped)
        says = {"id": "say", "type": "action", "action": "run_sql", "connectionId": "c"}
        text = f"{{{{ {id_} }}}} {{{{ variables.{id_} }}}}"
        variable = {"name": id_, "type": "string", "default": "x"}
        yield in_json(
            f"variable {number} {id_[:20]!r}",
            definition(says | {"sql": text}, variables=[variable]),
        )
    pairs = (
        *(("a-b", "a_b"), ("a", "a"), ("run", "run_"), ("class", "class_"), ("None", "None_")),
        *(("x-y-z", "x_y-z"), ("len", "len_"), ("A", "a"), ("ﬁ", "fi"), ("ａ", "a"), ("K", "K")),
    )
    for one, other in pairs:
        nodes = [{"id": one, "type": "delay"}, {"id": other, "type": "delay"}]
        expected: Expected = "taken" if (one, other) == ("A", "a") else "refused"
        yield in_json(f"{one} beside {other}", definition(*nodes), expected)
        variables = [{"name": other, "type": "string", "default": ""}]
        yield in_json(f"{one} and variable {other}", definition(nodes[0], variables=variables))


def workflow_names() -> Iterator[Case]:
    odd = (
        *("../../etc/passwd", "..", ".", "/", "\\", "a/../b", "~root", "-rf", "--help", "$(id)"),
        *("con", "NUL", "aux.txt", "lpt1", "COM9", "com¹", "prn.", "Ｎul", "__init__", "setup"),
        *(
            "😀",
            "😀😀",
            "数据迁移",
            "مرحبا",
            "\u202eabc",
            "1",
            "1st",
            "_",
            "__",
            "a" * 200,
            "漢" * 200,
        ),
        *("İstanbul", "straße", "ﬁrst", "class", "None", "run", "prefect", "flow", "task", "os"),
        *("a\tb", "a\nb", "a\x00b", "%s %d", "a&b<c>", "{{ x }}", "'", '"', "\\", "#", "start"),
    )
    for number, name in enumerate(odd):
        yield in_json(f"name {number} {name[:20]!r}", definition(name=name), "taken")
    for number, name in enumerate(("", " ", "\u3000", "\t", "x" * 201, "x" * 10_000, "漢" * 5000)):
        yield in_json(f"no name {number}", definition(name=name), "refused")


def raw_yaml() -> Iterator[Case]:
    """Texts that only YAML can make difficult."""
    head = 'version: "1.0"\nname: Odd\n'
    nodes = "nodes:\n  start: {type: trigger}\n"
    good = head + nodes
    taken: dict[str, str | bytes] = {
        "plain": good,
        "windows line ends": good.replace("\n", "\r\n"),
        "old mac line ends": good.replace("\n", "\r"),
        "byte order mark": codecs.BOM_UTF8 + good.encode(),
        "byte order mark in text": "\ufeff" + good,
        "document start": "---\n" + good,
        "document end": "---\n" + good + "...\n",
        "yaml directive": "%YAML 1.2\n---\n" + good,
        "comments": "# a\n" + good + "# b {{ x }} \u202e\n",
        "flow style": '{version: "1.0", name: Odd, nodes: {start: {type: trigger}}}',
        "json in yaml": json.dumps(definition()),
        "json in yaml with tabs": json.dumps(definition(), indent="\t"),
        "quoted keys": good.replace("nodes:", '"nodes":').replace("type", "'type'"),
        "unquoted version": good.replace('"1.0"', "1.0"),
        "no end of line": good.rstrip(),
        "blank lines": good.replace("\n", "\n\n\n"),
        "anchors": head
        + "nodes:\n  start: {type: trigger, label: &l hi}\n  other: {type: delay, label: *l}\n"
        "edges: [{source: start, target: other}]\n",
        "merge": head + "nodes:\n  start: &b {type: trigger}\n  other: {<<: *b, label: x}\n",
        "merge of several": head
        + "nodes:\n  start: &b {type: trigger}\n  o: &c {label: y, type: trigger}\n  p: {<<: [*b, *c]}\n",
        "core tags": good.replace("Odd", "!!str Odd"),
        "non specific tag": good.replace("Odd", "! Odd"),
        "words of old yaml": head
        + "nodes:\n  yes: {type: trigger, label: Yes}\n  on: {type: delay, label: 12:30}\n"
        "edges: [{source: yes, target: on}]\n",
        "block text": head + "description: |\n  a\n   b\n\n  c\n" + nodes,
        "folded text": head + "description: >-\n  a\n  b\n" + nodes,
        "complex key mark": good.replace("nodes:", "? nodes\n:"),
        "empty optional parts": good + "edges:\nvariables:\nsettings:\nlayout: {}\ntags: []\n",
        "right to left": good.replace("Odd", "مرحبا"),
        "tab behind a value": good.replace("Odd", "Odd\t"),
        "escapes": good.replace("Odd", '"\\x41\\u00e9\\U0001F600\\t"'),
    }
    for name, text in taken.items():
        yield Case(f"yaml {name}", text, "yaml", "taken")
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    merges = ["a0: &a0 {k: 1}"]
    merges += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 30)]
    refused: dict[str, str | bytes] = {
        "python tag": good.replace("Odd", '!!python/object/apply:os.system ["id"]'),
        "python name": good.replace("Odd", "!!python/name:os.system ''"),
        "local tag": good.replace("Odd", "!x Odd"),
        "long tag": good.replace("Odd", "!<tag:example.org,2000:x> Odd"),
        "tag directive": "%TAG ! tag:example.org,2000:\n---\n" + good.replace("Odd", "!x Odd"),
        "binary": good.replace("Odd", "!!binary aGk="),
        "timestamp": good.replace("Odd", "!!timestamp 2024-01-01"),
        "set": good.replace("{type: trigger}", "!!set {type}"),
        "tag on a node": good.replace("{type", "!!python/dict {type"),
        "tag on a key": good.replace("name:", "!!python/name:os.system name:"),
        "alias bomb": "\n".join(bomb),
        "merge bomb": "\n".join(merges),
        "alias in itself": "nodes: &a\n  x: *a\n",
        "alias to nothing": good.replace("Odd", "*nothing"),
        "merge of text": good.replace("{type", "{<<: x, type"),
        "two documents": good + "---\n" + good,
        "tabs as indent": good.replace("  start", "\tstart"),
        "control character": good.replace("Odd", "O\x07d"),
        "zero": good.replace("Odd", "O\x00d"),
        "bare surrogate": good.replace("Odd", "O\ud800d"),
        "surrogate escape": good.replace("Odd", '"\\ud800"'),
        "too large escape": good.replace("Odd", '"\\U7fffffff"'),
        "control in bytes": good.encode().replace(b"Odd", b"O\x01d"),
        "latin 1": good.replace("Odd", "é").encode("latin-1"),
        "utf 16": good.encode("utf-16"),
        "utf 16 without mark": good.encode("utf-16-le"),
        "utf 32": good.encode("utf-32"),
        "overlong": b"\xc0\xaf" + good.encode(),
        "half a character": good.encode() + b"# \xf0\x9f\x98",
        "not a number": good.replace("trigger}", "trigger, timeout: .nan}"),
        "infinity": good.replace("trigger}", "trigger, timeout: -.inf}"),
        "huge number": good.replace("trigger}", f"trigger, timeout: {'9' * 5000}}}"),
        "huge exponent": good.replace("trigger}", "trigger, timeout: 1e999999}"),
        "huge hexadecimal": good.replace("trigger}", f"trigger, timeout: 0x{'f' * 5000}}}"),
        "list as key": good + "? [a, b]\n: c\n",
        "map as key": good + "? {a: b}\n: c\n",
        "alias as key": head + "x: &k y\n*k : z\n" + nodes,
        "equal keys": good + "name: again\n",
        "equal nodes": good + "  start: {type: trigger}\n",
        "unclosed quote": good.replace("Odd", '"Odd'),
        "unclosed bracket": good.replace("{type: trigger}", "{type: trigger"),
        "wrong indent": good + "   x: 1\n y: 2\n",
        "only a comment": "# nothing",
        "only a mark": "\ufeff",
        "empty": "",
        "blank": " \n \n",
        "null": "null",
        "only dashes": "---\n---\n",
        "deep lists": "[" * 5000,
        "deep lists closed": "[" * 5000 + "]" * 5000,
        "deep maps": "{a: " * 5000,
        "deep blocks": "\n".join(" " * n + "a:" for n in range(900)),
        "deep question marks": "? " * 5000,
        "deep dashes": "- " * 5000,
        "anchors without end": "&a " * 5000,
        "long line": "a" * 999_999,
        "too long": "a" * 1_000_001,
        "many anchors": "\n".join(f"a{n}: &a{n} x" for n in range(20_000)),
        "long key": "a" * 2000 + ": 1",
        "many problems": head + "nodes:\n" + "\n".join(f"  n{n}: 1" for n in range(5000)),
    }
    for name, text in refused.items():
        yield Case(f"yaml {name}", text, "yaml", "refused")
    for number, text in enumerate(TEXTS):
        for style, written in (
            ("plain", text),
            ("single", "'" + text.replace("'", "''") + "'"),
            ("double", json.dumps(text)),
            ("raw double", f'"{text}"'),
            ("block", "|\n  " + text.replace("\n", "\n  ")),
        ):
            yield Case(f"yaml {style} {number}", good.replace("Odd", written), "yaml")
        yield Case(f"yaml comment {number}", f"{good}# {text}", "yaml")
        yield Case(f"yaml alone {number}", text, "yaml", "refused")


def raw_json() -> Iterator[Case]:
    """Texts that only JSON can make difficult."""
    good = json.dumps(definition())
    yield Case("json byte order mark", codecs.BOM_UTF8 + good.encode(), "json", "taken")
    yield Case("json blanks", f" \t\r\n{good}\n\n", "json", "taken")
    yield Case("json escapes", good.replace("Odd", r"\u004f\ud83d\ude00\/\b"), "json", "taken")
    yield Case("json bare characters", good.replace("Odd", "漢😀\u2028"), "json", "taken")
    yield Case("json delete", good.replace("Odd", "O\x7fd"), "json", "taken")
    refused = {
        "comment": "// x\n" + good,
        "trailing comma": good[:-1] + ",}",
        "single quotes": good.replace('"', "'"),
        "two values": good + good,
        "equal keys": good[:-1] + ', "name": "again"}',
        "equal keys by escape": good[:-1] + r', "n\u0061me": "again"}',
        "not a number": good[:-1] + ', "settings": {"timeout": NaN}}',
        "infinity": good[:-1] + ', "settings": {"timeout": -Infinity}}',
        "plus": good[:-1] + ', "settings": {"timeout": +1}}',
        "leading zero": good[:-1] + ', "settings": {"timeout": 01}}',
        "no digit": good[:-1] + ', "settings": {"timeout": 1.}}',
        "hexadecimal": good[:-1] + ', "settings": {"timeout": 0x10}}',
        "huge": good[:-1] + f', "settings": {{"timeout": {"9" * 5000}}}}}',
        "huge exponent": good[:-1] + ', "settings": {"timeout": 1e99999}}',
        "surrogate": good.replace("Odd", r"\ud800"),
        "surrogates the wrong way": good.replace("Odd", r"\ude00\ud83d"),
        "bad escape": good.replace("Odd", r"\x41"),
        "short escape": good.replace("Odd", r"\u12"),
        "bare control": good.replace("Odd", "a\x01b"),
        "bare line end": good.replace("Odd", "a\nb"),
        "words": "nul",
        "python words": "None",
        "only a mark": "\ufeff",
        "unfinished": good[:-5],
        "brackets": "[" * 100_000,
        "braces": '{"a":' * 100_000,
        "quotes": '"' * 100_001,
        "backslashes": '"' + "\\" * 100_001,
        "minus": "-" * 10_000,
        "nothing": "",
    }
    for name, text in refused.items():
        yield Case(f"json {name}", text, "json", "refused")
    for number in range(len(good)):
        yield Case(f"json cut at {number}", good[:number], "json", "refused")
        if number % 3 == 0:
            yield Case(f"json without {number}", good[:number] + good[number + 1 :], "json")


def sizes() -> Iterator[Case]:
    def chain(count: int) -> dict[str, Any]:
        return definition(*({"id": f"n{number}", "type": "delay"} for number in range(count)))

    yield in_json("300 nodes", chain(300), "taken")
    star = definition(*({"id": f"n{number}", "type": "delay"} for number in range(800)))
    star["edges"] = [{"source": "start", "target": f"n{number}"} for number in range(800)]
    yield in_json("800 nodes side by side", star, "taken")
    names_only = [{"id": f"n{number}", "type": "delay"} for number in range(10_001)]
    yield in_json("10,001 nodes", definition() | {"nodes": names_only, "edges": []}, "refused")
    loop = chain(300)
    loop["edges"].append({"source": "n299", "target": "n0"})
    yield in_json("a loop of 300", loop, "refused")
    every = definition(*({"id": f"n{number}", "type": "delay"} for number in range(60)))
    every["edges"] = [
        {"source": f"n{one}", "target": f"n{other}"} for one in range(60) for other in range(60)
    ]
    yield in_json("every node with every other", every, "refused")
    deep: Any = "x"
    for _ in range(90):
        deep = [deep]
    yield in_json(
        "nested 90 deep", definition(node("action", "http_request") | {"body": deep}), "taken"
    )
    body = [{"k": number} for number in range(20_000)]
    yield in_json(
        "a large body", definition(node("action", "http_request") | {"body": body}), "taken"
    )
    many = [{"name": f"v{number}", "type": "string", "default": ""} for number in range(2000)]
    yield in_json("2,000 variables", definition(variables=many))
    required = [{"name": f"v{number}", "type": "string"} for number in range(300)]
    yield in_json("300 required variables", definition(variables=required), "taken")
    long = definition(node("action", "http_request") | {"body": "x" * 900_000})
    yield in_json("a long text", long, "taken")
    slow = {"name": "v", "type": "string", "default": "a" * 5000 + "!", "pattern": "(a+)+$"}
    yield in_json("a pattern that never ends", definition(variables=[slow]), "refused")
    wide = {
        "name": "v",
        "type": "string",
        "default": "a",
        "pattern": "(((a{1,99}){1,99}){1,99}){1,99}",
    }
    yield in_json("a pattern without bound", definition(variables=[wide]))


def corpus() -> list[Case]:
    return [
        *texts_in_fields(),
        *values_in_fields(),
        *values_at_the_top(),
        *names(),
        *workflow_names(),
        *raw_yaml(),
        *raw_json(),
        *sizes(),
    ]
