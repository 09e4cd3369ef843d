"""What real histories hold and the real tools run: each case was met in a public project's files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from runtime_tasks.errors import Refused, StepConfigError
from runtime_tasks.migrations.detect import detect
from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.expand import expand
from runtime_tasks.migrations.project import interpreter
from runtime_tasks.migrations.rehearse import rehearse
from runtime_tasks.migrations.tools.flyway import checksum
from runtime_tasks.migrations.undo import undo
from runtime_tasks.migrations.work import MigrationFailed
from tests.migrations.layouts import layout
from tests.migrations.projects import visiting, whole, write


def drizzle(folder: Path, *texts: str) -> Path:
    entries = [
        {
            "idx": n,
            "version": "7",
            "when": 1700000000000 + n,
            "tag": f"{n:04}_x",
            "breakpoints": True,
        }
        for n in range(len(texts))
    ]
    files = {f"{n:04}_x.sql": text for n, text in enumerate(texts)}
    return write(folder, files | {"meta/_journal.json": json.dumps({"entries": entries})})


def test_a_directory_may_be_called_like_a_file(sqlite_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {"20240101000000_a.sql/migration.sql": "CREATE TABLE a (i INT);"})
    with visiting(sqlite_url, folder) as session:
        assert execute(session).statements == 1


def test_a_file_may_end_the_transaction_that_its_tool_puts_round_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    text = (
        "COMMIT TRANSACTION;--> statement-breakpoint\nPRAGMA foreign_keys = OFF;\n"
        "--> statement-breakpoint\nBEGIN TRANSACTION;--> statement-breakpoint\n"
        "CREATE TABLE b (i INT);"
    )
    folder = drizzle(tmp_path, "CREATE TABLE a (i INT);", text)
    with visiting(sqlite_url, folder) as session:
        assert len(rehearse(session).statements) == 5
        execute(session)
        assert not session.database.in_transaction
        assert {"a", "b"} <= session.database.tables()


def test_a_transaction_left_open_is_lost_with_prisma_and_so_refused(
    postgresql_url: str, tmp_path: Path
) -> None:
    files = {"20240101000000_a/migration.sql": "BEGIN; CREATE TABLE a (i int);"}
    with (
        visiting(postgresql_url, write(tmp_path, files)) as session,
        pytest.raises(MigrationFailed, match="never ends it"),
    ):
        execute(session)


def test_a_transaction_left_open_is_ended_by_goose(postgresql_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {"1_a.sql": "-- +goose Up\nBEGIN;\nCREATE TABLE a (i int);\n"})
    with visiting(postgresql_url, folder) as session:
        execute(session)
    with visiting(postgresql_url, folder) as session:
        assert "a" in session.database.tables()


@pytest.mark.parametrize("tool", ["sql", "goose", "golang-migrate", "dbmate", "flyway", "prisma"])
def test_books_are_found_wherever_a_dump_leads_the_session(
    postgresql_url: str, tool: str, tmp_path: Path
) -> None:
    first = (
        "SELECT pg_catalog.set_config('search_path', '', false);\n"
        "CREATE TABLE public.a (i integer);\nSET search_path TO public;"
    )
    second = "SET search_path TO ''; CREATE VIEW public.v AS SELECT i FROM public.a;"
    down = "DROP VIEW public.v;"
    steps = (("a", first, "DROP TABLE public.a;"), ("v", second, down))
    folder = write(tmp_path, layout(tool, steps))
    before = whole(postgresql_url)
    with visiting(postgresql_url, folder) as session:
        assert rehearse(session).rollback_rehearsed
        assert whole(postgresql_url) == before
        execute(session)
        assert session.history().pending == ()
        assert len(undo(session).rolled_back) == 2
    assert whole(postgresql_url) == before


def test_a_file_may_use_another_database_and_the_books_stay(
    mariadb_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, {"1_a.sql": "CREATE TABLE a (i INT); USE mysql; SELECT 1;"})
    with visiting(mariadb_url, folder) as session:
        execute(session)
        assert [m.id for m in session.history().applied] == ["1_a"]


def test_rows_of_a_copy_stand_in_the_file(postgresql_url: str, tmp_path: Path) -> None:
    text = (
        "CREATE TABLE a (i integer, t text);\nCOPY a (i, t) FROM stdin;\n"
        "1\tone; two\n2\t\\N\n\\.\n\nCREATE TABLE b (i integer);\n"
    )
    with visiting(postgresql_url, write(tmp_path, {"V1__a.sql": text})) as session:
        assert [run.rows for run in rehearse(session).statements] == [None, 2, None]
        execute(session)
        rows = session.database.query("SELECT i, t FROM a ORDER BY i")
        assert rows == [(1, "one; two"), (2, None)]
        assert "b" in session.database.tables()


def test_a_file_sets_its_own_transaction_s_isolation(postgresql_url: str, tmp_path: Path) -> None:
    text = (
        "CREATE TABLE a (i int);\nBEGIN;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n"
        "INSERT INTO a VALUES (1);\nCOMMIT;\n"
    )
    with visiting(postgresql_url, write(tmp_path, {"1_a.sql": text})) as session:
        assert len(rehearse(session).statements) == 5
        execute(session)
        statements = [e for e in session.work.journal.entries() if e.kind == "statement"]
        assert [e.position for e in statements if e.status == "applied"] == [1, 2, 3, 4, 5]


def test_a_pragma_ends_with_its_file(sqlite_url: str, tmp_path: Path) -> None:
    files = {
        "1_a.sql": "CREATE TABLE p (i INTEGER PRIMARY KEY); CREATE TABLE c (i INTEGER"
        " REFERENCES p (i) ON DELETE CASCADE); INSERT INTO p VALUES (1); INSERT INTO c VALUES (1);"
        "\nPRAGMA foreign_keys = ON;",
        "2_b.sql": "DROP TABLE p;",
    }
    with visiting(sqlite_url, write(tmp_path, files)) as session:
        execute(session)
        assert session.database.query("SELECT count(*) FROM c") == [(1,)]


def test_goose_fills_in_variables_where_a_file_asks_for_it(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "-- +goose Up\n-- +goose ENVSUB ON\nCREATE TABLE ${NAME:-a} (t TEXT DEFAULT '$$1');\n"
        "-- +goose ENVSUB OFF\nINSERT INTO a (t) VALUES ('$WHO');\n"
    )
    folder = write(tmp_path, {"1_a.sql": text})
    with visiting(sqlite_url, folder) as session:
        first = session.plan(session.history().pending).hash
        monkeypatch.setenv("NAME", "b")
        assert session.plan(session.history().pending).hash != first
        monkeypatch.delenv("NAME")
        execute(session)
        assert session.database.query("SELECT t FROM a") == [("$WHO",)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A ${A} ${A:-x}", "1 1 1"),
        ("${B:-x}${B-y}", "xy"),
        ("${C-x}|${C:-y}", "|y"),
        ("${A:?no} \\$A $$A $$", "1 $A $A $"),
        ("${LONG:1}|${LONG:1:2}", "bcd|bc"),
        ("$(x) 5$ ${not ended", "$(x) 5$ ${not ended"),
    ],
)
def test_variables(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "C": "", "LONG": "abcd"}, "x.sql") == expected


@pytest.mark.parametrize("text", ["$B", "${B}", "${B?why}", "${C:?why}"])
def test_a_variable_that_is_not_set_is_said_so(text: str) -> None:
    with pytest.raises(StepConfigError, match=r"x.sql asks for the variable [BC]"):
        expand(text, {"C": ""}, "x.sql")


def test_goose_s_block_may_hold_several_statements(mariadb_url: str, tmp_path: Path) -> None:
    text = (
        "-- +goose Up\n-- +goose StatementBegin\nCREATE TABLE a (t TEXT);\n"
        "INSERT INTO a VALUES ('x;y');\n-- +goose StatementEnd\nINSERT INTO a VALUES ('z\u2028');\n"
    )
    with visiting(mariadb_url, write(tmp_path, {"1_a.sql": text})) as session:
        assert execute(session).statements == 3
        assert session.database.query("SELECT t FROM a") == [("x;y",), ("z\u2028",)]


@pytest.mark.parametrize("digits", [1, 3, 6])
def test_pairs_of_up_and_down_are_golang_migrate_s(tmp_path: Path, digits: int) -> None:
    files = {f"{n:0{digits}}_a.{way}.sql": "SELECT 1;" for n in (1, 2) for way in ("up", "down")}
    assert detect(write(tmp_path, files))[0].name == "golang-migrate"
    write(tmp_path, {f"{3:0{digits}}_a.sql": "SELECT 1;"})
    assert detect(tmp_path)[0].name == "sql"


def test_flyway_s_names(sqlite_url: str, tmp_path: Path) -> None:
    files = {
        "V1.sql": "CREATE TABLE a (i INT);",
        "V1_1__x__y.SQL": "CREATE TABLE b (i INT);",
        "sub/V2__c.sql": "CREATE TABLE c (i INT);",
        "README.sql": "not SQL",
        "Vx__no.sql": "not SQL",
    }
    with visiting(sqlite_url, write(tmp_path, files)) as session:
        execute(session)
        rows = session.database.query(
            "SELECT version, description, script FROM flyway_schema_history"
        )
    assert rows == [
        ("1", "", "V1.sql"),
        ("1.1", "x  y", "V1_1__x__y.SQL"),
        ("2", "c", "sub/V2__c.sql"),
    ]


def test_flyway_s_callbacks_run_and_are_approved_with_the_rest(
    every_database_url: str, tmp_path: Path
) -> None:
    files = {
        "V1__a.sql": "CREATE TABLE a (t VARCHAR(99));",
        "V2__b.sql": "INSERT INTO a VALUES ('two');",
        "R__c.sql": "INSERT INTO a VALUES ('again ${flyway:filename}');",
        "afterEachMigrate.sql": "INSERT INTO a VALUES ('each');",
        "afterMigrate__rights.sql": "INSERT INTO a VALUES ('end');",
        "afterVersioned.sql": "INSERT INTO a VALUES ('versions');",
    }
    folder = write(tmp_path, files)
    with visiting(every_database_url, folder) as session:
        approved = rehearse(session).plan.hash
        write(folder, {"afterMigrate__rights.sql": "INSERT INTO a VALUES ('END');"})
        with pytest.raises(Refused, match="the migration files changed"):
            execute(session, approved=approved)
        execute(session)
        rows = [t for (t,) in session.database.query("SELECT t FROM a")]
    assert rows == ["each", "two", "each", "versions", "again R__c.sql", "each", "END"]


def test_flyway_s_repeatable_checksum_counts_what_is_filled_in(
    sqlite_url: str, tmp_path: Path
) -> None:
    conf = "flyway.placeholders.Who=me\n"
    folder = write(tmp_path, {"R__a.sql": "CREATE VIEW ${wHO} AS SELECT 1;", "flyway.conf": conf})
    with visiting(sqlite_url, folder) as session:
        execute(session)
        ((booked,),) = session.database.query("SELECT checksum FROM flyway_schema_history")
        assert booked == checksum("CREATE VIEW me AS SELECT 1;")
        write(folder, {"flyway.conf": conf.replace("=me", "=you")})
        assert [m.id for m in session.history().pending] == ["R__a"]
        session.database.run(
            "UPDATE flyway_schema_history SET checksum = ?",
            (checksum("CREATE VIEW ${wHO} AS SELECT 1;"),),
        )
        assert session.history().pending == ()


def test_flyway_s_baseline_script_stands_for_older_versions(
    sqlite_url: str, tmp_path: Path
) -> None:
    files = {
        "V1__a.sql": "CREATE TABLE old (i INT);",
        "V2__b.sql": "DROP TABLE old;",
        "B2__all.sql": "CREATE TABLE base (i INT);",
        "V3__c.sql": "ALTER TABLE base ADD COLUMN j INT;",
    }
    folder = write(tmp_path, files)
    with visiting(sqlite_url, folder) as session:
        assert [m.file for m in execute(session).applied] == ["B2__all.sql", "V3__c.sql"]
        assert (session.history().pending, session.history().problems) == ((), ())
        assert [m.status for m in session.history().applied] == ["applied", "applied"]


def test_flyway_s_baseline_script_is_not_for_a_database_with_a_history(
    sqlite_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, {"V1__a.sql": "CREATE TABLE old (i INT);"})
    with visiting(sqlite_url, folder) as session:
        execute(session)
        write(folder, {"V2__b.sql": "DROP TABLE old;", "B2__all.sql": "broken"})
        assert [m.file for m in execute(session).applied] == ["V2__b.sql"]
        assert session.history().pending == ()


def test_flyway_s_settings(sqlite_url: str, tmp_path: Path) -> None:
    toml = (
        '[flyway]\nlocations = ["filesystem:sql/core"]\ntable = "history"\noutOfOrder = true\n'
        'sqlMigrationPrefix = "M"\n[flyway.placeholders]\nt = "people"\n'
    )
    files = {"flyway.toml": toml, "sql/core/M2__a.sql": "CREATE TABLE ${t} (i INT);"}
    folder = write(tmp_path, files | {"sql/other/M3__b.sql": "broken"})
    with visiting(sqlite_url, folder) as session:
        execute(session)
        assert {"people", "history"} <= session.database.tables()
        write(folder, {"sql/core/M1__late.sql": "SELECT 1;"})
        assert [m.status for m in session.history().pending] == ["out-of-order"]
        execute(session)


def test_flyway_s_java_migrations_are_not_passed_over(sqlite_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {"V1__a.sql": "SELECT 1;", "V2__B.java": "class V2__B {}"})
    with visiting(sqlite_url, folder) as session, pytest.raises(StepConfigError, match="Java"):
        session.history()


def test_drizzle_s_breakpoint_may_stand_in_a_comment(sqlite_url: str, tmp_path: Path) -> None:
    text = "CREATE TABLE a (i INT) -- one --> statement-breakpoint\nCREATE TABLE b (i INT)"
    with visiting(sqlite_url, drizzle(tmp_path, text)) as session:
        assert execute(session).statements == 2


@pytest.mark.parametrize("name", ["001_a.sql", "001_a.up.sql", "V1__a.sql", "2024_a/migration.sql"])
def test_a_link_out_of_the_project_is_not_followed(
    sqlite_url: str, tmp_path: Path, name: str
) -> None:
    secret = write(tmp_path / "elsewhere", {"passwd": "root:x:0:0"}) / "passwd"
    folder = tmp_path / "project"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).symlink_to(secret)
    with (
        pytest.raises(StepConfigError, match="leads out of project") as refused,
        visiting(sqlite_url, folder) as session,
    ):
        session.history()
    assert "root:x" not in str(refused.value)


def test_what_lies_in_a_project_and_is_not_its_own_is_passed_over(
    sqlite_url: str, tmp_path: Path
) -> None:
    """A virtual environment is full of links, and of other people's files."""
    folder = write(
        tmp_path / "project",
        {
            "001_a.sql": "CREATE TABLE a (i INT);",
            ".venv/pyvenv.cfg": "",
            ".venv/bin/activate": "",
            "python/pyvenv.cfg": "",
            "python/lib/V1__theirs.sql": "CREATE TABLE b (i INT);",
            "node_modules/theirs/V1__theirs.sql": "CREATE TABLE b (i INT);",
            ".git/V1__theirs.sql": "CREATE TABLE b (i INT);",
        },
    )
    (folder / ".venv/bin/python").symlink_to(sys.executable)
    assert interpreter(folder) == str(folder / ".venv/bin/python")
    with visiting(sqlite_url, folder) as session:
        assert session.tool.name == "sql"
        execute(session)
        assert "a" in session.database.tables()


