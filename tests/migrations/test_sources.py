"""Migrations out of a git repository, at one commit, that the run records."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from runtime_tasks import steps
from runtime_tasks.connections import MigrationSource
from runtime_tasks.context import using
from runtime_tasks.errors import StepConfigError, StepError
from tests.migrations.layouts import layout
from tests.migrations.projects import connection, write
from tests.migrations.test_steps import RunContext


def git(folder: Path, *command: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *who, "-C", str(folder), *command], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with plain SQL in db/migrations: one file in v1, three in main."""
    folder = tmp_path / "repository"
    files = {f"db/migrations/{name}": text for name, text in layout("sql").items()}
    write(folder, {k: v for k, v in files.items() if "001" in k})
    git(folder.parent, "init", "--quiet", str(folder))
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "one")
    git(folder, "tag", "v1")
    write(folder, files)
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "three")
    return folder


def run_with(url: str, repository: Path, ref: str | None, subfolder: str | None) -> RunContext:
    source = MigrationSource(git_url=f"file://{repository}", ref=ref, subfolder=subfolder)
    return RunContext(target=replace(connection(url, repository), migrations=source))


@pytest.mark.parametrize(("ref", "count"), [("v1", 1), ("main", 3), (None, 3)])
def test_a_ref_and_subfolder_are_fetched(
    sqlite_url: str, repository: Path, ref: str | None, count: int
) -> None:
    with using(run_with(sqlite_url, repository, ref, "db/migrations")):
        found = steps.discover_migrations(connection_id="db")
    assert len(found.migrations) == count
    assert found.commit == git(repository, "rev-parse", f"{ref or 'main'}^{{commit}}")


@pytest.mark.parametrize(
    ("ref", "subfolder", "message"),
    [
        ("nowhere", "db/migrations", "git could not fetch"),
        ("main", "../..", "leads out of"),
        ("main", "db/nothing", "does not exist"),
        ("--upload-pack=x", "db", "no git URL and ref"),
    ],
)
def test_what_is_not_there_is_said_so(
    sqlite_url: str, repository: Path, ref: str, subfolder: str, message: str
) -> None:
    with (
        using(run_with(sqlite_url, repository, ref, subfolder)),
        pytest.raises((StepError, StepConfigError), match=message),
    ):
        steps.discover_migrations(connection_id="db")


def test_a_token_in_a_git_url_is_never_shown(sqlite_url: str, repository: Path) -> None:
    run = run_with(sqlite_url, repository, "main", None)
    assert run.target is not None
    source = MigrationSource(git_url="http://bot:t0ken@127.0.0.1:1/x.git", ref="main")
    with (
        using(replace(run, target=replace(run.target, migrations=source))),
        pytest.raises(StepError) as e,
    ):
        steps.discover_migrations(connection_id="db")
    assert "t0ken" not in str(e.value)
