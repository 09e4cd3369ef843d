"""Scripts are split as the databases themselves split them."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
import sqlparse
from hypothesis import given
from hypothesis import strategies as st

from runtime_tasks.migrations.classify import class_of, kind_of
from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.split import split
from runtime_tasks.migrations.work import MigrationFailed
from tests.migrations.projects import visiting, write


def texts(script: str, dialect: str) -> list[str]:
    return [statement.sql for statement in split(script, dialect)]


CASES = [
    ("postgresql", "SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
    ("postgresql", "SELECT ';'; SELECT \";\"", ["SELECT ';'", 'SELECT ";"']),
    ("postgresql", "-- a; b\nSELECT 1; /* c; /* d; */ e; */ SELECT 2;", ["SELECT 1", "SELECT 2"]),
    ("postgresql", "DO $$ BEGIN a; b; END $$; SELECT 1", ["DO $$ BEGIN a; b; END $$", "SELECT 1"]),
    ("postgresql", "DO $x$ $$ ; $$ ; $x$;SELECT $1;", ["DO $x$ $$ ; $$ ; $x$", "SELECT $1"]),
    ("postgresql", r"SELECT E'it\'s; x'; SELECT 2", [r"SELECT E'it\'s; x'", "SELECT 2"]),
    ("postgresql", r"SELECT 'a\'; SELECT 2", [r"SELECT 'a\'", "SELECT 2"]),
    ("postgresql", "SELECT 'it''s; x'; SELECT 2", ["SELECT 'it''s; x'", "SELECT 2"]),
    ("postgresql", "CREATE RULE r AS ON INSERT TO t DO (a; b); SELECT 1", None),
    (
        "postgresql",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;"
        " SELECT 3",
        None,
    ),
    ("postgresql", "BEGIN; SELECT 1; END; SELECT 2", ["BEGIN", "SELECT 1", "END", "SELECT 2"]),
    (
        "sqlite",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET x = CASE WHEN 1 THEN 2 END; DELETE FROM b;"
        " END; SELECT 1",
        None,
    ),
    ("sqlite", "BEGIN; SELECT [a;b], `c;d`; END;", ["BEGIN", "SELECT [a;b], `c;d`", "END"]),
    ("mysql", "SELECT 'a\\'; b'; # c; d\nSELECT 2; -- e; f\nSELECT 5--2;", ["SELECT 'a\\'; b'", "SELECT 2", "SELECT 5--2"]),
    (
        "mysql",
        "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END //\nDELIMITER ;\nSELECT 2;",
        ["CREATE PROCEDURE p() BEGIN SELECT 1; END", "SELECT 2"],
    ),
    (
        "mysql",
        "CREATE PROCEDURE p() BEGIN IF a THEN SELECT 1; END IF; CASE x WHEN 1 THEN SELECT 2; END CASE;"
        " END; SELECT 3",
        None,
    ),
    ("mysql", "/*!40101 SET NAMES utf8 */; SELECT 1", ["/*!40101 SET NAMES utf8 */", "SELECT 1"]),
    ("mysql", "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.x = 1; SELECT 1", None),
    ("mysql", "CREATE PROCEDURE p() BEGIN FOR i IN 1..3 DO SELECT i; END FOR; SET @end = NEW.end; END; SELECT 1", None),
    (
        "mysql",
        "DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t BEFORE INSERT ON a"
        " FOR EACH ROW BEGIN SET NEW.a = 1; END */;;\nDELIMITER ;\nSELECT 1;",
        None,
    ),
    (
        "sqlite",
        "CREATE TRIGGER t AFTER INSERT ON a WHEN NEW.begin > 0 BEGIN UPDATE a SET end = NEW.end; -- it's; done\n"
        "INSERT INTO b VALUES (';'); /* ; */ END;\r\nSELECT 1;",
        None,
    ),
    (
        "postgresql",
        "\\restrict abc\nSELECT '\n\\echo hi;\n';\n\\set ON_ERROR_STOP on\n\\i other.sql\n\\unrestrict abc\n",
        ["SELECT '\n\\echo hi;\n'", "\\i other.sql"],
    ),
    ("postgresql", "\ufeffSELECT 1;\r\n-- it's\r\nSELECT 2;\r\n", ["SELECT 1", "SELECT 2"]),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "script", "expected"), CASES)
def test_statements(dialect: str, script: str, expected: list[str] | None) -> None:
    found = texts(script, dialect)
    if expected is None:  # the routine or rule is one statement, and one more follows
        assert len(found) == 2
        assert found[1].startswith("SELECT")
    else:
        assert found == expected


def test_a_statement_knows_its_line() -> None:
    assert [s.line for s in split("\n-- x\nSELECT 1;\n\n  SELECT\n2;", "postgresql")] == [3, 5]


PIECES = st.lists(
    st.sampled_from(
        [
            "SELECT 1",
            "';'",
            '";"',
            "-- ;\n",
            "/* ; */",
            ";",
            "\n",
            " ",
            "$$;$$",
            "a",
            "(",
            ")",
            "x''",
        ]
    ),
    max_size=12,
)


@given(PIECES)
def test_sqlite_agrees_with_its_own_splitter(pieces: list[str]) -> None:
    script = "".join(p for p in pieces if "$" not in p)
    for statement in texts(script, "sqlite")[:-1]:
        assert sqlite3.complete_statement(statement + "\n;")


@given(PIECES)
def test_nothing_is_lost_between_statements(pieces: list[str]) -> None:
    script = "".join(pieces)
    kept = "".join("".join(texts(script, "postgresql")).split())
    assert len(kept) <= len("".join(script.split()))
    assert texts(script, "postgresql") == texts(
        ";".join(texts(script, "postgresql")), "postgresql"
    ) or ("--" in script or "/*" in script or "'" in script or '"' in script)


REAL = """
CREATE TABLE "a" ("id" SERIAL NOT NULL, "t" TEXT DEFAULT 'x;y', CONSTRAINT "p" PRIMARY KEY ("id"));
-- AlterTable; not really
ALTER TABLE "a" ADD COLUMN "b" INTEGER; INSERT INTO "a" VALUES (1, 'it''s; me', 2);
CREATE OR REPLACE FUNCTION f() RETURNS trigger AS $body$ BEGIN NEW.b := 1; RETURN NEW; END; $body$ LANGUAGE plpgsql;
CREATE UNIQUE INDEX CONCURRENTLY "i" ON "a" ("b") WHERE "t" <> ';';
"""


def test_it_agrees_with_sqlparse() -> None:
    theirs = [
        s for s in sqlparse.split(REAL) if sqlparse.format(s, strip_comments=True).strip(" ;\n")
    ]
    assert len(split(REAL, "postgresql")) == len(theirs) == 5


def test_a_long_trigger_is_split_in_passing() -> None:
    body = "SELECT CASE WHEN 1 THEN 2 END; " * 5000
    started = time.process_time()
    assert (
        len(texts(f"CREATE TRIGGER t AFTER INSERT ON a BEGIN {body}END; SELECT 1", "sqlite")) == 2
    )
    assert len(texts(f"CREATE PROCEDURE p() BEGIN {body}END; SELECT 1", "mysql")) == 2
    assert time.process_time() - started < 10


def test_what_only_psql_runs_is_said_so(postgresql_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "m", {"1_a.sql": "SELECT 1;\n\\i other.sql\n"})
    with (
        visiting(postgresql_url, folder) as session,
        pytest.raises(MigrationFailed, match=r"1_a.sql:2, .* a command of psql's own"),
    ):
        execute(session)


@pytest.mark.slow
def test_fifty_megabytes(sqlite_url: str, tmp_path: Path) -> None:
    row = "INSERT INTO big VALUES (1, '" + "x;y'' --z " * 50 + "');\n"
    count = 50_000_000 // len(row)
    folder = write(
        tmp_path / "m", {"1_big.sql": "CREATE TABLE big (a INT, b TEXT);\n" + row * count}
    )
    with visiting(sqlite_url, folder) as session:
        assert execute(session).statements == count + 1


@pytest.mark.parametrize(
    ("sql", "dialect", "kind"),
    [
        ("CREATE TABLE a (i int)", "postgresql", "transactional"),
        ("CREATE INDEX CONCURRENTLY i ON a (i)", "postgresql", "no-transaction"),
        ("/* x */ create unique index  concurrently i on a (i)", "postgresql", "no-transaction"),
        ("VACUUM", "postgresql", "no-transaction"),
        ("ALTER TYPE t ADD VALUE 'x'", "postgresql", "no-transaction"),
        ("DO $$ BEGIN UPDATE a SET i = 1; COMMIT; END $$", "postgresql", "no-transaction"),
        ("BEGIN; SELECT 1; COMMIT", "postgresql", "own-transactions"),
        ("SELECT 1; ROLLBACK", "postgresql", "own-transactions"),
        ("SAVEPOINT a; ROLLBACK TO a", "postgresql", "transactional"),
        ("CREATE TABLE a (i int)", "mysql", "no-transaction"),
        ("INSERT INTO a VALUES (1)", "mysql", "transactional"),
        ("PRAGMA foreign_keys=OFF", "sqlite", "no-transaction"),
        ("SELECT 'COMMIT'", "sqlite", "transactional"),
    ],
)
def test_classes(sql: str, dialect: str, kind: str) -> None:
    assert class_of(split(sql, dialect), dialect) == kind


@pytest.mark.parametrize(
    ("sql", "destructive"),
    [
        ("DROP TABLE a", True),
        ("ALTER TABLE a DROP COLUMN b", True),
        ("ALTER TABLE a DROP b", True),
        ("ALTER TABLE a DROP CONSTRAINT b", False),
        ("DELETE FROM a", True),
        ("DELETE FROM a WHERE b = 1", False),
        ("UPDATE a SET b = 1", True),
        ("DROP INDEX a", False),
        ("TRUNCATE a", True),
        ("INSERT INTO a VALUES ('DROP TABLE a')", False),
    ],
)
def test_destructive_statements(sql: str, destructive: bool) -> None:
    assert kind_of(sql, "postgresql").destructive is destructive
