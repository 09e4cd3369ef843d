"""Runs Alembic as the project would, and reports each revision and statement as a line of JSON.

Started with the project's interpreter; reads one JSON object from standard
input: ``{"action": "discover" | "upgrade" | "downgrade", "folder", "ini",
"script_location", "places", "url", "revisions", …}``. The URL comes through the pipe, so that no
command line shows it.
"""

import json
import os
import sys
import time
import traceback

from dataroll_talk import (
    FINISHED,
    LONGEST,
    MIGRATIONS,
    OUT,
    STOP,
    Stop,
    end_with_the_parent,
    say,
)


def redirect_engines(task):
    """Every engine that env.py makes leads to the connection's database, whatever its settings say.

    The project's own driver is kept where it fits the database, so that what runs is what runs
    in production.
    """
    import sqlalchemy.engine.create as create
    from sqlalchemy.engine import url as real

    seen = set()

    class Urls:
        URL = real.URL

        @staticmethod
        def make_url(given):
            asked = real.make_url(given)
            if asked.database:  # without one it asks the server itself, such as whether it is there
                seen.add((asked.get_backend_name(), asked.host, asked.port, asked.database))
            if len(seen) > 1:
                raise RuntimeError(
                    "env.py works on more than one database; dataroll migrates one at a time"
                )
            wanted = real.make_url(task["url"])
            driver = asked.get_driver_name() if "+" in asked.drivername else None
            if asked.get_backend_name() != wanted.get_backend_name():
                driver = None
            is_async = False
            try:
                is_async = asked.get_dialect().is_async
            except Exception:
                driver = None
            if driver is None:
                driver = first_installed(wanted.get_backend_name(), is_async)
            wanted = wanted.set(
                drivername=wanted.get_backend_name() + ("+" + driver if driver else "")
            )
            if asked.get_backend_name() == wanted.get_backend_name() and not wanted.query:
                wanted = wanted.set(
                    query=asked.query if wanted.get_backend_name() != "mysql" else {}
                )
            return wanted

    create._url = Urls


DRIVERS = {
    ("sqlite", False): ["pysqlite:sqlite3"],
    ("sqlite", True): ["aiosqlite"],
    ("postgresql", False): ["psycopg", "psycopg2", "pg8000"],
    ("postgresql", True): ["asyncpg", "psycopg"],
    ("mysql", False): ["pymysql", "mysqldb:MySQLdb", "mysqlconnector:mysql.connector"],
    ("mysql", True): ["asyncmy", "aiomysql"],
}


READ_ONLY = {
    "sqlite": ["PRAGMA query_only = ON"],
    "postgresql": ["SET default_transaction_read_only = on"],
    "mysql": ["SET SESSION TRANSACTION READ ONLY"],
}


def first_installed(backend, is_async):
    from importlib.util import find_spec

    for entry in DRIVERS.get((backend, is_async), []):
        name, _, module = entry.partition(":")
        try:
            if find_spec(module or name):
                return name
        except ImportError:
            continue
    return None


def watch_statements(task):
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "connect")
    def connected(dbapi, record):
        first = task["on_connect"]
        if first:
            cursor = dbapi.cursor()
            for sql in first:
                cursor.execute(sql)
            cursor.close()
            dbapi.commit()

    @event.listens_for(Engine, "before_cursor_execute")
    def before(conn, cursor, statement, parameters, context, executemany):
        context._dataroll_skip = MIGRATIONS.covers(statement)
        context._dataroll_started = time.perf_counter()

    @event.listens_for(Engine, "do_execute")
    def execute(cursor, statement, parameters, context):
        return True if getattr(context, "_dataroll_skip", False) else None

    @event.listens_for(Engine, "do_executemany")
    def execute_many(cursor, statement, parameters, context):
        return True if getattr(context, "_dataroll_skip", False) else None

    @event.listens_for(Engine, "do_execute_no_params")
    def execute_alone(cursor, statement, context):
        return True if getattr(context, "_dataroll_skip", False) else None

    @event.listens_for(Engine, "after_cursor_execute")
    def after(conn, cursor, statement, parameters, context, executemany):
        if context._dataroll_skip:
            return
        rows = (
            cursor.rowcount if (context.isinsert or context.isupdate or context.isdelete) else None
        )
        say(
            "statement",
            sql=statement[:LONGEST],
            ms=(time.perf_counter() - context._dataroll_started) * 1000,
            rows=rows if rows is not None and rows >= 0 else None,
            autocommit=bool(getattr(conn, "_is_autocommit_isolation", lambda: False)()),
        )

    @event.listens_for(Engine, "handle_error")
    def failed(context):
        MIGRATIONS.failure = str(context.original_exception).strip()[:1000]
        if context.statement:
            say("failed-statement", sql=context.statement[:LONGEST])

    @event.listens_for(Engine, "commit")
    def commit(conn):
        say("commit")

    @event.listens_for(Engine, "rollback")
    def rollback(conn):
        say("rollback")


