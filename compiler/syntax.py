"""Python's own parser, for one thread at a time.

CPython counts the depth of the tree it builds once for all threads. When collecting garbage
in the middle lets another thread build one too, both counts are wrong, and a sound piece of
code raises ``SystemError: AST constructor recursion depth mismatch`` (seen on 3.11.7, in a
server that checked two large definitions at once).
"""

from __future__ import annotations

import ast
from threading import RLock

# A finalizer that runs in between may parse in the same thread.
_one = RLock()


def parse(text: str) -> ast.Module:
    with _one:
        return ast.parse(text)


def parse_expression(text: str) -> ast.expr:
    with _one:
        return ast.parse(text, mode="eval").body
