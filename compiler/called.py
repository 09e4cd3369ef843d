"""Which helpers a compiled expression calls, so that the file imports them and no others."""

from __future__ import annotations

import ast
from functools import lru_cache

from compiler.syntax import parse_expression

HELPERS = ("js", "secret")
"""What the names of all helpers begin with; most expressions call none and need no parsing."""


@lru_cache(maxsize=4096)
def names_in(python: str) -> frozenset[str]:
    """The helpers that an expression calls; texts inside it do not count."""
    if not any(helper in python for helper in HELPERS):
        return frozenset()
    tree = parse_expression(python)
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
