"""Prefect's server, made to bear a crowd on SQLite: ``python -m cli.prefect_server server start``.

**Its garbage is collected beside its event loop.** On SQLite each of Prefect's connections has a
thread of its own, and a statement that waits for the write lock (up to a minute) holds its
connection's mutex. Python's collector runs wherever it happens to be due, mostly in the event
loop's thread; a cursor that it drops there waits for that mutex, with the loop. The transaction
that has the write lock then cannot go on, because the loop would have to commit it: everything
stands still until the statement gives up. Under load that happened every few minutes. In a thread
of its own the collector may wait as long as it likes.

**Its transactions begin as writers.** Where Prefect reads first and writes then, SQLite refuses the
write at once if anybody else has written in between, and no busy timeout helps; in a crowd somebody
always has, and a worker that had asked six times gave the run up for crashed.
"""

from __future__ import annotations

import gc
import runpy
import sys
import threading
import time
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

YOUNG = 1.0
"""Seconds between two looks at what is new."""
ALL_AFTER = 60
"""Every so many looks, everything is looked at, but for what is there since the start."""
STARTED = 30
"""The look after which what is there stays for good: modules, models, routes. To walk through all of
that takes half a second of work, in which nothing else runs."""


def main() -> None:
    collect_beside()
    begin_as_writers()
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
        gc.collect(2 if looks % ALL_AFTER == 0 or looks == STARTED else 1)
        if looks == STARTED:
            gc.freeze()


def begin_as_writers() -> None:
    """Let every transaction that may write take the write lock first, as some do already."""
    from prefect.server.database.configurations import AioSqliteConfiguration

    begin = AioSqliteConfiguration.begin_transaction

    def begin_transaction(
        self: AioSqliteConfiguration, session: AsyncSession, with_for_update: bool = True
    ) -> AbstractAsyncContextManager[AsyncSessionTransaction]:
        return begin(self, session, with_for_update=True)

    AioSqliteConfiguration.begin_transaction = begin_transaction  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    main()
