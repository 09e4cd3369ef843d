"""Whatever the expression language can say passes the gate and is left alone by black."""

from __future__ import annotations

import json
from typing import Any

import black
import pytest
from black.mode import TargetVersion

from compiler import compile_workflow
from compiler.names import IMPLICIT, VARIABLE, WORDS_OF_EXPRESSIONS
from tests.expressions.test_cases import MEANT, named

MODE = black.Mode(target_versions={TargetVersion.PY311})


def fits(case: dict[str, Any]) -> bool:
    taken = {*IMPLICIT, *WORDS_OF_EXPRESSIONS, "say"}
    return all(VARIABLE.match(name) and name not in taken for name in case["given"])


@pytest.mark.parametrize("case", [case for case in MEANT if fits(case)], ids=named)
def test_an_expression_passes_the_gate(case: dict[str, Any]) -> None:
    hole = f"{{{{ {case['expression']} }}}}"
    definition = {
        "version": "1.0",
        "name": "Language",
        "variables": [{"name": name, "type": "object"} for name in case["given"]],
        "nodes": [
            {
                "id": "say",
                "type": "action",
                "data": {
                    "action": "http_request",
                    "url": "u",
                    "body": {"one": hole, "text": f"before {hole} after"},
                },
            }
        ],
    }
    flow = compile_workflow(json.dumps(definition), "json")
    assert black.format_str(flow.source, mode=MODE) == flow.source
