"""How a driver talks with the worker that started it: lines of JSON out, single words in.

Imported by the drivers beside it, in the project's interpreter: only the standard library.
"""

import json
import os
import re
import sys
import threading

OUT = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
os.dup2(2, 1)  # whatever the project prints goes to standard error, not between our lines

STOP, GO, FINISHED = threading.Event(), threading.Event(), threading.Event()

LONGEST = 20000
"""Characters of a statement that are told."""

LOOKS = re.compile(r"\s*(SELECT|SHOW|PRAGMA|EXPLAIN|SAVEPOINT|RELEASE)\b", re.I)
DDL = re.compile(r"\s*(CREATE|ALTER|DROP|RENAME|TRUNCATE)\b", re.I)


class Stop(BaseException):
    """The parent wants no further migration."""


def say(event, **fields):
    """Nothing after the last word: what a project closes on its way out is no part of the work."""
    if FINISHED.is_set():
        return
    OUT.write(json.dumps({"event": event, **fields}, default=str) + "\n")
    OUT.flush()


def end_with_the_parent():
    """Our standard input closes when the worker dies, however it dies; then we end too."""

    def wait():
        for line in sys.stdin:
            {"stop": STOP, "go": GO}[line.strip()].set()
        if not FINISHED.is_set():
            os._exit(70)

    threading.Thread(target=wait, daemon=True).start()


class Migrations:
    """Where we stand, for a database on which half a migration can stay."""

    def __init__(self):
        self.asks = False
        self.skip = {}
        self.there = []
        """Statements of the current migration that an earlier run has applied."""
        self.current = None
        self.failure = ""
        """What the database last refused, for a project that keeps it to itself."""

    def set_up(self, task):
        self.asks, self.skip = bool(task.get("ask")), task.get("skip") or {}

    def begin(self, identifier):
        self.current, self.there = identifier, list(self.skip.get(identifier, ()))
        say("revision-started", id=identifier)
        self.wait()

    def end(self):
        say("revision-done", id=self.current)
        self.current = None

    def wait(self):
        """The parent first notes what the schema is like."""
        if self.asks:
            GO.wait()
            GO.clear()

    def covers(self, sql):
        """Whether the statement is to be left out; else, say that it begins."""
        if self.current is None or LOOKS.match(sql):
            return False
        if self.there:
            if sql[: len(self.there[0])] != self.there[0]:
                raise RuntimeError("the part of it that is applied was edited since")
            self.there.pop(0)
            return True
        if self.asks and DDL.match(sql):
            say("statement-starting", sql=sql[:LONGEST])
            self.wait()
        return False


MIGRATIONS = Migrations()
