"""Every template, made, published, run and approved as a user does, down every branch drawn.

The runs are read back from the server: which edges were live is worked out from the records of
their nodes. A template passes when each of its edges has been live in one of its runs at least,
and when every node ran that had to, and no other.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from cli.demo import running
from cli.inbox import Inbox
from server.templates.catalogue import ROOT
from tests.migrations.projects import SHOP
from tests.notifications.conftest import receiving
from tests.notifications.test_email import serving
from tests.templates.cases import CASES, Case, approved
from tests.templates.stage import Database, Played, Stage, pending, statuses

AT_ONCE = 4
"""Runs side by side on the one worker."""

Edge = tuple[str, str, str]


def test_every_template_has_cases() -> None:
    assert set(CASES) == {file.stem for file in (ROOT / "workflows").glob("*.yaml")}


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Stage]:
    """Slack, PagerDuty and a mail server that write down what arrives; databases of three kinds."""
    folder: Path = tmp_path_factory.mktemp("stage")
    numbers = count(1)

    def new_database(kind: str) -> str:
        name = f"stage_{next(numbers)}"
        if kind == "sqlite":
            (folder / f"{name}.db").touch()
            return f"sqlite:///{folder}/{name}.db"
        server: str = request.getfixturevalue(f"{kind}_server")
        if kind == "postgresql":
            import psycopg

            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            return f"{server.rpartition('/')[0]}/{name}"
        import pymysql

        port = int(server.rpartition(":")[2])
        mysql = pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True)
        mysql.query(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        mysql.close()
        return f"{server}/{name}"

    with receiving() as receiver, serving() as mailbox, Inbox() as inbox:
        environment = {
            "DATAROLL_ALLOW_ADDRESSES": "127.0.0.0/8",
            "DATAROLL_PAGERDUTY_URL": f"{receiver.url}/pagerduty",
        }
        with running(folder, inbox, **environment) as installation:
            yield Stage(installation, folder, receiver, mailbox, new_database)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_every_edge_is_taken(name: str, kind: str, stage: Stage) -> None:
    if kind != "sqlite":
        stage.new_database(kind)  # the first one starts the server, in this thread
    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = list(pool.map(lambda case: stage.play(name, case, kind), CASES[name]))
    taken: set[Edge] = set()
    problems: list[Any] = []
    for number, (case, one) in enumerate(zip(CASES[name], played, strict=True)):
        taken |= live_edges(one)
        for problem in (*wrong_end(case, one), *wrong_nodes(one), *silent(one)):
            problems.append((number, problem, statuses(one.run)))
    drawn = {edge_of(edge) for one in played for edge in one.definition["edges"]}
    assert problems == []
    assert drawn - taken == set()
    if handlers := [n["id"] for n in played[0].definition["nodes"] if n["type"] == "error_handler"]:
        seen = {node["nodeId"]: node["status"] for one in played for node in ran(one)}
        assert set(handlers) <= set(seen), "the error handler has never run"


PIPELINE = Case("success", {"production": SHOP, "staging": SHOP}, approved("approval"))
SECRET = "s3cret of the repository"


@dataclass(frozen=True)
class Pipeline:
    """The deployment pipeline on two databases of its own, with a channel of its own."""

    workflow_id: str
    databases: dict[str, Database]
    channel: str


@pytest.fixture
def pipeline(stage: Stage, request: pytest.FixtureRequest) -> Pipeline:
    databases = {
        role: stage.database("sqlite", SHOP, stage.team, PIPELINE, role) for role in PIPELINE.files
    }
    channel = f"/{request.node.name}"
    made = stage.owner.post(
        "/api/workflows/from-template/deployment_pipeline",
        {
            "name": f"Pipeline of {request.node.name}",
            "teamId": stage.team,
            "answers": {
                "database": databases["production"].id,
                "testDatabase": databases["staging"].id,
                "approvers": ["ann@example.test", "bob@example.test"],
                "githubSecret": SECRET,
                "slackWebhook": f"{stage.receiver.url}{channel}",
            },
        },
    )
    stage.owner.post(f"/api/workflows/{made['id']}/publish", {})
    return Pipeline(made["id"], databases, channel)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_push_to_main_on_github_goes_through_the_pipeline(
    stage: Stage, pipeline: Pipeline
) -> None:
    path = f"/api/workflows/{pipeline.workflow_id}/triggers"
    [trigger] = stage.owner.get(path)["items"]
    url = stage.owner.post(f"{path}/{trigger['id']}/rotate")["url"]

    def push(ref: str, guid: str) -> Any:
        # Nearly a megabyte: more than Prefect takes.
        commits = [{"id": number, "message": "x" * 1000} for number in range(950)]
        content = {"ref": ref, "after": "c0ffee", "pusher": {"name": "ann"}, "commits": commits}
        body = json.dumps(content).encode()
        code = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-github-event": "push",
            "x-github-delivery": guid,
            "x-hub-signature-256": f"sha256={code}",
        }
        answer = httpx.post(url, content=body, headers=headers, timeout=30)
        assert answer.status_code == 202, answer.text
        return answer.json()

    assert push("refs/heads/feature", "g-1") == {"id": None, "status": "filtered"}
    first, again = push("refs/heads/main", "g-2"), push("refs/heads/main", "g-2")
    assert first["id"] == again["id"]
    went_through(stage, pipeline, first["id"])


@pytest.mark.long
@pytest.mark.timeout(900)
def test_an_event_at_prefect_goes_through_the_pipeline(stage: Stage, pipeline: Pipeline) -> None:
    slug = stage.owner.get(f"/api/workflows/{pipeline.workflow_id}")["slug"]
    environment = stage.installation.environment
    user, _, password = environment["PREFECT_API_AUTH_STRING"].partition(":")

    def tell(ref: str, event_id: str) -> None:
        event = {
            "id": event_id,
            "occurred": datetime.now(UTC).isoformat(),
            "event": "dataroll.webhook.received",
            "resource": {"prefect.resource.id": f"dataroll.workflow.{slug}"},
            "payload": {"ref": ref, "after": "c0ffee", "pusher": {"name": "ann"}},
        }
        url = f"{environment['PREFECT_API_URL']}/events"
        answer = httpx.post(url, json=[event], auth=(user, password), timeout=30)
        assert answer.status_code == 204, answer.text

    def runs() -> Any:
        return stage.owner.get(f"/api/workflows/{pipeline.workflow_id}/executions")["items"]

    tell("refs/heads/feature", str(uuid4()))
    [filtered] = stage.wait_for(runs)
    stopped = stage.follow(filtered["id"], PIPELINE, pipeline.databases)
    assert stopped["status"] == "cancelled"
    assert "does not pass the webhook's filter" in stopped["reason"]
    event_id = str(uuid4())
    for _ in range(2):
        tell("refs/heads/main", event_id)
    newest, _ = stage.wait_for(lambda: runs() if len(runs()) > 1 else [])
    went_through(stage, pipeline, newest["id"])
    assert len(runs()) == 2


def went_through(stage: Stage, pipeline: Pipeline, execution_id: str) -> None:
    run = stage.follow(execution_id, PIPELINE, pipeline.databases)
    assert (run["status"], run["error"]) == ("success", None)
    assert run["triggeredBy"] == "webhook"
    assert pending(pipeline.databases["production"]) == 0
    [message] = [r.json for r in stage.receiver.requests if r.path == pipeline.channel]
    name = pipeline.databases["production"].name
    assert f"3 migrations of c0ffee are on {name}" in json.dumps(message)
    assert f"/executions/{run['id']}" in json.dumps(message["blocks"])


def edge_of(edge: dict[str, Any]) -> Edge:
    return (edge["source"], edge["target"], edge.get("label") or "")


def live_edges(one: Played) -> set[Edge]:
    """The edges that were live, from the records of the nodes they leave."""
    records = {node["nodeId"]: node for node in one.run["nodeExecutions"]}
    return {
        edge_of(edge)
        for edge in one.definition["edges"]
        if is_live(records.get(edge["source"]), edge.get("label") or "")
    }


def is_live(record: dict[str, Any] | None, label: str) -> bool:
    if record is None:
        return False
    if label == "Failed":
        return bool(record["status"] == "failed")
    usual = (None, "", "Yes", "Approved")
    if record["status"] != "success":
        return False
    return record["branch"] == label if label else record["branch"] in usual


def ran(one: Played) -> list[dict[str, Any]]:
    return [node for node in one.run["nodeExecutions"] if node["status"] in ("success", "failed")]


def wrong_end(case: Case, one: Played) -> list[Any]:
    """How the run ended, and what it left behind in its databases."""
    found: list[Any] = []
    if one.run["status"] != case.ends:
        found.append(("ends", one.run["status"], one.run["error"] or one.run["reason"]))
    for role, left in case.left.items():
        if (now := pending(one.databases[role])) != left:
            found.append(("pending", role, now))
    return found


def wrong_nodes(one: Played) -> list[Any]:
    """A node behind a live edge has run; one with dead edges only has not."""
    live = {target for _, target, _ in live_edges(one)}
    reached = {edge["target"] for edge in one.definition["edges"]}
    happened = {node["nodeId"] for node in ran(one)}
    return [("node", node) for node in sorted(reached) if (node in live) != (node in happened)]


def silent(one: Played) -> list[Any]:
    """Notifications that did not arrive: the receivers take everything."""
    return [
        ("not delivered", node["nodeId"], node["output"])
        for node in ran(one)
        if node["nodeType"] == "notification" and not (node["output"] or {}).get("delivered")
    ]
