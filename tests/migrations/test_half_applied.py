"""Half a revision on MariaDB, where a project's own tool cannot take it back: three choices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runtime_tasks.errors import Refused
from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.recovery import settle
from runtime_tasks.migrations.undo import undo
from runtime_tasks.migrations.work import MigrationFailed
from tests.migrations.projects import USERS, alembic, visiting, whole, write

HALF = (
    'op.create_table("a", sa.Column("i", sa.Integer)); op.execute("INSERT INTO a VALUES (1)");'
    ' op.add_column("a", sa.Column("j", sa.Integer)); op.execute({last!r})'
)
BROKEN = HALF.format(last="INSERT INTO nowhere VALUES (1)")
MENDED = HALF.format(last="INSERT INTO a VALUES (2, 2)")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return alembic(tmp_path / "project", USERS, ("half", BROKEN, 'op.drop_table("a")'))


def mend(project: Path, text: str = MENDED) -> None:
    file = project / "alembic/versions/aaa2.py"
    file.write_text(file.read_text().replace(BROKEN, text))


def half(url: str, project: Path) -> None:
    with visiting(url, project) as session, pytest.raises(MigrationFailed) as failed:
        execute(session)
    assert failed.value.details["partlyApplied"] == {"migration": "aaa2", "statements": 3}
    with (
        visiting(url, project, execution="next") as session,
        pytest.raises(Refused, match="its first 3 statements are applied") as refused,
    ):
        execute(session)
    assert refused.value.details["choices"] == ["resume", "mark-applied", "rollback"]


def rows(url: str, project: Path) -> list[tuple[object, ...]]:
    with visiting(url, project) as session:
        assert session.history().pending == ()
        return session.database.query("SELECT i, j FROM a ORDER BY i")


def test_it_can_be_resumed_behind_what_is_applied(mariadb_url: str, project: Path) -> None:
    half(mariadb_url, project)
    mend(project)
    with visiting(mariadb_url, project, execution="resumed") as session:
        assert [m.id for m in execute(session, on_partial="resume").applied] == ["aaa2"]
        assert settle(session) == []
    assert rows(mariadb_url, project) == [(1, None), (2, 2)]


def test_it_cannot_be_resumed_where_the_applied_part_was_edited(
    mariadb_url: str, project: Path
) -> None:
    half(mariadb_url, project)
    mend(project, MENDED.replace("VALUES (1)", "VALUES (7)"))
    with visiting(mariadb_url, project) as session, pytest.raises(MigrationFailed, match="edited"):
        execute(session, on_partial="resume")
    with visiting(mariadb_url, project) as session:
        assert [p.kept for p in settle(session)] == [3]


def test_it_can_be_marked_as_applied(mariadb_url: str, project: Path) -> None:
    half(mariadb_url, project)
    with visiting(mariadb_url, project, execution="marked") as session:
        assert execute(session, on_partial="mark-applied").applied == ()
        assert settle(session) == []
    assert rows(mariadb_url, project) == [(1, None)]


def test_it_can_be_taken_back_by_a_derived_reverse(mariadb_url: str, project: Path) -> None:
    before = whole(mariadb_url)
    half(mariadb_url, project)
    with visiting(mariadb_url, project) as session:
        with pytest.raises(Refused, match="takes back whole migrations only"):
            undo(session)
        undone = undo(session, allow_derived=True)
        assert [m.id for m in undone.rolled_back] == ["aaa2", "aaa1"]
    assert {k for k in whole(mariadb_url)[0] if k.partition(" ")[2] == "a"} == set()
    assert whole(mariadb_url)[1].keys() <= before[1].keys() | {"alembic_version"}


DJANGO = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_settings')\n"
    "from django.core.management import execute_from_command_line\n",
    "site_settings.py": "SECRET_KEY = 'x'\nINSTALLED_APPS = ['shop']\nDATABASES = {}\n",
    "shop/__init__.py": "",
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_a.py": "from django.db import migrations\n\n"
    "class Migration(migrations.Migration):\n    operations = [migrations.RunSQL(sql) for sql in ("
    "'CREATE TABLE a (i INT)', 'INSERT INTO a VALUES (1)', 'ALTER TABLE a ADD j INT', LAST)]\n",
}


@pytest.mark.parametrize("choice", ["resume", "mark-applied"])
def test_half_a_django_migration(mariadb_url: str, tmp_path: Path, choice: str) -> None:
    file = "shop/migrations/0001_a.py"
    text = DJANGO[file]
    folder = write(
        tmp_path, DJANGO | {file: text.replace("LAST", "'INSERT INTO nowhere SELECT 1'")}
    )
    with visiting(mariadb_url, folder) as session, pytest.raises(MigrationFailed) as failed:
        execute(session)
    assert failed.value.details["partlyApplied"]["statements"] == 3
    write(folder, {file: text.replace("LAST", "'INSERT INTO a VALUES (2, 2)'")})
    with visiting(mariadb_url, folder, execution="next") as session:
        execute(session, on_partial=choice)  # type: ignore[arg-type]
        assert session.history().pending == ()
        found = session.database.query("SELECT i, j FROM a ORDER BY i")
        assert found == [(1, None), (2, 2)][: 2 if choice == "resume" else 1]


CHILD = """
import os, signal, sys
from pathlib import Path
from tests.migrations.projects import visiting
from runtime_tasks.migrations.execute import execute
url, folder, number = sys.argv[1:]
seen = 0

def count(*_):
    global seen
    seen += 1
    if seen == int(number):
        os.kill(os.getpid(), signal.SIGKILL)

with visiting(url, Path(folder), execution="killed", progress=count) as session:
    execute(session, on_partial="resume")
"""


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_killed_at_every_statement_it_is_done_exactly_once(mariadb_url: str, project: Path) -> None:
    mend(project)
    kills = 0
    while True:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, mariadb_url, str(project), "2"],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        kills += 1
        assert kills < 12
    assert kills >= 2
    assert rows(mariadb_url, project) == [(1, None), (2, 2)]
