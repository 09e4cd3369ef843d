"""Real histories: what the real tool makes of an empty database is what we make of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import flask_migrate
import pytest

from runtime_tasks.errors import StepError
from runtime_tasks.migrations.database import connect, parse_url
from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.settings import project_environment
from runtime_tasks.migrations.undo import undo
from runtime_tasks.migrations.work import MigrationFailed
from tests.migrations.histories import prefect, wagtail
from tests.migrations.layouts import layout
from tests.migrations.projects import EMAIL, USERS, alembic, visiting, write

DBMATE = Path(sys.executable).with_name("dbmate")


def schema(url: str, *books: str) -> dict[str, str]:
    with connect(url) as database:
        return dict(database.fingerprint(books).objects)


def twin(url: str, tmp_path: Path) -> str:
    """A second empty database beside the first."""
    parsed = parse_url(url)
    if parsed.dialect == "sqlite":
        return f"sqlite:///{tmp_path}/twin.db"
    with connect(url) as database:
        more = " CHARACTER SET utf8mb4" if parsed.dialect == "mysql" else ""
        database.run(f"CREATE DATABASE {parsed.database}_twin{more}")
    return parsed.with_database(f"{parsed.database}_twin").text()


def drop(url: str) -> None:
    parsed = parse_url(url)
    if parsed.dialect != "sqlite":
        with connect(parsed.with_database(parsed.database.removesuffix("_twin"))) as database:
            database.run(f"DROP DATABASE {parsed.database}")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_prefect_s_own_history(database_url: str, tmp_path: Path) -> None:
    folder = prefect(tmp_path / "prefect")
    with visiting(database_url, folder) as session:
        waiting = len(session.history().pending)
        done = execute(session)
    assert len(done.applied) == waiting > 110
    other = twin(database_url, tmp_path)
    variables = project_environment(folder, parse_url(other))
    code = (
        "import anyio; from prefect.server.database.alembic_commands import alembic_upgrade;"
        "anyio.run(anyio.to_thread.run_sync, alembic_upgrade)"
    )
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, **variables},
        check=True,
        capture_output=True,
    )
    try:
        ours, theirs = (schema(u, "alembic_version") for u in (database_url, other))
        assert lines_apart(ours) == lines_apart(theirs)
    finally:
        drop(other)


@pytest.mark.slow
@pytest.mark.timeout(3000)  # 232 migrations twice: ten minutes where many share two cores
def test_a_django_project_with_wagtail(every_database_url: str, tmp_path: Path) -> None:
    folder = wagtail(tmp_path / "site")
    with visiting(every_database_url, folder) as session:
        waiting = len(session.history().pending)
        done = execute(session)
        assert len(done.applied) == waiting > 150
        assert session.history().pending == ()
    # Django's own verdict, and its own run on another database.
    other = twin(every_database_url, tmp_path)
    try:
        assert manage(folder, every_database_url, "migrate", "--check") == 0
        assert manage(folder, other, "migrate") == 0
        ours, theirs = (schema(u, "django_migrations") for u in (every_database_url, other))
        assert sorted(ours) == sorted(theirs)
        assert lines_apart(ours) == lines_apart(theirs)
        with connect(every_database_url) as one, connect(other) as two:
            assert one.row_counts() == two.row_counts()
    finally:
        drop(other)


def lines_apart(objects: dict[str, str]) -> dict[str, list[str]]:
    """Alembic's and Django's table copies on SQLite write constraints in the order of a set."""
    return {n: sorted(re.split(r"[\s,]+", text)) for n, text in objects.items()}


def manage(folder: Path, url: str, *command: str) -> int:
    """The project's own manage.py, with its settings' database replaced."""
    from runtime_tasks.migrations.tools.django import _database

    settings = (folder / "site_settings.py").read_text()
    text = f"{settings}\nDATABASES = {{'default': {_database(parse_url(url))!r}}}\n"
    if url.startswith("mysql"):
        text += "import pymysql\npymysql.version_info = (2, 2, 7, 'final', 0)\npymysql.install_as_MySQLdb()\n"
    (folder / "real_settings.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *command, "--skip-checks"],
        cwd=folder,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "real_settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.returncode


def dbmate(url: str, folder: Path, command: str) -> str:
    parsed = parse_url(url)
    query = "?sslmode=disable" if parsed.dialect == "postgresql" else ""
    text = f"sqlite:{parsed.database}" if parsed.dialect == "sqlite" else parsed.text() + query
    done = subprocess.run(
        [str(DBMATE), "--no-dump-schema", "-d", str(folder), command],
        env={**os.environ, "DATABASE_URL": text},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_dbmate_itself_accepts_our_rows_and_we_accept_its(
    every_database_url: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "m", layout("dbmate"))
    with visiting(every_database_url, folder) as session:
        execute(session, session.history().pending[:2])
        status = dbmate(every_database_url, folder, "status")
        assert "Applied: 2" in status
        assert "Pending: 1" in status
        dbmate(every_database_url, folder, "up")
        assert [m.status for m in session.history().applied] == ["applied"] * 3
    other = twin(every_database_url, tmp_path)
    try:
        dbmate(other, folder, "up")
        assert schema(every_database_url) | {} == schema(other) | {
            k: v for k, v in schema(every_database_url).items() if "schema_migrations" in k
        }
        with connect(other) as database:
            assert len(database.query("SELECT version FROM schema_migrations")) == 3
        with visiting(other, folder) as session:
            assert session.history().pending == ()
    finally:
        drop(other)


def test_alembic_itself_accepts_our_rows(sqlite_url: str, tmp_path: Path) -> None:
    folder = alembic(tmp_path / "project", USERS, EMAIL)
    with visiting(sqlite_url, folder) as session:
        execute(session)
    ini = (folder / "alembic.ini").read_text()
    (folder / "alembic.ini").write_text(ini.replace("driver://user:pass@localhost/x", sqlite_url))
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "current"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "aaa2 (head)" in done.stdout


FLASK = {
    "wsgi.py": "from shop import create_app\n\napp = create_app()\n",
    "shop.py": """
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:////nowhere/at/all.db"
    db.init_app(app)
    Migrate(app, db)
    return app
