"""Who may call which route, as a table: made from the routes' policies, and what the tests expect.

``python -m server.access_docs docs/access.md``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server.actors import RANK
from server.api_docs import openapi_document
from server.models import ROLES

CALLERS = {
    "nobody": "nobody",
    "worker": "worker",
    "stranger": "other team",
    **{role: role for role in ROLES},
    "keeper": "instance",
}
"""Whom the table has a column for. ``stranger`` owns another team, ``keeper`` looks after the
installation and belongs to no team."""
HEAD = """# Who may call what

Made from the routes by `make api-docs`; do not edit. A test calls every route as every one of
these, with things that exist, and compares.

- *other team*: the owner of another team. What is not theirs is not there: 404.
- *instance*: somebody who looks after the installation and belongs to no team.
- *worker*: the process of a flow run, by a token that opens its own execution while it is under way, and nothing else.
- A vote also takes being among the approvers of the request; making somebody admin or owner also takes
  that role. API tokens may be narrowed further, to a team and to scopes.

"""


def expected(policy: str, caller: str) -> int:
    """The status that keeps this caller out; 200 for whoever is let in."""
    if policy == "public":
        return 200
    if policy == "worker":
        return 200 if caller == "worker" else 401
    if caller in ("nobody", "worker"):
        return 401
    if policy == "signed-in":
        return 200
    if policy == "instance":
        return 200 if caller == "keeper" else 403
    if caller not in RANK:
        return 404
    return 200 if RANK[caller] >= RANK[policy] else 403


def markdown(document: dict[str, Any]) -> str:
    return HEAD + "\n".join(_lines(document)) + "\n"


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"| route | {' | '.join(CALLERS.values())} |"
    yield "|---|" + ":-:|" * len(CALLERS)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            statuses = [expected(operation["x-policy"], caller) for caller in CALLERS]
            cells = ["✓" if status == 200 else str(status) for status in statuses]
            yield f"| `{method.upper()} {path}` | {' | '.join(cells)} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(markdown(openapi_document()), encoding="utf-8")
