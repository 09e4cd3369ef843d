"""``dataroll migrations``, used on its own by somebody who has never seen it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from cli.migrations import migrations
from runtime_tasks.migrations.database import connect, parse_url
from tests.migrations.layouts import layout
from tests.migrations.projects import SHOP, write
from tests.migrations.test_safety import NASTY


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write(tmp_path / "m", SHOP)


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(migrations, list(arguments), env={"DATABASE_URL": url})


def asked(url: str, *arguments: str, code: int = 0) -> Any:
    done = run(url, *arguments, "--format", "json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_from_discovery_to_rollback(every_database_url: str, shop: Path) -> None:
    url, path = every_database_url, ["--path", str(shop)]
    assert len(asked(url, "discover", *path)["migrations"]) == 3
    assert "3 pending, 0 applied" in run(url, "discover", *path).stdout
    trial = run(url, "dry-run", *path).stdout
    assert "3 migrations tried, 5 statements" in trial
    assert "leads to the schema of before" in trial
    plan = asked(url, "dry-run", *path)["planHash"]
    assert f"execute --plan {plan}" in trial
    done = run(url, "execute", *path, "--plan", plan)
    assert done.exit_code == 0
    assert "3 migrations applied, 5 statements, 2 rows changed" in done.stdout
    assert "nothing was pending" in run(url, "execute", *path).stdout
    back = done.stdout.split("--to ")[1].split()[0]
    undone = asked(url, "rollback", *path, "--to", back)
    assert len(undone["rolledBack"]) == 3
    assert undone["dataLoss"][-1] == "001_users: DROP TABLE users (1 row in users)"
    assert "nothing to take back" in run(url, "rollback", *path).stdout


def test_rollback_takes_one_back_unless_told_otherwise(sqlite_url: str, shop: Path) -> None:
    path = ["--path", str(shop)]
    run(sqlite_url, "execute", *path)
    said = run(sqlite_url, "rollback", *path).stdout
    assert "1 migration taken back, by down files" in said
    assert "lost 003_orders: DROP TABLE orders (0 rows in orders)" in said
    assert len(asked(sqlite_url, "rollback", *path, "--steps", "9")["rolledBack"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["discover", "--path", "nowhere"], "the migrations folder nowhere does not exist"),
        (["discover", "--path", "/"], "no migrations were found"),
        (["discover", "--tool", "bogus"], "no migration tool is called 'bogus'"),
        (["discover", "--url", "foo://x"], "no database URL that dataroll knows"),
        (["discover", "--url", "sqlite://"], "a SQLite database in memory"),
        (["rollback", "--steps", "1", "--to", "x"], "exclude each other"),
        (["execute", "--on-partial", "guess"], "guess"),
    ],
)
def test_used_wrongly_is_code_2_and_says_how_it_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    write(tmp_path / "empty", {"x": ""})
    monkeypatch.chdir(tmp_path / "empty")
    if "/" in arguments:
        arguments = [*arguments[:-1], "."]
    done = run(f"sqlite:///{tmp_path}/x.db", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "x.db").exists()


def test_a_problem_is_code_1_and_says_the_way_out(
    sqlite_url: str, shop: Path, tmp_path: Path
) -> None:
    path = ["--path", str(shop)]
    nobody = run("postgresql://a:s3cr3t@127.0.0.1:1/x", "discover", *path)
    assert (nobody.exit_code, "s3cr3t" in nobody.output) == (1, False)
    assert "cannot connect to 127.0.0.1:1/x" in nobody.stderr
    old = asked(sqlite_url, "dry-run", *path)["planHash"]
    (shop / "002_email.down.sql").unlink()
    refused = run(sqlite_url, "execute", *path, "--plan", old)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "the migration files changed" in refused.stderr
    run(sqlite_url, "execute", *path)
    two = [*path, "--steps", "2"]
    assert "--allow-derived" in run(sqlite_url, "rollback", *two).stderr
    problem = asked(sqlite_url, "rollback", *two, code=1)
    assert problem["error"] == "Refused"
    assert "no down file" in problem["message"]
    undone = asked(sqlite_url, "rollback", *two, "--allow-derived")
    assert undone["method"] == "derived reverse"
    assert undone["dataLoss"][-1].startswith(
        "002_email: ALTER TABLE users DROP COLUMN email (1 row"
    )


def test_a_half_applied_migration_is_a_choice_to_type(mariadb_url: str, shop: Path) -> None:
    path = ["--path", str(shop)]
    write(shop, {"003_orders.sql": "CREATE TABLE orders (i INT); INSERT INTO nowhere VALUES (1);"})
    failed = run(mariadb_url, "execute", *path)
    assert "003_orders.sql:1, statement 2 of 2 failed" in failed.stderr
    asked_again = run(mariadb_url, "execute", *path).stderr
    assert "execute --on-partial resume" in asked_again
    undone = asked(mariadb_url, "rollback", *path)
    assert [m["id"] for m in undone["rolledBack"]] == ["003_orders"]
    assert len(asked(mariadb_url, "discover", *path)["applied"]) == 2


@pytest.mark.parametrize("tool", ["goose", "flyway", "prisma"])
def test_the_folder_of_now_is_the_default(
    sqlite_url: str, tmp_path: Path, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(tmp_path / "m", layout(tool)))
    said = run(sqlite_url, "discover").stdout
    assert said.startswith(tool)
    assert "3 pending" in said


def test_looking_at_a_database_does_not_make_one(tmp_path: Path, shop: Path) -> None:
    run(f"sqlite:///{tmp_path}/new.db", "discover", "--path", str(shop))
    run(f"sqlite:///{tmp_path}/new.db", "dry-run", "--path", str(shop))
    assert not (tmp_path / "new.db").exists()


def test_no_process_shows_the_password(postgresql_server: str, tmp_path: Path, shop: Path) -> None:
    """Every command line and every variable name of every child is read while it all runs."""
    name = f"hidden_{os.getpid()}"
    quoted = NASTY.replace("'", "''")
    with psycopg.connect(postgresql_server, autocommit=True) as server:
        server.execute(f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD '{quoted}'")  # type: ignore[call-overload]
        server.execute(f"CREATE DATABASE {name} OWNER {name}")  # type: ignore[call-overload]
    url = replace(parse_url(postgresql_server), user=name, password=NASTY, database=name).text()
    write(shop, {"004_index.sql": "CREATE INDEX CONCURRENTLY i ON users (name);"})
    seen: set[str] = set()
    stopped = threading.Event()

    def watch() -> None:
        while not stopped.wait(0.002):
            for place in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(place.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    said = ""
    try:
        for command in ("dry-run", "execute --backup", "rollback --steps 9 --allow-derived"):
            done = subprocess.run(
                [sys.executable, "-m", "cli", "migrations", *command.split(), "--path", str(shop)],
                env={**os.environ, "DATABASE_URL": url, "DATAROLL_HOME": str(tmp_path / "home")},
                cwd=Path(__file__).parents[2],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            said += done.stdout + done.stderr
        with connect(url) as database:
            assert database.tables() <= {"dataroll_journal", "dataroll_migrations"}
    finally:
        stopped.set()
        watcher.join()
        with psycopg.connect(postgresql_server, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]
            server.execute(f"DROP ROLE {name}")  # type: ignore[call-overload]
    assert any("pg_dump" in line for line in seen)
    for text in (*seen, said):
        assert NASTY not in text
        assert "p%40ss" not in text
