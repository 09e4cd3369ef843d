"""Each tool's layout, book and special rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime_tasks.errors import Refused, StepConfigError
from runtime_tasks.migrations.database import connect
from runtime_tasks.migrations.detect import detect
from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.rehearse import rehearse
from runtime_tasks.migrations.tools.flyway import checksum
from runtime_tasks.migrations.tools.golang_migrate import lock_id
from runtime_tasks.migrations.undo import undo
from runtime_tasks.migrations.work import MigrationFailed
from tests.migrations.layouts import STEPS, TOOLS, layout
from tests.migrations.projects import USERS, alembic, visiting, whole, write


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_a_folder_is_recognised_by_its_layout(tool: str, tmp_path: Path) -> None:
    found, reason = detect(write(tmp_path / "m", layout(tool)))
    assert found.name == tool
    assert reason


def test_a_folder_of_two_tools_is_a_question(tmp_path: Path) -> None:
    folder = write(tmp_path, layout("goose") | layout("flyway"))
    with pytest.raises(StepConfigError, match=r"more than one tool fits .*flyway.*goose"):
        detect(folder)


def test_a_folder_of_no_tool_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StepConfigError, match="no migrations were found"):
        detect(tmp_path)


def test_apply_and_take_back(every_database_url: str, tool: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "m", layout(tool))
    before = whole(every_database_url)
    with visiting(every_database_url, folder) as session:
        assert len(rehearse(session).statements) == 4
        assert whole(every_database_url) == before
        done = execute(session)
        assert [m.status for m in done.applied] == ["applied"] * 3
        assert [m.id for m in session.history().applied] == [m.id for m in done.applied]
        assert session.history().problems == ()
        one = undo(session, steps=1)
        assert [m.id for m in one.rolled_back] == [done.applied[-1].id]
        assert [m.id for m in session.history().pending] == [done.applied[-1].id]
        execute(session)
    with visiting(every_database_url, folder) as session:
        assert len(undo(session).rolled_back) == 3
    assert whole(every_database_url) == before


def test_a_failure_in_the_middle_is_taken_back(
    every_database_url: str, tool: str, tmp_path: Path
) -> None:
    broken = (*STEPS[:2], ("orders", "INSERT INTO nowhere VALUES (1);", "DROP TABLE orders;"))
    folder = write(tmp_path / "m", layout(tool, broken))
    before = whole(every_database_url)
    with visiting(every_database_url, folder) as session, pytest.raises(MigrationFailed) as failed:
        execute(session)
    assert len(failed.value.details["applied"]) == 2
    with visiting(every_database_url, folder) as session:
        history = session.history()
        assert (len(history.applied), len(history.pending), history.problems) == (2, 1, ())
        assert len(undo(session).rolled_back) == 2
    assert whole(every_database_url) == before


@pytest.mark.parametrize("name", ["sql", "flyway", "prisma", "drizzle"])
def test_a_file_edited_after_it_was_applied_is_reported(
    sqlite_url: str, name: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "m", layout(name))
    with visiting(sqlite_url, folder) as session:
        execute(session)
        first = session.history().applied[0]
        assert first.file is not None
        (folder / first.file).write_text("SELECT 1;")
        history = session.history()
        assert [m.status for m in history.applied] == ["edited", "applied", "applied"]
        assert "edited" in history.problems[0].message or "changed" in history.problems[0].message


def test_a_file_that_is_gone_is_reported(sqlite_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "m", layout("goose"))
    with visiting(sqlite_url, folder) as session:
        execute(session)
        (folder / "00002_email.sql").unlink()
        history = session.history()
        assert [m.status for m in history.applied] == ["applied", "missing", "applied"]


@pytest.mark.parametrize(("name", "blocks"), [("goose", True), ("flyway", True), ("sql", False)])
def test_a_file_out_of_order_is_reported(
    sqlite_url: str, name: str, blocks: bool, tmp_path: Path
) -> None:
    files = layout(name)
    middle = {k: v for k, v in files.items() if "email" in k}
    folder = write(tmp_path / "m", {k: v for k, v in files.items() if k not in middle})
    with visiting(sqlite_url, folder) as session:
        execute(session)
        write(folder, middle)
        assert [m.status for m in session.history().pending] == ["out-of-order"]
        if blocks:
            with pytest.raises(Refused, match="older than what is applied"):
                execute(session)
        else:
            assert len(execute(session).applied) == 1


def test_drizzle_s_silently_skipped_files_are_reported(sqlite_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "m", layout("drizzle"))
    journal = folder / "meta/_journal.json"
    everything = json.loads(journal.read_text())
    journal.write_text(json.dumps(everything | {"entries": everything["entries"][::2]}))
    with visiting(sqlite_url, folder) as session:
        execute(session)
        journal.write_text(json.dumps(everything))
        history = session.history()
        assert [m.status for m in history.applied] == ["applied", "skipped", "applied"]
        assert history.pending == ()
        assert "without a word" in history.problems[0].message


def test_flyway_repeats_what_has_changed(database_url: str, tmp_path: Path) -> None:
    files = layout("flyway") | {"R__people.sql": "CREATE VIEW people AS SELECT id FROM users;"}
    folder = write(tmp_path / "m", files)
    with visiting(database_url, folder) as session:
        assert [m.id for m in execute(session).applied] == ["1.1", "1.2", "1.3", "R__people"]
        text = "DROP VIEW people; CREATE VIEW people AS SELECT name FROM users;"
        write(folder, {"R__people.sql": text})
        assert [m.id for m in execute(session).applied] == ["R__people"]
        assert session.history().pending == ()
        assert session.history().problems == ()


def test_flyway_s_checksum_leaves_line_ends_and_the_byte_order_mark_out() -> None:
    assert checksum("a\nb\n") == checksum("\ufeffa\r\nb\r\n") == checksum("ab")
    assert checksum("ab") == 0x9E83486D - 2**32


def test_flyway_s_placeholders_are_filled_in(sqlite_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "m", {"V1__t.sql": "CREATE TABLE ${name} (id INTEGER);"})
    with visiting(sqlite_url, folder) as session:
        with pytest.raises(StepConfigError, match=r"placeholder \$\{name\}"):
            execute(session)
        write(folder, {"flyway.conf": "flyway.placeholders.name=people\n"})
        execute(session)
        assert "people" in session.database.tables()


def test_golang_migrate_s_lock_is_its_own() -> None:
    assert 0 <= lock_id("public\0schema_migrations\0app") < 2**32
    assert lock_id("") == 0


def test_golang_migrate_s_dirty_mark_blocks(sqlite_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "m", layout("golang-migrate"))
    with visiting(sqlite_url, folder) as session:
        execute(session, session.history().pending[:1])
        session.database.run("UPDATE schema_migrations SET dirty = 1")
        with pytest.raises(Refused, match="dirty at version 1"):
            execute(session)


def test_goose_s_statement_blocks_hold_their_semicolons(mariadb_url: str, tmp_path: Path) -> None:
    text = (
        "-- +goose Up\n-- +goose StatementBegin\nCREATE PROCEDURE two()\nBEGIN\n  SELECT 1;\n"
        "  SELECT 2;\nEND;\n-- +goose StatementEnd\n-- +goose Down\nDROP PROCEDURE two;\n"
    )
    folder = write(tmp_path / "m", {"00001_two.sql": text})
    with visiting(mariadb_url, folder) as session:
        assert execute(session).statements == 1
        assert undo(session).rolled_back[0].id == "1"


def test_goose_without_a_transaction(postgresql_url: str, tmp_path: Path) -> None:
    files = layout("goose") | {
        "00004_index.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n"
        "CREATE INDEX CONCURRENTLY users_name ON users (name);\n"
        "-- +goose Down\nDROP INDEX CONCURRENTLY users_name;\n"
    }
    folder = write(tmp_path / "m", files)
    with visiting(postgresql_url, folder) as session:
        trial = rehearse(session)
        assert trial.method == "scratch copy of the schema"
        execute(session)
        undo(session)
    with connect(postgresql_url) as database:
        assert database.tables() == set()


def test_what_a_project_prints_is_progress_in_its_order_and_bounded(
    sqlite_url: str, tmp_path: Path
) -> None:
    said: list[str] = []
    up = (
        'print("moving the users"); [print(f"row {n}") for n in range(900)]\n'
        '    op.execute("CREATE TABLE moved (id INTEGER)")'
    )
    folder = alembic(tmp_path / "project", USERS, ("move", up, "pass"))
    with visiting(
        sqlite_url, folder, progress=lambda message, done, total: said.append(message)
    ) as session:
        execute(session)
    printed = [line for line in said if not line.startswith("aaa")]
    assert printed[:2] == ["moving the users", "row 0"]
    assert printed[-1] == "… more was printed, and is left out"
    assert len(printed) == 501
    place = said.index("moving the users")
    assert any("CREATE TABLE users" in line for line in said[:place])
    assert any("CREATE TABLE moved" in line for line in said[place:])
