"""What is written reads back as itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.digest import digest_of
from compiler.dump import dump
from compiler.errors import Problem
from compiler.read_json import read_json
from compiler.read_yaml import read_yaml
from compiler.workflow import check_workflow

WORKFLOWS = sorted((Path(__file__).parents[2] / "templates/workflows").glob("*.yaml"))

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "Yes",
        "no",
        "null",
        "~",
        "1",
        "0o7",
        "1e5",
        "on",
        "<<",
        "- a",
        "a: b",
        "# c",
        " x ",
        "'",
        "%",
        "@",
        "*a",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def definitions(draw: Any) -> dict[str, Any]:
    """Sound definitions in the list shape, with anything where anything may stand."""
    count = draw(st.integers(1, 5))
    nodes: list[dict[str, Any]] = []
    for number in range(count):
        body = draw(VALUES.filter(lambda value: "{{" not in str(value)))
        node: dict[str, Any] = {
            "id": f"n{number}",
            "type": "action",
            "label": draw(TEXTS),
            "data": {
                "action": "http_request",
                "url": "https://example.org",
                "body": body,
                "notes": draw(TEXTS),
                "disabled": draw(st.booleans()),
                "description": draw(TEXTS),
            },
        }
        if draw(st.booleans()):
            node["data"] |= {"maxRetries": draw(st.integers(0, 5)), "retryBackoff": "linear"}
        nodes.append(node)
    edges = [
        {"source": f"n{a}", "target": f"n{b}", "label": draw(st.sampled_from(["", "Failed"]))}
        for b in range(count)
        for a in range(b)
        if draw(st.booleans())
    ]
    return {
        "version": "1.0",
        "name": "x" + draw(TEXTS),
        "description": draw(TEXTS),
        "tags": draw(st.lists(TEXTS, max_size=2)),
        "variables": [
            {"name": "v", "type": "string", "default": draw(TEXTS.filter(lambda t: "{{" not in t))}
        ],
        "nodes": nodes,
        "edges": edges,
        "layout": draw(st.dictionaries(TEXTS, VALUES, max_size=2)),
    }


@given(definitions())
@settings(max_examples=150, deadline=None)
def test_every_shape_and_syntax_reads_back_as_the_same(content: dict[str, Any]) -> None:
    import json

    first = check_workflow(json.dumps(content), "json")
    assert first.errors == ()
    definition = first.definition
    assert definition
    for format_ in ("yaml", "json"):
        for shape in ("map", "list"):
            text = dump(definition, format_, shape=shape)  # type: ignore[arg-type]
            again = check_workflow(text, format_)  # type: ignore[arg-type]
            assert again.errors == ()
            assert again.definition == definition
            assert digest_of(again.definition) == digest_of(definition)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_template_reads_back_as_the_same(path: Path) -> None:
    definition = check_workflow(path.read_bytes(), "yaml").definition
    assert definition
    for format_ in ("yaml", "json"):
        text = dump(definition, format_)  # type: ignore[arg-type]
        assert check_workflow(text, format_).definition == definition  # type: ignore[arg-type]


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_json_is_read_as_the_standard_library_reads_it(value: Any) -> None:
    import json

    problems: list[Problem] = []
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        tree = read_json(text, problems)
        assert problems == []
        assert tree
        assert json.dumps(tree.plain()) == json.dumps(json.loads(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Yes", "Yes"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("12:30", "12:30"),
        ("0777", 777),
        ("0o777", 511),
        ("0xff", 255),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("~", None),
        ("''", ""),
        ("!!str 5", "5"),
        ("!!float 5", 5.0),
        ("=", "="),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: Any) -> None:
    problems: list[Problem] = []
    tree = read_yaml(text, problems)
    assert problems == []
    assert tree
    assert (type(tree.value), tree.value) == (type(value), value)
