"""Every field of a form says what it is for, and what is said belongs to a field."""

from __future__ import annotations

import pytest

from compiler.schema import definition_schema
from runtime_tasks.steps import CATALOGUE, NodeType
from runtime_tasks.steps.field_docs import split

SELF_EXPLAINING = {"seconds", "method"}


def test_a_docstring_is_text_and_fields() -> None:
    text, fields = split(
        "Hold the run.\n\nNot for ever: see ``timeout``.\n\n"
        "``timeout``: how long ``approvers``\nhave.\n``mode``: pause or suspend\n"
    )
    assert text == "Hold the run.\n\nNot for ever: see ``timeout``."
    assert fields == {"timeout": "How long approvers have.", "mode": "Pause or suspend."}


@pytest.mark.parametrize("step", CATALOGUE.values(), ids=lambda step: "-".join(step.key))
def test_every_field_says_what_it_is_for(step: NodeType) -> None:
    shown = {
        key
        for key, schema in step.config_schema["properties"].items()
        if schema.get("x-widget") != "hidden"
    }
    assert step.field_docs.keys() == shown - SELF_EXPLAINING
    for key, text in step.field_docs.items():
        assert step.config_schema["properties"][key]["description"] == text
        assert text not in step.description


def test_the_schema_of_definitions_says_it_too() -> None:
    nodes = definition_schema()["$defs"]
    assert nodes["approval"]["properties"]["distinct"]["description"].startswith("Whoever has")
    assert nodes["condition"]["properties"]["condition"]["description"].startswith("What is")
