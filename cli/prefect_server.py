"""Prefect's server, its garbage collected beside its event loop: ``python -m cli.prefect_server server start``.

On SQLite each of Prefect's connections has a thread of its own, and a statement that waits for the
write lock (up to a minute) holds its connection's mutex. Python's collector runs wherever it
happens to be due, mostly in the event loop's thread; a cursor that it drops there waits for that
mutex, with the loop. The transaction that has the write lock then cannot go on, because
the loop would have to commit it: everything stands still until the statement gives up. Under load
that happened every few minutes. In a thread of its own the collector may wait as long as it likes.
"""

from __future__ import annotations

import gc
import runpy
import sys
import threading
import time

YOUNG = 1.0
"""Seconds between two looks at what is new."""
ALL_AFTER = 60
"""Every so many looks, everything is looked at."""


def main() -> None:
    collect_beside()
    sys.argv = ["prefect", *sys.argv[1:]]
    runpy.run_module("prefect", run_name="__main__")


def collect_beside() -> None:
    """From here on nothing but a thread of its own collects garbage."""
    gc.disable()
    threading.Thread(target=_collect, name="garbage", daemon=True).start()


def _collect() -> None:
    looks = 0
    while True:
        time.sleep(YOUNG)
        looks += 1
        gc.collect(2 if looks % ALL_AFTER == 0 else 1)


if __name__ == "__main__":
    main()