def describe(script, revision):
    path = revision.path
    with open(path, "rb") as file:
        from hashlib import sha256

        checksum = sha256(file.read()).hexdigest()
    return {
        "id": revision.revision,
        "name": (revision.doc or "").splitlines()[0] if revision.doc else revision.revision,
        "file": os.path.abspath(path),
        "checksum": checksum,
    }


def configuration(task):
    from alembic.config import Config

    os.chdir(task["cwd"])
    sys.path.insert(0, task["cwd"])
    config = (
        Config(task["ini"], toml_file=task.get("toml")) if task.get("toml") else Config(task["ini"])
    )
    scripts = task.get("script_location")
    if not scripts and not config.get_main_option("script_location"):
        # Flask-Migrate's alembic.ini stands beside env.py and does not say so.
        scripts = task["cwd"]
    if scripts:
        config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", task["url"].replace("%", "%%"))
    config.attributes["dataroll"] = True
    return config


def run(task):
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import MigrationStep
    from alembic.script import ScriptDirectory

    config = configuration(task)
    script = ScriptDirectory.from_config(config)

    left = []

    def discover(current, context):
        current = heads_of(current)
        known, missing = [], []
        for identifier in current:
            try:
                known.append(script.get_revision(identifier).revision)
            except Exception:
                missing.append(identifier)
        pending = (
            [] if missing else [s.revision for s in script._upgrade_revs("heads", tuple(known))]
        )
        waiting = {revision.revision for revision in pending}
        everything = list(reversed(list(script.walk_revisions())))
        applied = [] if missing else [r for r in everything if r.revision not in waiting]
        say(
            "history",
            current=list(current),
            missing=missing,
            heads=list(script.get_heads()),
            pending=[describe(script, r) for r in pending],
            applied=[describe(script, r) for r in applied],
            version_table=context.version_table,
            version_table_schema=context.version_table_schema,
        )
        return []

    def upgrade(current, context):
        wanted = task["revisions"]
        steps = script._upgrade_revs("heads", current)
        if [s.revision.revision for s in steps[: len(wanted)]] != wanted:
            raise RuntimeError("the revisions to apply are not the next ones any more")
        yield from announced(steps[: len(wanted)])

    def downgrade(current, context):
        yield from announced(
            [
                MigrationStep.downgrade_from_script(script.revision_map, script.get_revision(r))
                for r in task["revisions"]
            ]
        )

    def announced(steps):
        for step in steps:
            if STOP.is_set():
                raise Stop()
            MIGRATIONS.begin(step.revision.revision)
            yield step
            MIGRATIONS.end()

    def stamp(current, context):
        return script._stamp_revs(task["revisions"][0], current)

    def look(current, context):
        """Which of the revisions do not stand in the book as they should by now."""
        pending = {s.revision.revision for s in script._upgrade_revs("heads", heads_of(current))}
        wanted = work is downgrade
        left.extend(r for r in task["revisions"] if (r in pending) != wanted)
        return []

    actions = {"discover": discover, "upgrade": upgrade, "downgrade": downgrade, "stamp": stamp}
    work = actions[task["action"]]
    options = {"dont_mutate": True} if task["action"] == "discover" else {}
    with EnvironmentContext(config, script, fn=work, **options):
        script.run_env()
    if task["action"] in ("upgrade", "downgrade"):
        # An env.py may catch an error and go on as if nothing had been.
        with EnvironmentContext(config, script, fn=look, dont_mutate=True):
            script.run_env()
        if left:
            why = MIGRATIONS.failure or "it does not say what went wrong"
            raise RuntimeError(
                f"env.py ended without an error, and yet {len(left)} of {len(task['revisions'])} "
                f"revisions are not {'applied' if work is upgrade else 'taken back'}: {why}"
            )


