"""The whole road: the wish's own workflow, from its text to a migrated database, four times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.api_client import ApiClient, ApiProblem
from cli.inbox import Inbox
from cli.installation import Installation
from cli.road import Road, Walk, copy_project, snapshot
from cli.sample import TEMPLATES, WORKFLOW, add_person, connect, publish
from tests.migrations.projects import EMAIL, USERS, alembic

pytestmark = [pytest.mark.road, pytest.mark.slow]

SHAPES = {
    "sqlite": WORKFLOW,
    "postgresql": TEMPLATES / "workflows" / "safe_production_migration.json",
}
"""The YAML shape walks the road on SQLite, the JSON shape on PostgreSQL."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def walked(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    installation: Installation,
    owner: ApiClient,
    inbox: Inbox,
) -> dict[str, Any]:
    database: str = request.param
    folder = tmp_path_factory.mktemp(database)
    url = f"sqlite:///{folder / 'shop.db'}"
    if database == "postgresql":
        url = request.getfixturevalue("road_postgresql")
    migrations = copy_project(folder / "migrations")
    connection = connect(owner, f"Road {database}", url, migrations)
    workflow = publish(owner, SHAPES[database], inbox.url, name=f"Road on {database}")
    robin = add_person(owner, installation, "Robin", f"robin@{database}.invalid", "developer")
    road = Road(owner, robin, workflow["id"], connection["id"], url, migrations, inbox)
    walks = {walk.title: walk for walk in road.walk()}
    return {"database": database, "walks": walks, "workflow": workflow, "owner": owner}


@pytest.fixture(scope="session")
def road_postgresql(postgresql_server: str) -> str:
    import psycopg
    from sqlalchemy import make_url

    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE road")
    url = make_url(postgresql_server).set(database="road")
    return url.render_as_string(hide_password=False)


@pytest.mark.parametrize(
    "title", ["approved", "fails in the middle", "rejected", "nothing pending"]
)
def test_every_run_ends_as_it_should(walked: dict[str, Any], title: str) -> None:
    walk: Walk = walked["walks"][title]
    assert walk.wrong == []


def test_a_failed_run_whose_rollback_succeeded_says_both(walked: dict[str, Any]) -> None:
    run = walked["walks"]["fails in the middle"].run
    assert run["status"] == "failed"
    assert "execute-1 failed: 005_unique_names.sql" in run["error"]
    assert "rolled back by error-handler-1" in run["error"]


def test_the_mirror_keeps_input_output_error_and_times_of_every_node(
    walked: dict[str, Any],
) -> None:
    nodes = {n["nodeId"]: n for n in walked["walks"]["fails in the middle"].run["nodeExecutions"]}
    assert nodes["discover-1"]["input"]["ormType"] == "auto"
    assert [m["id"] for m in nodes["discover-1"]["output"]["migrations"]] == [
        "004_notes",
        "005_unique_names",
    ]
    assert nodes["execute-1"]["error"]["type"]
    assert "customers" in nodes["execute-1"]["error"]["message"]
    for node in nodes.values():
        if node["status"] != "skipped":
            assert node["startedAt"]
            assert node["completedAt"]
            assert node["duration"] is not None


def test_the_logs_of_a_run_are_kept_by_node(walked: dict[str, Any]) -> None:
    run = walked["walks"]["approved"].run
    logs = walked["owner"].get(f"/api/executions/{run['id']}/logs")["items"]
    assert any(line["nodeId"] == "execute-1" for line in logs)


def test_prefect_shows_tasks_under_the_names_of_the_nodes(
    walked: dict[str, Any], installation: Installation
) -> None:
    run = walked["walks"]["approved"].run
    user, _, password = installation.prefect_auth.partition(":")
    answer = httpx.post(
        f"{installation.environment['PREFECT_API_URL']}/task_runs/filter",
        json={"flow_runs": {"id": {"any_": [run["prefectFlowRunId"]]}}},
        auth=(user, password),
    )
    names = {task["name"] for task in answer.raise_for_status().json()}
    assert {"discover-1", "filter-1", "dryrun-1", "approval-1", "execute-1"} <= names


def test_prefect_refuses_who_does_not_know_its_password(installation: Installation) -> None:
    answer = httpx.post(f"{installation.environment['PREFECT_API_URL']}/flow_runs/filter", json={})
    assert answer.status_code == 401


def test_an_unknown_workflow_is_a_404(owner: ApiClient) -> None:
    with pytest.raises(ApiProblem) as caught:
        owner.post("/api/workflows/nothing-here/execute", {})
    assert caught.value.status == 404


def test_a_connection_that_does_not_answer_says_so_without_its_password(
    owner: ApiClient, tmp_path: Path
) -> None:
    url = "postgresql://somebody:hunter2secret@127.0.0.1:9/nothing"
    connection = connect(owner, "Nobody there", url, tmp_path)
    answer = owner.post(f"/api/connections/{connection['id']}/test")
    assert answer["ok"] is False
    assert "hunter2secret" not in str(answer)


def test_a_migrations_folder_that_does_not_exist_fails_discover_and_names_it(
    owner: ApiClient, tmp_path: Path, walked: dict[str, Any]
) -> None:
    missing = tmp_path / "not-here"
    connection = connect(
        owner, f"No folder {tmp_path.name}", "sqlite:///" + str(tmp_path / "x.db"), missing
    )
    started = owner.post(
        f"/api/workflows/{walked['workflow']['id']}/execute",
        {"context": {"connectionId": connection["id"]}},
    )
    run = owner.wait_for_run(started["id"])
    assert run["status"] == "failed"
    assert str(missing) in run["error"]


def test_an_alembic_project_walks_the_road(
    owner: ApiClient, installation: Installation, inbox: Inbox, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'alembic.db'}"
    project = alembic(tmp_path / "project", USERS, EMAIL)
    connection = connect(owner, f"Alembic {tmp_path.name}", url, project)
    workflow = publish(owner, WORKFLOW, inbox.url, name="Road with Alembic")
    robin = add_person(owner, installation, "Robin", "robin@alembic.invalid", "developer")
    started = robin.post(
        f"/api/workflows/{workflow['id']}/execute", {"context": {"connectionId": connection["id"]}}
    )
    approval = owner.wait_for_approval(started["id"])
    assert "users" not in snapshot(url), "the dry run has changed the database"
    owner.post(f"/api/approvals/{approval['id']}/approve")
    run = owner.wait_for_run(started["id"])
    assert (run["status"], run["error"]) == ("success", None)
    nodes = {node["nodeId"]: node for node in run["nodeExecutions"]}
    assert len(nodes["discover-1"]["output"]["migrations"]) == 2
    assert nodes["error-handler-1"]["status"] == "skipped"
    columns, _ = snapshot(url)["users"]
    assert "email" in columns
    assert snapshot(url)["alembic_version"][1] == 1
