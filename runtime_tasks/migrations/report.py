"""What is applied and what is pending, on several databases, as Markdown and as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from runtime_tasks.connections import Connection
from runtime_tasks.errors import StepError
from runtime_tasks.migrations.database import connect
from runtime_tasks.migrations.model import History
from runtime_tasks.migrations.session import owner_name, visit


@dataclass(frozen=True)
class Look:
    """One look at one database."""

    connection: Connection
    ok: bool
    server: str = ""
    error: str = ""
    milliseconds: float = 0
    history: History | None = None


def reach(connection: Connection, execution: str) -> Look:
    """Connect and ask for the version; an error is part of the answer."""
    started = perf_counter()
    try:
        with connect(connection.url, owner=owner_name(execution)) as database:
            server = database.server()
    except StepError as error:
        return Look(connection, False, error=str(error), milliseconds=_since(started))
    return Look(connection, True, server, milliseconds=_since(started))


def look(connection: Connection, execution: str) -> Look:
    """The same, and the migrations' history where the connection says where they are."""
    found = reach(connection, execution)
    source = connection.migrations
    if not found.ok or not (source.path or source.git_url):
        return found
    started = perf_counter()
    try:
        with visit(connection, execution=execution) as session:
            history = session.history()
    except StepError as error:
        return Look(connection, False, found.server, str(error), found.milliseconds)
    return Look(connection, True, found.server, "", found.milliseconds + _since(started), history)


def _since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 1)


Table = tuple[tuple[str, ...], Sequence[tuple[str, ...]]]


def _overview(looks: Sequence[Look]) -> Table:
    rows = []
    for item in looks:
        history = item.history
        problems = [p.message for p in history.problems] if history else []
        rows.append(
            (
                item.connection.name,
                item.connection.environment,
                item.server or "does not answer",
                history.tool if history else "",
                str(len(history.applied)) if history else "",
                str(len(history.pending)) if history else "",
                item.error or "; ".join(problems),
            )
        )
    head = ("Database", "Environment", "Server", "Tool", "Applied", "Pending", "Problems")
    return head, rows


def _pending(item: Look) -> Table:
    history = item.history
    rows = [(m.id, m.name, m.file or "", m.status) for m in history.pending] if history else []
    return ("Migration", "Name", "File", "Status"), rows


def markdown(title: str, looks: Sequence[Look]) -> str:
    parts = [f"# {_md(title)}", _markdown_table(_overview(looks))]
    for item in looks:
        if item.history and item.history.pending:
            parts += [f"## Pending on {_md(item.connection.name)}", _markdown_table(_pending(item))]
    return "\n\n".join(parts) + "\n"


def _markdown_table(table: Table) -> str:
    head, rows = table
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_md, line)) + " |" for line in lines)


def _md(text: str) -> str:
    """A cell's text: whatever Markdown or HTML would read in it is taken as it stands."""
    escaped = html.escape(text.replace("\n", " "), quote=False)
    return "".join(f"\\{c}" if c in "|*_`[]#" else c for c in escaped)


def html_page(title: str, looks: Sequence[Look]) -> str:
    """HTML that mail programs show: no script, no style sheet, tables with borders."""
    parts = [f"<h1>{html.escape(title)}</h1>", _html_table(_overview(looks))]
    for item in looks:
        if item.history and item.history.pending:
            name = html.escape(item.connection.name)
            parts += [f"<h2>Pending on {name}</h2>", _html_table(_pending(item))]
    return "\n".join(parts)


def _html_table(table: Table) -> str:
    head, rows = table
    lines = ["<tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>"]
    lines += [
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    ]
    return '<table border="1" cellpadding="4">' + "".join(lines) + "</table>"
