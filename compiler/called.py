"""Which helpers a compiled expression calls, so that the file imports them and no others."""

from __future__ import annotations

import ast
from functools import lru_cache

from compiler.plain import plain_names
from compiler.syntax import parse_expression


@lru_cache(maxsize=4096)
def names_in(python: str) -> frozenset[str]:
    """The names of an expression that calls helpers; texts inside it do not count."""
    # What the names of all helpers begin with; most expressions call none.
    if "js" not in python and "secret" not in python:
        return frozenset()
    plain = plain_names(python)
    if plain is not None:
        return plain
    tree = parse_expression(python)
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
