"""Why Prefect's garbage is collected in a thread of its own: a dropped cursor waits for its connection."""

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
