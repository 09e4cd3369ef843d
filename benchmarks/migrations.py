"""Dry-run time beside execute time: ``python benchmarks/migrations.py --url URL [--files 200]``.

Makes a throw-away folder of plain SQL migrations, or takes ``--path``; the database must be
empty. Discovery, dry run, execution and rollback are timed once each, in one process; the ratio
is what counts, for the wall clock depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from runtime_tasks.connections import Connection, MigrationSource
from runtime_tasks.errors import StepError
from runtime_tasks.migrations.execute import execute
from runtime_tasks.migrations.rehearse import rehearse
from runtime_tasks.migrations.session import visit
from runtime_tasks.migrations.undo import undo


def made(folder: Path, files: int) -> Path:
    for n in range(1, files + 1):
        up = f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, name VARCHAR(40));\n"
        up += "".join(f"INSERT INTO t{n} VALUES ({i}, 'row {i}');\n" for i in range(5))
        up += f"ALTER TABLE t{n} ADD COLUMN more INTEGER;\nCREATE INDEX i{n} ON t{n} (name);\n"
        (folder / f"{n:04}_t.sql").write_text(up)
        (folder / f"{n:04}_t.down.sql").write_text(f"DROP TABLE t{n};\n")
    return folder


def timed(what: Callable[[], object]) -> float:
    started = perf_counter()
    what()
    return perf_counter() - started


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--url", required=True)
    options.add_argument("--path", type=Path)
    options.add_argument("--files", type=int, default=200)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.path or made(Path(scratch), chosen.files)
        source = MigrationSource(path=str(folder))
        connection = Connection("bench", "bench", chosen.url, migrations=source)
        with visit(connection, execution="benchmark") as session:
            pending = len(session.history().pending)
            trial = rehearse(session)
            print(f"{session.engine}: {pending} files, {len(trial.statements)} statements")
            print(f"  dry run by {trial.method}; way back rehearsed: {trial.rollback_rehearsed}")
            times = {
                "discover": timed(session.history),
                "dry run": timed(lambda: rehearse(session)),
            }
            times["execute"] = timed(lambda: execute(session))
            try:
                times["rollback"] = timed(lambda: undo(session))
            except StepError as error:
                print(f"  rollback: {error}")
            for name, seconds in times.items():
                ratio = seconds / times["execute"]
                print(f"  {name:9} {seconds:8.3f} s  {ratio:5.2f} × execute")


if __name__ == "__main__":
    main()
