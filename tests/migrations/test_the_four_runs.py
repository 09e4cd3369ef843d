"""The road: discover, dry run, execute, a failure in the middle, back to before the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_tasks.errors import Refused
from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.rehearse import rehearse
from runtime_tasks.migrations.undo import undo
from runtime_tasks.migrations.work import MigrationFailed
from tests.migrations.projects import (
    BREAKS,
    BROKEN,
    EMAIL,
    SHOP,
    USERS,
    alembic,
    visiting,
    whole,
    write,
)


@pytest.fixture(params=["sql", "alembic"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "sql":
        return write(tmp_path / "migrations", SHOP)
    return alembic(tmp_path / "project", USERS, EMAIL)


@pytest.fixture(params=["sql", "alembic"])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Its third migration fails in the middle."""
    if request.param == "sql":
        return write(tmp_path / "migrations", SHOP | {"003_orders.sql": BROKEN})
    return alembic(tmp_path / "project", USERS, EMAIL, BREAKS)


def test_pending_migrations_are_applied_once(every_database_url: str, project: Path) -> None:
    with visiting(every_database_url, project) as session:
        waiting = [m.id for m in session.history().pending]
        done = execute(session)
        assert [m.id for m in done.applied] == waiting != []
        assert session.history().pending == ()
        assert [m.id for m in session.history().applied] == waiting
        assert execute(session).applied == ()


def test_a_dry_run_leaves_the_target_as_it_was(every_database_url: str, project: Path) -> None:
    before = whole(every_database_url)
    with visiting(every_database_url, project) as session:
        trial = rehearse(session)
        assert [run.migration for run in trial.statements]
        assert len(session.history().pending) == len(trial.plan.migrations) >= 2
    assert whole(every_database_url) == before


def test_after_a_failure_in_the_middle_rollback_restores_the_database(
    database_url: str, broken: Path
) -> None:
    before = whole(database_url)
    with visiting(database_url, broken) as session, pytest.raises(MigrationFailed) as failed:
        execute(session)
    details = failed.value.details
    assert details["migration"].startswith(("003", "aaa3"))
    assert "nowhere" in str(failed.value)
    with visiting(database_url, broken) as session:
        standing = {m.id for m in session.history().applied}
        assert set(details["applied"]) == standing
        undone = undo(session)
        assert [m.id for m in undone.rolled_back] == list(reversed(details["applied"]))
    assert whole(database_url) == before


def test_rollback_of_a_run_that_applied_nothing_says_so(
    every_database_url: str, project: Path
) -> None:
    before = whole(every_database_url)
    with visiting(every_database_url, project) as session:
        assert undo(session).method == "nothing to undo"
    assert whole(every_database_url) == before


def test_rollback_takes_back_this_run_only(every_database_url: str, project: Path) -> None:
    with visiting(every_database_url, project, execution="first") as session:
        first = session.history().pending[:1]
        execute(session, first)
    between = whole(every_database_url)[0]
    with visiting(every_database_url, project, execution="second") as session:
        done = execute(session)
    with visiting(every_database_url, project, execution="second") as session:
        assert len(undo(session).rolled_back) == len(done.applied)
        assert [m.id for m in session.history().applied] == [first[0].id]
    assert whole(every_database_url)[0] == between


def test_a_plan_that_was_not_approved_does_not_run(every_database_url: str, project: Path) -> None:
    with visiting(every_database_url, project) as session:
        approved = rehearse(session).plan.hash
    edited = next(iter(sorted([*project.glob("00*_*.sql"), *project.glob("alembic/versions/*")])))
    edited.write_text(edited.read_text() + "\n")
    before = whole(every_database_url)
    with (
        visiting(every_database_url, project) as session,
        pytest.raises(Refused, match="the migration files changed"),
    ):
        execute(session, approved=approved)
    assert whole(every_database_url) == before


def test_the_approved_plan_runs(every_database_url: str, project: Path) -> None:
    with visiting(every_database_url, project) as session:
        approved = rehearse(session).plan.hash
        assert execute(session, approved=approved).plan_hash == approved