def test_a_link_inside_the_repository_is_followed(sqlite_url: str, tmp_path: Path) -> None:
    write(tmp_path, {".git/HEAD": "", "shared/a.sql": "CREATE TABLE a (i INT);", "m/x": ""})
    (tmp_path / "m/001_a.sql").symlink_to(tmp_path / "shared/a.sql")
    with visiting(sqlite_url, tmp_path / "m") as session:
        execute(session)
        assert "a" in session.database.tables()


@pytest.mark.parametrize("tool", ["sql", "golang-migrate", "dbmate", "goose"])
def test_bytes_that_are_no_utf_8_reach_the_database_as_they_are(
    every_database_url: str, tmp_path: Path, tool: str
) -> None:
    name = {"golang-migrate": "1_a.up.sql"}.get(tool, "1_a.sql")
    head = {"dbmate": b"-- migrate:up\n", "goose": b"-- +goose Up\n"}.get(tool, b"")
    comment = (
        b"CREATE TABLE a (t VARCHAR(20)); /* caf\xe9 */ INSERT INTO a /* \xe9t\xe9 */ VALUES ('x');"
    )
    latin = b"SET client_encoding = 'LATIN1'; CREATE TABLE a (t text); INSERT INTO a VALUES ('caf\xe9');"
    postgresql = every_database_url.startswith("postgresql")
    (tmp_path / name).write_bytes(head + (latin if postgresql else comment))
    with visiting(every_database_url, tmp_path, tool=tool) as session:
        rehearse(session)
        execute(session)
        if postgresql:
            session.database.run("RESET client_encoding")
        assert session.database.query("SELECT t FROM a") == [("café" if postgresql else "x",)]
        assert session.history().problems == ()


def test_what_sqlite_cannot_take_is_said_so(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "1_a.sql").write_bytes(
        b"CREATE TABLE a (t TEXT); INSERT INTO a VALUES ('caf\xe9');"
    )
    with (
        visiting(sqlite_url, tmp_path) as session,
        pytest.raises(MigrationFailed, match="save the file as UTF-8"),
    ):
        execute(session)


def test_plain_files_of_one_number_run_in_the_order_of_names(
    sqlite_url: str, tmp_path: Path
) -> None:
    files = {"2_b.sql": "CREATE TABLE b AS SELECT * FROM a;", "2_a.sql": "CREATE TABLE a (i INT);"}
    with visiting(sqlite_url, write(tmp_path, files)) as session:
        assert "have the same number" in session.history().problems[0].message
        assert [m.id for m in execute(session).applied] == ["2_a", "2_b"]
