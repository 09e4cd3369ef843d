"""A worker killed at any statement leaves a state that is known, and the work can go on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime_tasks.errors import Refused
from runtime_tasks.migrations.database import connect
from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.recovery import settle
from runtime_tasks.migrations.undo import undo
from runtime_tasks.migrations.work import MigrationFailed
from tests.migrations.projects import SHOP, alembic, visiting, whole, write

FILES = SHOP | {
    "004_more.sql": "CREATE TABLE more (id INTEGER PRIMARY KEY, n INTEGER);\n"
    "INSERT INTO more VALUES (1, 1);\nUPDATE more SET n = n + 1;\nALTER TABLE more ADD COLUMN t INTEGER;\n"
    "INSERT INTO more (id, n) VALUES (2, 5);",
    "004_more.down.sql": "DROP TABLE more;",
}
OUTSIDE = "CREATE INDEX CONCURRENTLY more_n ON more (n);\nUPDATE more SET n = n + 1;\nVACUUM more;"

# Kills itself before or after the Nth statement: after it ran, and before its outcome is written.
CHILD = """
import os, signal, sys
from tests.migrations.projects import visiting
from runtime_tasks.migrations.execute import execute
url, folder, when, number = sys.argv[1:]
calls = {"before": 0, "after": 0}

def count(what):
    calls[what] += 1
    if what == when and calls[what] == int(number):
        os.kill(os.getpid(), signal.SIGKILL)

from pathlib import Path
with visiting(url, Path(folder), execution="killed", check_cancelled=lambda: count("before"),
              progress=lambda *_: count("after")) as session:
    execute(session, on_partial="resume")
print("done")
"""


def killed(url: str, folder: Path, when: str, number: int) -> bool:
    """Run until the kill; False if the work ended before it came to that."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, url, str(folder), when, str(number)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


def rows_of(url: str) -> list[tuple[object, ...]]:
    with connect(url) as database:
        return database.query("SELECT id, n, t FROM more ORDER BY id")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_statement_the_work_is_done_exactly_once(
    every_database_url: str, tmp_path: Path, when: str
) -> None:
    extra = {}
    if every_database_url.startswith("postgresql"):
        extra = {"005_outside.sql": OUTSIDE, "005_outside.down.sql": "DROP INDEX more_n;"}
    folder = write(tmp_path / "migrations", FILES | extra)
    kills = 0
    # Each round comes one statement further before it is killed, on the same database.
    while killed(every_database_url, folder, when, kills + 1):
        kills += 1
    assert kills >= 4
    added = 1 if extra else 0
    assert rows_of(every_database_url) == [(1, 2 + added, None), (2, 5 + added, None)]
    with visiting(every_database_url, folder, execution="killed") as session:
        assert session.history().pending == ()
        assert len(session.history().applied) == 4 + added
        undo(session)
    assert whole(every_database_url) == ({}, {}) or every_database_url.startswith("postgresql")
    assert whole(every_database_url)[1] == {}


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
def test_after_a_kill_on_mariadb_rollback_restores_the_database(
    mariadb_url: str, tmp_path: Path, number: int
) -> None:
    folder = write(tmp_path / "migrations", FILES)
    before = whole(mariadb_url)
    assert killed(mariadb_url, folder, "after", number)
    with visiting(mariadb_url, folder, execution="killed") as session:
        undo(session)
    assert whole(mariadb_url) == before


def test_a_half_applied_migration_is_a_question(mariadb_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "migrations", FILES)
    text = FILES["004_more.sql"].replace("UPDATE more", "UPDATE nowhere")
    write(folder, {"004_more.sql": text})
    with visiting(mariadb_url, folder) as session, pytest.raises(MigrationFailed) as failed:
        execute(session)
    assert failed.value.details["partlyApplied"] == {"migration": "004_more", "statements": 2}
    with (
        visiting(mariadb_url, folder, execution="two") as session,
        pytest.raises(Refused, match="2 of 5 statements are applied"),
    ):
        execute(session)
    write(folder, {"004_more.sql": FILES["004_more.sql"]})
    with visiting(mariadb_url, folder, execution="three") as session:
        execute(session, on_partial="resume")
        assert settle(session) == []
    assert rows_of(mariadb_url) == [(1, 2, None), (2, 5, None)]


def test_a_half_applied_migration_can_be_marked_as_applied(
    mariadb_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "migrations", SHOP | {"003_orders.sql": "CREATE TABLE a (i INT); X;"})
    with visiting(mariadb_url, folder) as session, pytest.raises(MigrationFailed):
        execute(session)
    with visiting(mariadb_url, folder) as session:
        execute(session, on_partial="mark-applied")
        assert session.history().pending == ()


