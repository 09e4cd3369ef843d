"""SQL put together from values is how databases are lost; values travel as parameters."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.checks.subject import TESTS, Subject, warning
from compiler.errors import Problem
from compiler.tree import Tree

SQL = ("action", "run_sql")


def hole_in_sql(subject: Subject) -> Iterator[Problem]:
    for node in subject.of_kind(SQL, TESTS):
        for key in ("sql", "tests"):
            tree = node.config.get(key)
            if tree is not None and _among_sql(tree):
                yield warning(
                    "hole-in-sql",
                    f"the SQL of '{node.id}' is put together from values, which may hold SQL",
                    node,
                    hint="write :name in the SQL and give the value under parameters"
                    if key == "sql"
                    else "compare with what the test expects instead",
                    field=key,
                    path=(node.id,),
                )


def _among_sql(tree: Tree, is_sql: bool = True) -> bool:
    """Whether a text that is run as SQL has a hole in it."""
    if isinstance(tree.value, str):
        return is_sql and "{{" in tree.value
    return any(map(_among_sql, tree.items)) or any(
        _among_sql(value, key == "sql") for key, value in tree.entries.items()
    )
