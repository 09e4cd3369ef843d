"""What ``cli.prefect_server`` does for Prefect on SQLite, and what happens without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """\
import sqlite3, sys, threading, time
from cli.prefect_server import collect_beside

def connect():
    made = sqlite3.connect(sys.argv[1], isolation_level=None, check_same_thread=False)
    made.execute("PRAGMA journal_mode = WAL")
    made.execute("PRAGMA busy_timeout = 4000")
    return made

class Holder: pass

def garbage(connection):
    holder = Holder()
    holder.cursor = connection.execute("SELECT 1 UNION ALL SELECT 2")
    holder.itself = holder

writer, waiter = connect(), connect()
if sys.argv[2] == "beside":
    collect_beside()
garbage(waiter)
writer.execute("BEGIN IMMEDIATE")

def wait():
    try:
        waiter.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        print("gave up")
    else:
        print("went on")

waiting = threading.Thread(target=wait)
waiting.start()
time.sleep(0.3)
end = time.monotonic() + 2
kept = []
while time.monotonic() < end:  # what the event loop does meanwhile: it makes things
    kept.append([[] for _ in range(1000)])
    time.sleep(0.01)
writer.execute("COMMIT")
waiting.join()
"""


@pytest.mark.parametrize(("collected", "waiter"), [("as usual", "gave up"), ("beside", "went on")])
def test_what_holds_the_write_lock_goes_on_while_garbage_is_collected(
    tmp_path: Path, collected: str, waiter: str
) -> None:
    """As usual the thread that should commit waits for the one that waits for the commit."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "x.db"), collected],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.strip(), done.stderr) == (waiter, "")


TWO_SESSIONS = """\
import asyncio, sys
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from prefect.server.database.configurations import AioSqliteConfiguration
from cli.prefect_server import begin_as_writers

async def main():
    if sys.argv[2] == "as writers":
        begin_as_writers()
    database = AioSqliteConfiguration("sqlite+aiosqlite:///" + sys.argv[1])
    engine = await database.engine()
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE runs (labels INTEGER)"))
        await connection.execute(text("INSERT INTO runs VALUES (0)"))
    read, go_on = asyncio.Event(), asyncio.Event()

    async def add(first):
        async with await database.session(engine) as session, database.begin_transaction(session):
            found = (await session.execute(text("SELECT labels FROM runs"))).scalar_one()
            if first:
                read.set()
                await asyncio.wait([asyncio.create_task(go_on.wait())], timeout=1)
            await session.execute(text("UPDATE runs SET labels = :n"), {"n": found + 1})

    async def second():
        await read.wait()
        await add(False)
        go_on.set()

    done = await asyncio.gather(add(True), second(), return_exceptions=True)
    print([type(each).__name__ for each in done if each is not None])
    await engine.dispose()

asyncio.run(main())
"""


@pytest.mark.parametrize(("begun", "refused"), [("as usual", 1), ("as writers", 0)])
def test_who_reads_and_then_writes_is_not_refused(tmp_path: Path, begun: str, refused: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWO_SESSIONS, str(tmp_path / "x.db"), begun],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == str(["OperationalError"] * refused), done.stderr
