"""The steps as a flow calls them, and the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import main
from runtime_tasks import steps
from runtime_tasks.connections import Connection
from runtime_tasks.context import LocalContext, using
from runtime_tasks.errors import ConnectionNotFound, Refused, StepConfigError, StepError
from tests.migrations.projects import BROKEN, SHOP, connection, whole, write


@dataclass
class RunContext(LocalContext):
    """A run with one connection, which binds execution to the plan that its dry run made."""

    target: Connection | None = None
    execution_id: str = "run-1"
    messages: list[str] = field(default_factory=list)

    def connection(self, connection_id: str) -> Connection:
        if self.target is None or connection_id != "db":
            raise ConnectionNotFound(connection_id)
        return self.target

    def approved_plan(self, connection_id: str) -> str | None:
        plan = self.plans.get(connection_id)
        return plan["planHash"] if plan else None

    def progress(self, message: str, *, done: int | None = None, total: int | None = None) -> None:
        self.messages.append(f"{done}/{total} {message}")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write(tmp_path / "migrations", SHOP)


def test_the_steps_walk_the_road(database_url: str, shop: Path) -> None:
    with using(RunContext(target=connection(database_url, shop))) as run:
        found = steps.discover_migrations(connection_id="db")
        assert (found.tool, len(found.migrations), found.applied) == ("sql", 3, [])
        tried = steps.dry_run(connection_id="db", migrations=found.migrations)
        assert len(tried.statements) == 5
        done = steps.execute_migrations(connection_id="db", migrations=found.migrations)
        assert [m.id for m in done.applied] == ["001_users", "002_email", "003_orders"]
        assert (done.plan_hash, done.statements, done.rows) == (tried.plan_hash, 5, 2)
        assert steps.discover_migrations(connection_id="db").migrations == []
        back = steps.rollback(connection_id="db")
        assert len(back.rolled_back) == 3
        assert isinstance(run, RunContext)
        assert any("5/5" in message for message in run.messages)


def test_how_many_are_taken_back_is_a_whole_number(sqlite_url: str, shop: Path) -> None:
    with using(RunContext(target=connection(sqlite_url, shop))):
        steps.execute_migrations(connection_id="db")
        for wrong in (1.5, -1, "2", True, float("nan"), float("inf")):
            with pytest.raises(StepConfigError):
                steps.rollback(connection_id="db", to="steps", steps=wrong)  # type: ignore[arg-type]
        # A workflow's variable may come as 2.0; more than there are is all of them.
        for number, left in ((2.0, 1), (9, 0)):
            steps.rollback(connection_id="db", to="steps", steps=number)  # type: ignore[arg-type]
            assert len(steps.discover_migrations(connection_id="db").applied) == left


def test_a_later_node_gets_the_migrations_as_json_too(sqlite_url: str, shop: Path) -> None:
    with using(RunContext(target=connection(sqlite_url, shop))):
        found = steps.discover_migrations(connection_id="db")
        as_json: list[Any] = found.as_json()["migrations"]
        assert len(steps.execute_migrations(connection_id="db", migrations=as_json).applied) == 3


@pytest.mark.parametrize("step", [steps.dry_run, steps.execute_migrations])
def test_null_never_means_all_that_are_pending(
    sqlite_url: str, shop: Path, step: Callable[..., Any]
) -> None:
    before = whole(sqlite_url)
    with using(RunContext(target=connection(sqlite_url, shop))):
        with pytest.raises(StepConfigError, match="'migrations' is null: leave it out for all"):
            step(connection_id="db", migrations=None)
        with pytest.raises(StepConfigError, match="'migrations' takes a list"):
            step(connection_id="db", migrations="001_users")
        done = step(connection_id="db", migrations=[])
        assert (done.applied if step is steps.execute_migrations else done.migrations) == []
        assert whole(sqlite_url) == before
        assert len(steps.discover_migrations(connection_id="db").migrations) == 3


def test_a_test_run_executes_nothing(database_url: str, shop: Path) -> None:
    before = whole(database_url)
    with using(RunContext(target=connection(database_url, shop), dry_run=True)):
        done = steps.execute_migrations(connection_id="db")
        assert done.dry_run
        assert len(done.applied) == 3
        assert steps.rollback(connection_id="db").dry_run
    assert whole(database_url) == before


def test_a_file_that_changed_since_discovery_is_named(sqlite_url: str, shop: Path) -> None:
    with using(RunContext(target=connection(sqlite_url, shop))):
        found = steps.discover_migrations(connection_id="db")
        (shop / "002_email.sql").write_text("DROP TABLE users")
        with pytest.raises(Refused, match=r"002_email.sql has changed since it was discovered"):
            steps.execute_migrations(connection_id="db", migrations=found.migrations)


def test_the_failing_migration_is_named_with_its_statement(database_url: str, shop: Path) -> None:
    write(shop, {"002_email.sql": BROKEN})
    with using(RunContext(target=connection(database_url, shop))):
        with pytest.raises(StepError) as failed:
            steps.execute_migrations(connection_id="db")
        details = failed.value.details
        assert (details["file"], details["line"], details["statement"]) == ("002_email.sql", 2, 2)
        assert details["applied"] == ["001_users"]
        assert details["notApplied"] == ["002_email", "003_orders"]
        assert not failed.value.retryable


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("oracle://x/y", "no database URL that dataroll knows"),
        ("postgresql://localhost", "names no database"),
        ("sqlite://", "in memory"),
    ],
)
def test_a_url_that_makes_no_sense_is_said_so(url: str, message: str, shop: Path) -> None:
    with (
        using(RunContext(target=connection(url, shop))),
        pytest.raises(StepConfigError, match=message),
    ):
        steps.discover_migrations(connection_id="db")


def test_a_folder_that_does_not_exist_is_said_so(sqlite_url: str, tmp_path: Path) -> None:
    with (
        using(RunContext(target=connection(sqlite_url, tmp_path / "nowhere"))),
        pytest.raises(StepConfigError, match="nowhere does not exist"),
    ):
        steps.discover_migrations(connection_id="db")


def test_a_database_that_does_not_answer_is_said_so_without_the_password(shop: Path) -> None:
    url = "postgresql://bob:hun%24ter%40%2F2@127.0.0.1:1/app"
    with using(RunContext(target=connection(url, shop))), pytest.raises(StepError) as failed:
        steps.discover_migrations(connection_id="db")
    assert "cannot connect to 127.0.0.1:1/app" in str(failed.value)
    assert "hun" not in str(failed.value)


def run_cli(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["migrations", *arguments])
    return result.exit_code, result.output


def test_the_command_line_does_it_all(sqlite_url: str, shop: Path) -> None:
    target = ("--url", sqlite_url, "--path", str(shop))
    code, text = run_cli("discover", *target)
    assert (code, "3 pending, 0 applied" in text) == (0, True)
    code, text = run_cli("dry-run", *target)
    assert (code, "5 statements" in text) == (0, True)
    code, text = run_cli("execute", *target, "--format", "json")
    assert (code, len(json.loads(text)["applied"])) == (0, 3)
    code, text = run_cli("rollback", *target, "--steps", "2")
    assert (code, "2 migrations taken back" in text) == (0, True)
    code, text = run_cli("discover", *target, "--format", "json")
    assert [m["id"] for m in json.loads(text)["migrations"]] == ["002_email", "003_orders"]


def test_the_command_line_s_exit_codes(sqlite_url: str, shop: Path, tmp_path: Path) -> None:
    assert run_cli("discover", "--url", sqlite_url, "--path", str(tmp_path / "no"))[0] == 2
    assert run_cli("discover", "--path", str(shop))[0] == 2
    write(shop, {"002_email.sql": "INSERT INTO nowhere VALUES (1)"})
    code, text = run_cli("execute", "--url", sqlite_url, "--path", str(shop), "--format", "json")
    assert (code, json.loads(text)["migration"]) == (1, "002_email")