@pytest.mark.slow
def test_killed_in_the_middle_of_a_statement(every_database_url: str, tmp_path: Path) -> None:
    slow = {
        "sqlite": "INSERT INTO t SELECT x FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL"
        " SELECT x + 1 FROM c WHERE x < 20000000) SELECT max(x) AS x FROM c)",
        "postgresql": "INSERT INTO t SELECT 1 FROM pg_sleep(3)",
        "mysql": "INSERT INTO t SELECT 1 + SLEEP(3)",
    }[every_database_url.partition(":")[0]]
    folder = write(tmp_path / "m", {"1_t.sql": "CREATE TABLE t (i INTEGER);", "2_slow.sql": slow})
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, every_database_url, str(folder), "never", "1"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with connect(every_database_url) as database:
            if "t" in database.tables():
                break
        time.sleep(0.05)
    time.sleep(0.7)
    child.kill()
    child.wait()
    with visiting(every_database_url, folder, execution="next") as session:
        execute(session, wait=30)
    with connect(every_database_url) as database:
        assert database.row_counts(["dataroll_migrations"]) == {"t": 1}


def test_alembic_killed_in_the_middle_of_a_revision(
    every_database_url: str, tmp_path: Path
) -> None:
    kill = (
        'import os, signal; op.create_table("second", sa.Column("id", sa.Integer));'
        ' os.environ.get("KILL_ME") and os.kill(os.getppid(), signal.SIGKILL);'
        ' os.environ.get("KILL_ME") and os.kill(os.getpid(), signal.SIGKILL)'
    )
    folder = alembic(
        tmp_path / "project",
        (
            "first",
            'op.create_table("first", sa.Column("id", sa.Integer))',
            'op.drop_table("first")',
        ),
        ("second", kill, 'op.drop_table("second")'),
    )
    write(folder, {"dataroll.toml": '[environment]\nKILL_ME = "yes"\n'})
    assert killed(every_database_url, folder, "never", 1)
    write(folder, {"dataroll.toml": ""})
    with visiting(every_database_url, folder, execution="next") as session:
        partials = settle(session)
        if every_database_url.startswith("mysql"):
            assert [(p.migration, p.kept) for p in partials] == [("aaa2", 1)]
        else:
            assert partials == []
        execute(session, on_partial="resume")
        assert session.history().pending == ()


def test_while_a_tool_outlives_its_worker_nobody_else_begins(
    postgresql_url: str, tmp_path: Path
) -> None:
    slow = 'op.execute("SELECT pg_sleep(4)"); op.create_table("late", sa.Column("id", sa.Integer))'
    folder = alembic(tmp_path / "project", ("slow", slow, 'op.drop_table("late")'))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, postgresql_url, str(folder), "never", "1"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(4)%' AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 60
    with connect(postgresql_url) as database:
        while database.query(asleep) == [(0,)] and time.monotonic() < deadline:
            time.sleep(0.05)
        child.kill()
        child.wait()
        with database.lock(wait=30):
            assert database.query(asleep) == [(0,)]
    with visiting(postgresql_url, folder, execution="next") as session:
        assert [m.id for m in execute(session, wait=30).applied] == ["aaa1"]


def test_lock_tables_is_kept_and_journalled(mariadb_url: str, tmp_path: Path) -> None:
    text = (
        "CREATE TABLE a (i INT);\nCREATE TABLE b (i INT);\nLOCK TABLES `a` WRITE;\n"
        "/*!40000 ALTER TABLE `a` DISABLE KEYS */;\nINSERT INTO a VALUES (1), (2);\n"
        "ALTER TABLE a ADD COLUMN j INT;\n{}UNLOCK TABLES;\nINSERT INTO b VALUES (3);\n"
    )
    folder = write(tmp_path / "m", {"1_a.sql": text.format("INSERT INTO b VALUES (3);\n")})
    with visiting(mariadb_url, folder) as session:
        # The server still holds the file to what it has locked.
        with pytest.raises(MigrationFailed, match="'b' was not locked with LOCK TABLES"):
            execute(session)
        assert session.database.query("SELECT count(*) FROM b") == [(0,)]
    write(folder, {"1_a.sql": text.format("")})
    with visiting(mariadb_url, folder) as session:
        execute(session, on_partial="resume")
        assert session.database.row_counts(["dataroll_migrations"]) == {"a": 2, "b": 1}
        assert session.history().pending == ()
