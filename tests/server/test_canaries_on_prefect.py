"""Fifty canaries on a whole installation: a real Prefect, worker and server, with steps that fail
and repeat what they were given. Looked for in everything that is written, kept or sent."""

from __future__ import annotations

import base64
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from cli.demo import running, show_logs
from cli.inbox import Inbox
from tests.orchestrator.installed import Installed

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

SECRETS = [f"secret{number}" for number in range(20)]
HOST = "127.0.0.2"


def canary(number: int) -> str:
    """Every second one with characters that each encoding writes differently."""
    odd = '+ü?&"/' if number % 2 else ""
    return f"canary{secrets.token_hex(8)}{odd}{secrets.token_hex(8)}"


def forms(text: str) -> dict[str, bytes]:
    raw = text.encode()
    shifts = {f"base64+{n}": base64.b64encode(b"x" * n + raw)[4:-4] for n in range(3)}
    return {
        "plain": raw,
        # Whatever is done to the rest of it, nothing encodes letters and digits.
        "its beginning": raw[:22],
        "its end": raw[-16:],
        "URL": quote(text, safe="").encode(),
        "form": quote_plus(text).encode(),
        "JSON": json.dumps(text)[1:-1].encode(),
        "URL-safe base64": base64.urlsafe_b64encode(raw).rstrip(b"=")[:-4],
        **shifts,
    }


@contextmanager
def parrot() -> Iterator[str]:
    """A server that says back all it is told, in every dress. ``/500/…`` answers with 500."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            told = f"{self.path}\n{self.headers}\n{self.rfile.read(length).decode()}"
            said = json.dumps(
                {
                    "told": told,
                    "url": quote(told),
                    "base64": [
                        base64.b64encode(b"x" * n + told.encode()).decode() for n in range(3)
                    ],
                }
            ).encode()
            self.send_response(int(self.path.split("/")[1]))
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Told", quote(self.headers.get("X-Canary", "")))
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
            return

    server = ThreadingHTTPServer((HOST, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def definition(parrot_url: str, connections: list[str]) -> str:
    """Each secret in an URL, in a header or as a webhook; each connection visited."""
    closed = f"http://{HOST}:9"
    uses = [
        'action: http_request, url: "{parrot}/200/{{{{ {name} }}}}"',
        'action: http_request, url: "{parrot}/500/{{{{ {name} }}}}"',
        'action: http_request, url: "{closed}/{{{{ {name} }}}}"',
        'action: http_request, method: POST, url: "{parrot}/200/x", '
        'headers: {{X-Canary: "{{{{ {name} }}}}", Authorization: "Bearer {{{{ {name} }}}}"}}',
        'action: http_request, method: POST, url: "{parrot}/500/x", '
        'headers: {{X-Canary: "{{{{ {name} }}}}", Authorization: "Basic {{{{ {name} }}}}"}}',
    ]
    lines = ['version: "1.0"', "name: Canaries", "trigger: manual", "variables:"]
    lines += [f"  {name}: {{type: secret}}" for name in SECRETS]
    lines += ["nodes:", "  start: {type: trigger, label: Start}"]
    edges = []
    for number, name in enumerate(SECRETS):
        if number >= 15:
            kind = ("slack", "webhook")[number % 2]
            where = ("/200/", "/500/")[number % 3 % 2]
            key = {"slack": "webhook", "webhook": "url"}[kind]
            use = (
                f'provider: {kind}, message: "Done.", {key}: "{parrot_url}{where}{{{{ {name} }}}}"'
            )
            lines.append(
                f"  n{number}: {{type: notification, label: Tell {number}, {use}, continueOnError: true}}"
            )
        else:
            use = uses[number % len(uses)].format(parrot=parrot_url, closed=closed, name=name)
            lines.append(
                f"  n{number}: {{type: action, label: Call {number}, {use}, continueOnError: true}}"
            )
        edges.append(f"  - {{source: start, target: n{number}}}")
    for number, connection in enumerate(connections[:4]):
        lines.append(
            f'  c{number}: {{type: action, label: Visit {number}, action: run_sql, connectionId: "{connection}",'
            ' sql: "SELECT 1", continueOnError: true, retryable: true, maxRetries: 1, retryDelay: 1}'
        )
        edges.append(f"  - {{source: start, target: c{number}}}")
    lines.append(
        "  all: {type: action, label: Check all, action: check_connections, continueOnError: true}"
    )
    lines.append(
        "  last: {type: action, label: Break, action: discover_migrations, "
        f'connectionId: "{connections[5]}"'
        "}"
    )
    edges += ["  - {source: start, target: all}", "  - {source: all, target: last}"]
    return "\n".join([*lines, "edges:", *edges, ""])


def plant(installed: Installed, parrot_url: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Canaries by where they were planted; and the workflow."""
    api, planted = installed.api, {}
    connections = []
    for number in range(20):
        planted[f"connection{number}"] = value = canary(number)
        kind, port = (("postgresql", 9), ("mysql", 9))[number % 3 % 2]
        url = f"{kind}://user:{quote(value, safe='')}@{HOST}:{port}/db"
        connections.append(api.post("/api/connections", {"name": f"c{number}", "url": url})["id"])
    workflow = api.post(
        "/api/workflows",
        {"name": "Canaries", "definition": {"content": definition(parrot_url, connections)}},
    )
    for number, name in enumerate(SECRETS):
        planted[name] = value = canary(number)
        own = {"workflowId": workflow["id"]} if number % 4 < 2 else {}
        api.post("/api/variables", {"name": name, "type": "secret", "value": value, **own})
    for number in range(10):
        planted[f"password{number}"] = value = canary(number)
        address = f"u{number}@example.invalid"
        made = api.post("/api/users", {"email": address, "name": "U", "password": value})
        assert made["email"] == address
    assert len(planted) == 50
    api.post(f"/api/workflows/{workflow['id']}/publish", {})
    return planted, {"workflow": workflow["id"], "connections": connections}


