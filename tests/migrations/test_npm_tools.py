"""Drizzle's migrator and Prisma itself go on where we stopped, and we where they stopped."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.work import MigrationFailed
from tests.migrations.layouts import layout
from tests.migrations.projects import visiting, whole, write
from tests.migrations.test_histories import drop, twin

PRISMA = "node_modules/prisma/build/index.js"

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tools, installed by npm."""
    folder = tmp_path_factory.mktemp("npm") / "tools"
    shutil.copytree(Path(__file__).parent / "npm", folder)
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def drizzle(node: Path, url: str, folder: Path) -> None:
    command = ["node", "drizzle.js", url, str(folder)]
    done = subprocess.run(command, cwd=node, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def prisma(node: Path, url: str, *command: str) -> tuple[int, str]:
    engine = node / "no-engine"  # the binary that is not needed, or Prisma wants to download it
    engine.touch(0o755)
    done = subprocess.run(
        ["node", PRISMA, "migrate", *command, "--config", "prisma.config.mjs"],
        cwd=node,
        env={
            **os.environ,
            "TARGET": url,
            "CHECKPOINT_DISABLE": "1",
            "PRISMA_HIDE_UPDATE_MESSAGE": "1",
            "PRISMA_QUERY_ENGINE_LIBRARY": str(engine),
            "PRISMA_SCHEMA_ENGINE_BINARY": str(engine),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_drizzle_goes_on_where_we_stopped_and_we_where_it_did(
    node: Path, every_database_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "m", layout("drizzle"))
    with visiting(every_database_url, folder) as session:
        execute(session, session.history().pending[:2])
    drizzle(node, every_database_url, folder)
    with visiting(every_database_url, folder) as session:
        assert [m.status for m in session.history().applied] == ["applied"] * 3
        assert (session.history().pending, session.history().problems) == ((), ())
    other = twin(every_database_url, tmp_path)
    try:
        drizzle(node, other, folder)
        with visiting(other, folder) as session:
            assert (session.history().pending, session.history().problems) == ((), ())
        ours, theirs = whole(every_database_url), whole(other)
        ours[0].pop("table dataroll_journal")
        assert ours[0].keys() == theirs[0].keys()
        assert {k: v for k, v in ours[0].items() if "__drizzle" not in k} == {
            k: v for k, v in theirs[0].items() if "__drizzle" not in k
        }
        assert ours[1] == theirs[1]
    finally:
        drop(other)


def test_prisma_goes_on_where_we_stopped_and_we_where_it_did(
    node: Path, postgresql_url: str
) -> None:
    folder = write(node / "migrations", layout("prisma"))
    write(folder, {"migration_lock.toml": 'provider = "postgresql"\n'})
    with visiting(postgresql_url, folder) as session:
        execute(session, session.history().pending[:2])
    code, said = prisma(node, postgresql_url, "status")
    assert code == 1
    assert "20240101000003_orders" in said
    assert "20240101000002_email" not in said.partition("not yet been applied")[2]
    code, said = prisma(node, postgresql_url, "deploy")
    assert code == 0, said
    assert "All migrations have been successfully applied" in said
    assert "up to date" in prisma(node, postgresql_url, "status")[1]
    with visiting(postgresql_url, folder) as session:
        assert [m.status for m in session.history().applied] == ["applied"] * 3
        assert (session.history().pending, session.history().problems) == ((), ())
    shutil.rmtree(folder)


def test_prisma_sees_our_failed_migration_and_we_its_resolution(
    node: Path, postgresql_url: str
) -> None:
    text = "CREATE TABLE a (i int); CREATE INDEX CONCURRENTLY x ON a (i); INSERT INTO nowhere SELECT 1;"
    folder = write(node / "migrations", {"20240101000000_a/migration.sql": text})
    write(folder, {"migration_lock.toml": 'provider = "postgresql"\n'})
    with visiting(postgresql_url, folder) as session, pytest.raises(MigrationFailed):
        execute(session)
    assert "have failed:\n20240101000000_a" in prisma(node, postgresql_url, "status")[1]
    assert "P3009" in prisma(node, postgresql_url, "deploy")[1]
    assert prisma(node, postgresql_url, "resolve", "--rolled-back", "20240101000000_a")[0] == 0
    with visiting(postgresql_url, folder) as session:
        assert [m.status for m in session.history().pending] == ["pending"]
        assert session.history().problems == ()
    shutil.rmtree(folder)
