"""A file may take another role or lead the session elsewhere; books and journal are written all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime_tasks.migrations.database import connect
from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.rehearse import rehearse
from runtime_tasks.migrations.undo import undo
from runtime_tasks.migrations.work import MigrationFailed
from tests.migrations.projects import visiting, whole, write

TOOLS = {
    "sql": ("1_a.sql", "2_b.sql", "{}", "1_a.down.sql", "2_b.down.sql"),
    "golang-migrate": ("1_a.up.sql", "2_b.up.sql", "{}", "1_a.down.sql", "2_b.down.sql"),
    "flyway": ("V1__a.sql", "V2__b.sql", "{}", "U1__a.sql", "U2__b.sql"),
}
LEADS_AWAY = {
    "role": "SET ROLE nobody_much;",
    "local role": "SET LOCAL ROLE nobody_much;",
    "by function": "SELECT set_config('role', 'nobody_much', false);",
    "session": "SET SESSION AUTHORIZATION nobody_much;",
    "path": "SET search_path TO theirs;",
    "no path": "SELECT pg_catalog.set_config('search_path', '', false);",
    "all": "SET ROLE nobody_much; SET search_path TO theirs;",
    "own transaction": "SET ROLE nobody_much; BEGIN; CREATE TABLE theirs.more (i int); COMMIT; BEGIN;"
    " SELECT 1; COMMIT;",
    "discard": "DISCARD ALL; SET ROLE nobody_much;",
}


@pytest.fixture
def database(postgresql_url: str) -> Iterator[str]:
    with connect(postgresql_url) as database:
        if database.query("SELECT 1 FROM pg_roles WHERE rolname = 'nobody_much'") == []:
            database.run("CREATE ROLE nobody_much")
        database.run("CREATE SCHEMA theirs AUTHORIZATION nobody_much")
    yield postgresql_url
    with connect(postgresql_url) as database:
        database.run("DROP OWNED BY nobody_much CASCADE")


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("way", LEADS_AWAY)
def test_a_file_that_leads_the_session_away(
    database: str, tmp_path: Path, tool: str, way: str
) -> None:
    first, second, form, first_down, second_down = TOOLS[tool]
    drop = "DROP TABLE theirs.a; DROP TABLE IF EXISTS theirs.more;"
    files = {
        first: form.format(f"{LEADS_AWAY[way]} CREATE TABLE theirs.a (i int);"),
        second: form.format("CREATE TABLE theirs.b (i int);"),
        first_down: f"{LEADS_AWAY[way].replace('CREATE', '-- CREATE')}\n{drop}",
        second_down: "DROP TABLE theirs.b;",
    }
    if way == "own transaction":
        files[first_down] = "SET ROLE nobody_much; " + drop
    folder = write(tmp_path / "m", files)
    before = whole(database)
    with visiting(database, folder, execution="one") as session:
        assert rehearse(session).statements
    assert whole(database) == before
    with visiting(database, folder, execution="one") as session:
        assert len(execute(session).applied) == 2
        owners = session.database.query(
            "SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'theirs'::regnamespace ORDER BY relname"
        )
        takes_role = "path" not in way
        assert dict(owners)["a"] == ("nobody_much" if takes_role else "dataroll")
        entries = [e for e in session.work.journal.entries("one") if e.kind == "migration"]
        assert [e.status for e in entries] == ["started", "applied"] * 2
        # A tool that gives each file a fresh session gives it its own role, too.
        if tool == "flyway":
            assert dict(owners)["b"] == "dataroll"
    with visiting(database, folder, execution="one") as session:
        assert (session.history().pending, session.history().problems) == ((), ())
        undo(session)
    assert whole(database) == before


def test_a_file_that_fails_as_somebody_else_is_journalled(database: str, tmp_path: Path) -> None:
    text = "SET ROLE nobody_much; CREATE TABLE theirs.a (i int); CREATE INDEX CONCURRENTLY x ON theirs.a (i); SELECT nothing;"
    folder = write(tmp_path / "m", {"1_a.sql": text})
    with visiting(database, folder, execution="one") as session:
        with pytest.raises(MigrationFailed, match="its first 3 statements stay applied"):
            execute(session)
        assert session.work.journal.entries("one")[-1].status == "failed"
    with visiting(
        database, write(folder, {"1_a.sql": text.replace("SELECT nothing", "SELECT 1")})
    ) as session:
        execute(session, on_partial="resume")
        assert session.history().pending == ()


def test_a_lock_that_a_file_gives_away_is_taken_again(database: str, tmp_path: Path) -> None:
    folder = write(
        tmp_path / "m",
        {
            "1_a.sql": "DISCARD ALL;",
            "2_b.sql": "CREATE TABLE theirs.held AS SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();",
        },
    )
    with visiting(database, folder) as session:
        execute(session)
        assert session.database.query("SELECT n FROM theirs.held") == [(1,)]