@contextmanager
def listening(installed: Installed, execution_id: str) -> Iterator[list[str]]:
    """What a browser that follows the team and the run is sent."""
    heard: list[str] = []
    ticket = installed.api.post("/api/auth/live-ticket")["token"]
    team = installed.api.get("/api/teams")["items"][0]["id"]
    address = installed.installation.settings.public_url.replace("http", "ws", 1)
    with connect(f"{address}/api/live?ticket={ticket}", max_size=None) as socket:
        for topic in (f"execution:{execution_id}", f"team:{team}"):
            socket.send(json.dumps({"type": "subscribe", "topic": topic, "seq": 0}))

        def listen() -> None:
            with suppress(ConnectionClosed):
                for message in socket:
                    heard.append(str(message))

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield heard
        finally:
            socket.close()
            thread.join(30)


def everything_prefect_says(installed: Installed, run_id: str) -> list[bytes]:
    """All that its API tells about the run."""
    said = [installed.prefect.get(f"flow_runs/{run_id}").content]
    of_run = {"flow_runs": {"id": {"any_": [run_id]}}}
    for path, body in {
        "flow_runs/filter": of_run,
        "task_runs/filter": of_run,
        "logs/filter": {"logs": {"flow_run_id": {"any_": [run_id]}}},
        "artifacts/filter": {"artifacts": {"flow_run_id": {"any_": [run_id]}}},
        "events/filter": {"limit": 50},
        "deployments/filter": {},
        "variables/filter": {},
        "block_documents/filter": {"include_secrets": True},
        f"flow_runs/{run_id}/input/filter": {"prefix": "", "limit": 200},
    }.items():
        answer = installed.prefect.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.text}"
        said.append(answer.content)
        page = answer.json() if isinstance(answer.json(), dict) else {}
        while page.get("next_page"):
            page = installed.prefect.get(page["next_page"]).json()
            said.append(json.dumps(page).encode())
    for kind in ("flow_run", "task_run"):
        for run in installed.prefect.post(f"{kind}s/filter", json=of_run).json():
            found = installed.prefect.get(f"{kind}_states/", params={f"{kind}_id": run["id"]})
            said.append(found.content)
    return said


