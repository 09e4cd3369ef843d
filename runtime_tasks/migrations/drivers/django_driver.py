"""Runs Django's migrations as the project would, and reports each as lines of JSON.

Started with the project's interpreter, like ``alembic_driver.py`` beside it; reads one JSON object
from standard input: ``{"action": "discover" | "upgrade" | "downgrade", "cwd", "settings",
"database": {…}, "migrations": [[app, name], …]}``.
"""

import json
import os
import re
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


def set_up(task):
    os.chdir(task["cwd"])
    sys.path.insert(0, task["cwd"])
    if task["settings"]:
        os.environ["DJANGO_SETTINGS_MODULE"] = task["settings"]
    try:
        import MySQLdb  # noqa: F401
    except ImportError:
        try:
            import pymysql

            pymysql.version_info = (2, 2, 7, "final", 0)
            pymysql.install_as_MySQLdb()
        except ImportError:
            pass
    import django
    from django.conf import settings

    own = dict(settings.DATABASES.get("default", {}))
    wanted = dict(task["database"])
    # The project's own options stay where its engine fits; which database is the connection's.
    engine = own.get("ENGINE", "")
    if engine.rpartition(".")[2] in ENGINES[wanted["ENGINE"]]:
        options = {**own.get("OPTIONS", {}), **wanted.get("OPTIONS", {})}
        wanted = {**own, **wanted, "ENGINE": engine, "OPTIONS": options}
    settings.DATABASES = {"default": wanted}
    settings.DATABASE_ROUTERS = []
    django.setup()


ENGINES = {
    "django.db.backends.sqlite3": ("sqlite3", "spatialite"),
    "django.db.backends.postgresql": ("postgresql", "postgis", "postgresql_psycopg2"),
    "django.db.backends.mysql": ("mysql",),
}


def describe(loader, key, checksum=True):
    migration = loader.disk_migrations.get(key)
    module = sys.modules.get(migration.__module__) if migration else None
    path = getattr(module, "__file__", None)
    digest = None
    if path:
        from hashlib import sha256

        with open(path, "rb") as file:
            digest = sha256(file.read()).hexdigest()
    return {"app": key[0], "name": key[1], "file": path, "checksum": digest}


def run(task):
    set_up(task)
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    if connection.vendor != "sqlite":
        connection.ensure_connection()
        for sql in task.get("on_connect") or []:
            with connection.cursor() as cursor:
                cursor.execute(sql)

    def progress(action, migration=None, fake=False):
        if action in ("apply_start", "unapply_start"):
            if STOP.is_set():
                raise Stop()
            MIGRATIONS.begin(f"{migration.app_label}.{migration.name}")
        elif action in ("apply_success", "unapply_success"):
            MIGRATIONS.end()

    executor = MigrationExecutor(connection, progress)
    loader = executor.loader
    executor.loader.check_consistent_history(connection)
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    if task["action"] == "discover":
        conflicts = loader.detect_conflicts()
        pending = [describe(loader, (m.app_label, m.name)) for m, _ in plan]
        # In the order of the graph, because a squashed migration's row is written last of all.
        everything = executor.migration_plan(loader.graph.leaf_nodes(), clean_start=True)
        rows = [(m.app_label, m.name) for m, _ in everything]
        rows = [key for key in rows if key in loader.applied_migrations]
        rows += [k for k in loader.applied_migrations if k not in loader.disk_migrations]
        applied = [describe(loader, key) for key in rows]
        say(
            "history",
            pending=pending,
            applied=applied,
            missing=[list(k) for k in loader.applied_migrations if k not in loader.disk_migrations],
            conflicts={app: sorted(names) for app, names in conflicts.items()},
        )
        return

    def watch(execute, sql, params, many, context):
        if MIGRATIONS.covers(str(sql)):
            return None
        started = time.perf_counter()
        try:
            result = execute(sql, params, many, context)
        except Exception:
            say("failed-statement", sql=str(sql)[:LONGEST])
            raise
        rows = context["cursor"].rowcount
        writes = re.match(r"\s*(INSERT|UPDATE|DELETE)", str(sql), re.I)
        say(
            "statement",
            sql=str(sql)[:LONGEST],
            ms=(time.perf_counter() - started) * 1000,
            rows=rows if writes and rows >= 0 else None,
            autocommit=not connection.in_atomic_block,
        )
        return result

    wanted = [tuple(key) for key in task["migrations"]]
    if task["action"] == "stamp":
        executor.recorder.record_applied(*wanted[0])
        return
    with connection.execute_wrapper(watch):
        if task["action"] == "upgrade":
            steps = plan[: len(wanted)]
            if [(m.app_label, m.name) for m, _ in steps] != wanted:
                raise RuntimeError("the migrations to apply are not the next ones any more")
            from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal

            state = executor._create_project_state(with_applied_migrations=True)
            emit_pre_migrate_signal(
                0, False, "default", stdout=sys.stdout, apps=state.apps, plan=steps
            )
            after = executor.migrate(None, plan=steps, state=state.clone())
            after.clear_delayed_apps_cache()
            emit_post_migrate_signal(
                0, False, "default", stdout=sys.stdout, apps=after.apps, plan=steps
            )
        else:
            for key in wanted:
                executor.loader.build_graph()
                parents = [
                    k for k in executor.loader.graph.node_map[key].parents if k.key[0] == key[0]
                ]
                target = (key[0], parents[0].key[1]) if parents else (key[0], None)
                back = executor.migration_plan([target])
                extra = [
                    f"{m.app_label}.{m.name}"
                    for m, _ in back
                    if (m.app_label, m.name) not in wanted
                ]
                if extra:
                    raise RuntimeError(
                        f"taking back {key[0]}.{key[1]} would take back {', '.join(extra)} too"
                    )
                executor.migrate([target], plan=back)


def main():
    task = json.loads(sys.stdin.readline())
    end_with_the_parent()
    MIGRATIONS.set_up(task)
    os.environ.update(task.get("environment", {}))
    try:
        run(task)
        say("done")
    except Stop:
        say("stopped")
    except BaseException as error:
        original = error.__cause__ or error
        frames = [
            {"file": frame.filename, "line": frame.lineno}
            for frame in traceback.extract_tb(error.__traceback__)
            if "site-packages" not in frame.filename and frame.filename != __file__
        ]
        say(
            "error",
            type=type(error).__name__,
            message=str(error)[:4000],
            code=getattr(original, "sqlstate", None) or getattr(original, "pgcode", None) or "",
            frames=frames[-3:],
            import_error=isinstance(error, ImportError),
            irreversible=type(error).__name__ == "IrreversibleError",
        )
    finally:
        FINISHED.set()
        OUT.flush()


main()