def heads_of(current):
    """What Alembic hands over as the database's revisions, which is one, several or none."""
    return tuple(current) if isinstance(current, (tuple, list)) else (current,) if current else ()


def run_in_flask(task):
    """Flask-Migrate's env.py asks the application for its database: load it as ``flask`` does."""
    from flask.cli import NoAppException, ScriptInfo, load_dotenv

    signs = ("wsgi.py", "app.py", ".flaskenv")
    home = next(
        (
            place
            for place in task["places"]
            if any(os.path.exists(os.path.join(place, s)) for s in signs)
        ),
        os.path.dirname(task["cwd"]),
    )
    os.chdir(home)
    sys.path.insert(0, home)
    load_dotenv()
    os.environ["FLASK_RUN_FROM_CLI"] = "true"  # what flask.cli tells the application
    refuse_upgrades_in_passing()
    if task["action"] == "discover":
        # Whoever only looks has nothing made, whatever the application does when it is loaded.
        task["on_connect"] += READ_ONLY.get(task["url"].partition(":")[0].partition("+")[0], [])
    try:
        application = ScriptInfo(app_import_path=os.environ.get("FLASK_APP")).load_app()
    except NoAppException as error:
        raise RuntimeError(
            "env.py asks the project's Flask application, which was not found: "
            f"name it as FLASK_APP under [environment] in dataroll.toml ({error.format_message()})"
        ) from None
    with application.app_context():
        run(task)


def refuse_upgrades_in_passing():
    """Some applications migrate their database when they are loaded: nobody would have approved it."""
    from alembic import command

    class InPassing(Exception):
        """No RuntimeError: Flask-Migrate makes an end of the process of those."""

    def refuse(*_, **__):
        raise InPassing(
            "the application migrates its database when it is loaded; switch that off where dataroll "
            "does it, by a variable of the application's under [environment] in dataroll.toml"
        )

    command.upgrade = command.downgrade = command.stamp = refuse


def main():
    task = json.loads(sys.stdin.readline())
    end_with_the_parent()
    MIGRATIONS.set_up(task)
    for name, value in task.get("environment", {}).items():
        os.environ[name] = value
    try:
        redirect_engines(task)
        watch_statements(task)
        try:
            run(task)
        except RuntimeError as error:
            if MIGRATIONS.current is not None:
                raise  # it was a revision's, and others may be applied
            if "outside of application context" in str(error):
                run_in_flask(task)
            elif "AnyIO worker thread" in str(error):
                # Some projects call Alembic from such a thread and their env.py relies on it.
                import anyio

                anyio.run(anyio.to_thread.run_sync, run, task)
            else:
                raise
        say("done")
    except Stop:
        say("stopped")
    except BaseException as error:
        original = getattr(error, "orig", None) or error
        frames = [
            {"file": frame.filename, "line": frame.lineno}
            for frame in traceback.extract_tb(error.__traceback__)
            if "site-packages" not in frame.filename and frame.filename != __file__
        ]
        say(
            "error",
            type=type(original).__name__,
            message=str(original)[:4000],
            code=getattr(original, "sqlstate", None) or getattr(original, "pgcode", None) or "",
            frames=frames[-3:],
            import_error=isinstance(error, ImportError),
        )
    finally:
        FINISHED.set()
        OUT.flush()


main()