""",
    "migrations/versions/1_users.py": """
import sqlalchemy as sa
from alembic import op
from flask import current_app

revision, down_revision = "1", None


def upgrade():
    op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))
    op.execute(f"INSERT INTO users VALUES ({len(current_app.name)})")


def downgrade():
    op.drop_table("users")
""",
}


def flask_project(folder: Path) -> Path:
    """As ``flask db init`` makes it: an alembic.ini without ``script_location``, beside env.py."""
    template = Path(flask_migrate.__file__).parent / "templates/flask"
    files = {
        "migrations/alembic.ini": (template / "alembic.ini.mako").read_text(),
        "migrations/env.py": (template / "env.py").read_text(),
    }
    return write(folder, FLASK | files)


def test_flask_s_application_is_asked_as_flask_does(
    every_database_url: str, tmp_path: Path
) -> None:
    folder = flask_project(tmp_path / "project")
    with visiting(every_database_url, folder / "migrations") as session:
        assert [m.id for m in session.history().pending] == ["1"]
        assert [m.id for m in execute(session).applied] == ["1"]
        assert session.database.query("SELECT id FROM users") == [(len("shop"),)]
        undo(session, to="steps", steps=1)
        assert "users" not in session.database.tables()


def test_a_flask_application_that_is_not_found_is_named_in_the_settings(
    sqlite_url: str, tmp_path: Path
) -> None:
    folder = flask_project(tmp_path / "project")
    (folder / "wsgi.py").rename(folder / "start.py")
    with visiting(sqlite_url, folder / "migrations") as session:
        with pytest.raises(StepError, match=r"FLASK_APP under \[environment\] in dataroll.toml"):
            session.history()
        write(folder / "migrations", {"dataroll.toml": '[environment]\nFLASK_APP = "start"\n'})
        assert [m.id for m in session.history().pending] == ["1"]


@pytest.mark.parametrize(
    ("hasty", "refused"),
    [
        ('flask_migrate.upgrade("migrations")', "migrates its database when it is loaded"),
        ("db.create_all()", r"(?i)read.?only"),
    ],
)
def test_whoever_only_looks_has_no_flask_application_change_anything(
    every_database_url: str, tmp_path: Path, hasty: str, refused: str
) -> None:
    folder = flask_project(tmp_path / "project")
    application = f"""
import flask_migrate
from shop import create_app, db

class Thing(db.Model):
    id = db.Column(db.Integer, primary_key=True)

app = create_app()
with app.app_context():
    {hasty}
"""
    write(folder, {"wsgi.py": application})
    with visiting(every_database_url, folder / "migrations") as session:
        with pytest.raises(StepError, match=refused):
            session.history()
        assert not session.database.tables()


def test_an_env_py_that_keeps_a_failure_to_itself_is_not_believed(
    every_database_url: str, tmp_path: Path
) -> None:
    broken = ("broken", 'op.execute("INSERT INTO nowhere VALUES (1)")', "pass")
    folder = alembic(tmp_path / "project", USERS, broken)
    env = (folder / "alembic/env.py").read_text()
    quiet = """
        try:
            context.run_migrations()
        except Exception:
            pass
"""
    write(folder, {"alembic/env.py": env.replace("        context.run_migrations()\n", quiet[1:])})
    with visiting(every_database_url, folder) as session:
        with pytest.raises(
            MigrationFailed, match=r"revisions are not applied: .*nowhere"
        ) as failed:
            execute(session)
        applied = [m.id for m in session.history().applied]
        assert "aaa2" not in applied
        assert failed.value.details["applied"] == applied


def test_what_a_project_does_on_its_way_out_is_no_failure(sqlite_url: str, tmp_path: Path) -> None:
    folder = alembic(tmp_path / "project", USERS)
    env = (folder / "alembic/env.py").read_text()
    last = """
import atexit
later = engine.connect()
later.begin()
atexit.register(later.rollback)
"""
    write(folder, {"alembic/env.py": env + last})
    with visiting(sqlite_url, folder) as session:
        assert [m.id for m in execute(session).applied] == ["aaa1"]