def everything_dataroll_says(installed: Installed, **ids: str) -> list[bytes]:
    """Every GET there is, and what is refused with a canary in it is asked by the caller."""
    said = []
    document = installed.api.get("/api/openapi.json")
    ids |= {"team_id": installed.api.get("/api/teams")["items"][0]["id"], "version": "1"}
    ids |= {"template_id": "simple_migration", "approval_id": "x", "variable_id": "x"}
    for path, item in document["paths"].items():
        if "get" not in item or item["get"]["x-policy"] == "worker":
            continue
        url = path.format(**{"trigger_id": "x", **ids})
        query = {"to": 1} if "compare" in url else {"limit": 1000} if "logs" in url else {}
        said.append(installed.api.http.get(url, params=query).content)
    return said


def every_row(path: Path) -> bytes:
    """The texts of a SQLite database, and its bytes: what was deleted may still stand there."""
    with closing(sqlite3.connect(path)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        rows = [database.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names]
    files = path.parent.glob(f"{path.name}*")
    return repr(rows).encode() + b"".join(file.read_bytes() for file in files)


def test_no_canary_leaves_its_cage(tmp_path: Path) -> None:
    with Inbox() as inbox, parrot() as url, running(tmp_path, inbox) as installation:
        installed = Installed(installation)
        planted, made = plant(installed, url)
        execution_id = installed.start(made["workflow"])
        with listening(installed, execution_id) as heard:
            run = installed.wait(execution_id, seconds=300)
            time.sleep(12)  # the mirror reads on for ten seconds after the end
        run_id = run["prefectFlowRunId"]
        sinks: dict[str, bytes] = {"WebSocket": "\n".join(heard).encode()}
        tested = [
            installed.api.http.post(f"/api/connections/{connection}/test").content
            for connection in made["connections"][:2]
        ]
        refused = [
            installed.api.http.post(
                "/api/auth/login", json={"email": "u1@example.invalid", "password": planted[name]}
            ).content
            for name in ("secret1", "password2")
        ]
        sinks["Prefect's API"] = b"\n".join(everything_prefect_says(installed, run_id))
        sinks["dataroll's API"] = b"\n".join(
            tested
            + refused
            + everything_dataroll_says(
                installed,
                workflow_id=made["workflow"],
                execution_id=execution_id,
                connection_id=made["connections"][0],
            )
        )
        home = installation.home
        sinks["Prefect's database"] = every_row(home / "prefect" / "prefect.db")
        sinks["dataroll's database"] = every_row(home / "dataroll.db")
        for folder in ("logs", "flows"):
            files = [path for path in (home / folder).rglob("*") if path.is_file()]
            sinks[folder] = b"\n".join(path.read_bytes() for path in files)
        rest = [path for path in home.rglob("*") if path.is_file()]
        sinks["everything in DATAROLL_HOME"] = b"\n".join(path.read_bytes() for path in rest)
        show_logs(installation)
    statuses = {node["nodeId"]: node["status"] for node in run["nodeExecutions"]}
    print(f"\n{statuses}")
    print({name: f"{len(content):,} bytes" for name, content in sinks.items()})
    found = sorted(
        {
            (sink, name, form)
            for sink, content in sinks.items()
            for name, value in planted.items()
            for form, needle in forms(value).items()
            if needle in content
        }
    )
    print(*found, sep="\n")
    assert found == []
    # The steps did use them, in success and in failure, and the search does find what is there.
    assert set(statuses.values()) == {"success", "failed"}, statuses
    assert sum(status == "failed" for status in statuses.values()) >= 12
    for sink in ("WebSocket", "Prefect's API", "Prefect's database", "dataroll's database"):
        assert execution_id.encode() in sinks[sink], sink
    assert b"http_request" in sinks["flows"]
    assert run_id.encode() in sinks["logs"] or b"Canaries" in sinks["logs"]
