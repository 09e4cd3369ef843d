"""What must never happen, and what has to be said when it nearly does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from runtime_tasks.errors import Cancelled, Refused, StepError
from runtime_tasks.migrations.database import connect, parse_url
from runtime_tasks.migrations.derive import derived_down
from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.rehearse import rehearse
from runtime_tasks.migrations.undo import undo
from runtime_tasks.migrations.work import MigrationFailed
from tests.migrations.projects import SHOP, USERS, alembic, visiting, whole, write

NASTY = "p@ss:w/o?r#d%20&'\"\\ ;$`{}[]<>|^~é"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write(tmp_path / "migrations", SHOP)


def test_a_password_of_every_special_character_works_and_is_never_shown(
    postgresql_server: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = f"nasty_{os.getpid()}"
    with psycopg.connect(postgresql_server, autocommit=True) as server:
        quoted = NASTY.replace("'", "''")
        server.execute(
            f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD E'{quoted.replace(chr(92), chr(92) * 2)}'"
        )  # type: ignore[call-overload]
        server.execute(f"CREATE DATABASE {name} OWNER {name}")  # type: ignore[call-overload]
    base = parse_url(postgresql_server)
    from dataclasses import replace

    url = replace(base, user=name, password=NASTY, database=name).text()
    folder = alembic(tmp_path / "project", USERS)
    try:
        with visiting(url, folder) as session:
            rehearse(session)
            execute(session)
            (folder / "alembic/versions/aaa1.py").write_text("raise ValueError('" + "x" + "')")
            with pytest.raises(StepError) as failed:
                session.history()
        wrong = replace(base, user="nobody", password=NASTY, database="nothing").text()
        with pytest.raises(StepError) as refused:
            connect(wrong)
    finally:
        with psycopg.connect(postgresql_server, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]
            server.execute(f"DROP ROLE {name}")  # type: ignore[call-overload]
    out, err = capfd.readouterr()
    for text in (
        str(failed.value),
        repr(failed.value.details),
        str(refused.value),
        out,
        err,
        repr(base),
    ):
        assert NASTY not in text
        assert "p%40ss" not in text
        assert "p@ss" not in text


@pytest.mark.parametrize("password", [NASTY, "a@b", "x:y", "%", "://u:p@h/"])
def test_urls_hide_their_passwords(password: str) -> None:
    from urllib.parse import quote

    url = parse_url(
        f"postgresql://bob:{quote(password, safe='')}@db.example:5433/app?sslmode=require"
    )
    assert (url.password, url.host, url.port, url.database) == (password, "db.example", 5433, "app")
    assert parse_url(url.text()) == url
    assert password not in repr(url)
    assert quote(password, safe="") not in str(url)
    assert password not in url.scrub(f"could not connect to {url.text()} with {password!r}")


def test_two_runs_at_once_the_second_is_told_who_is_first(
    every_database_url: str, shop: Path
) -> None:
    with (
        visiting(every_database_url, shop, execution="first") as first,
        visiting(every_database_url, shop, execution="second") as second,
    ):
        if every_database_url.startswith("mysql"):
            execute(first, first.history().pending[:1])  # its journal names the holder
        with first.database.lock(wait=0), pytest.raises(Refused, match="execution first"):
            execute(second, wait=0.2)


def test_many_runs_at_once_apply_everything_exactly_once(
    every_database_url: str, shop: Path
) -> None:
    applied: list[str] = []
    errors: list[Exception] = []

    def run(number: int) -> None:
        try:
            with visiting(every_database_url, shop, execution=f"run-{number}") as session:
                applied.extend(m.id for m in execute(session, wait=30).applied)
        except StepError as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(applied) == ["001_users", "002_email", "003_orders"]


def test_a_dry_run_of_files_that_commit_changes_nothing(
    every_database_url: str, tmp_path: Path
) -> None:
    begin = "START TRANSACTION" if every_database_url.startswith("mysql") else "BEGIN"
    text = f"{begin};\nCREATE TABLE a (i INTEGER);\nINSERT INTO a VALUES (1);\nCOMMIT;\n"
    folder = write(tmp_path / "m", {"1_a.sql": text, "1_a.down.sql": "DROP TABLE a;"})
    before = whole(every_database_url)
    with visiting(every_database_url, folder) as session:
        assert len(rehearse(session).statements) == 4
        assert whole(every_database_url) == before
        execute(session)
        assert session.database.row_counts(["dataroll_migrations"]) == {"a": 1}
        undo(session)
    assert whole(every_database_url) == before


def test_a_commit_that_hides_in_a_statement_is_never_run(
    postgresql_url: str, tmp_path: Path
) -> None:
    """To a splitter this looks like a body that begins with BEGIN ATOMIC; it is a parameter."""
    hidden = (
        "CREATE DOMAIN atomic AS integer;\n"
        "CREATE FUNCTION f(begin atomic ) RETURNS integer LANGUAGE sql AS 'SELECT 1'; COMMIT;"
        " CREATE TABLE left_behind (i integer);"
    )
    folder = write(tmp_path / "m", {"1_a.sql": hidden})
    before = whole(postgresql_url)
    with visiting(postgresql_url, folder) as session:
        with pytest.raises(MigrationFailed, match="multiple commands"):
            rehearse(session)
        assert whole(postgresql_url) == before


@pytest.mark.parametrize("sql", ["COPY t TO PROGRAM 'touch /tmp/x'", "copy t\nfrom program 'id'"])
def test_a_dry_run_starts_no_program(postgresql_url: str, tmp_path: Path, sql: str) -> None:
    folder = write(tmp_path / "m", {"1_a.sql": f"CREATE TABLE t (i text);\n{sql};"})
    with (
        visiting(postgresql_url, folder) as session,
        pytest.raises(Refused, match=r"1_a.sql:2 has the database's server run a program"),
    ):
        rehearse(session)


def test_what_no_rollback_takes_back_is_tried_on_a_copy(
    postgresql_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "m", {"1_a.sql": "SELECT pg_reload_conf();"})
    with visiting(postgresql_url, folder) as session:
        assert rehearse(session).method == "scratch copy of the schema"


def test_settings_and_interpreters_of_others_are_not_the_project_s(tmp_path: Path) -> None:
    from runtime_tasks.migrations.project import interpreter
    from runtime_tasks.migrations.settings import project_settings

    anybody = tmp_path / "anybody"
    python = "venv/bin/python"
    write(anybody, {"dataroll.toml": "[environment]\n", python: "", "venv/pyvenv.cfg": ""})
    folder = anybody / "mine/migrations"
    folder.mkdir(parents=True)
    assert interpreter(folder) == str(anybody / python)
    anybody.chmod(0o777)
    assert interpreter(folder) == sys.executable
    assert project_settings(folder) == {}


def test_a_dry_run_sees_rows_locks_and_rewrites(postgresql_url: str, tmp_path: Path) -> None:
    with connect(postgresql_url) as database:
        database.run("CREATE TABLE t (id serial PRIMARY KEY, n integer)")
        database.run("INSERT INTO t (n) SELECT generate_series(1, 1000)")
    folder = write(
        tmp_path / "m",
        {
            "1_t.sql": "UPDATE t SET n = n + 1 WHERE n > 500;\nALTER TABLE t ALTER n TYPE bigint;\n"
            "INSERT INTO t (n) VALUES (1);\nALTER TABLE t DROP COLUMN n;\nCREATE INDEX i ON t (id);"
        },
    )
    with visiting(postgresql_url, folder) as session:
        trial = rehearse(session)
        ((value, called),) = session.database.query("SELECT last_value, is_called FROM t_id_seq")
    update, alter, _, drop, _ = trial.statements
    assert trial.method == "rolled-back transaction"
    assert update.rows == 500
    assert "AccessExclusiveLock on t: blocks reads and writes" in alter.locks
    assert alter.rewrites == ("t", "t_pkey")
    assert drop.destructive
    assert any("destroys data" in warning for warning in trial.warnings)
    assert any("require-concurrent-index-creation" in warning for warning in trial.warnings)
    assert any("no down file" in warning for warning in trial.warnings)
    assert (value, called) == (1000, True)


@pytest.mark.parametrize(
    ("statement", "locks", "rewrites"),
    [
        ("DROP TABLE o CASCADE", {"AccessExclusiveLock on o"}, ()),
        ("DROP VIEW v", {"AccessExclusiveLock on v"}, ()),
        ("DROP INDEX o_n", {"AccessExclusiveLock on o", "AccessExclusiveLock on o_n"}, ()),
        ("CREATE INDEX CONCURRENTLY i ON o (id)", {"ShareUpdateExclusiveLock on o"}, ()),
        ("DROP INDEX CONCURRENTLY o_n", {"ShareUpdateExclusiveLock on o_n"}, ()),
        ("VACUUM (ANALYZE) o", {"ShareUpdateExclusiveLock on o"}, ()),
        (
            "ALTER TABLE o ADD FOREIGN KEY (n) REFERENCES u NOT VALID",
            {"ShareRowExclusiveLock on o", "ShareRowExclusiveLock on u"},
            (),
        ),
        (
            "ALTER TABLE p ATTACH PARTITION q DEFAULT",
            {"AccessExclusiveLock on q", "ShareUpdateExclusiveLock on p"},
            (),
        ),
        ("ALTER TABLE u ALTER id TYPE bigint", None, ("u",)),
        ("ALTER TABLE o ADD g int GENERATED ALWAYS AS (n * 2) STORED", None, ("o", "o_n")),
    ],
)
def test_what_statements_lock_and_write_anew(
    postgresql_url: str,
    tmp_path: Path,
    statement: str,
    locks: set[str] | None,
    rewrites: tuple[str, ...],
) -> None:
    with connect(postgresql_url) as database:
        for sql in (
            "CREATE TABLE u (id int PRIMARY KEY)", "CREATE TABLE o (id int, n int)",
            "CREATE INDEX o_n ON o (n)", "CREATE VIEW v AS SELECT id FROM o",
            "CREATE TABLE p (id int) PARTITION BY LIST (id)", "CREATE TABLE q (id int)",
        ):  # fmt: skip
            database.run(sql)
    with visiting(postgresql_url, write(tmp_path / "m", {"1_x.sql": statement})) as session:
        run = rehearse(session).statements[-1]
    if locks is not None:
        assert {text.partition(":")[0] for text in run.locks} >= locks
    assert run.rewrites == rewrites


def test_a_dry_run_shows_what_the_real_rows_would_violate(
    postgresql_url: str, tmp_path: Path
) -> None:
    with connect(postgresql_url) as database:
        database.run("CREATE TABLE t (n integer)")
        database.run("INSERT INTO t VALUES (NULL)")
    folder = write(tmp_path / "m", {"1_t.sql": "ALTER TABLE t ALTER n SET NOT NULL;"})
    before = whole(postgresql_url)
    with visiting(postgresql_url, folder) as session, pytest.raises(StepError, match="null values"):
        rehearse(session)
    assert whole(postgresql_url) == before


def test_the_way_back_is_rehearsed(every_database_url: str, shop: Path) -> None:
    with visiting(every_database_url, shop) as session:
        assert rehearse(session).rollback_rehearsed
        write(shop, {"003_orders.down.sql": "DROP TABLE order_s;"})
        trial = rehearse(session)
        assert not trial.rollback_rehearsed
        assert any("fails" in warning and "order_s" in warning for warning in trial.warnings)
        write(shop, {"003_orders.down.sql": "SELECT 1;"})
        assert "does not lead back" in rehearse(session).warnings[-1]


def test_without_a_down_file_nothing_is_taken_back(every_database_url: str, shop: Path) -> None:
    (shop / "002_email.down.sql").unlink()
    with visiting(every_database_url, shop) as session:
        execute(session)
        before = whole(every_database_url)
        with pytest.raises(Refused, match=r"002_email.sql has no down file.*Nothing was changed"):
            undo(session)
        assert whole(every_database_url) == before


def test_a_derived_reverse_only_where_it_is_allowed(every_database_url: str, shop: Path) -> None:
    for name in ("001_users", "002_email", "003_orders"):
        (shop / f"{name}.down.sql").unlink()
    write(shop, {"003_orders.sql": "CREATE TABLE orders (id INTEGER PRIMARY KEY);"})
    before = whole(every_database_url)
    with visiting(every_database_url, shop) as session:
        execute(session)
        assert undo(session, allow_derived=True).method == "derived reverse"
    assert whole(every_database_url) == before


def test_half_a_migration_on_mariadb_is_undone_by_a_derived_reverse(
    mariadb_url: str, tmp_path: Path
) -> None:
    text = "CREATE TABLE a (i INT);\nALTER TABLE a ADD COLUMN j INT;\nCREATE INDEX k ON a (j);\nBROKEN;"
    folder = write(tmp_path / "m", {"1_a.sql": text})
    before = whole(mariadb_url)
    with visiting(mariadb_url, folder) as session:
        with pytest.raises(MigrationFailed) as failed:
            execute(session)
        assert failed.value.details["partlyApplied"] == {"migration": "1_a", "statements": 3}
        with pytest.raises(Refused):
            undo(session)
        assert undo(session, allow_derived=True).method == "derived reverse"
    assert whole(mariadb_url) == before


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("CREATE TABLE a.b (i int)", "DROP TABLE a.b;"),
        ('ALTER TABLE "t" ADD COLUMN "x y" int', 'ALTER TABLE "t" DROP COLUMN "x y";'),
        ("ALTER TABLE t RENAME COLUMN a TO b", "ALTER TABLE t RENAME COLUMN b TO a;"),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "DROP INDEX i;"),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", "ALTER TABLE t DROP CONSTRAINT c;"),
    ],
)
def test_derived_reverses(up: str, down: str) -> None:
    assert derived_down(up, "postgresql") == down


@pytest.mark.parametrize(
    "up", ["DROP TABLE a", "UPDATE a SET b = 1", "ALTER TABLE a DROP b", "CALL x()"]
)
def test_what_loses_data_has_no_derived_reverse(up: str) -> None:
    with pytest.raises(StepError, match="nothing can be derived"):
        derived_down(up, "postgresql")


def test_a_backup_is_the_way_back_on_sqlite(
    sqlite_url: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAROLL_HOME", str(tmp_path / "home"))
    with connect(sqlite_url) as database:
        database.run("CREATE TABLE old (id INTEGER)")
    write(shop, {"004_drop.sql": "DROP TABLE old;"})
    before = whole(sqlite_url)
    with visiting(sqlite_url, shop) as session:
        execute(session, backup=True)
        assert undo(session, allow_derived=True).method == "backup"
    assert whole(sqlite_url) == before
    (kept,) = (tmp_path / "home/backups").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_backup_without_room_stops_everything(
    every_database_url: str, shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "full"
    home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(home)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        monkeypatch.setenv("DATAROLL_HOME", "/proc/self")  # nobody writes there
    else:
        monkeypatch.setenv("DATAROLL_HOME", str(home))
    with connect(every_database_url) as database:
        database.run("CREATE TABLE old (t TEXT)")
        for _ in range(30):
            database.run("INSERT INTO old VALUES (?)", (os.urandom(2000).hex(),))
    before = whole(every_database_url)
    try:
        with (
            visiting(every_database_url, shop) as session,
            pytest.raises((StepError, OSError)),
        ):
            execute(session, backup=True)
        assert mounted.returncode or list((home / "backups").iterdir()) == []
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", str(home)], check=True)
    assert whole(every_database_url) == before


def test_cancelled_between_statements(every_database_url: str, shop: Path) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise Cancelled("somebody cancelled the run")

    with (
        visiting(every_database_url, shop, check_cancelled=check) as session,
        pytest.raises(Cancelled, match="cancelled at 00") as stopped,
    ):
        execute(session)
    assert stopped.value.details["applied"][0] == "001_users"
    with visiting(every_database_url, shop) as session:
        assert [m.id for m in session.history().applied] == stopped.value.details["applied"]


def test_a_lost_connection_is_said_so_and_recovered(postgresql_url: str, tmp_path: Path) -> None:
    kill = "SELECT pg_terminate_backend(pg_backend_pid());"
    folder = write(tmp_path / "m", {"1_a.sql": "CREATE TABLE a (i int);", "2_b.sql": kill})
    with visiting(postgresql_url, folder) as session, pytest.raises(StepError, match="connection"):
        execute(session)
    write(folder, {"2_b.sql": "CREATE TABLE b (i int);"})
    with visiting(postgresql_url, folder) as session:
        assert [m.id for m in execute(session).applied] == ["2_b"]


def test_a_connection_cut_in_mariadb_is_said_so_and_recovered(
    mariadb_url: str, tmp_path: Path
) -> None:
    files = {
        "1_a.sql": "CREATE TABLE a (i INT);",
        "2_b.sql": "CREATE TABLE b (i INT); KILL CONNECTION_ID(); INSERT INTO b VALUES (1);",
    }
    folder = write(tmp_path / "m", files)
    with visiting(mariadb_url, folder) as session, pytest.raises(StepError, match="connection"):
        execute(session)
    write(folder, {"2_b.sql": "CREATE TABLE b (i INT); INSERT INTO b VALUES (1);"})
    with visiting(mariadb_url, folder, execution="next") as session:
        with pytest.raises(StepError, match="1 of 3 statements are applied"):
            execute(session, wait=30)
        assert [m.id for m in execute(session, wait=30, on_partial="resume").applied] == ["2_b"]
        assert session.database.query("SELECT i FROM b") == [(1,)]


def test_a_lock_that_is_not_to_be_had_is_waited_for(
    postgresql_url: str, shop: Path, tmp_path: Path
) -> None:
    folder = write(tmp_path / "m", {"1_t.sql": "ALTER TABLE t ADD COLUMN x int;"})
    with connect(postgresql_url) as other:
        other.run("CREATE TABLE t (id int)")
        other.run("BEGIN")
        other.run("LOCK TABLE t")
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                other.run("COMMIT")

        with visiting(postgresql_url, folder, lock_timeout=0.2, sleep=sleep) as session:
            assert len(execute(session).applied) == 1
        assert waits == [1, 2]


def test_importing_the_steps_stays_cheap() -> None:
    heavy = "sqlalchemy alembic psycopg pymysql sqlparse sqlite3 runtime_tasks.migrations.database"
    code = (
        f"import sys, runtime_tasks.steps; print([m for m in {heavy.split()} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
