"""Flyway's settings that decide what runs and where: schemas, baselines, validation, target."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_tasks.errors import Refused, StepConfigError
from runtime_tasks.migrations.database import connect
from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.rehearse import rehearse
from runtime_tasks.migrations.undo import undo
from tests.migrations.projects import visiting, whole, write

FILES = {
    "V1__a.sql": "CREATE TABLE a (i INT);",
    "V2__b.sql": "CREATE TABLE b (i INT); INSERT INTO a VALUES (1);",
    "V3__c.sql": "CREATE TABLE c (i INT);",
    "U1__a.sql": "DROP TABLE a;",
    "U2__b.sql": "DROP TABLE b; DELETE FROM a;",
    "U3__c.sql": "DROP TABLE c;",
}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("flyway.conf", "flyway.schemas=shop,\\\n  depot\n"),
        ("conf/flyway.conf", "flyway.defaultSchema=shop\nflyway.schemas=depot\n"),
        ("flyway.toml", '[environments.default]\nschemas = ["shop", "depot"]\n'),
        (
            "flyway.toml",
            '[flyway]\nenvironment = "x"\n[environments.x]\nschemas = ["shop", "depot"]\n',
        ),
        ("dataroll.toml", '[flyway]\nschemas = ["shop", "depot"]\n'),
    ],
)
def test_schemas_are_made_and_worked_in(
    postgresql_url: str, tmp_path: Path, file: str, text: str
) -> None:
    leads_away = FILES["V1__a.sql"] + "SET search_path TO public; SET ROLE pg_monitor;"
    folder = write(tmp_path / "m", FILES | {"V1__a.sql": leads_away, file: text})
    before = whole(postgresql_url)
    with visiting(postgresql_url, folder) as session:
        assert len(rehearse(session).statements) == 6
    assert whole(postgresql_url) == before
    with visiting(postgresql_url, folder) as session:
        execute(session)
        assert session.history().pending == ()
        assert {
            "shop.a",
            "shop.b",
            "shop.c",
            "shop.flyway_schema_history",
        } <= session.database.tables()
        assert session.database.has_schema("depot")
        rows = session.database.query(
            "SELECT installed_rank, version, type, script FROM shop.flyway_schema_history"
            " ORDER BY installed_rank"
        )
        rank, version, kind, script = rows[0]
        assert (rank, version, kind) == (0, None, "SCHEMA")
        assert set(script.split(",")) == {'"shop"', '"depot"'}
        assert [row[:2] for row in rows[1:]] == [(1, "1"), (2, "2"), (3, "3")]
    with visiting(postgresql_url, folder) as session:
        assert (session.history().pending, session.history().problems) == ((), ())
        undo(session, steps=2)
        assert "shop.a" in session.database.tables()
        assert [m.id for m in session.history().pending] == ["2", "3"]


def test_the_schema_of_the_connection_itself_is_no_other(
    every_database_url: str, tmp_path: Path
) -> None:
    with connect(every_database_url) as database:
        home = {"sqlite": "main", "postgresql": "public", "mysql": database.url.database}[
            database.dialect
        ]
    folder = write(tmp_path / "m", FILES | {"flyway.conf": f"flyway.schemas={home}\n"})
    with visiting(every_database_url, folder) as session:
        execute(session)
        assert {"a", "b", "c", "flyway_schema_history"} <= session.database.tables()


def test_another_database_is_refused(mariadb_url: str, sqlite_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "m", FILES | {"flyway.conf": "flyway.schemas=other\n"})
    for url in (mariadb_url, sqlite_url):
        with visiting(url, folder) as session, pytest.raises(StepConfigError, match="schema other"):
            session.history()


def test_a_database_that_holds_something_is_baselined_or_refused(
    every_database_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "m", FILES)
    with connect(every_database_url) as database:
        database.run("CREATE TABLE a (i INT)")
    with visiting(every_database_url, folder) as session:
        for act in (rehearse, execute):
            with pytest.raises(Refused, match="set baselineOnMigrate and baselineVersion"):
                act(session)
    write(folder, {"flyway.conf": "flyway.baselineOnMigrate=true\nflyway.baselineVersion=1.0\n"})
    with visiting(every_database_url, folder) as session:
        assert [m.id for m in session.history().pending] == ["2", "3"]
        assert len(rehearse(session).statements) == 3
        execute(session)
        book = "SELECT version, description, type, checksum FROM flyway_schema_history ORDER BY installed_rank"
        rows = session.database.query(book)
        assert rows[0] == ("1.0", "<< Flyway Baseline >>", "BASELINE", None)
        assert [row[0] for row in rows] == ["1.0", "2", "3"]
    with visiting(every_database_url, folder) as session:
        assert (session.history().pending, session.history().problems) == ((), ())


def test_baseline_on_migrate_means_nothing_to_an_empty_database(
    database_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "m", FILES | {"flyway.conf": "flyway.baselineOnMigrate=true\n"})
    with visiting(database_url, folder) as session:
        assert [m.id for m in execute(session).applied] == ["1", "2", "3"]


def test_what_validation_finds_blocks_unless_it_is_switched_off(
    sqlite_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "m", {k: v for k, v in FILES.items() if k[1] != "2"})
    with visiting(sqlite_url, folder) as session:
        execute(session)
    (folder / "V1__a.sql").unlink()
    write(
        folder,
        {
            "V3__c.sql": "SELECT 3;",
            "V2__b.sql": "CREATE TABLE b (i INT);",
            "V4__d.sql": "SELECT 4;",
        },
    )

    def history(conf: str) -> tuple[list[str], list[str]]:
        write(folder, {"flyway.conf": conf})
        with visiting(sqlite_url, folder) as session:
            found = session.history()
            return [m.id for m in found.pending], found.blocking

    pending, blocking = history("")
    assert pending == ["2", "4"]
    assert [text.split(":")[0] for text in sorted(blocking)] == [
        "1 is applied, but its file is not there any more",
        "V2__b.sql is older than what is applied already; Flyway refuses to go on (unless outOfOrder is set)",
        "V3__c.sql was edited after it was applied",
    ]
    assert history("flyway.validateOnMigrate=false\n") == (["4"], [])
    assert history("flyway.validateOnMigrate=false\nflyway.outOfOrder=true\n") == (["2", "4"], [])
    assert len(history("flyway.ignoreMigrationPatterns=*:missing,versioned:ignored\n")[1]) == 1


@pytest.mark.parametrize(
    ("target", "pending"),
    [
        ("2", ["1", "2"]),
        ("2.0", ["1", "2"]),
        ("next", ["1"]),
        ("current", []),
        ("latest", ["1", "2", "3"]),
        ("2.5?", ["1", "2"]),
    ],
)
def test_a_target(sqlite_url: str, tmp_path: Path, target: str, pending: list[str]) -> None:
    folder = write(tmp_path / "m", FILES | {"flyway.conf": f"flyway.target={target}\n"})
    with visiting(sqlite_url, folder) as session:
        assert [m.id for m in session.history().pending] == pending


def test_what_cannot_be_done_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    for line, said in {
        "flyway.cherryPick=2": "cherryPick",
        "flyway.skipExecutingMigrations=true": "skipExecutingMigrations",
        "flyway.target=9": "target 9",
        "flyway.locations=filesystem:sql,filesystem:../beside": "beside",
    }.items():
        (tmp_path / "beside").mkdir(exist_ok=True)
        folder = write(
            tmp_path / "m", {f"sql/{k}": v for k, v in FILES.items()} | {"flyway.conf": line}
        )
        with pytest.raises(StepConfigError, match=said), visiting(sqlite_url, folder) as session:
            session.history()


def test_init_sql_comes_before_everything(postgresql_url: str, tmp_path: Path) -> None:
    with connect(postgresql_url) as database:
        if not database.query("SELECT 1 FROM pg_roles WHERE rolname = 'flyway_owner'"):
            database.run("CREATE ROLE flyway_owner")
        database.run("CREATE SCHEMA owned AUTHORIZATION flyway_owner")
    text = '[flyway]\ninstalledBy = "${env.WHO}"\n[environments.default]\ninitSql = "SET ROLE flyway_owner; SET search_path TO owned"\n'
    folder = write(
        tmp_path / "m",
        FILES | {"flyway.toml": text, "dataroll.toml": '[environment]\nWHO = "me"\n'},
    )
    with visiting(postgresql_url, folder) as session:
        rehearse(session)
        execute(session)
        owners = session.database.query(
            "SELECT DISTINCT schemaname, tableowner FROM pg_tables WHERE tablename IN ('a', 'c', 'flyway_schema_history')"
        )
        assert owners == [("owned", "flyway_owner")]
        assert session.database.query(
            "SELECT DISTINCT installed_by FROM flyway_schema_history"
        ) == [("me",)]
    with connect(postgresql_url) as database:
        database.run("DROP OWNED BY flyway_owner CASCADE")
